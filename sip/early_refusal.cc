#include "sip/early_refusal.h"

#include "sip/cseq.h"
#include "sip/head.h"
#include "sip/header.h"
#include "sip/limits.h"
#include "sip/name_addr.h"
#include "sip/scan.h"

namespace weir::sip {
namespace {

constexpr std::string_view kMethod = "INVITE ";
constexpr std::string_view kVersion = " SIP/2.0";

/// The head's headers; false at whatever is not in its usual form.
class Glance {
 public:
  bool take(const HeadLine& line) {
    if (line.name.empty()) return false;
    switch (header_by_name(line.name)) {
      case HeaderId::kVia:
        return !line.folded && take_via(line.value);
      case HeaderId::kFrom:
        return !line.folded && take_one(line.value, invite_.from);
      case HeaderId::kTo:
        return !line.folded && take_one(line.value, invite_.to);
      case HeaderId::kCallId:
        return !line.folded && take_one(line.value, invite_.call_id);
      case HeaderId::kCSeq:
        return !line.folded && take_one(line.value, invite_.cseq);
      default:
        return true;
    }
  }

  std::optional<EarlyInvite> result() {
    const std::optional<CSeq> cseq = parse_cseq(invite_.cseq);
    scan::Scanner call_id(invite_.call_id);
    const bool usual = has_via_ && !scan::call_id(call_id).empty() && call_id.done() && cseq &&
                       cseq->method == Method::kInvite && is_from_or_to(invite_.from) &&
                       is_from_or_to(std::string(invite_.to) + ";tag=ours");
    if (!usual || !tag_of(invite_.to).empty()) return std::nullopt;
    return std::move(invite_);
  }

 private:
  bool take_via(std::string_view value) {
    if (invite_.vias.size() + 1 >= kViasMax) return false;
    if (has_via_) {
      if (!is_via(value)) return false;
      invite_.vias.push_back(value);
      return true;
    }
    std::optional<Via> top = parse_via(value);                             // several on one line are none
    const bool has_room = top && top->parameters.size() < kParametersMax;  // for `received`
    if (!has_room || !top->has_branch_cookie()) return false;
    invite_.via = *std::move(top);
    return has_via_ = true;
  }

  static bool take_one(std::string_view value, std::string_view& into) {
    if (!into.empty() || value.empty()) return false;
    into = value;
    return true;
  }

  EarlyInvite invite_;
  bool has_via_ = false;
};

void append_line(std::string& out, HeaderId id, std::string_view value, std::string_view more = {}) {
  out.append(to_string(id)).append(": ").append(value).append(more).append("\r\n");
}

}  // namespace

std::optional<EarlyInvite> glance_at_invite(std::string_view datagram) {
  if (!datagram.starts_with(kMethod) || datagram.size() > kMessageBytesMax) return std::nullopt;
  HeadWalk walk(datagram);
  std::string_view start_line;
  if (!walk.next_plain(start_line) || !walk.fault().empty() || !start_line.ends_with(kVersion)) return std::nullopt;
  Glance glance;
  for (HeadLine line; walk.next(line);) {
    if (!walk.fault().empty() || !glance.take(line)) return std::nullopt;
  }
  return walk.ended() ? glance.result() : std::nullopt;
}

Hop refusal_hop(const EarlyInvite& invite, const Hop& source) {
  Hop hop = source;
  if (!invite.via.wants_rport()) hop.remote.port = sent_by_port(invite.via);
  return hop;
}

std::string write_refusal(EarlyInvite invite, const Hop& source, std::string_view tag) {
  invite.via.set_source(proto::to_string(source.remote.address), source.remote.port);
  std::string out = "SIP/2.0 503 Service Unavailable\r\n";
  append_line(out, HeaderId::kVia, write(invite.via));
  for (const std::string_view via : invite.vias) append_line(out, HeaderId::kVia, via);
  append_line(out, HeaderId::kFrom, invite.from);
  append_line(out, HeaderId::kTo, invite.to, ";tag=" + std::string(tag));
  append_line(out, HeaderId::kCallId, invite.call_id);
  append_line(out, HeaderId::kCSeq, invite.cseq);
  append_line(out, HeaderId::kRetryAfter, kRetryAfterSeconds);
  append_line(out, HeaderId::kContentLength, "0");
  return out += "\r\n";
}

}  // namespace weir::sip
