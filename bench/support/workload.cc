#include "bench/support/workload.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <random>

#include "proto/limits.h"
#include "proto/rtp.h"

namespace weir::bench {
namespace {

constexpr std::uint32_t kPayloadTypePcma = 8;

template <typename Bytes>
void fill(Bytes& bytes, std::size_t used, std::mt19937_64& random) {
  for (std::size_t i = 0; i < used; ++i) bytes[i] = static_cast<std::uint8_t>(random());
}

Stream make_stream(proto::SrtpProfile profile, std::mt19937_64& random) {
  const proto::SrtpProfileInfo& info = proto::srtp_profile(profile);
  Stream stream{};
  fill(stream.master.key, info.key_bytes, random);
  fill(stream.master.salt, info.salt_bytes, random);
  if (profile != proto::SrtpProfile::kNone) {
    stream.transform = *controlplane::make_transform(profile, stream.master, stream.master);
  }
  stream.next_index = random() % 0x8000;
  return stream;
}

}  // namespace

Workload::Workload(proto::SrtpProfile profile, std::uint32_t streams, std::uint32_t payload_bytes)
    : profile_(profile), payload_bytes_(payload_bytes) {
  std::mt19937_64 random(payload_bytes + streams);
  const std::uint32_t longest =
      proto::kRtpHeaderBytesMin + payload_bytes + static_cast<std::uint32_t>(proto::kSrtpOverheadBytesMax);
  stride_ = (longest + 63) / 64 * 64;
  streams_.reserve(streams);
  for (std::uint32_t i = 0; i < streams; ++i) {
    streams_.push_back(i < kDistinctKeys ? make_stream(profile, random) : streams_[i % kDistinctKeys]);
    streams_.back().ssrc = 0x57000000u + i;
  }
  const std::uint32_t rounds = packets_per_stream(streams);
  memory_.resize(std::size_t{streams} * rounds * stride_);
  std::vector<std::uint32_t> order(streams);
  std::iota(order.begin(), order.end(), 0u);
  for (std::uint32_t round = 0; round < rounds; ++round) {
    std::shuffle(order.begin(), order.end(), random);
    for (const std::uint32_t stream : order) {
      packets_.push_back({memory_.data() + packets_.size() * stride_, 0, stream});
    }
  }
  fill(memory_, memory_.size(), random);
}

void Workload::next_pass() {
  for (Packet& packet : packets_) {
    Stream& stream = streams_[packet.stream];
    const std::uint64_t index = stream.next_index++;
    packet.data[0] = 0x80;
    packet.data[1] = kPayloadTypePcma;
    proto::store_be16(packet.data + 2, static_cast<std::uint16_t>(index));
    proto::store_be32(packet.data + 4, static_cast<std::uint32_t>(index * 160));
    proto::store_be32(packet.data + 8, stream.ssrc);
    packet.bytes = static_cast<std::uint32_t>(proto::kRtpHeaderBytesMin) + payload_bytes_;
  }
}

}  // namespace weir::bench
