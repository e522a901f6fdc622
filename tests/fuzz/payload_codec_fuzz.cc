// Payloads of anyone who has a flow's keys, as the converter of Opus and G.711 gets them: whatever comes, a payload of
// a bounded length leaves, or none. The first byte says which conversion.
#include <vector>

#include "dataplane/payload_codec.h"
#include "proto/assert.h"

namespace weir::dataplane {
namespace {

constexpr std::size_t kRoom = 1400;

struct Fixture {
  struct alignas(64) Line {
    std::uint8_t bytes[64];
  };
  std::vector<Line> memory = std::vector<Line>(PayloadCodec::memory_bytes() / 64);
  PayloadCodec codec{memory[0].bytes};
  Repacketizer repacketizer;
};

void convert(proto::Bytes input) {
  static Fixture fixture;
  using proto::AudioCodec;
  constexpr AudioCodec kPairs[][2] = {{AudioCodec::kOpus, AudioCodec::kPcma},
                                      {AudioCodec::kOpus, AudioCodec::kPcmu},
                                      {AudioCodec::kPcma, AudioCodec::kOpus},
                                      {AudioCodec::kPcmu, AudioCodec::kPcma}};
  const auto& [from, to] = kPairs[input[0] & 3];
  if ((input[0] & 4) != 0) fixture.codec.forget();
  const proto::Bytes payload = input.subspan(1, std::min(input.size() - 1, kRoom));
  std::vector<std::uint8_t> room(kRoom);
  std::copy(payload.begin(), payload.end(), room.begin());
  const PayloadCodec::Result result =
      fixture.codec.convert(from, to, {room.data(), payload.size()}, room, fixture.repacketizer.get());
  WEIR_ASSERT((result.reason == proto::DropReason::kNone) == (result.bytes != 0));
  WEIR_ASSERT(result.bytes <= kRoom && (from != AudioCodec::kOpus || result.bytes <= kSamplesMax));
}

}  // namespace
}  // namespace weir::dataplane

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 0) weir::dataplane::convert({data, size});
  return 0;
}
