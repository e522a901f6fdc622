// A whole picture is asked for. Parties do it by RTCP (RFC 4585 section 6.3.1, RFC 5104 section 4.3.1) or by INFO (RFC
// 5168); where the two of a call do not know the same way, the one is made of the other here. PLI and FIR are made of
// each other in weir-media.
#include <algorithm>
#include <array>

#include "controlplane/call.h"
#include "sip/media_control.h"
#include "sip/text.h"

namespace weir::controlplane {

using sip::HeaderId;
using sip::Message;
using sip::Method;

namespace {

/// Encoders take no more of them, and who asks with each packet shall gain nothing. Not less than FIR's sequence
/// numbers take for a step (dataplane/feedback.cc), or the next one would be a repetition.
constexpr std::uint64_t kPictureEveryNs = std::uint64_t{1} << 30;

bool is_due(std::uint64_t last_ns, std::uint64_t now_ns) {
  return last_ns == 0 || now_ns - last_ns >= kPictureEveryNs;
}

/// The peer has no use for such INFOs: 405, 415, 469 (RFC 6086 section 4.2.2), 501, whatever does not pass.
bool refuses_for_good(std::uint16_t status) {
  constexpr std::array<std::uint16_t, 7> kPasses{408, 480, 481, 491, 500, 503, 504};
  return status >= 300 && std::find(kPasses.begin(), kPasses.end(), status) == kPasses.end();
}

/// Beside the section that carries there is one that rides on it. A look at this costs nothing.
bool may_have_video(const PackedAgreement& agreement) {
  const auto& sections = agreement.sections();
  return std::count_if(sections.begin(), sections.end(), [](const auto& one) { return one.active; }) > 1;
}

std::vector<const sip::MediaSection*> videos_of(const sip::Agreement& agreement) {
  std::vector<const sip::MediaSection*> videos;
  for (std::size_t i = 0; i < agreement.sections.size() && i < agreement.remote.media.size(); ++i) {
    const sip::MediaSection& section = agreement.remote.media[i];
    if (agreement.sections[i].active && section.media == "video") videos.push_back(&section);
  }
  return videos;
}

/// The SSRCs that a party has named for its video (RFC 5576 section 4.1), each once, as many as one request takes.
std::vector<std::uint32_t> video_sources(const sip::Agreement& agreement) {
  std::vector<std::uint32_t> sources;
  for (const sip::MediaSection* video : videos_of(agreement)) {
    for (std::string_view value : sip::attribute_values(video->attributes, "ssrc")) {
      const auto ssrc = sip::parse_number<std::uint32_t>(sip::take_word(value));
      if (!ssrc || std::find(sources.begin(), sources.end(), *ssrc) != sources.end()) continue;
      sources.push_back(*ssrc);
      if (sources.size() == proto::kPictureSourcesMax) return sources;
    }
  }
  return sources;
}

}  // namespace

void Call::on_media_control(Leg& from, sip::TransactionId id, const Message& request) {
  const auto read = sip::read_media_control(request.body());
  if (const auto* refusal = std::get_if<sip::MediaControlRefusal>(&read)) {
    Message response = from.make_response(request, 400, "");
    response.add_header(HeaderId::kReason, reason_header(400, "media control: " + std::string(refusal->reason)));
    return respond(from, id, response);
  }
  Leg* const to = far(from);
  switch (std::get<sip::MediaControl>(read)) {
    case sip::MediaControl::kPictureFastUpdate:
      if (ending_ || !is_party(to) || !media_ || !media_->takes_picture_requests(to->side())) break;
      respond(from, id, from.make_response(request, 200, "OK"));
      return ask_by_rtcp(*to);
    case sip::MediaControl::kGeneralError:
      if (!from.pictures || from.pictures->info_ns == 0) break;
      // Section 6: of what was asked here, and it shall not be asked again in this dialog.
      from.pictures->refuses_info = true;
      return respond(from, id, from.make_response(request, 200, "OK"));
    case sip::MediaControl::kOther:
      break;
  }
  relay(from, id, request);
}

void Call::ask_by_rtcp(Leg& to) {
  if (!to.pictures) to.pictures.emplace();
  if (!to.agreement || !is_due(to.pictures->rtcp_ns, now())) return;
  to.pictures->rtcp_ns = now();
  const bool was_packed = to.agreement.is_packed();
  media_->ask_for_picture(to.side(), video_sources(*to.agreement));
  if (was_packed) to.agreement.pack();
}

/// The party of that side asks by RTCP, and the other one knows no such request.
void Call::ask_far_party_by_info(Side side) {
  Leg* const from = leg(side).get();
  Leg* const to = from != nullptr ? far(*from) : nullptr;
  if (ending_ || !is_party(to) || to->state != LegState::kConfirmed || !may_have_video(to->agreement)) return;
  if (!to->pictures) to->pictures.emplace();
  PictureRequests& pictures = *to->pictures;
  if (pictures.refuses_info || pictures.info.valid() || !is_due(pictures.info_ns, now())) return;
  const bool was_packed = to->agreement.is_packed();
  const bool has_video = !videos_of(*to->agreement).empty();
  if (was_packed) to->agreement.pack();
  if (has_video) ask_by_info(*to, pictures);
}

void Call::ask_by_info(Leg& to, PictureRequests& pictures) {
  Message info = to.dialog->make_request(Method::kInfo, to.make_via(context_.tokens));
  info.set_body(sip::kPictureFastUpdate, sip::kMediaControlType);
  const std::optional<sip::TransactionId> sent = request(to, std::move(info));
  changed();  // the dialog's CSeq
  if (!sent) return;
  pictures.info = *sent;
  pictures.info_ns = now();
  told_.push_back(*sent);
}

/// `status`: 408 and 503 where there was no answer.
void Call::on_picture_answer(sip::TransactionId id, std::uint16_t status) {
  for (Leg* const one : legs()) {
    if (!one->pictures || one->pictures->info != id) continue;
    one->pictures->info = {};
    one->pictures->refuses_info = one->pictures->refuses_info || refuses_for_good(status);
    if (status == 481 && !ending_ && is_party(one)) return end({481, "the party knows the call no more"});
  }
}

}  // namespace weir::controlplane
