#include "dataplane/ssrc_states.h"

#include "dataplane/burst.h"
#include "dataplane/flow_table.h"

namespace weir::dataplane {
namespace {

MoreSsrcs::States& states_of(MoreSsrcs& more, SsrcKind kind) {
  switch (kind) {
    case SsrcKind::kReceiveRtp:
      return more.receive_rtp;
    case SsrcKind::kReceiveRtcp:
      return more.receive_rtcp;
    case SsrcKind::kSendRtp:
      break;
  }
  return more.send_rtp;
}

}  // namespace

SsrcState* find_more_ssrc(Burst& burst, std::uint32_t packet, SsrcKind kind) {
  const Place place = burst.flow[packet]->more_ssrcs;
  if (place == 0) return nullptr;
  return find_ssrc(states_of(burst.table->more_ssrcs().at(place), kind), burst.ssrc[packet]);
}

SsrcState* find_or_add_more_ssrc(Burst& burst, std::uint32_t packet, SsrcKind kind) {
  Place& place = burst.flow[packet]->more_ssrcs;
  if (place == 0) place = burst.table->more_ssrcs().claim(burst.flow_index[packet]);
  if (place == 0) return nullptr;
  return find_or_add_ssrc(states_of(burst.table->more_ssrcs().at(place), kind), burst.ssrc[packet]);
}

}  // namespace weir::dataplane
