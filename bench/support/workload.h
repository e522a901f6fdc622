// The packets a benchmark drives: many SRTP streams with keys of their own, touched in random order, sequence numbers
// running on. The same bytes go through Weir and through each baseline.
#pragma once

#include <cstdint>
#include <vector>

#include "controlplane/srtp_keys.h"
#include "proto/bytes.h"
#include "proto/flow.h"
#include "proto/srtp_profile.h"

namespace weir::bench {

/// One RTP stream.
struct Stream {
  controlplane::MasterKey master;
  proto::TransformSpec transform;
  std::uint32_t ssrc;
  std::uint64_t next_index;  ///< of the next packet made: ROC and SEQ
};

/// A packet in its buffer. bytes changes as transforms add and remove tags.
struct Packet {
  std::uint8_t* data;
  std::uint32_t bytes;
  std::uint32_t stream;
};

/// `streams` streams of one profile, and buffers for a pass of packets of `payload_bytes` payload. Every stream has its
/// keys in a place of its own; from kDistinctKeys streams on they repeat, since deriving a million takes minutes.
class Workload {
 public:
  /// Packets in one pass: enough that a pass is measured in milliseconds, little enough that it stays in the outer
  /// caches as a NIC's buffers do; at least one of each stream.
  static constexpr std::uint32_t kPacketsPerPass = 8192;
  static std::uint32_t packets_per_stream(std::uint32_t streams) {
    return streams < kPacketsPerPass ? kPacketsPerPass / streams : 1;
  }

  Workload(proto::SrtpProfile profile, std::uint32_t streams, std::uint32_t payload_bytes);

  [[nodiscard]] proto::SrtpProfile profile() const { return profile_; }
  [[nodiscard]] const std::vector<Stream>& streams() const { return streams_; }
  /// The packets of this pass, in the order they are to be sent.
  [[nodiscard]] std::vector<Packet>& packets() { return packets_; }

  /// Fills every buffer with the next plain RTP packet of its stream.
  void next_pass();

  static constexpr std::uint32_t kDistinctKeys = 1024;

  /// Bytes that may be written from a packet's start on.
  [[nodiscard]] std::uint32_t room() const { return stride_; }

 private:
  proto::SrtpProfile profile_;
  std::uint32_t payload_bytes_;
  std::uint32_t stride_;
  std::vector<Stream> streams_;
  std::vector<std::uint8_t> memory_;
  std::vector<Packet> packets_;
};

}  // namespace weir::bench
