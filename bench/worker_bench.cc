// The whole worker loop, receive to transmit, over an in-memory port: RTP to SRTP, SRTP to RTP and SRTP to SRTP, beside
// the crypto floor: the same bytes through ipsec-mb's burst calls alone.
#include <memory>
#include <string>

#include "bench/support/baseline.h"
#include "bench/support/checks.h"
#include "bench/support/rig.h"
#include "bench/support/row.h"
#include "bench/support/socket_relay.h"
#include "bench/support/stages.h"
#include "proto/source_disguise.h"

namespace weir::bench {
namespace {

using proto::SrtpProfile;

constexpr std::uint32_t kStreams = 1024;
constexpr std::uint32_t kManyStreams = 1'000'000;

struct Case {
  const char* name;
  Legs legs;
  SrtpProfile profile;
  std::uint32_t payload_bytes;
  std::uint32_t streams = kStreams;

  [[nodiscard]] std::string row() const {
    return std::string("pipeline/") + name + "/" + std::string(proto::srtp_profile(profile).name) + "/" +
           std::to_string(payload_bytes) + "B/" + std::to_string(streams) + "flows";
  }
  [[nodiscard]] std::uint64_t packets() const { return std::uint64_t{streams} * Workload::packets_per_stream(streams); }
};

Pass pipeline(const Case& c) {
  auto workload = std::make_shared<Workload>(c.profile, c.streams, c.payload_bytes);
  auto stages = std::make_shared<Stages>(*workload, dataplane::kBurstMax);
  // Other keys on the far side, as in a real call.
  const Workload sent(c.profile, c.streams, c.payload_bytes + 1);
  auto rig = std::make_shared<Rig>(c.legs, *workload, sent);
  return [workload, stages, rig, secured = c.legs.receive != SrtpProfile::kNone] {
    workload->next_pass();
    if (secured) stages->protect(workload->packets());
    return rig->pass(workload->packets());
  };
}

/// As often as the packet is transformed.
Pass floor(const Case& c) {
  auto workload = std::make_shared<Workload>(c.profile, c.streams, c.payload_bytes);
  auto stages = std::make_shared<Stages>(*workload, dataplane::kBurstMax);
  const int transforms = (c.legs.receive != SrtpProfile::kNone ? 1 : 0) + (c.legs.send != SrtpProfile::kNone ? 1 : 0);
  return [workload, stages, transforms] {
    workload->next_pass();
    return timed([&] {
      for (int i = 0; i < transforms; ++i) stages->floor_protect(workload->packets());
    });
  };
}

/// Flows whose entries are never in the cache, in random order, beside few.
void register_many() {
  for (const SrtpProfile profile : {SrtpProfile::kAesCm128HmacSha1_80, SrtpProfile::kAeadAes128Gcm}) {
    Case c{"srtp_to_rtp", {profile, SrtpProfile::kNone}, profile, 160};
    const Case few = c;
    c.streams = kManyStreams;
    register_side(
        c.row(), kWeir, c.packets(), [c] { return pipeline(c); }, 3);
    register_side(c.row(), std::to_string(kStreams) + "flows", few.packets(), [few] { return pipeline(few); });
  }
}

/// An anonymous caller's packets, beside the same ones of a caller who is known.
void register_anonymous() {
  for (const SrtpProfile profile : {SrtpProfile::kAesCm128HmacSha1_80, SrtpProfile::kAeadAes128Gcm}) {
    const Case known{"anonymous", {profile, profile}, profile, 160};
    Case c = known;
    c.legs.strips_extensions = proto::kHidesSources;
    register_side(c.row(), kWeir, c.packets(), [c] { return pipeline(c); });
    register_side(c.row(), "known", c.packets(), [known] { return pipeline(known); });
  }
}

/// The same packets through per-packet OpenSSL calls, one side's keys after the other's: the transforms alone.
Pass both_transforms_by_openssl(const Case& c) {
  auto workload = std::make_shared<Workload>(c.profile, c.streams, c.payload_bytes);
  const Workload sent(c.profile, c.streams, c.payload_bytes + 1);
  auto stages = std::make_shared<Stages>(*workload, dataplane::kBurstMax);
  std::shared_ptr<Baseline> opens = make_openssl(*workload);
  std::shared_ptr<Baseline> protects = make_openssl(sent);
  return [workload, stages, opens, protects] {
    workload->next_pass();
    stages->protect(workload->packets());
    return timed([&] {
      for (Packet& packet : workload->packets()) {
        opens->unprotect(packet);
        protects->protect(packet);
      }
    });
  };
}

void register_peers() {
  for (const SrtpProfile profile : {SrtpProfile::kAesCm128HmacSha1_80, SrtpProfile::kAeadAes128Gcm}) {
    const Case c{"srtp_to_srtp", {profile, profile}, profile, 160};
    register_side(c.row(), "libsrtp2_openssl", c.packets(), [c] { return both_transforms_by_openssl(c); });
  }
  const Case c{"rtp_to_rtp", {SrtpProfile::kNone, SrtpProfile::kNone}, SrtpProfile::kNone, 160};
  register_side(c.row(), kWeir, c.packets(), [c] { return pipeline(c); });
  register_side(c.row(), "sockets", c.packets(), [c] {
    auto workload = std::make_shared<Workload>(c.profile, c.streams, c.payload_bytes);
    auto relay = std::make_shared<SocketRelay>();
    return [workload, relay] {
      workload->next_pass();
      return relay->pass(workload->packets());
    };
  });
}

/// So many that none is over its rate of checks.
constexpr std::uint32_t kCheckedFlows = 16'384;

/// Connectivity checks, answered: the mark is a million a second, 1,000 ns each.
void register_checks() {
  const std::string row = "ice/binding_requests/" + std::to_string(kCheckedFlows) + "flows";
  register_side(row, kWeir, kCheckedFlows, [] {
    const Workload streams(SrtpProfile::kNone, kCheckedFlows, 20);
    auto rig = std::make_shared<Rig>(Legs{SrtpProfile::kNone, SrtpProfile::kNone}, streams, streams);
    rig->speak_ice(Checks::spec());
    auto checks = std::make_shared<Checks>(kCheckedFlows);
    return [rig, checks] { return rig->pass(checks->packets()); };
  });
  register_side(row, "openssl", kCheckedFlows, [] {
    auto checks = std::make_shared<Checks>(kCheckedFlows);
    return [checks] { return timed([&] { Checks::by_openssl(checks->packets()); }); };
  });
}

void register_all() {
  register_checks();
  register_many();
  register_anonymous();
  register_peers();
  for (const SrtpProfile profile :
       {SrtpProfile::kAesCm128HmacSha1_80, SrtpProfile::kAesCm128HmacSha1_32, SrtpProfile::kAes256CmHmacSha1_80,
        SrtpProfile::kAeadAes128Gcm, SrtpProfile::kAeadAes256Gcm}) {
    for (const std::uint32_t payload_bytes : {20u, 160u, 1000u}) {
      for (const Case& c : {Case{"srtp_to_rtp", {profile, SrtpProfile::kNone}, profile, payload_bytes},
                            Case{"rtp_to_srtp", {SrtpProfile::kNone, profile}, profile, payload_bytes},
                            Case{"srtp_to_srtp", {profile, profile}, profile, payload_bytes}}) {
        register_side(c.row(), kWeir, c.packets(), [c] { return pipeline(c); });
        register_side(c.row(), "floor", c.packets(), [c] { return floor(c); });
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
