// Packets that no port has brought: media that a worker makes, or gets from weir-control.
#pragma once

#include <rte_mbuf.h>

#include <cstdint>
#include <optional>

#include "dataplane/burst.h"
#include "dataplane/flow_table.h"
#include "proto/limits.h"

namespace weir::dataplane {

/// The room that one has, in bytes: what leaves on either family.
inline constexpr std::uint32_t kMadePacketBytesMax = proto::kDatagramIpv6BytesMax;

/// Adds an empty packet of flow `index` to the burst, which has room, as if its peer had sent it: on no list, without a
/// verdict. Its place, or none: there is no buffer.
inline std::optional<std::uint32_t> add_made_packet(proto::PacketKind kind, std::uint32_t index, FlowTable& table,
                                                    rte_mempool* pool, Burst& burst) {
  rte_mbuf* mbuf = rte_pktmbuf_alloc(pool);
  if (mbuf == nullptr) return std::nullopt;
  FlowEntry& flow = table.entry(index);
  const std::uint32_t packet = burst.count++;
  burst.mbuf[packet] = mbuf;
  burst.data[packet] = rte_pktmbuf_mtod(mbuf, std::uint8_t*);
  burst.bytes[packet] = 0;
  burst.room[packet] = kMadePacketBytesMax;
  burst.kind[packet] = kind;
  burst.source[packet] = flow.peer;
  burst.local_port[packet] = flow.local_port;
  burst.network[packet] = flow.network;
  burst.flow_index[packet] = index;
  burst.flow[packet] = &flow;
  burst.status[packet] = &table.status(index);
  burst.notes[packet] = 0;
  burst.verdict[packet] = proto::DropReason::kNone;
  return packet;
}

}  // namespace weir::dataplane
