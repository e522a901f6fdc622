#include "dataplane/feedback.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/hex.h"
#include "tests/support/media_flows.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;
using tests::from_hex;
using tests::MediaFlows;
using tests::PacketBurst;
using tests::to_hex;

constexpr std::uint8_t kAllButPli = proto::kFeedbackAll & ~proto::kFeedbackPli;
constexpr std::uint8_t kAllButFir = proto::kFeedbackAll & ~proto::kFeedbackFir;
/// CLOCK_MONOTONIC whose sequence number of a FIR is 7.
constexpr std::uint64_t kNowNs = std::uint64_t{7} << 30;

struct Row {
  const char* description;
  std::uint8_t absorbs;
  const char* in;
  DropReason verdict;
  const char* out;  ///< null: as it came
};

const Row kRows[] = {
    {"a report passes", proto::kFeedbackAll, "80c90001 11111111", DropReason::kNone, nullptr},
    {"reports, names and extended reports pass", proto::kFeedbackAll,
     "80c90001 11111111 81ca0003 11111111 01026162 00000000 80cf0001 11111111", DropReason::kNone, nullptr},
    {"feedback that is understood passes", proto::kFeedbackRemb,
     "80c90001 11111111 81cd0003 11111111 bbbbbbbb 00010000", DropReason::kNone, nullptr},
    {"a NACK is taken out from behind a report", proto::kFeedbackNack,
     "80c90001 11111111 81cd0003 11111111 bbbbbbbb 00010000", DropReason::kNone, "80c90001 11111111"},
    {"and from between two", proto::kFeedbackNack,
     "80c90001 11111111 81cd0003 11111111 bbbbbbbb 00010000 81cb0001 11111111", DropReason::kNone,
     "80c90001 11111111 81cb0001 11111111"},
    {"a NACK alone leaves nothing", proto::kFeedbackAll, "81cd0003 11111111 bbbbbbbb 00010000",
     DropReason::kFeedbackAbsorbed, nullptr},
    {"transport-wide feedback is none of the NACK's kind", proto::kFeedbackNack,
     "8fcd0004 11111111 bbbbbbbb 01020304 05060708", DropReason::kNone, nullptr},
    {"transport-wide feedback", proto::kFeedbackTransport, "8fcd0004 11111111 bbbbbbbb 01020304 05060708",
     DropReason::kFeedbackAbsorbed, nullptr},
    {"congestion control feedback of RFC 8888", proto::kFeedbackTransport, "8bcd0003 11111111 bbbbbbbb 01020304",
     DropReason::kFeedbackAbsorbed, nullptr},
    {"an estimate", proto::kFeedbackRemb, "8fce0005 11111111 00000000 52454d42 01000000 bbbbbbbb",
     DropReason::kFeedbackAbsorbed, nullptr},
    {"an application's own feedback is no estimate", proto::kFeedbackRemb, "8fce0003 11111111 00000000 41424344",
     DropReason::kNone, nullptr},
    {"feedback of tomorrow", proto::kFeedbackOther, "89ce0002 11111111 bbbbbbbb", DropReason::kFeedbackAbsorbed,
     nullptr},
    {"TMMBR", proto::kFeedbackOther, "83cd0004 11111111 00000000 bbbbbbbb 01020304", DropReason::kFeedbackAbsorbed,
     nullptr},
    {"reduced size goes on behind an empty report", proto::kFeedbackReducedSize, "81cd0003 11111111 bbbbbbbb 00010000",
     DropReason::kNone, "80c90001 11111111 81cd0003 11111111 bbbbbbbb 00010000"},
    {"a report without a sender is no report", proto::kFeedbackAll, "80c90000 81ce0002 11111111 bbbbbbbb",
     DropReason::kRtcpMalformed, nullptr},
    {"a goodbye of nobody alone cannot be protected", proto::kFeedbackPli | proto::kFeedbackFir,
     "80cb0000 81ce0002 11111111 bbbbbbbb", DropReason::kRtcpMalformed, nullptr},
    {"PLI becomes FIR", kAllButFir, "80c90001 11111111 81ce0002 11111111 bbbbbbbb", DropReason::kNone,
     "80c90001 11111111 84ce0004 11111111 00000000 bbbbbbbb 07000000"},
    {"of reduced size too", kAllButFir, "81ce0002 11111111 bbbbbbbb", DropReason::kNone,
     "80c90001 11111111 84ce0004 11111111 00000000 bbbbbbbb 07000000"},
    {"FIR becomes a PLI for each sender", kAllButPli,
     "80c90001 11111111 84ce0006 11111111 00000000 bbbbbbbb 05000000 cccccccc 06000000", DropReason::kNone,
     "80c90001 11111111 81ce0002 11111111 bbbbbbbb 81ce0002 11111111 cccccccc"},
    {"of three at most", kAllButPli,
     "80c90001 11111111 84ce000a 11111111 00000000 bbbbbbbb 05000000 bbbbbbb1 06000000 bbbbbbb2 06000000 bbbbbbb3 "
     "06000000",
     DropReason::kNone,
     "80c90001 11111111 81ce0002 11111111 bbbbbbbb 81ce0002 11111111 bbbbbbb1 81ce0002 11111111 bbbbbbb2"},
    {"a FIR that names nobody", kAllButPli, "84ce0002 11111111 00000000", DropReason::kFeedbackAbsorbed, nullptr},
    {"a request of neither kind is absorbed", proto::kFeedbackAll, "81ce0002 11111111 bbbbbbbb",
     DropReason::kFeedbackAbsorbed, nullptr},
    {"feedback without a media source", proto::kFeedbackAll, "81ce0001 11111111", DropReason::kRtcpMalformed, nullptr},
    {"a length that leaves the compound", proto::kFeedbackAll, "80c90001 11111111 81ce0007 11111111 bbbbbbbb",
     DropReason::kRtcpMalformed, nullptr},
    {"bytes behind the last packet", proto::kFeedbackAll, "80c90001 11111111 81ce", DropReason::kRtcpMalformed,
     nullptr},
};

