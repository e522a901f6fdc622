// The whole worker loop, receive to transmit, over an in-memory DPDK port, as a share of the crypto floor and beside
// per-packet crypto through OpenSSL of the same packets alone.
#include <memory>
#include <string>

#include "bench/support/baseline.h"
#include "bench/support/memory_worker.h"
#include "bench/support/row.h"
#include "bench/support/stages.h"
#include "bench/support/workload.h"

namespace weir::bench {
namespace {

constexpr std::uint32_t kStreams = 1024;
constexpr std::uint32_t kPayloadBytes = 160;
constexpr std::uint64_t kPackets = std::uint64_t{kStreams} * Workload::kPacketsPerStream;

struct Row {
  const char* name;
  PipelineCase pipeline;
};
constexpr Row kRows[] = {
    {"rtp_to_srtp", {.receive_srtp = false, .send_srtp = true}},
    {"srtp_to_rtp", {.receive_srtp = true, .send_srtp = false}},
    {"srtp_to_srtp", {.receive_srtp = true, .send_srtp = true}},
};

Pass weir(const Row& row, proto::SrtpProfile profile) {
  auto workload = std::make_shared<Workload>(profile, kStreams, kPayloadBytes);
  auto stages = std::make_shared<Stages>(*workload, static_cast<std::uint32_t>(proto::kBurstMax));
  auto worker = std::make_shared<MemoryWorker>(*workload, row.pipeline);
  return [row, workload, stages, worker] {
    workload->next_pass();
    if (row.pipeline.receive_srtp) stages->protect(workload->packets());
    return worker->pass(workload->packets());
  };
}

/// Crypto alone: one transform, or two where both sides are secured.
Pass floor(const Row& row, proto::SrtpProfile profile) {
  auto workload = std::make_shared<Workload>(profile, kStreams, kPayloadBytes);
  auto stages = std::make_shared<Stages>(*workload, static_cast<std::uint32_t>(proto::kBurstMax));
  const int transforms = row.pipeline.receive_srtp && row.pipeline.send_srtp ? 2 : 1;
  return [workload, stages, transforms] {
    workload->next_pass();
    return timed([&] {
      for (int i = 0; i < transforms; ++i) stages->floor_protect(workload->packets());
    });
  };
}

Pass openssl(const Row& row, proto::SrtpProfile profile) {
  auto workload = std::make_shared<Workload>(profile, kStreams, kPayloadBytes);
  std::shared_ptr<Baseline> near = make_openssl(*workload);
  return [row, workload, near] {
    workload->next_pass();
    if (!row.pipeline.receive_srtp) {
      return timed([&] {
        for (Packet& packet : workload->packets()) near->protect(packet);
      });
    }
    for (Packet& packet : workload->packets()) near->protect(packet);
    const auto opened = timed([&] {
      for (Packet& packet : workload->packets()) near->unprotect(packet);
    });
    if (!row.pipeline.send_srtp) return opened;
    workload->next_pass();
    return opened + timed([&] {
             for (Packet& packet : workload->packets()) near->protect(packet);
           });
  };
}

void register_all() {
  for (const Row& row : kRows) {
    for (const proto::SrtpProfile profile : {proto::SrtpProfile::kAesCm128HmacSha1_80,
                                             proto::SrtpProfile::kAeadAes128Gcm, proto::SrtpProfile::kAeadAes256Gcm}) {
      const std::string name = std::string("pipeline/") + row.name + "/" +
                               std::string(proto::srtp_profile(profile).name) + "/160B/1024flows";
      register_side(name, kWeir, kPackets, [row, profile] { return weir(row, profile); });
      register_side(name, "floor", kPackets, [row, profile] { return floor(row, profile); });
      register_side(name, "libsrtp2_openssl", kPackets, [row, profile] { return openssl(row, profile); });
    }
  }
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) {
  weir::bench::register_all();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
