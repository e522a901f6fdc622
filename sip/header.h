// Header names, and how a header's value splits into its list. RFC 3261 sections 7.3 and 20; compact forms 7.3.3 and
// the IANA registry.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace weir::sip {

/// The headers Weir knows by name. kUnknown keeps its name as text.
enum class HeaderId : std::uint8_t {
  kUnknown = 0,
  kAccept,
  kAcceptContact,
  kAcceptEncoding,
  kAcceptLanguage,
  kAlertInfo,
  kAllow,
  kAllowEvents,
  kAuthenticationInfo,
  kAuthorization,
  kCallId,
  kCallInfo,
  kContact,
  kContentDisposition,
  kContentEncoding,
  kContentLanguage,
  kContentLength,
  kContentType,
  kCSeq,
  kDate,
  kDiversion,
  kErrorInfo,
  kEvent,
  kExpires,
  kFrom,
  kHistoryInfo,
  kIdentity,
  kIdentityInfo,
  kInfoPackage,
  kInReplyTo,
  kJoin,
  kMaxForwards,
  kMimeVersion,
  kMinExpires,
  kMinSe,
  kOrganization,
  kPAccessNetworkInfo,
  kPAssertedIdentity,
  kPath,
  kPChargingVector,
  kPPreferredIdentity,
  kPriority,
  kPrivacy,
  kProxyAuthenticate,
  kProxyAuthorization,
  kProxyRequire,
  kRAck,
  kReason,
  kRecordRoute,
  kRecvInfo,
  kReferredBy,
  kReferSub,
  kReferTo,
  kRejectContact,
  kRemotePartyId,
  kReplaces,
  kReplyTo,
  kRequestDisposition,
  kRequire,
  kRetryAfter,
  kRoute,
  kRSeq,
  kServer,
  kServiceRoute,
  kSessionExpires,
  kSipEtag,
  kSipIfMatch,
  kSubject,
  kSubscriptionState,
  kSupported,
  kTargetDialog,
  kTimestamp,
  kTo,
  kUnsupported,
  kUserAgent,
  kVia,
  kWarning,
  kWwwAuthenticate,
};
inline constexpr std::size_t kHeaderIdCount = 78;

/// The header of that name, long or compact, without case. kUnknown for all others.
HeaderId header_by_name(std::string_view name);

/// "Call-ID" and so on; "" for kUnknown.
std::string_view to_string(HeaderId id);

/// True for headers of which a message has at most one: a second one is a malformed message (section 7.3.1).
bool is_single(HeaderId id);

/// Walks a comma-separated value: commas inside quotes and angle brackets do not split (section 7.3.1).
class ListWalk {
 public:
  explicit ListWalk(std::string_view value) : rest_(value) {}
  /// The next element, trimmed; false at the end. Empty elements are skipped.
  bool next(std::string_view& element);

 private:
  std::string_view rest_;
};

/// The elements of a comma-separated value, trimmed. The views point into `value`.
std::vector<std::string_view> split_list(std::string_view value);

}  // namespace weir::sip
