// sip/ice_fragment.h: the fragments of RFC 8840, what is none, and what is made of those that follow each other.
#include "sip/ice_fragment.h"

#include <gtest/gtest.h>

#include "tests/sip/offer_answer_support.h"

namespace weir::sip {
namespace {

constexpr std::string_view kTwoSections = R"(a=ice-pwd:asd88fgpdd777uzjYhagZg
a=ice-ufrag:8hhY
m=audio 9 RTP/AVP 0
a=mid:1
a=candidate:1 1 UDP 2130706432 2001:db8:a0b:12f0::1 5000 typ host
a=candidate:1 2 UDP 2130706432 2001:db8:a0b:12f0::1 5001 typ host
a=candidate:2 1 UDP 1694498816 192.0.2.3 5000 typ srflx raddr 10.0.1.1 rport 8998
m=audio 9 RTP/AVP 0
a=mid:2
a=candidate:1 1 UDP 2130706432 2001:db8:a0b:12f0::1 6000 typ host
a=end-of-candidates
)";

std::vector<IceFragment> fragments(std::string_view text) {
  auto read = read_ice_fragment(crlf(text));
  if (const auto* refusal = std::get_if<SdpRefusal>(&read)) {
    ADD_FAILURE() << refusal->reason;
    return {};
  }
  return std::get<std::vector<IceFragment>>(std::move(read));
}

TEST(IceFragment, ThatOfRfc8840IsReadBySection) {
  // As section 9.2 and the examples of section 4.4 have it: credentials of the whole, a mark for each section.
  const std::vector<IceFragment> read = fragments(kTwoSections);
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read[0].mid, "1");
  ASSERT_EQ(read[0].ice.candidates.size(), 3u);
  EXPECT_EQ(read[0].ice.candidates[1].component, 2);
  EXPECT_EQ(read[0].ice.candidates[2].endpoint, endpoint("192.0.2.3", 5000));
  EXPECT_FALSE(read[0].ice.ended);
  EXPECT_EQ(read[1].mid, "2");
  EXPECT_TRUE(read[1].ice.ended);
  for (const IceFragment& one : read) EXPECT_EQ(one.ice.credentials.ufrag, "8hhY");
}

TEST(IceFragment, WithoutSectionsItSaysNothing) {
  EXPECT_TRUE(fragments("a=ice-pwd:asd88fgpdd777uzjYhagZg\na=ice-ufrag:8hhY\na=end-of-candidates\n").empty());
}

TEST(IceFragment, WhatIsNoneIsRefused) {
  const std::pair<const char*, const char*> kRows[] = {
      {"a whole description", "v=0\r\no=- 1 1 IN IP4 198.18.1.2\r\ns=-\r\n"},
      {"no credentials", "m=audio 9 RTP/AVP 0\r\na=mid:1\r\n"},
      {"half of them", "a=ice-ufrag:8hhY\r\nm=audio 9 RTP/AVP 0\r\n"},
      {"bytes", "\xff\xfe"},
  };
  for (const auto& [description, text] : kRows) {
    const auto read = read_ice_fragment(text);
    const auto* refusal = std::get_if<SdpRefusal>(&read);
    ASSERT_NE(refusal, nullptr) << description;
    EXPECT_EQ(refusal->status, 400) << description;
  }
}

TEST(IceFragment, WhatComesAgainIsNotAddedTwice) {
  const RemoteIce ice = fragments(kTwoSections)[0].ice;
  RemoteIce known;
  known.credentials = ice.credentials;
  EXPECT_TRUE(add_trickled(known, ice));
  EXPECT_TRUE(add_trickled(known, ice));
  EXPECT_EQ(known.candidates.size(), 3u);
}

TEST(IceFragment, OfOtherCredentialsNothingIsAdded) {
  const RemoteIce ice = fragments(kTwoSections)[0].ice;
  RemoteIce known;
  known.credentials = {.ufrag = "8hhY", .password = "other8fgpdd777uzjYhagZg"};
  EXPECT_FALSE(add_trickled(known, ice));
  EXPECT_TRUE(known.candidates.empty());
}

TEST(IceFragment, ThereIsRoomForSoManyAndNoMore) {
  RemoteIce known;
  for (unsigned i = 0; i < 3 * kIceCandidatesMax; ++i) {
    RemoteIce one;
    one.candidates = {{.foundation = "1", .component = 1, .priority = 1 + i, .endpoint = {}, .type = "host"}};
    EXPECT_TRUE(add_trickled(known, one));
  }
  EXPECT_EQ(known.candidates.size(), kIceCandidatesMax);
  EXPECT_EQ(known.candidates_left_out, 2 * kIceCandidatesMax);
}

}  // namespace
}  // namespace weir::sip
