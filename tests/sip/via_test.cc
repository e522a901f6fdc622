// Via and CSeq.
#include "sip/via.h"

#include <gtest/gtest.h>

#include "sip/cseq.h"
#include "sip/limits.h"

namespace weir::sip {
namespace {

TEST(Via, EveryPartStandsInItsPlace) {
  const Via via = *parse_via("SIP/2.0/TCP [2001:2::1]:5070;branch=z9hG4bK1;rport;received=2001:2::2;maddr=h;ttl=1");
  EXPECT_EQ(via.protocol, "SIP/2.0");
  EXPECT_EQ(via.transport, "TCP");
  EXPECT_EQ(via.host, "2001:2::1");
  EXPECT_EQ(via.port, 5070);
  EXPECT_EQ(via.branch(), "z9hG4bK1");
  EXPECT_TRUE(via.has_branch_cookie());
  EXPECT_TRUE(via.wants_rport());
  EXPECT_FALSE(via.rport());
  EXPECT_EQ(via.received(), "2001:2::2");
  EXPECT_EQ(via.maddr(), "h");
  EXPECT_EQ(parse_via("SIP/2.0/UDP h;received=[2001:2::2]")->received(), "2001:2::2");
  EXPECT_EQ(parse_via("SIP/2.0/UDP h : 5061 ; rport = 17")->rport(), 17);
  EXPECT_EQ(parse_via("SIP/2.0/UDP h:5061;rport=0")->rport(), std::nullopt);
}

TEST(Via, MalformedValuesAreRefused) {
  for (const std::string_view text :
       {"", "SIP/2.0/UDP", "SIP/2.0/UDP ", "SIP/2.0 h", "SIP/2.0/UDPh", "SIP/2.0/UDP h:", "SIP/2.0/UDP h:70000",
        "SIP/2.0/UDP h;", "SIP/2.0/UDP h;;branch=x", "SIP/2.0/UDP h x", "SIP/2.0/UDP [::1", "SIP/2.0/UDP 2001:2::1",
        "/2.0/UDP h", "SIP//UDP h", "SIP/2.0/UDP h;branch=", "SIP/2.0/UDP h;branch=a@b"}) {
    EXPECT_FALSE(parse_via(text)) << text;
    EXPECT_FALSE(is_via(text)) << text;
  }
}

TEST(Via, TheStartOfAMalformedViaIsWellFormed) {
  EXPECT_EQ(well_formed_start("SIP/2.0/UDP h;branch=b;;x"), "SIP/2.0/UDP h;branch=b");
  EXPECT_EQ(well_formed_start("SIP/2.0/UDP h:1;"), "SIP/2.0/UDP h:1");
  EXPECT_EQ(well_formed_start("SIP/2.0/UDP ;"), "");
}

TEST(Via, TheSourceIsWrittenDownWhereItDiffersOrRportAsksForIt) {
  struct Row {
    std::string_view via;
    std::string_view after;
  };
  for (const Row& row : {
           Row{"SIP/2.0/UDP 198.18.0.9;branch=b", "SIP/2.0/UDP 198.18.0.9;branch=b"},
           Row{"SIP/2.0/UDP h;branch=b", "SIP/2.0/UDP h;branch=b;received=198.18.0.9"},
           Row{"SIP/2.0/UDP 198.18.0.9;rport;branch=b",
               "SIP/2.0/UDP 198.18.0.9;rport=4444;branch=b;received=198.18.0.9"},
           // What the sender wrote itself is not believed.
           Row{"SIP/2.0/UDP h;received=198.18.0.1;rport=1", "SIP/2.0/UDP h;rport=4444;received=198.18.0.9"},
       }) {
    Via via = *parse_via(row.via);
    via.set_source("198.18.0.9", 4444);
    EXPECT_EQ(write(via), row.after);
  }
}

TEST(CSeq, NumbersAreBelowTwoToTheThirtyFirst) {
  EXPECT_EQ(parse_cseq("2147483647 INVITE")->number, kCSeqMax);
  EXPECT_FALSE(parse_cseq("2147483648 INVITE"));
  EXPECT_EQ(parse_cseq("0 ACK")->method, Method::kAck);
  EXPECT_EQ(parse_cseq(" 000009 \t FOO")->method_name, "FOO");
  for (const std::string_view text : {"", "1", "INVITE", "1INVITE", "-1 INVITE", "1 IN VITE", "1 INV@TE", "0x1 ACK"}) {
    EXPECT_FALSE(parse_cseq(text)) << text;
  }
  EXPECT_EQ(write(make_cseq(7, Method::kBye)), "7 BYE");
}

TEST(Method, NamesAreCaseSensitive) {
  EXPECT_EQ(method_by_name("INVITE"), Method::kInvite);
  EXPECT_EQ(method_by_name("invite"), Method::kUnknown);
  EXPECT_EQ(method_by_name(""), Method::kUnknown);
  for (std::size_t i = 1; i < kMethodCount; ++i) {
    EXPECT_EQ(method_by_name(to_string(static_cast<Method>(i))), static_cast<Method>(i));
  }
}

}  // namespace
}  // namespace weir::sip
