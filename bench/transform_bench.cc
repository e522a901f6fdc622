// protect and unprotect in bursts, over 1,024 keys, beside libsrtp2, the same through OpenSSL, and the crypto floor.
#include <memory>
#include <string>

#include "bench/support/baseline.h"
#include "bench/support/row.h"
#include "bench/support/stages.h"
#include "bench/support/workload.h"

namespace weir::bench {
namespace {

constexpr std::uint32_t kStreams = 1024;
constexpr std::uint64_t kPackets = std::uint64_t{Workload::kPacketsPerPass};

struct Case {
  proto::SrtpProfile profile;
  std::uint32_t payload_bytes;
  std::uint32_t burst;
};

std::string row_name(const char* operation, const Case& c) {
  return std::string(operation) + "/" + std::string(proto::srtp_profile(c.profile).name) + "/" +
         std::to_string(c.payload_bytes) + "B/" + std::to_string(kStreams) + "keys/burst" + std::to_string(c.burst);
}

using MakeBaseline = std::unique_ptr<Baseline> (*)(const Workload&);

Pass weir_protect(const Case& c) {
  auto workload = std::make_shared<Workload>(c.profile, kStreams, c.payload_bytes);
  auto stages = std::make_shared<Stages>(*workload, c.burst);
  return [workload, stages] {
    workload->next_pass();
    return timed([&] { stages->protect(workload->packets()); });
  };
}

Pass weir_unprotect(const Case& c) {
  auto workload = std::make_shared<Workload>(c.profile, kStreams, c.payload_bytes);
  auto stages = std::make_shared<Stages>(*workload, c.burst);
  return [workload, stages] {
    workload->next_pass();
    stages->protect(workload->packets());
    return timed([&] { stages->unprotect(workload->packets()); });
  };
}

Pass floor(const Case& c) {
  auto workload = std::make_shared<Workload>(c.profile, kStreams, c.payload_bytes);
  auto stages = std::make_shared<Stages>(*workload, c.burst);
  return [workload, stages] {
    workload->next_pass();
    return timed([&] { stages->floor_protect(workload->packets()); });
  };
}

Pass baseline_protect(const Case& c, MakeBaseline make) {
  auto workload = std::make_shared<Workload>(c.profile, kStreams, c.payload_bytes);
  std::shared_ptr<Baseline> baseline = make(*workload);
  return [workload, baseline] {
    workload->next_pass();
    return timed([&] {
      for (Packet& packet : workload->packets()) baseline->protect(packet);
    });
  };
}

/// The packets to open are made by Weir: the baselines check each other's bytes on the way.
Pass baseline_unprotect(const Case& c, MakeBaseline make) {
  auto workload = std::make_shared<Workload>(c.profile, kStreams, c.payload_bytes);
  auto stages = std::make_shared<Stages>(*workload, c.burst);
  std::shared_ptr<Baseline> baseline = make(*workload);
  return [workload, stages, baseline] {
    workload->next_pass();
    stages->protect(workload->packets());
    return timed([&] {
      for (Packet& packet : workload->packets()) baseline->unprotect(packet);
    });
  };
}

void register_case(const Case& c) {
  const std::string protect = row_name("protect", c);
  register_side(protect, kWeir, kPackets, [c] { return weir_protect(c); });
  register_side(protect, "libsrtp2", kPackets, [c] { return baseline_protect(c, make_libsrtp2); });
  register_side(protect, "libsrtp2_openssl", kPackets, [c] { return baseline_protect(c, make_openssl); });
  register_side(protect, "floor", kPackets, [c] { return floor(c); });
  const std::string unprotect = row_name("unprotect", c);
  register_side(unprotect, kWeir, kPackets, [c] { return weir_unprotect(c); });
  register_side(unprotect, "libsrtp2", kPackets, [c] { return baseline_unprotect(c, make_libsrtp2); });
  register_side(unprotect, "libsrtp2_openssl", kPackets, [c] { return baseline_unprotect(c, make_openssl); });
  register_side(unprotect, "floor", kPackets, [c] { return floor(c); });
}

void register_all() {
  for (const proto::SrtpProfile profile :
       {proto::SrtpProfile::kAesCm128HmacSha1_80, proto::SrtpProfile::kAes256CmHmacSha1_80,
        proto::SrtpProfile::kAeadAes128Gcm, proto::SrtpProfile::kAeadAes256Gcm}) {
    for (const std::uint32_t payload_bytes : {20u, 160u, 1000u}) {
      for (const std::uint32_t burst : {32u, 64u}) register_case({profile, payload_bytes, burst});
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
