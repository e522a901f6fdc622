// INFO in a call: its packages go on to the far party, but for trickle-ice, which is about this leg's own way, and for
// requests for pictures, which have none (RFC 6086 section 9).
// RFC 6086, RFC 8840.
#include <algorithm>

#include "controlplane/call.h"
#include "controlplane/trickle.h"
#include "sip/bundle.h"
#include "sip/content_type.h"
#include "sip/ice_fragment.h"
#include "sip/info_package.h"
#include "sip/media_control.h"
#include "sip/text.h"

namespace weir::controlplane {

using sip::HeaderId;
using sip::Message;

namespace {

bool is_trickle(const Message& info) {
  const auto text = info.header(HeaderId::kInfoPackage);
  const std::optional<sip::InfoPackage> package = text ? sip::parse_info_package(*text) : std::nullopt;
  return package && sip::equals_without_case(package->name, sip::kTrickleIce);
}

bool has_fragment(const Message& info) {
  const auto text = info.header(HeaderId::kContentType);
  const std::optional<sip::ContentType> type = text ? sip::parse_content_type(*text) : std::nullopt;
  return type && type->is(sip::kIceFragmentType);
}

/// Of several sections the one that is carried: by its tag, or where there are none by its place.
const sip::IceFragment* fragment_of(const std::vector<sip::IceFragment>& fragments,
                                    const sip::SessionDescription& remote, std::size_t section) {
  const std::string_view mid = section < remote.media.size() ? sip::mid_of(remote.media[section]) : std::string_view();
  const auto named = std::find_if(fragments.begin(), fragments.end(),
                                  [mid](const sip::IceFragment& one) { return !mid.empty() && one.mid == mid; });
  if (named != fragments.end()) return &*named;
  return section < fragments.size() && fragments[section].mid.empty() ? &fragments[section] : nullptr;
}

}  // namespace

void say_trickle(bool ice, Message& message) {
  if (!ice) return;
  message.add_header(HeaderId::kRecvInfo, sip::kTrickleIce);
  message.add_header(HeaderId::kSupported, sip::kTrickleIce);
}

void Call::on_info(Leg& from, sip::TransactionId id, const Message& request) {
  if (request.content_is(sip::kMediaControlType) && !request.has(HeaderId::kInfoPackage)) {
    return on_media_control(from, id, request);
  }
  if (!is_trickle(request)) return relay(from, id, request);
  const sip::LocalSession& offered = from.side() == Side::kCallee ? callee_session_ : from.session;
  if (!(from.agreement ? from.session : offered).security.ice) {
    Message response = from.make_response(request, 469, "");
    response.add_header(HeaderId::kRecvInfo, "");
    return respond(from, id, response);
  }
  if (!has_fragment(request)) {
    Message response = from.make_response(request, 415, "");
    response.add_header(HeaderId::kAccept, sip::kIceFragmentType);
    return respond(from, id, response);
  }
  const auto read = sip::read_ice_fragment(request.body());
  if (const auto* refusal = std::get_if<sip::SdpRefusal>(&read)) {
    Message response = from.make_response(request, refusal->status, "");
    response.add_header(HeaderId::kReason, reason_header(refusal->status, refusal->reason));
    return respond(from, id, response);
  }
  respond(from, id, from.make_response(request, 200, "OK"));
  take_candidates(from, std::get<std::vector<sip::IceFragment>>(read));
}

/// Those of credentials that are not in force belong to a generation that is over, or to nobody: they are passed over.
void Call::take_candidates(const Leg& from, const std::vector<sip::IceFragment>& fragments) {
  const bool waits = !from.agreement && &from == caller_.get() && offer_;
  if (!from.agreement && !waits) return;
  const sip::SessionDescription& remote = from.agreement ? from.agreement->remote : offer_->description;
  const sip::IceFragment* const fragment = fragment_of(fragments, remote, section_);
  if (fragment == nullptr) return;
  if (waits) {
    if (offer_->sections[section_].ice) (void)sip::add_trickled(*offer_->sections[section_].ice, fragment->ice);
  } else if (media_ && (is_party(&from) || is_early(from.dialog->id()))) {
    media_->add_candidates(from.side(), fragment->ice, now());
  }
}

}  // namespace weir::controlplane
