#include "dataplane/rewrite.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/support/hex.h"
#include "tests/support/media_flows.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;
using tests::from_hex;
using tests::MediaFlows;
using tests::PacketBurst;
using tests::to_hex;
using Packet = std::vector<std::uint8_t>;

/// SSRC 11111111 leaves as aaaaaaaa; in reports on the opposite stream bbbbbbbb is 22222222. Payload type 0 leaves
/// as 8.
proto::RewriteSpec both_sides() {
  proto::RewriteSpec spec{};
  spec.ssrc_to = 0xaaaaaaaa;
  spec.ssrc_reverse_from = 0xbbbbbbbb;
  spec.ssrc_reverse_to = 0x22222222;
  spec.payload_types = 2;
  spec.payload_type_map[0] = {.from = 0, .to = 8};
  spec.payload_type_map[1] = {.from = 96, .to = 101};
  return spec;
}

struct Row {
  const char* description;
  const char* in;
  DropReason verdict;
  const char* out;
};

const Row kRows[] = {
    {"RTP: SSRC and payload type", "8000 0005 00000000 11111111 cc", DropReason::kNone,
     "8008 0005 00000000 aaaaaaaa cc"},
    {"RTP: the marker stays", "80e0 0006 00000000 11111111", DropReason::kNone, "80e5 0006 00000000 aaaaaaaa"},
    {"RTP: an unmapped payload type passes", "8009 0007 00000000 11111111", DropReason::kNone,
     "8009 0007 00000000 aaaaaaaa"},
    {"sender report with one block",
     "81c8000c 11111111 0000000000000000 00000000 00000000 00000000 bbbbbbbb 00000000 00000000 00000000 00000000 "
     "00000000",
     DropReason::kNone,
     "81c8000c aaaaaaaa 0000000000000000 00000000 00000000 00000000 22222222 00000000 00000000 00000000 00000000 "
     "00000000"},
    {"receiver report with two blocks, one on a stream nobody maps",
     "82c9000d 11111111 bbbbbbbb 00000000 00000000 00000000 00000000 00000000 cccccccc 00000000 00000000 00000000 "
     "00000000 00000000",
     DropReason::kNone,
     "82c9000d aaaaaaaa 22222222 00000000 00000000 00000000 00000000 00000000 cccccccc 00000000 00000000 00000000 "
     "00000000 00000000"},
    {"report and source description with two chunks",
     "80c90001 11111111 82ca0005 11111111 01026162 00000000 33333333 01016300", DropReason::kNone,
     "80c90001 aaaaaaaa 82ca0005 aaaaaaaa 01026162 00000000 aaaaaaaa 01016300"},
    {"bye with a reason", "81cb0002 11111111 03627965", DropReason::kNone, "81cb0002 aaaaaaaa 03627965"},
    {"picture loss indication", "81ce0002 11111111 bbbbbbbb", DropReason::kNone, "81ce0002 aaaaaaaa 22222222"},
    {"transport-wide feedback", "8fcd0003 11111111 bbbbbbbb 01020304", DropReason::kNone,
     "8fcd0003 aaaaaaaa 22222222 01020304"},
    {"full intra request names its stream in an entry", "84ce0004 11111111 00000000 bbbbbbbb 07000000",
     DropReason::kNone, "84ce0004 aaaaaaaa 00000000 22222222 07000000"},
    {"receiver estimated maximum bit rate", "8fce0005 11111111 00000000 52454d42 01000000 bbbbbbbb", DropReason::kNone,
     "8fce0005 aaaaaaaa 00000000 52454d42 01000000 22222222"},
    {"temporal and spatial trade-offs name theirs in entries",
     "85ce0006 11111111 00000000 bbbbbbbb 07000000 cccccccc 08000000", DropReason::kNone,
     "85ce0006 aaaaaaaa 00000000 22222222 07000000 cccccccc 08000000"},
    {"congestion control feedback names a source in each block (RFC 8888): one packet and its padding, then two",
     "8bcd0008 11111111 bbbbbbbb 00010001 80000000 bbbbbbbb 00020002 80008000 00000001", DropReason::kNone,
     "8bcd0008 aaaaaaaa 22222222 00010001 80000000 22222222 00020002 80008000 00000001"},
    {"an extended report on what was lost, and on when its receivers asked for it",
     "80cf000f 11111111 01000003 bbbbbbbb 00010002 40000000 04000002 0102030405060708 05000006 bbbbbbbb 00000001 "
     "00000002 "
     "cccccccc 00000003 00000004",
     DropReason::kNone,
     "80cf000f aaaaaaaa 01000003 22222222 00010002 40000000 04000002 0102030405060708 05000006 22222222 00000001 "
     "00000002 "
     "cccccccc 00000003 00000004"},
    {"one of voice metrics (RFC 3611 section 4.7)",
     "80cf000a 11111111 07000008 bbbbbbbb 01020304 05060708 090a0b0c 0d0e0f10 11121314 15161718 191a1b1c",
     DropReason::kNone,
     "80cf000a aaaaaaaa 07000008 22222222 01020304 05060708 090a0b0c 0d0e0f10 11121314 15161718 191a1b1c"},
    {"one with a block of tomorrow", "80cf0003 11111111 63000001 bbbbbbbb", DropReason::kNone,
     "80cf0003 aaaaaaaa 63000001 bbbbbbbb"},
    {"padding is none of it", "a0cf0004 11111111 63000001 bbbbbbbb 00000004", DropReason::kNone,
     "a0cf0004 aaaaaaaa 63000001 bbbbbbbb 00000004"},
    {"a type of tomorrow", "80d10002 11111111 bbbbbbbb", DropReason::kNone, "80d10002 aaaaaaaa bbbbbbbb"},
    {"a block of an extended report that leaves it", "80cf0003 11111111 63000002 bbbbbbbb", DropReason::kRtcpMalformed,
     nullptr},
    {"half a block of congestion control feedback", "8bcd0003 11111111 bbbbbbbb 00010001", DropReason::kRtcpMalformed,
     nullptr},
    {"more padding than there is", "a0cf0001 11111108", DropReason::kRtcpMalformed, nullptr},
    {"an estimate of which the end is padding", "afce0005 11111111 00000000 52454d42 01000000 bbbbbb08",
     DropReason::kNone, "afce0005 aaaaaaaa 00000000 52454d42 01000000 bbbbbb08"},
    {"a report block that is not there", "81c90001 11111111", DropReason::kRtcpMalformed, nullptr},
    {"a sender report without sender information", "80c80001 11111111", DropReason::kRtcpMalformed, nullptr},
    {"a source description whose item leaves the packet", "81ca0002 11111111 01ff6162", DropReason::kRtcpMalformed,
     nullptr},
    {"a source description without its end", "82ca0002 11111111 01026162", DropReason::kRtcpMalformed, nullptr},
    {"a bye that counts too many", "82cb0001 11111111", DropReason::kRtcpMalformed, nullptr},
    {"feedback without a media source", "81ce0001 11111111", DropReason::kRtcpMalformed, nullptr},
    {"an estimate that counts too many", "8fce0004 11111111 00000000 52454d42 02000000", DropReason::kRtcpMalformed,
     nullptr},
};

