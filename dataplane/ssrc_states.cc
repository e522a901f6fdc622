#include "dataplane/ssrc_states.h"

#include "dataplane/burst.h"
#include "dataplane/flow_table.h"

namespace weir::dataplane {
namespace {

auto& states_of(MoreSsrcs& more, SsrcKind kind) {
  return kind == SsrcKind::kReceiveRtp ? more.receive_rtp : more.send_rtp;
}

/// The flow's place in the pool, or nullptr.
MoreSsrcs* more_of(Burst& burst, std::uint32_t packet) {
  const Place place = burst.flow[packet]->more_ssrcs;
  return place == 0 ? nullptr : &burst.table->more_ssrcs().at(place);
}

/// The same; it takes one if it has none.
MoreSsrcs* find_or_add_more(Burst& burst, std::uint32_t packet) {
  Place& place = burst.flow[packet]->more_ssrcs;
  if (place == 0) place = burst.table->more_ssrcs().claim(burst.flow_index[packet]);
  return more_of(burst, packet);
}

}  // namespace

SsrcState* find_more_ssrc(Burst& burst, std::uint32_t packet, SsrcKind kind) {
  MoreSsrcs* more = more_of(burst, packet);
  return more == nullptr ? nullptr : find_ssrc(states_of(*more, kind), burst.ssrc[packet]);
}

SsrcState* find_or_add_more_ssrc(Burst& burst, std::uint32_t packet, SsrcKind kind) {
  MoreSsrcs* more = find_or_add_more(burst, packet);
  return more == nullptr ? nullptr : find_or_add_ssrc(states_of(*more, kind), burst.ssrc[packet]);
}

SrtcpState* find_srtcp_ssrc(Burst& burst, std::uint32_t packet) {
  const std::uint32_t ssrc = burst.ssrc[packet];
  if (SrtcpState* state = find_ssrc(burst.flow[packet]->receive_rtcp, ssrc); state != nullptr) return state;
  MoreSsrcs* more = more_of(burst, packet);
  return more == nullptr ? nullptr : find_ssrc(more->receive_rtcp, ssrc);
}

SrtcpState* find_or_add_srtcp_ssrc(Burst& burst, std::uint32_t packet) {
  const std::uint32_t ssrc = burst.ssrc[packet];
  if (SrtcpState* state = find_or_add_ssrc(burst.flow[packet]->receive_rtcp, ssrc); state != nullptr) return state;
  MoreSsrcs* more = find_or_add_more(burst, packet);
  return more == nullptr ? nullptr : find_or_add_ssrc(more->receive_rtcp, ssrc);
}

}  // namespace weir::dataplane
