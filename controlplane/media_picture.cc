// Requests for whole pictures to the party of one leg: by which flow they leave, and whose pictures are meant.
#include "controlplane/media.h"
#include "controlplane/media_engine.h"

namespace weir::controlplane {
namespace {

/// RFC 4585 section 6.1 wants a sender, and there need not be one: nothing has come yet that goes the same way.
constexpr std::uint32_t kNoSender = 1;

void add(std::uint32_t ssrc, proto::PictureRequest& request) {
  if (request.sources < proto::kPictureSourcesMax) request.source[request.sources++] = ssrc;
}

}  // namespace

bool Media::takes_picture_requests(Side side) const {
  constexpr unsigned kEither = proto::kFeedbackPli | proto::kFeedbackFir;
  return leg(side).remote_known() && (leg(side).terms().understands & kEither) != 0;
}

/// What arrived with RTP on the flow from that side's party; null: there is no such flow.
const proto::FlowStatus* Media::heard_from(Side side) const {
  const auto flow = leg(side).port(Component::kRtp).flow();
  return flow ? engine_.client().status(*flow) : nullptr;
}

void Media::ask_for_picture(Side side, std::span<const std::uint32_t> named) {
  const Side other = opposite(side);
  if (state_ != State::kFlowing || !leg(other).remote_known()) return;
  const auto flow = leg(other).port(leg(other).carrier(Component::kRtcp)).flow();
  const proto::FlowStatus* const from = heard_from(side);
  const proto::FlowStatus* const towards = heard_from(other);
  if (!flow || from == nullptr || towards == nullptr) return;
  proto::PictureRequest request{};
  for (const std::uint32_t ssrc : named) add(ssrc, request);
  for (const proto::StreamStatus& stream : from->streams) {
    if (named.empty() && stream.recent != 0) add(stream.ssrc, request);
  }
  const std::uint32_t fresh = fresh_ssrc_[static_cast<std::size_t>(other)];
  request.sender = fresh != 0 ? fresh : towards->rtp_recent != 0 ? ssrc_across(other, towards->ssrc_last) : kNoSender;
  // A full ring costs one request of many.
  if (request.sources != 0) static_cast<void>(engine_.client().ask_for_pictures(*flow, request));
}

}  // namespace weir::controlplane