TEST(Rewrite, RowsOfPackets) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.description);
    MediaFlows flows(1);
    proto::FlowSpec spec = MediaFlows::spec(0, {}, {});
    spec.rewrite = both_sides();
    flows.install(0, spec);
    PacketBurst burst;
    burst.add(flows, 0, from_hex(row.in));
    burst.unprotect(flows);
    ASSERT_EQ(burst.verdict(0), DropReason::kNone);
    burst.rewrite();
    EXPECT_EQ(burst.verdict(0), row.verdict);
    EXPECT_EQ(burst.burst().media.count, row.verdict == DropReason::kNone ? 1u : 0u);
    if (row.out != nullptr) {
      EXPECT_EQ(to_hex(burst.packet(0)), to_hex(from_hex(row.out)));
      EXPECT_EQ(burst.burst().ssrc[0], 0xaaaaaaaau);
    }
  }
}

TEST(Rewrite, LeavesEverythingToFlowsThatAskForNothing) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.description);
    MediaFlows flows(1);
    flows.install(0, MediaFlows::spec(0, {}, {}));
    PacketBurst burst;
    burst.add(flows, 0, from_hex(row.in));
    burst.unprotect(flows);
    burst.rewrite();
    EXPECT_EQ(burst.verdict(0), DropReason::kNone);
    EXPECT_EQ(to_hex(burst.packet(0)), to_hex(from_hex(row.in)));
  }
}