proto::FlowSpec absorbing(std::uint8_t absorbs) {
  proto::FlowSpec spec = MediaFlows::spec(0, {}, {});
  spec.rewrite.absorbs = absorbs;
  return spec;
}

TEST(Feedback, RowsOfCompounds) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.description);
    MediaFlows flows(1);
    flows.install(0, absorbing(row.absorbs));
    PacketBurst burst;
    burst.add(flows, 0, from_hex(row.in));
    burst.burst().now_ns = kNowNs;
    burst.unprotect(flows);
    burst.rewrite();  // passes over what unprotect has dropped
    EXPECT_EQ(burst.verdict(0), row.verdict);
    if (row.verdict != DropReason::kNone) continue;
    EXPECT_EQ(to_hex(burst.packet(0)), to_hex(from_hex(row.out != nullptr ? row.out : row.in)));
    EXPECT_EQ(burst.burst().ssrc[0], 0x11111111u);
  }
}

/// Whether weir-control is told of the request in this compound, which comes at that time.
bool tells(MediaFlows& flows, const char* compound, std::uint64_t now_ns) {
  PacketBurst burst;
  burst.add(flows, 0, from_hex(compound));
  burst.burst().now_ns = now_ns;
  burst.unprotect(flows);
  burst.burst().notes[0] = 0;
  burst.burst().noted.clear();
  burst.rewrite();
  EXPECT_EQ(burst.burst().noted.count, burst.burst().notes[0] != 0 ? 1u : 0u);
  return (burst.burst().notes[0] & kNotePictureAsked) != 0;
}

