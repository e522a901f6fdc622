// What a flow costs in memory, keys for both sides included: its entry in weir-media's private part of the region, its
// share of the side pools, and what both processes read of it. The table of ports is as large however many flows there
// are. With GCM allowed ([srtp] aead) it is the same whatever a flow's profile; without, AES-CM alone decides.
#include "bench/probes/probe.h"
#include "dataplane/flow_table.h"
#include "proto/flow.h"

namespace weir::bench {
namespace {

constexpr double kAesCmMark = 2048;
constexpr double kGcmMark = 3072;

/// Of one flow more, by the table's own account.
double measured_bytes(dataplane::KeyRoom room) {
  constexpr std::uint32_t kFlows = 1u << 16;
  const std::uint64_t entry = (dataplane::FlowTable::private_bytes(2 * kFlows, 1, room) -
                               dataplane::FlowTable::private_bytes(kFlows, 1, room)) /
                              kFlows;
  return static_cast<double>(entry + sizeof(proto::FlowStatus));
}

Probe make_probe(const std::string& suite, dataplane::KeyRoom room, double mark) {
  const std::string row = "memory/flow/" + suite + "/mark";
  return {.rows = {row}, .measure = [row, room, mark](const Setting& /*setting*/) {
            return std::vector<Row>{at_most(row, measured_bytes(room), "bytes", mark)};
          }};
}

}  // namespace

std::vector<Probe> flow_memory_probes() {
  return {make_probe("AES_CM_128_HMAC_SHA1_80", dataplane::KeyRoom::kAesCm, kAesCmMark),
          make_probe("AEAD_AES_128_GCM", dataplane::KeyRoom::kGcm, kGcmMark)};
}

}  // namespace weir::bench
