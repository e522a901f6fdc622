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

void expect_rows(const std::vector<Row>& rows) {
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

TEST(SourceDescription, RowsOfPacketsThatLeaveTowardsAPartyThatIsNotToKnow) {
  const std::string name = "0110" + cname_hex() + "0000";  // CNAME of 16 bytes, its end, one byte to the next word
  const std::string four = "00000000";
  expect_rows({
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
      {"a sender report that is too short", "80c80002 11111111 00000000", DropReason::kRtcpMalformed, ""},
      {"a receiver report that counts too many", "81c90001 11111111", DropReason::kRtcpMalformed, ""},
      {"padding that does not fit", "a0c90001 11111120", DropReason::kRtcpMalformed, ""},
      {"feedback without a media source", "81ce0001 11111111", DropReason::kRtcpMalformed, ""},
      {"an extended report of nobody", "80c90001 11111111 80cf0000", DropReason::kRtcpMalformed, ""},
      {"a block that leaves its report", "80cf0003 11111111 01000003 44444444", DropReason::kRtcpMalformed, ""},
      {"an item that leaves the packet", "80c90001 11111111 81ca0002 11111111 01ff6162", DropReason::kRtcpMalformed,
       ""},
      {"a description without its end", "80c90001 11111111 81ca0002 11111111 01026162", DropReason::kRtcpMalformed, ""},
      {"a description that counts too many", "80c90001 11111111 83ca0002 11111111 01016100", DropReason::kRtcpMalformed,
       ""},
      {"a bye that counts too many", "80c90001 11111111 82cb0001 11111111", DropReason::kRtcpMalformed, ""},
  });
}

TEST(SourceDescription, RowsOfWhatMayNameTheSenderOtherwise) {
  const std::string four = "00000000";
  expect_rows({
      {"RTP: no header extension, whatever it is (here RFC 8285's one-byte form)",
       "9100 0005 00000000 11111111 22222222 bede0002 13616c69 63650000 cc", DropReason::kNone,
       "8100 0005 00000000" + hidden(kSsrc) + hidden(kOther) + "cc"},
      {"what a profile puts behind a receiver report is left out", "80c90003 11111111 616c6963 65000000",
       DropReason::kNone, "80c90001" + hidden(kSsrc)},
      {"or behind a sender report", "80c80008 11111111" + four + four + four + four + four + "616c6963 65000000",
       DropReason::kNone, "80c80006" + hidden(kSsrc) + four + four + four + four + four},
      {"or into padding", "a0c90003 11111111 616c6963 65000008", DropReason::kNone, "80c90001" + hidden(kSsrc)},
      {"of extended reports the blocks of RFC 3611 stay",
       "80c90001 11111111 80cf000b 11111111 01000002 44444444 00010002 63000001 11111111 04000002 0102030405060708 "
       "07000001 616c6963",
       DropReason::kNone,
       "80c90001" + hidden(kSsrc) + "80cf0007" + hidden(kSsrc) +
           "01000002 44444444 00010002 04000002 0102030405060708"},
      {"one with others alone is left out", "80c90001 11111111 80cf0003 11111111 63000001 11111111", DropReason::kNone,
       "80c90001" + hidden(kSsrc)},
      {"feedback that an application defines is left out, but for an estimate of what may be sent",
       "8fce0003 11111111 44444444 616c6963 8fce0006 11111111 00000000 52454d42 01000000 44444444 616c6963",
       DropReason::kNone, "8fce0005" + hidden(kSsrc) + "00000000 52454d42 01000000 44444444"},
      {"a request for a picture says no more than that", "81ce0003 11111111 44444444 616c6963", DropReason::kNone,
       "81ce0002" + hidden(kSsrc) + "44444444"},
      {"feedback of tomorrow is left out", "80c90001 11111111 9ecd0003 11111111 44444444 616c6963", DropReason::kNone,
       "80c90001" + hidden(kSsrc)},
      {"packet loss, rates and congestion pass",
       "81cd0003 11111111 44444444 00010000 83cd0004 11111111 00000000 44444444 01020304", DropReason::kNone,
       "81cd0003" + hidden(kSsrc) + "44444444 00010000 83cd0004" + hidden(kSsrc) + "00000000 44444444 01020304"},
      {"types of yesterday and tomorrow are left out (RFC 2032, RFC 5760)",
       "80c90001 11111111 80c00001 11111111 80d10002 11111111 616c6963", DropReason::kNone, "80c90001" + hidden(kSsrc)},
  });
}

TEST(SourceDescription, WhatThePartyReportsOnIsFoundAgain) {
  const std::string report = "81c90007 44444444" + hidden(kSsrc) + "0000000000000000000000000000000000000000";
  EXPECT_EQ(to_hex(rewrite(proto::kFindsSources, from_hex(report)).packet),
            to_hex(from_hex("81c90007 44444444 11111111 0000000000000000000000000000000000000000")));
  const std::string picture = "84ce0004 44444444 00000000" + hidden(kSsrc) + "07000000";
  EXPECT_EQ(to_hex(rewrite(proto::kFindsSources, from_hex(picture)).packet),
            to_hex(from_hex("84ce0004 44444444 00000000 11111111 07000000")));
  const std::string lost =
      "80cf0008 44444444 01000002" + hidden(kSsrc) + "00010002 05000003" + hidden(kOther) + "0000000100000002";
  EXPECT_EQ(to_hex(rewrite(proto::kFindsSources, from_hex(lost)).packet),
            to_hex(from_hex("80cf0008 44444444 01000002 11111111 00010002 05000003 22222222 0000000100000002")));
}

/// Whether a sender's name and SSRC are found in what leaves of `packet`, which has them; nobody parses it.
bool is_named_in(const Packet& packet) {
  const Rewritten out = rewrite(proto::kHidesSources, packet);
  const std::string hex = to_hex(out.packet);
  return hex.find("616c696365") != std::string::npos || hex.find("11111111") != std::string::npos;
}

TEST(SourceDescription, OfWhatIsNotKnownToSayNumbersAloneNothingLeaves) {
  const std::string says = "11111111 44444444 616c6963 65000000 11111111";
  const auto packet = [&](unsigned type, unsigned count) {
    const std::array<std::uint8_t, 4> header{static_cast<std::uint8_t>(0x80 | count), static_cast<std::uint8_t>(type),
                                             0, 5};
    return from_hex("80c90001 11111111 " + to_hex(header) + says);
  };
  const std::set<unsigned> kTypes{200, 201, 202, 203, 205, 206, 207};  // RFC 3550, 4585, 3611
  const std::set<unsigned> kTransport{1, 3, 4, 11, 15};                // RFC 4585, 5104, 8888, transport-wide
  const std::set<unsigned> kPayload{2, 3, 4, 5, 6};                    // RFC 4585, 5104; 1, a PLI, has none of it
  for (unsigned type = 192; type <= 223; ++type) {
    for (unsigned count = 0; count < 32; ++count) {
      const bool numbers =
          (type == 205 && kTransport.contains(count)) || (type == 206 && kPayload.contains(count)) || type == 200;
      if (numbers) continue;
      EXPECT_FALSE(is_named_in(packet(type, count))) << type << "/" << count;
      const bool stays = to_hex(rewrite(proto::kHidesSources, packet(type, count)).packet).size() > 16;
      EXPECT_TRUE(kTypes.contains(type) || !stays) << type << "/" << count;
    }
  }
}

TEST(SourceDescription, OfExtendedReportsNoBlockLeavesThatRfc3611DoesNotHave) {
  for (unsigned type = 0; type < 256; ++type) {
    const std::array<std::uint8_t, 4> header{static_cast<std::uint8_t>(type), 0, 0, 4};
    const std::string block = to_hex(header) + "44444444 616c6963 65000000 11111111";
    const bool run_lengths = type >= 1 && type <= 3;  // bits, of what was lost
    const Packet packet = from_hex("80c90001 11111111 80cf0006 11111111 " + block);
    EXPECT_TRUE(run_lengths || !is_named_in(packet)) << type;
  }
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