TEST(Feedback, ARequestThatTheFarSideDoesNotKnowIsToldOnceASecond) {
  constexpr const char* kPli = "81ce0002 11111111 bbbbbbbb";
  constexpr const char* kFir = "80c90001 11111111 84ce0004 11111111 00000000 bbbbbbbb 05000000";
  MediaFlows flows(1);
  flows.install(0, absorbing(proto::kFeedbackAll));
  std::uint64_t last_ms = 0;
  // A whole turn of the clock that FlowEntry::picture_told has, and more.
  for (std::uint64_t ms = 0; ms < 40'000; ms += 100) {
    SCOPED_TRACE(ms);
    const std::uint64_t now_ns = kNowNs + ms * 1'000'000;
    const bool told = tells(flows, ms % 200 == 0 ? kPli : kFir, now_ns);
    EXPECT_TRUE(told || ms - last_ms < 1'400) << "not seldom";
    EXPECT_TRUE(!told || ms == 0 || ms - last_ms >= 1'000) << "not often";
    if (told) last_ms = ms;
  }
}

TEST(Feedback, ARequestIsToldAtOnceAfterASilenceOfAnyLength) {
  for (std::uint64_t s = 2; s < 60; ++s) {
    MediaFlows flows(1);
    flows.install(0, absorbing(proto::kFeedbackAll));
    EXPECT_TRUE(tells(flows, "81ce0002 11111111 bbbbbbbb", kNowNs));
    for (std::uint64_t past = 1; past <= s; ++past) forget_picture_told(flows.flow(0), kNowNs + past * 1'000'000'000);
    EXPECT_TRUE(tells(flows, "81ce0002 11111111 bbbbbbbb", kNowNs + s * 1'000'000'000)) << s;
  }
}

TEST(Feedback, WhatCanBeAskedForOrIsNoRequestIsNotTold) {
  const struct {
    const char* description;
    std::uint8_t absorbs;
    const char* compound;
  } rows[] = {
      {"a FIR is made of it", kAllButFir, "81ce0002 11111111 bbbbbbbb"},
      {"a PLI is", kAllButPli, "84ce0004 11111111 00000000 bbbbbbbb 05000000"},
      {"it passes", 0, "80c90001 11111111 81ce0002 11111111 bbbbbbbb"},
      {"a FIR that asks nobody", proto::kFeedbackAll, "84ce0002 11111111 00000000"},
      {"a NACK", proto::kFeedbackAll, "81cd0003 11111111 bbbbbbbb 00010000"},
      {"behind it a length that is a lie", proto::kFeedbackAll, "81ce0002 11111111 bbbbbbbb 80c90007 11111111"},
  };
  for (const auto& row : rows) {
    MediaFlows flows(1);
    flows.install(0, absorbing(row.absorbs));
    EXPECT_FALSE(tells(flows, row.compound, kNowNs)) << row.description;
    EXPECT_EQ(flows.flow(0).picture_told, 0);
  }
}

TEST(Feedback, WritesRequestsOfTheKindThatIsKnown) {
  const auto written = [](const proto::PictureRequest& request, std::uint8_t absorbs, std::size_t room = 100) {
    std::vector<std::uint8_t> out(room);
    out.resize(write_picture_request(request, absorbs, kNowNs, out));
    return to_hex(out);
  };
  const proto::PictureRequest one{.sender = 0x11111111, .sources = 1, .source = {0xbbbbbbbb}};
  const proto::PictureRequest two{.sender = 0x11111111, .sources = 2, .source = {0xbbbbbbbb, 0xcccccccc}};
  const std::string pli = to_hex(from_hex("80c90001 11111111 81ce0002 11111111 bbbbbbbb"));
  EXPECT_EQ(written(one, 0), pli) << "where both are known";
  EXPECT_EQ(written(one, kAllButPli), pli);
  EXPECT_EQ(written(two, kAllButPli), pli + to_hex(from_hex("81ce0002 11111111 cccccccc")));
  EXPECT_EQ(written(one, kAllButFir),
            to_hex(from_hex("80c90001 11111111 84ce0004 11111111 00000000 bbbbbbbb 07000000")));
  EXPECT_EQ(written(one, proto::kFeedbackAll), "");
  EXPECT_EQ(written(one, 0, 19), "") << "no room";
  proto::PictureRequest bad = one;
  for (const std::uint32_t sources : {0u, 5u, 0xffffffffu}) {
    bad.sources = sources;
    EXPECT_EQ(written(bad, 0), "");
  }
}

TEST(Feedback, WhatIsLeftIsMappedToTheFarSidesSources) {
  MediaFlows flows(1);
  proto::FlowSpec spec = absorbing(kAllButFir);
  spec.rewrite.ssrc_to = 0xaaaaaaaa;
  spec.rewrite.ssrc_reverse_from = 0xbbbbbbbb;
  spec.rewrite.ssrc_reverse_to = 0x22222222;
  flows.install(0, spec);
  PacketBurst burst;
  burst.add(flows, 0, from_hex("81ce0002 11111111 bbbbbbbb"));
  burst.burst().now_ns = kNowNs;
  burst.unprotect(flows);
  burst.rewrite();
  EXPECT_EQ(to_hex(burst.packet(0)),
            to_hex(from_hex("80c90001 aaaaaaaa 84ce0004 aaaaaaaa 00000000 22222222 07000000")));
}

TEST(Feedback, ALaterDescriptionChangesWhatIsAbsorbed) {
  MediaFlows flows(1);
  const proto::FlowSpec before = absorbing(proto::kFeedbackAll);
  flows.install(0, before);
  proto::FlowSpec spec = absorbing(0);
  spec.rewrite.strips_extensions = 1;
  spec.rewrite.ssrc_to = 0x99;  // not read
  flows.table().set_peer(0, spec, kNowNs);
  EXPECT_EQ(flows.flow(0).rewrite.absorbs, 0);
  EXPECT_EQ(flows.flow(0).rewrite.ssrc_to, 0u);
  EXPECT_NE(flows.flow(0).marks & kMarkRewrites, 0);
  flows.table().set_peer(0, before, kNowNs);
  EXPECT_EQ(flows.flow(0).rewrite.absorbs, proto::kFeedbackAll);
  EXPECT_EQ(flows.flow(0).marks & kMarkRewrites, 0) << "RTP of the flow asks for nothing";
}

TEST(Extensions, AreTakenOutOfRtpWhereTheFarSideHasNone) {
  const struct {
    const char* description;
    const char* in;
    const char* out;
  } rows[] = {
      {"one-byte form", "9060 0005 00000000 11111111 bede0001 10aa0000 cc", "8060 0005 00000000 11111111 cc"},
      {"two-byte form", "9060 0005 00000000 11111111 10000001 0101aa00 cc", "8060 0005 00000000 11111111 cc"},
      {"behind CSRCs", "91e0 0006 00000000 11111111 33333333 bede0000 cc", "81e0 0006 00000000 11111111 33333333 cc"},
      {"none", "8060 0007 00000000 11111111 cc", "8060 0007 00000000 11111111 cc"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.description);
    MediaFlows flows(1);
    proto::FlowSpec spec = MediaFlows::spec(0, {}, {});
    spec.rewrite.strips_extensions = 1;
    flows.install(0, spec);
    PacketBurst burst;
    burst.add(flows, 0, from_hex(row.in));
    burst.unprotect(flows);
    burst.rewrite();
    EXPECT_EQ(to_hex(burst.packet(0)), to_hex(from_hex(row.out)));
    EXPECT_EQ(burst.burst().header_bytes[0], burst.packet(0).size() - 1);
  }
}

}  // namespace
}  // namespace weir::dataplane
