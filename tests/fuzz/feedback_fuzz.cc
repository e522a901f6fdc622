// RTCP of anyone who has a flow's keys, on its way to a far side that does not understand all of it: whatever comes, a
// valid compound leaves, within its room and long enough for SRTCP, with nothing in it that is to be absorbed; or
// nothing does. The first byte says what is absorbed, the second what room there is.
#include <algorithm>
#include <cstring>
#include <optional>
#include <vector>

#include "dataplane/feedback.h"
#include "proto/assert.h"
#include "proto/rtcp.h"
#include "tests/support/media_flows.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;
using tests::MediaFlows;

constexpr std::size_t kBytesMax = proto::kDatagramBytesMax;

/// What must not be in it any more: NACK, PLI and FIR, by packet type and format.
bool is_absorbed(const proto::RtcpView& view, std::uint8_t absorbs) {
  const bool nack = view.type == 205 && view.count == 1 && (absorbs & proto::kFeedbackNack) != 0;
  const bool pli = view.type == 206 && view.count == 1 && (absorbs & proto::kFeedbackPli) != 0;
  const bool fir = view.type == 206 && view.count == 4 && (absorbs & proto::kFeedbackFir) != 0;
  return nack || pli || fir;
}

void expect_compound(proto::Bytes rest, std::uint8_t absorbs) {
  WEIR_ASSERT(rest.size() >= proto::kRtcpHeaderBytes);
  const bool is_report = rest[1] == 200 || rest[1] == 201;
  WEIR_ASSERT((absorbs & proto::kFeedbackReducedSize) == 0 || is_report);
  while (!rest.empty()) {
    const std::optional<proto::RtcpView> view = proto::parse_rtcp(rest);
    WEIR_ASSERT(view && view->packet_bytes % 4 == 0 && !is_absorbed(*view, absorbs));
    rest = rest.subspan(view->packet_bytes);
  }
}

void absorb(proto::Bytes input) {
  static MediaFlows flows(1);
  static Burst burst;
  const std::uint8_t absorbs = input[0] & proto::kFeedbackAll;
  const proto::Bytes compound = input.subspan(2, std::min(input.size() - 2, kBytesMax));
  std::vector<std::uint8_t> memory(std::min<std::size_t>(compound.size() + input[1], kBytesMax));
  std::copy(compound.begin(), compound.end(), memory.begin());
  FlowEntry& flow = flows.flow(0);
  flow.rewrite.absorbs = absorbs;
  burst.begin(1, flows.table());
  burst.data[0] = memory.data();
  burst.bytes[0] = static_cast<std::uint32_t>(compound.size());
  burst.room[0] = static_cast<std::uint32_t>(memory.size());
  burst.flow[0] = &flow;
  burst.ssrc[0] = proto::load_be32(compound.data() + 4);
  burst.notes[0] = 0;
  burst.now_ns += std::uint64_t{1} << 27;
  const DropReason reason = absorb_feedback(burst, 0);
  const bool told = (burst.notes[0] & kNotePictureAsked) != 0;
  constexpr std::uint8_t kBoth = proto::kFeedbackPli | proto::kFeedbackFir;
  WEIR_ASSERT(!told || (absorbs & kBoth) == kBoth);
  if (reason != DropReason::kNone) return;
  WEIR_ASSERT(burst.bytes[0] <= burst.room[0]);
  const proto::Bytes left(burst.data[0], burst.bytes[0]);
  expect_compound(left, absorbs);
  WEIR_ASSERT(burst.ssrc[0] == proto::load_be32(left.data() + 4));
  // What is left is understood: a second time there is nothing to do.
  const std::vector<std::uint8_t> once(left.begin(), left.end());
  WEIR_ASSERT(absorb_feedback(burst, 0) == DropReason::kNone);
  WEIR_ASSERT(burst.bytes[0] == once.size() && std::memcmp(burst.data[0], once.data(), once.size()) == 0);
}

}  // namespace
}  // namespace weir::dataplane

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // unprotect has seen a header and a sender: RFC 3550 section 6.4.1.
  if (size >= 2 + weir::proto::kRtcpHeaderBytes) weir::dataplane::absorb({data, size});
  return 0;
}
