// What a party that is not to know who sends gets to see: SSRCs, CNAMEs and names. RFC 3550 section 6.5, RFC 3323.
#include "dataplane/source_description.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "dataplane/burst.h"
#include "proto/rtcp.h"
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

constexpr std::uint64_t kSecret = 0x0123456789abcdef;
constexpr std::uint32_t kSsrc = 0x11111111;
constexpr std::uint32_t kOther = 0x22222222;

std::string hex_of(std::uint32_t number) {
  std::array<std::uint8_t, 4> bytes;
  proto::store_be32(bytes.data(), number);
  return to_hex(bytes);
}

std::string hidden(std::uint32_t ssrc) {
  return hex_of(proto::SourceDisguise(kSecret).hide(ssrc));
}

std::string cname_hex(std::uint64_t secret = kSecret) {
  return to_hex(proto::SourceDisguise(secret).cname());
}

/// A packet through rewrite of a flow with these flags; empty: it was dropped, as `verdict` says.
struct Rewritten {
  DropReason verdict;
  Packet packet;
  std::uint32_t ssrc;
};
Rewritten rewrite(std::uint8_t flags, const Packet& in, std::uint64_t secret = kSecret, std::uint32_t ssrc_to = 0) {
  MediaFlows flows(1);
  proto::FlowSpec spec = MediaFlows::spec(0, {}, {});
  spec.cookie = secret;
  spec.rewrite.strips_extensions = flags;
  spec.rewrite.ssrc_to = ssrc_to;
  flows.install(0, spec);
  PacketBurst burst;
  burst.add(flows, 0, in);
  burst.unprotect(flows);
  EXPECT_EQ(burst.verdict(0), DropReason::kNone);
  burst.rewrite();
  if (burst.verdict(0) != DropReason::kNone) return {burst.verdict(0), {}, 0};
  return {DropReason::kNone, burst.packet(0), burst.burst().ssrc[0]};
}

struct Row {
  const char* description;
  std::string in;
  DropReason verdict;
  std::string out;
};

TEST(SourceDescription, RowsOfPacketsThatLeaveTowardsAPartyThatIsNotToKnow) {
  const std::string name = "0110" + cname_hex() + "0000";  // CNAME of 16 bytes, its end, one byte to the next word
  const std::string four = "00000000";
  const Row rows[] = {
      {"RTP: the SSRC and the CSRCs", "8200 0005 00000000 11111111 22222222 33333333 cc", DropReason::kNone,
       "8200 0005 00000000" + hidden(kSsrc) + hidden(kOther) + hidden(0x33333333) + "cc"},
      {"a report on the opposite stream passes", "81c90007 11111111 44444444" + four + four + four + four + four,
       DropReason::kNone, "81c90007" + hidden(kSsrc) + "44444444" + four + four + four + four + four},
      {"a short CNAME grows", "80c90001 11111111 81ca0002 11111111 01016100", DropReason::kNone,
       "80c90001" + hidden(kSsrc) + "81ca0006" + hidden(kSsrc) + name},
      {"a long one shrinks, and who is named by name, address and telephone is so no more",
       "80c90001 11111111 81ca0008 11111111 0103616263 0203626f62 03056140626364 0403333333 0700 00000000",
       DropReason::kNone, "80c90001" + hidden(kSsrc) + "81ca0006" + hidden(kSsrc) + name},
      {"each source of a mixer has the same",
       "80c90001 11111111 82ca000c 11111111 011061616161616161616161616161616161 0000 22222222 "
       "011062626262626262626262626262626262 0000",
       DropReason::kNone, "80c90001" + hidden(kSsrc) + "82ca000c" + hidden(kSsrc) + name + hidden(kOther) + name},
      {"a bye gives no reason", "80c90001 11111111 81cb0003 11111111 0568656c 6c6f0000", DropReason::kNone,
       "80c90001" + hidden(kSsrc) + "81cb0001" + hidden(kSsrc)},
      {"what an application says is left out", "80c90001 11111111 80cc0003 11111111 41424344 01020304",
       DropReason::kNone, "80c90001" + hidden(kSsrc)},
      {"an application alone leaves nothing", "80cc0003 11111111 41424344 01020304", DropReason::kFeedbackAbsorbed, ""},
      {"feedback names the opposite stream as it is", "81ce0002 11111111 44444444", DropReason::kNone,
       "81ce0002" + hidden(kSsrc) + "44444444"},
      {"an item that leaves the packet", "80c90001 11111111 81ca0002 11111111 01ff6162", DropReason::kRtcpMalformed,
       ""},
      {"a description without its end", "80c90001 11111111 81ca0002 11111111 01026162", DropReason::kRtcpMalformed, ""},
      {"a description that counts too many", "80c90001 11111111 83ca0002 11111111 01016100", DropReason::kRtcpMalformed,
       ""},
      {"a bye that counts too many", "80c90001 11111111 82cb0001 11111111", DropReason::kRtcpMalformed, ""},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.description);
    const Rewritten out = rewrite(proto::kHidesSources, from_hex(row.in));
    EXPECT_EQ(out.verdict, row.verdict);
    EXPECT_EQ(to_hex(out.packet), to_hex(from_hex(row.out)));
    if (!row.out.empty()) {
      EXPECT_EQ(hex_of(out.ssrc), hidden(kSsrc));
    }
  }
}

