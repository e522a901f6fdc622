// The whole worker loop, receive to transmit, over an in-memory port: RTP to SRTP, SRTP to RTP and SRTP to SRTP, beside
// the crypto floor: the same bytes through ipsec-mb's burst calls alone.
#include <memory>
#include <string>

#include "bench/support/rig.h"
#include "bench/support/row.h"
#include "bench/support/stages.h"

namespace weir::bench {
namespace {

using proto::SrtpProfile;

constexpr std::uint32_t kStreams = 1024;
constexpr std::uint64_t kPackets = std::uint64_t{kStreams} * Workload::kPacketsPerStream;

struct Case {
  const char* name;
  Legs legs;
  SrtpProfile profile;
  std::uint32_t payload_bytes;
};

Pass pipeline(const Case& c) {
  auto workload = std::make_shared<Workload>(c.profile, kStreams, c.payload_bytes);
  auto stages = std::make_shared<Stages>(*workload, dataplane::kBurstMax);
  // Other keys on the far side, as in a real call.
  const Workload sent(c.profile, kStreams, c.payload_bytes + 1);
  auto rig = std::make_shared<Rig>(c.legs, *workload, sent);
  return [workload, stages, rig, secured = c.legs.receive != SrtpProfile::kNone] {
    workload->next_pass();
    if (secured) stages->protect(workload->packets());
    return rig->pass(workload->packets());
  };
}

/// As often as the packet is transformed.
Pass floor(const Case& c) {
  auto workload = std::make_shared<Workload>(c.profile, kStreams, c.payload_bytes);
  auto stages = std::make_shared<Stages>(*workload, dataplane::kBurstMax);
  const int transforms = (c.legs.receive != SrtpProfile::kNone ? 1 : 0) + (c.legs.send != SrtpProfile::kNone ? 1 : 0);
  return [workload, stages, transforms] {
    workload->next_pass();
    return timed([&] {
      for (int i = 0; i < transforms; ++i) stages->floor_protect(workload->packets());
    });
  };
}

void register_all() {
  for (const SrtpProfile profile :
       {SrtpProfile::kAesCm128HmacSha1_80, SrtpProfile::kAesCm128HmacSha1_32, SrtpProfile::kAes256CmHmacSha1_80,
        SrtpProfile::kAeadAes128Gcm, SrtpProfile::kAeadAes256Gcm}) {
    for (const std::uint32_t payload_bytes : {20u, 160u, 1000u}) {
      for (const Case& c : {Case{"srtp_to_rtp", {profile, SrtpProfile::kNone}, profile, payload_bytes},
                            Case{"rtp_to_srtp", {SrtpProfile::kNone, profile}, profile, payload_bytes},
                            Case{"srtp_to_srtp", {profile, profile}, profile, payload_bytes}}) {
        const std::string row = std::string("pipeline/") + c.name + "/" +
                                std::string(proto::srtp_profile(profile).name) + "/" + std::to_string(payload_bytes) +
                                "B/" + std::to_string(kStreams) + "flows";
        register_side(row, kWeir, kPackets, [c] { return pipeline(c); });
        register_side(row, "floor", kPackets, [c] { return floor(c); });
      }
    }
  }
}

}  // namespace
}  // namespace weir::bench

int main(int argc, char** argv) {
  weir::bench::register_all();
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  weir::bench::start_dpdk();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
