// sip/ice_attributes.h: candidates by RFC 8839's own examples and as browsers write them, credentials and their faults.
#include "sip/ice_attributes.h"

#include <gtest/gtest.h>

#include <string>

#include "sip/sdp_parse.h"
#include "tests/sip/offer_answer_support.h"

namespace weir::sip {
namespace {

/// The lines of a section, read.
std::variant<std::optional<RemoteIce>, SdpRefusal> read(std::string_view section_lines,
                                                        std::string_view session_lines = "") {
  const auto parsed = parse_sdp(crlf("v=0\no=- 1 1 IN IP4 198.18.1.2\ns=-\nt=0 0\n" + std::string(session_lines) +
                                     "m=audio 9 RTP/AVP 0\n" + std::string(section_lines)));
  const auto& session = std::get<SessionDescription>(parsed);
  return read_ice(session, session.media[0]);
}

RemoteIce ice(std::string_view section_lines, std::string_view session_lines = "") {
  auto result = read(section_lines, session_lines);
  if (const auto* refusal = std::get_if<SdpRefusal>(&result)) ADD_FAILURE() << refusal->reason;
  const auto* found = std::get_if<std::optional<RemoteIce>>(&result);
  if (found == nullptr || !*found) {
    ADD_FAILURE() << "has no ICE";
    return {};
  }
  return **found;
}

SdpRefusal refusal(std::string_view section_lines) {
  auto result = read(section_lines);
  if (auto* refusal = std::get_if<SdpRefusal>(&result)) return std::move(*refusal);
  ADD_FAILURE() << section_lines << " was accepted";
  return {};
}

std::string credentials(std::string_view ufrag = "8hhY", std::string_view password = "asd88fgpdd777uzjYhagZg") {
  return "a=ice-ufrag:" + std::string(ufrag) + "\na=ice-pwd:" + std::string(password) + "\n";
}

TEST(Candidate, TheExamplesOfTheRfcAreRead) {
  // RFC 8839 section 5.1
  const auto reflexive = parse_candidate("2 1 UDP 1694498815 203.0.113.141 8998 typ srflx raddr 192.0.2.1 rport 45664");
  ASSERT_TRUE(reflexive);
  EXPECT_EQ(reflexive->foundation, "2");
  EXPECT_EQ(reflexive->component, 1);
  EXPECT_EQ(reflexive->priority, 1694498815u);
  EXPECT_EQ(reflexive->endpoint, endpoint("203.0.113.141", 8998));
  EXPECT_EQ(reflexive->type, "srflx");
  // RFC 8839 appendix A
  const auto host = parse_candidate("1 1 UDP 2130706431 2001:db8:8101:3a55:4858:a2a9:22ff:99b9 45664 typ host");
  ASSERT_TRUE(host);
  EXPECT_EQ(host->endpoint, endpoint("2001:db8:8101:3a55:4858:a2a9:22ff:99b9", 45664));
}

TEST(Candidate, ThoseOfBrowsersAreRead) {
  const auto chromium = parse_candidate(
      "3348148302 1 udp 2113937151 198.18.1.2 51472 typ host generation 0 network-id 1 network-cost 10");
  ASSERT_TRUE(chromium);
  EXPECT_EQ(chromium->endpoint, endpoint("198.18.1.2", 51472));
  EXPECT_EQ(chromium->type, "host");
  const auto firefox = parse_candidate("0 2 UDP 2122252542 198.18.1.2 54609 typ host");
  ASSERT_TRUE(firefox);
  EXPECT_EQ(firefox->component, 2);
}

TEST(Candidate, WhereNothingCanBeSentHasNoPort) {
  for (const std::string_view value : {
           "842163049 1 udp 1677729535 e8a3b5a1-7f1c-4c1e-9a53-0e5d4c8c7f3a.local 51472 typ host generation 0",
           "1 1 TCP 1518214911 198.18.1.2 9 typ host tcptype active generation 0",
           "1 1 tcp 1518280447 198.18.1.2 3478 typ host tcptype passive",
           "1 1 UDP 2130706431 127.0.0.1 4000 typ host",
           "1 1 UDP 2130706431 0.0.0.0 4000 typ host",
           "1 1 UDP 2130706431 233.252.0.1 4000 typ host",
           "1 1 UDP 2130706431 ::ffff:127.0.0.1 4000 typ host",
           "1 1 UDP 2130706431 fe80::1%eth0 4000 typ host",
           "1 1 UDP 2130706431 198.18.1.2 0 typ host",
           "1 1 SCTP 2130706431 198.18.1.2 4000 typ host",
       }) {
    const auto candidate = parse_candidate(value);
    ASSERT_TRUE(candidate) << value;
    EXPECT_EQ(candidate->endpoint, proto::Endpoint{}) << value;
    EXPECT_EQ(candidate->type, "host");
  }
}

TEST(Candidate, WhatTheGrammarDoesNotHaveIsNone) {
  for (const std::string_view value : {
           "",
           "1",
           "1 1 UDP 2130706431 198.18.1.2 4000",
           "1 1 UDP 2130706431 198.18.1.2 4000 typ",
           "1 1 UDP 2130706431 198.18.1.2 4000 type host",
           "1 0 UDP 2130706431 198.18.1.2 4000 typ host",
           "1 x UDP 2130706431 198.18.1.2 4000 typ host",
           "1 257 UDP 2130706431 198.18.1.2 4000 typ host",
           "1 1 UDP 0 198.18.1.2 4000 typ host",
           "1 1 UDP 2147483648 198.18.1.2 4000 typ host",
           "1 1 UDP 99999999999999999999 198.18.1.2 4000 typ host",
           "1 1 UDP 2130706431 198.18.1.2 65536 typ host",
           "1 1 UDP 2130706431 198.18.1.2 4000 typ host generation",
           "1 1 UDP 2130706431 198.18.1.2 4000 typ srflx raddr 198.18.1.3 rport 65536",
           "1-2 1 UDP 2130706431 198.18.1.2 4000 typ host",
           "123456789012345678901234567890123 1 UDP 2130706431 198.18.1.2 4000 typ host",
       }) {
    EXPECT_FALSE(parse_candidate(value)) << value;
  }
}

TEST(Candidate, IsReadAsItWasWritten) {
  for (const std::string_view address : {"198.18.0.1", "2001:2::1"}) {
    const IceCandidate candidate{"1", 1, 2130706431, endpoint(address, 20000), "host"};
    EXPECT_EQ(parse_candidate(write_candidate(candidate)), candidate);
  }
  EXPECT_EQ(write_candidate({"1", 1, 2130706431, endpoint("198.18.0.1", 20000), "host"}),
            "1 1 UDP 2130706431 198.18.0.1 20000 typ host");
}

TEST(ReadIce, TheSectionsOwnValuesCountBeforeTheSessions) {
  const std::string session =
      "a=ice-lite\na=ice-options:ice2 trickle\n" + credentials("sess", "sessionsessionsession1");
  const RemoteIce of_session = ice("", session);
  EXPECT_EQ(of_session.credentials, (IceCredentials{"sess", "sessionsessionsession1"}));
  EXPECT_TRUE(of_session.lite);
  EXPECT_TRUE(of_session.trickle);
  EXPECT_FALSE(of_session.ended);
  const RemoteIce of_section = ice(credentials() + "a=end-of-candidates\n", session);
  EXPECT_EQ(of_section.credentials, (IceCredentials{"8hhY", "asd88fgpdd777uzjYhagZg"}));
  EXPECT_TRUE(of_section.ended);
  EXPECT_FALSE(ice(credentials() + "a=ice-lite\na=ice-options:trickled\n").trickle);
  EXPECT_FALSE(ice(credentials() + "a=ice-lite\n").lite) << "at session level only";
}

TEST(ReadIce, ASectionWithoutCredentialsHasNone) {
  const auto result = read("a=candidate:1 1 UDP 1 198.18.1.2 4000 typ host\n", "a=ice-lite\n");
  EXPECT_EQ(std::get<std::optional<RemoteIce>>(result), std::nullopt);
}

TEST(ReadIce, CredentialsAtTheirLimits) {
  ice(credentials("abc+", std::string(22, '/')));
  ice(credentials(std::string(256, 'u'), std::string(256, 'p')));
  struct Row {
    std::string lines;
    std::string_view reason;
  };
  const std::string_view ufrag = "the ice-ufrag is not 4 to 256 letters, digits, + and /";
  const std::string_view password = "the ice-pwd is not 22 to 256 letters, digits, + and /";
  const Row rows[] = {
      {credentials("abc"), ufrag},
      {credentials(std::string(257, 'u')), ufrag},
      {credentials("ab:d"), ufrag},
      {credentials("ab cd"), ufrag},
      {credentials("abcd", std::string(21, 'p')), password},
      {credentials("abcd", std::string(257, 'p')), password},
      {credentials("abcd", std::string(21, 'p') + "-"), password},
      {"a=ice-ufrag\na=ice-pwd:asd88fgpdd777uzjYhagZg\n", ufrag},
      {"a=ice-ufrag:abcd\n", "of ice-ufrag and ice-pwd there is only one"},
      {"a=ice-pwd:asd88fgpdd777uzjYhagZg\n", "of ice-ufrag and ice-pwd there is only one"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(refusal(row.lines).reason, row.reason) << row.lines;
    EXPECT_EQ(refusal(row.lines).status, 400);
  }
}

TEST(ReadIce, CandidatesBeyondTheLimitAndMalformedOnesAreCounted) {
  std::string lines = credentials() + "a=candidate:nonsense\na=candidate\n";
  for (std::size_t i = 0; i < kIceCandidatesMax + 3; ++i) {
    lines += "a=candidate:1 1 UDP 2130706431 198.18.1.2 " + std::to_string(4000 + i) + " typ host\n";
  }
  const RemoteIce read = ice(lines);
  EXPECT_EQ(read.candidates.size(), kIceCandidatesMax);
  EXPECT_EQ(read.candidates_left_out, 5u);
  EXPECT_EQ(read.candidates.back().endpoint.port, 4000 + kIceCandidatesMax - 1);
}

TEST(ReadIce, WhichOfOurCandidatesThePeerChose) {
  const RemoteIce both = ice(credentials() + "a=remote-candidates:1 198.18.1.9 20000 2 198.18.1.9 20001\n");
  EXPECT_EQ(both.chosen, (std::vector{endpoint("198.18.1.9", 20000), endpoint("198.18.1.9", 20001)}));
  EXPECT_EQ(ice(credentials() + "a=remote-candidates:1 198.18.1.9 20000\n").chosen.size(), 1u);
  EXPECT_TRUE(ice(credentials() + "a=remote-candidates:1 host.example.com 20000\n").chosen.empty());
  EXPECT_TRUE(ice(credentials() + "a=remote-candidates\n").chosen.empty());
}

TEST(ReadIce, WhatWeAppendIsReadBack) {
  LocalIce local{{"weir", "0123456789abcdefghijkl"}, {}, true};
  local.candidates.push_back({"1", 1, 2130706431, endpoint("198.18.0.1", 20000), "host"});
  local.candidates.push_back({"1", 2, 2130706430, endpoint("198.18.0.1", 20001), "host"});
  for (const std::uint8_t components : {std::uint8_t{1}, std::uint8_t{2}}) {
    SessionDescription session;
    append_ice(local, components, session.media.emplace_back());
    append_ice(local, session);
    const auto read = read_ice(session, session.media[0]);
    const auto& back = std::get<std::optional<RemoteIce>>(read);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->credentials, local.credentials);
    EXPECT_TRUE(back->lite);
    EXPECT_TRUE(back->ended);
    ASSERT_EQ(back->candidates.size(), components);
    EXPECT_EQ(back->candidates[0], local.candidates[0]);
  }
}

TEST(IceRestart, IsWhenBothAreNew) {
  const RemoteIce before = ice(credentials());
  EXPECT_FALSE(is_ice_restart(before, before));
  EXPECT_FALSE(is_ice_restart(before, ice(credentials("9uB6"))));
  EXPECT_FALSE(is_ice_restart(before, ice(credentials("8hhY", "YH75Fviy6338Vbrhrlp8Yh"))));
  EXPECT_TRUE(is_ice_restart(before, ice(credentials("9uB6", "YH75Fviy6338Vbrhrlp8Yh"))));
}

}  // namespace
}  // namespace weir::sip
