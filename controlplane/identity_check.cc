#include "controlplane/identity_check.h"

namespace weir::controlplane {

std::string_view to_string(IdentityCheck check) {
  switch (check) {
    case IdentityCheck::kNone:
      return "";
    case IdentityCheck::kSyntax:
      return "syntax";
    case IdentityCheck::kExtension:
      return "extension";
    case IdentityCheck::kAlgorithm:
      return "algorithm";
    case IdentityCheck::kCaller:
      return "caller";
    case IdentityCheck::kCalled:
      return "called";
    case IdentityCheck::kFreshness:
      return "freshness";
    case IdentityCheck::kInfo:
      return "info";
    case IdentityCheck::kCertificate:
      return "certificate";
    case IdentityCheck::kSignature:
      return "signature";
    case IdentityCheck::kAuthority:
      return "authority";
    case IdentityCheck::kMediaKeys:
      return "media-keys";
    case IdentityCheck::kReplay:
      return "replay";
  }
  return "";
}

IdentityResponse response_to(IdentityCheck failed) {
  switch (failed) {
    case IdentityCheck::kNone:
      return {};
    case IdentityCheck::kExtension:
      return {428, "Use Supported PASSporT Format"};
    case IdentityCheck::kFreshness:
      return {403, "Stale Date"};
    case IdentityCheck::kInfo:
      return {436, "Bad Identity Info"};
    case IdentityCheck::kCertificate:
    case IdentityCheck::kAuthority:
      return {437, "Unsupported Credential"};
    case IdentityCheck::kSyntax:
    case IdentityCheck::kAlgorithm:
    case IdentityCheck::kCaller:
    case IdentityCheck::kCalled:
    case IdentityCheck::kSignature:
    case IdentityCheck::kMediaKeys:
    case IdentityCheck::kReplay:
      break;
  }
  return {438, "Invalid Identity Header"};
}

}  // namespace weir::controlplane
