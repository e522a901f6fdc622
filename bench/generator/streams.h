// The calls that weir-bench plays: a stream of SRTP from side A and one of plain RTP from side B in each. Keys follow
// from suite and number alone, so that a relay can be told of them by another process.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/support/workload.h"
#include "proto/srtp_profile.h"

namespace weir::bench {

inline constexpr std::uint32_t kCallPayloadBytes = 160;

struct Calls {
  proto::SrtpProfile profile;
  std::uint32_t count;

  /// What side A sends with, and what is sent to it by a relay that takes our keys.
  [[nodiscard]] Workload from_a() const { return {profile, count, kCallPayloadBytes}; }
  [[nodiscard]] Workload to_a() const { return {profile, count, kCallPayloadBytes + 1}; }
  [[nodiscard]] Workload from_b() const { return {proto::SrtpProfile::kNone, count, kCallPayloadBytes}; }
};

/// Key and salt of a stream as SDES writes them (RFC 4568 section 6.1).
std::string sdes_key(proto::SrtpProfile profile, const Stream& stream);

/// Datagrams, one behind the other, ready to be sent: each stream in turn, sequence numbers running on.
class Datagrams {
 public:
  Datagrams(Workload workload, std::uint64_t packets);

  struct View {
    const std::uint8_t* data;
    std::uint32_t bytes;
    std::uint32_t stream;
  };
  [[nodiscard]] std::uint64_t size() const { return streams_.size(); }
  [[nodiscard]] std::uint32_t packet_bytes() const { return packet_bytes_; }
  [[nodiscard]] View operator[](std::uint64_t index) const {
    return {memory_.data() + index * packet_bytes_, packet_bytes_, streams_[index]};
  }

 private:
  std::uint32_t packet_bytes_ = 0;
  std::vector<std::uint8_t> memory_;
  std::vector<std::uint32_t> streams_;
};

/// weir-control's part: attaches to a running weir-media's region and installs both flows of each call, at ports
/// 20000 + 2n on both sides, in place of those of an earlier run. Asserts that weir-media agrees.
void install_calls(const std::string& region_directory, const Calls& calls, const std::string& client_a,
                   const std::string& client_b);

inline constexpr std::uint16_t kFirstCallPort = 20000;
/// Of the clients: all streams of a side come from one.
inline constexpr std::uint16_t kClientPort = 20000;

}  // namespace weir::bench
