#include "dataplane/handoff.h"

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_ring_elem.h>

#include <cstdio>

#include "dataplane/resolve.h"

namespace weir::dataplane {

proto::Result<RingPointer> make_spsc_ring(const char* purpose, unsigned from, unsigned to, unsigned slots, int node,
                                          unsigned element_bytes) {
  char name[RTE_RING_NAMESIZE];
  std::snprintf(name, sizeof name, "weir_%s_%u_%u", purpose, from, to);
  for (const int place : {node, SOCKET_ID_ANY}) {
    rte_ring* ring =
        rte_ring_create_elem(name, element_bytes, slots, place, RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ);
    if (ring != nullptr) return RingPointer(ring);
  }
  return proto::Error{std::string("cannot make a ring between workers: ") + rte_strerror(rte_errno) +
                      ": raise media.memory_mb"};
}

proto::Result<std::unique_ptr<Handoff>> Handoff::create(const std::vector<int>& nodes, std::uint16_t ports) {
  const auto workers = static_cast<std::uint16_t>(nodes.size());
  std::unique_ptr<Handoff> handoff(new Handoff(workers));
  handoff->received_.resize(std::size_t{workers} * workers);
  handoff->finished_.resize(std::size_t{ports} * workers);
  handoff->wanted_.resize(workers);
  const auto make = [](std::vector<RingPointer>& rings, std::size_t at, const char* purpose, unsigned from, unsigned to,
                       int node, unsigned element_bytes = sizeof(void*)) -> proto::Status {
    proto::Result<RingPointer> ring = make_spsc_ring(purpose, from, to, kHandoffSlots, node, element_bytes);
    if (!ring) return proto::Error{ring.error()};
    rings[at] = std::move(*ring);
    return proto::success();
  };
  for (std::uint16_t from = 0; from < workers; ++from) {
    for (std::uint16_t to = 0; to < workers; ++to) {
      if (from == to) continue;
      const std::size_t at = std::size_t{from} * workers + to;
      if (proto::Status made = make(handoff->received_, at, "rx", from, to, nodes[to]); !made)
        return proto::Error{made.error()};
    }
    if (from == 0) continue;
    for (std::uint16_t port = 0; port < ports; ++port) {
      const std::size_t at = std::size_t{port} * workers + from;
      if (proto::Status made = make(handoff->finished_, at, "tx", from, port, nodes[0]); !made)
        return proto::Error{made.error()};
    }
    if (proto::Status made = make(handoff->wanted_, from, "hops", from, 0, nodes[0], sizeof(WantedHop)); !made) {
      return proto::Error{made.error()};
    }
  }
  return handoff;
}

}  // namespace weir::dataplane
