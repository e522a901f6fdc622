// RTCP of anyone who has a flow's keys, on its way to a party that is not to know who sends: whatever comes, what
// leaves is a valid compound within its room, of what is known, and of names there is none but the one CNAME. The first
// byte says what room there is beside the packet.
#include <algorithm>
#include <optional>
#include <vector>

#include "dataplane/rtcp_sources.h"
#include "dataplane/source_description.h"
#include "proto/assert.h"
#include "proto/rtcp.h"
#include "tests/support/media_flows.h"

namespace weir::dataplane {
namespace {

constexpr std::size_t kBytesMax = proto::kDatagramBytesMax;

using Cname = std::array<std::uint8_t, proto::kHiddenCnameBytes>;

/// A chunk of an SSRC, a CNAME of 16 bytes and the end.
constexpr std::size_t kChunkBytes = 24;

void expect_one_name(const proto::RtcpView& view, const Cname& cname) {
  WEIR_ASSERT(view.body.size() == view.count * kChunkBytes);
  for (std::size_t i = 0; i < view.count; ++i) {
    const proto::Bytes items = view.body.subspan(i * kChunkBytes + 4, kChunkBytes - 4);
    WEIR_ASSERT(items[0] == 1 && items[1] == cname.size() && items[2 + cname.size()] == 0);
    WEIR_ASSERT(std::equal(cname.begin(), cname.end(), items.begin() + 2));
  }
}

/// RFC 3611 section 3, as it stands there: type, reserved, length in words less one.
void expect_known_blocks(proto::Bytes blocks) {
  WEIR_ASSERT(!blocks.empty());
  while (!blocks.empty()) {
    WEIR_ASSERT(blocks.size() >= 4 && blocks[0] >= 1 && blocks[0] <= 7);
    const std::size_t bytes = (std::size_t{blocks[2]} * 256 + blocks[3] + 1) * 4;
    WEIR_ASSERT(bytes <= blocks.size());
    blocks = blocks.subspan(bytes);
  }
}

void expect_hidden(const proto::RtcpView& view, const Cname& cname) {
  WEIR_ASSERT(!view.padding);
  switch (view.type) {
    case 200:
      return WEIR_ASSERT(view.body.size() == 24 + 24u * view.count);
    case 201:
      return WEIR_ASSERT(view.body.size() == 4 + 24u * view.count);
    case 202:
      return expect_one_name(view, cname);
    case 203:
      return WEIR_ASSERT(view.body.size() == 4u * view.count);
    case 205:
    case 206:
      return WEIR_ASSERT(view.body.size() >= 8);
    case 207:
      return expect_known_blocks(view.body.subspan(4));
  }
  WEIR_ASSERT(false);
}

void hide(proto::Bytes input) {
  static tests::MediaFlows flows(1);
  static Burst burst;
  static const auto cname = proto::SourceDisguise(7).cname();
  flows.flow(0).rewrite.strips_extensions = proto::kHidesSources | proto::kFindsSources;
  const Sources sources(flows.flow(0));
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
  const proto::Bytes rest(burst.data[0], burst.bytes[0]);
  for (std::size_t at = 0; at < rest.size();) {
    const std::optional<proto::RtcpView> view = proto::parse_rtcp(rest.subspan(at));
    WEIR_ASSERT(view);
    expect_hidden(*view, cname);
    static_cast<void>(map_sources(sources, *view, {burst.data[0] + at + 4, view->body.size()}));
    at += view->packet_bytes;
  }
}

}  // namespace
}  // namespace weir::dataplane

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // unprotect has seen a header and a sender: RFC 3550 section 6.4.1.
  if (size >= 1 + weir::proto::kRtcpHeaderBytes) weir::dataplane::hide({data, size});
  return 0;
}
