// RTCP of anyone who has a flow's keys, on its way to a party that is not to know who sends: whatever comes, what
// leaves is a valid compound within its room, and of names there is none but the one CNAME. The first byte says what
// room there is beside the packet.
#include <algorithm>
#include <optional>
#include <vector>

#include "dataplane/source_description.h"
#include "proto/assert.h"
#include "proto/rtcp.h"
#include "tests/support/media_flows.h"

namespace weir::dataplane {
namespace {

constexpr std::size_t kBytesMax = proto::kDatagramBytesMax;

/// A chunk of an SSRC, a CNAME of 16 bytes and the end.
constexpr std::size_t kChunkBytes = 24;

void expect_hidden(const proto::RtcpView& view, const std::array<std::uint8_t, proto::kHiddenCnameBytes>& cname) {
  WEIR_ASSERT(view.type != static_cast<std::uint8_t>(proto::RtcpType::kApp));
  if (view.type == static_cast<std::uint8_t>(proto::RtcpType::kBye)) WEIR_ASSERT(view.body.size() == 4u * view.count);
  if (view.type != static_cast<std::uint8_t>(proto::RtcpType::kSourceDescription)) return;
  WEIR_ASSERT(view.body.size() == view.count * kChunkBytes);
  for (std::size_t i = 0; i < view.count; ++i) {
    const proto::Bytes items = view.body.subspan(i * kChunkBytes + 4, kChunkBytes - 4);
    WEIR_ASSERT(items[0] == 1 && items[1] == cname.size() && items[2 + cname.size()] == 0);
    WEIR_ASSERT(std::equal(cname.begin(), cname.end(), items.begin() + 2));
  }
}

void hide(proto::Bytes input) {
  static tests::MediaFlows flows(1);
  static Burst burst;
  static const auto cname = proto::SourceDisguise(7).cname();
  const proto::Bytes compound = input.subspan(1, std::min(input.size() - 1, kBytesMax));
  std::vector<std::uint8_t> memory(std::min<std::size_t>(compound.size() + 4u * input[0], kBytesMax));
  std::copy(compound.begin(), compound.end(), memory.begin());
  burst.begin(1, flows.table());
  burst.data[0] = memory.data();
  burst.bytes[0] = static_cast<std::uint32_t>(compound.size());
  burst.room[0] = static_cast<std::uint32_t>(memory.size());
  burst.flow[0] = &flows.flow(0);
  if (hide_description(burst, 0, cname) != proto::DropReason::kNone) return;
  WEIR_ASSERT(burst.bytes[0] <= burst.room[0] && burst.bytes[0] >= proto::kRtcpHeaderBytes);
  proto::Bytes rest(burst.data[0], burst.bytes[0]);
  while (!rest.empty()) {
    const std::optional<proto::RtcpView> view = proto::parse_rtcp(rest);
    WEIR_ASSERT(view);
    expect_hidden(*view, cname);
    rest = rest.subspan(view->packet_bytes);
  }
}

}  // namespace
}  // namespace weir::dataplane

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // unprotect has seen a header and a sender: RFC 3550 section 6.4.1.
  if (size >= 1 + weir::proto::kRtcpHeaderBytes) weir::dataplane::hide({data, size});
  return 0;
}