TEST(SourceDescription, WhatThePartyReportsOnIsFoundAgain) {
  const std::string report = "81c90007 44444444" + hidden(kSsrc) + "0000000000000000000000000000000000000000";
  EXPECT_EQ(to_hex(rewrite(proto::kFindsSources, from_hex(report)).packet),
            to_hex(from_hex("81c90007 44444444 11111111 0000000000000000000000000000000000000000")));
  const std::string picture = "84ce0004 44444444 00000000" + hidden(kSsrc) + "07000000";
  EXPECT_EQ(to_hex(rewrite(proto::kFindsSources, from_hex(picture)).packet),
            to_hex(from_hex("84ce0004 44444444 00000000 11111111 07000000")));
}

TEST(SourceDescription, OneSourceThatEveryoneLeavesAsStaysWhatItIs) {
  const Rewritten out = rewrite(proto::kHidesSources, from_hex("8000 0005 00000000 11111111 cc"), kSecret, 0xaaaaaaaa);
  EXPECT_EQ(to_hex(out.packet), to_hex(from_hex("8000 0005 00000000 aaaaaaaa cc")));
  const Rewritten report = rewrite(proto::kHidesSources, from_hex("80c90001 11111111"), kSecret, 0xaaaaaaaa);
  EXPECT_EQ(to_hex(report.packet), to_hex(from_hex("80c90001 aaaaaaaa")));
}

TEST(SourceDescription, TwoCallsOfOneClientHaveNothingInCommon) {
  const Packet rtp = from_hex("8000 0005 00000000 11111111 cc");
  const Packet rtcp = from_hex("80c90001 11111111 81ca0005 11111111 010a 616c69636540686f7374 0000 0000");
  std::set<std::string> ssrcs;
  std::set<std::string> cnames;
  for (std::uint64_t call = 1; call <= 50; ++call) {
    ssrcs.insert(to_hex(rewrite(proto::kHidesSources, rtp, call * kSecret).packet).substr(16, 8));
    const std::string said = to_hex(rewrite(proto::kHidesSources, rtcp, call * kSecret).packet);
    EXPECT_EQ(said.find(to_hex(from_hex("616c696365"))), std::string::npos);
    cnames.insert(said.substr(36, 32));
  }
  EXPECT_EQ(ssrcs.size(), 50u);
  EXPECT_EQ(cnames.size(), 50u);
}

TEST(SourceDescription, AReportLaterInTheCallIsOfTheSameSourceAsTheRtp) {
  const std::string rtp = to_hex(rewrite(proto::kHidesSources, from_hex("8000 0005 00000000 11111111 cc")).packet);
  const std::string report = to_hex(rewrite(proto::kHidesSources, from_hex("80c90001 11111111")).packet);
  EXPECT_EQ(rtp.substr(16, 8), report.substr(8, 8));
}

}  // namespace
}  // namespace weir::dataplane