Packet rtp_of(std::uint32_t ssrc, std::uint16_t sequence) {
  Packet packet(12);
  packet[0] = 0x80;
  proto::store_be16(packet.data() + 2, sequence);
  proto::store_be32(packet.data() + 8, ssrc);
  return packet;
}

TEST(Rewrite, AnotherSourceGoesOnWithTheSequenceOfTheOneBefore) {
  MediaFlows flows(1);
  proto::FlowSpec spec = MediaFlows::spec(0, {}, {});
  spec.rewrite.ssrc_to = 0xaaaaaaaa;
  flows.install(0, spec);
  constexpr int kRefused = -1;
  const struct {
    std::uint32_t ssrc;
    std::uint16_t sequence;
    int leaves_as;
  } rows[] = {
      {1, 65534, 65534}, {1, 65535, 65535}, {1, 1, 1},     {1, 0, 0},  // late, across the wrap
      {2, 40000, 2},     {2, 40002, 4},     {2, 40001, 3},             // another one takes the place
      {1, 2, kRefused},  {2, 40003, 5},                                // late, of the one before
      {1, 3, kRefused},  {1, 4, kRefused},  {1, 5, 6},     {1, 6, 7},  // it is back
      {3, 500, 8},       {2, 40004, 9},                                // a third, and the second after it
  };
  for (const auto& row : rows) {
    PacketBurst burst;
    burst.add(flows, 0, rtp_of(row.ssrc, row.sequence));
    burst.unprotect(flows);
    burst.rewrite();
    if (row.leaves_as == kRefused) {
      EXPECT_EQ(burst.verdict(0), DropReason::kSsrcCollision) << row.ssrc << " " << row.sequence;
      continue;
    }
    EXPECT_EQ(burst.verdict(0), DropReason::kNone) << row.ssrc << " " << row.sequence;
    EXPECT_EQ(proto::load_be16(burst.packet(0).data() + 2), row.leaves_as) << row.ssrc << " " << row.sequence;
    EXPECT_EQ(proto::load_be32(burst.packet(0).data() + 8), 0xaaaaaaaau);
  }
}

TEST(Rewrite, OfTwoStreamsThatCollideOneLeavesAndNoIndexComesTwice) {
  MediaFlows flows(1);
  proto::TransformSpec send{};
  send.profile = proto::SrtpProfile::kAesCm128HmacSha1_80;
  proto::FlowSpec spec = MediaFlows::spec(0, {}, send);
  spec.rewrite.ssrc_to = 0xaaaaaaaa;
  flows.install(0, spec);
  std::set<std::uint64_t> used;
  std::uint32_t refused = 0;
  const auto pass = [&](std::uint32_t ssrc, std::uint16_t sequence) {
    PacketBurst burst;
    burst.add(flows, 0, rtp_of(ssrc, sequence));
    burst.unprotect(flows);
    burst.rewrite();
    burst.protect(flows);
    if (burst.verdict(0) == DropReason::kSsrcCollision) ++refused;
    if (burst.verdict(0) != DropReason::kNone) return;
    EXPECT_TRUE(used.insert(burst.burst().index[0]).second);
    EXPECT_EQ(flows.flow(0).rewrite_ssrc, ssrc);
  };
  pass(1, 999);
  for (std::uint16_t i = 0; i < 1000; ++i) {
    pass(2, static_cast<std::uint16_t>(65'000 + i));  // the newer one
    pass(1, static_cast<std::uint16_t>(1000 + i));
  }
  EXPECT_EQ(used.size(), 1001u);
  EXPECT_EQ(refused, 1000u);
}

}  // namespace
}  // namespace weir::dataplane
