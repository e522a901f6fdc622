#include "sip/sdp.h"

#include <gtest/gtest.h>

#include <string>

#include "sip/sdp_parse.h"
#include "sip/sdp_write.h"
#include "tests/sip/sdp_samples.h"

namespace weir::sip {
namespace {

using samples::crlf;

constexpr std::string_view kHead = "v=0\r\no=- 1 1 IN IP4 198.18.0.1\r\ns=-\r\nt=0 0\r\n";

SessionDescription parsed(std::string_view text) {
  auto result = parse_sdp(text);
  if (const auto* error = std::get_if<SdpError>(&result)) {
    ADD_FAILURE() << to_string(*error);
    return {};
  }
  return std::get<SessionDescription>(std::move(result));
}

SdpError refused(std::string_view text) {
  auto result = parse_sdp(text);
  if (std::holds_alternative<SessionDescription>(result)) {
    ADD_FAILURE() << "was taken: " << text.substr(0, 200);
    return {};
  }
  return std::get<SdpError>(std::move(result));
}

/// kHead and one audio section with these lines.
MediaSection section_with(std::string_view lines) {
  const SessionDescription session =
      parsed(std::string(kHead) + "c=IN IP4 198.18.0.1\r\nm=audio 4000 RTP/AVP 0 96\r\n" + std::string(lines));
  return session.media.empty() ? MediaSection{} : session.media.front();
}

class RealClients : public testing::TestWithParam<std::string_view> {};

TEST_P(RealClients, AreReadAndWrittenBackUnchanged) {
  const std::string wire = crlf(GetParam());
  const SessionDescription session = parsed(wire);
  EXPECT_EQ(parsed(write_sdp(session)), session);
  EXPECT_EQ(parsed(GetParam()), session) << "bare LF";
}

INSTANTIATE_TEST_SUITE_P(Sdp, RealClients,
                         testing::Values(samples::kBaresipPlain, samples::kBaresipDtls, samples::kBaresipIce,
                                         samples::kBaresipSdes, samples::kChromium, samples::kFirefox, samples::kSipp,
                                         samples::kDeskPhone));

TEST(Sdp, TheTextOfAWellOrderedDescriptionIsWrittenByteForByte) {
  for (const std::string_view text : {samples::kBaresipPlain, samples::kBaresipDtls, samples::kBaresipIce,
                                      samples::kChromium, samples::kFirefox, samples::kSipp}) {
    EXPECT_EQ(write_sdp(parsed(crlf(text))), crlf(text));
  }
}

TEST(Sdp, EveryPartOfASectionIsThere) {
  const SessionDescription session = parsed(crlf(samples::kDeskPhone));
  ASSERT_EQ(session.media.size(), 2u);
  const MediaSection& audio = session.media[0];
  EXPECT_EQ(audio.media, "audio");
  EXPECT_EQ(audio.port, 11780);
  EXPECT_EQ(audio.port_count, 1u);
  EXPECT_EQ(audio.protocol, "RTP/AVP");
  EXPECT_EQ(audio.formats, (std::vector<std::string>{"9", "8", "0", "18", "101"}));
  EXPECT_EQ(audio.bandwidths, (std::vector<SdpBandwidth>{{"TIAS", 64000}}));
  EXPECT_EQ(session.bandwidths, (std::vector<SdpBandwidth>{{"AS", 84}}));
  EXPECT_EQ(fmtp(audio, "18"), "annexb=no");
  EXPECT_EQ(fmtp(audio, "9"), std::nullopt);
  EXPECT_EQ(ptime_ms(audio), 20u);
  ASSERT_TRUE(rtcp(audio).has_value());
  EXPECT_EQ(rtcp(audio)->port, 11783);
  EXPECT_FALSE(rtcp(audio)->address.has_value());
  EXPECT_EQ(session.media[1].formats, std::vector<std::string>{"t38"});
  EXPECT_EQ(find_attribute(audio.attributes, "X-nat")->value, "0");
  EXPECT_EQ(find_attribute(audio.attributes, "x-nat"), nullptr) << "attribute names keep their case";
}

TEST(Sdp, SeveralPortsAndAllSessionLinesAreKept) {
  const std::string text =
      "v=0\r\no=jdoe 3724394400 3724394405 IN IP4 198.51.100.1\r\ns=Call\r\ni=about\r\nu=http://example.com/\r\n"
      "e=a@example.com\r\ne=b@example.com\r\np=+1 617 555-6011\r\nc=IN IP4 233.252.0.1/127/3\r\nb=X-YZ:128\r\n"
      "t=3034423619 3042462419\r\nr=7d 1h 0 25h\r\nr=1w 2h 0\r\nt=1 2\r\nz=2882844526 -1h\r\na=recvonly\r\n"
      "m=video 49170/2 RTP/AVP 31\r\ni=pictures\r\nc=IN IP4 198.18.0.1\r\nc=IN IP4 198.18.0.2\r\n";
  const SessionDescription session = parsed(text);
  EXPECT_EQ(write_sdp(session), text);
  EXPECT_EQ(session.times.front().repeats.size(), 2u);
  EXPECT_EQ(session.media.front().port_count, 2u);
  EXPECT_EQ(session.media.front().connections.size(), 2u);
  EXPECT_EQ(direction(session, session.media.front()), Direction::kRecvOnly);
}

TEST(Sdp, AReceivedKeyIsDiscarded) {
  const SessionDescription session =
      parsed(std::string(kHead) + "k=clear:secret\r\nm=audio 4000 RTP/AVP 0\r\nk=clear:secret\r\n");
  EXPECT_EQ(write_sdp(session).find("secret"), std::string::npos);
}

TEST(Sdp, MissingNameAndTimeGetTheirDefaults) {
  const SessionDescription session = parsed("v=0\r\no=- 1 1 IN IP4 198.18.0.1\r\nm=audio 4000 RTP/AVP 0\r\n");
  EXPECT_EQ(session.name, "-");
  EXPECT_EQ(session.times, std::vector<SdpTime>{SdpTime{}});
}

TEST(Sdp, TheLastLineMayLackItsEndAndEmptyLinesMayFollow) {
  EXPECT_EQ(parsed("v=0\no=- 1 1 IN IP4 h"), parsed("v=0\r\no=- 1 1 IN IP4 h\r\n\r\n\r\n"));
}

struct BadLine {
  std::string_view text;  ///< after kHead, unless it starts with "!"
  std::uint32_t line;
  std::string_view reason;
};

class BadText : public testing::TestWithParam<BadLine> {};

TEST_P(BadText, IsRefusedWithItsLineAndReason) {
  const BadLine& row = GetParam();
  const bool is_whole = row.text.starts_with('!');
  const SdpError error =
      refused(is_whole ? std::string(row.text.substr(1)) : std::string(kHead) + std::string(row.text));
  EXPECT_EQ(error.line, row.line) << row.text;
  EXPECT_EQ(error.reason, row.reason) << row.text;
}

INSTANTIATE_TEST_SUITE_P(
    Sdp, BadText,
    testing::Values(BadLine{"!", 0, "the session description is empty"},
                    BadLine{"!\r\n\r\n", 0, "the session description is empty"},
                    BadLine{"!v=0\r\ns=-\r\n", 0, "there is no o= line"},
                    BadLine{"!o=- 1 1 IN IP4 h\r\n", 1, "the first line is not v=0"},
                    BadLine{"!v=1\r\n", 1, "the protocol version is not 0"},
                    BadLine{"!v=0\r\no=- 1 1 IN IP4\r\n", 2, "the o= line does not have six fields"},
                    BadLine{"!v=0\r\no=- 1 1 IN IP4 h x\r\n", 2, "the o= line does not have six fields"},
                    BadLine{"!v=0\r\no=- one 1 IN IP4 h\r\n", 2, "the session id or version is not a number"},
                    BadLine{"v=0\r\n", 5, "a second v= line"}, BadLine{"o=- 1 1 IN IP4 h\r\n", 5, "a second o= line"},
                    BadLine{"s=again\r\n", 5, "a second s= line"},
                    BadLine{"t=0\r\n", 5, "the t= line is not two numbers"},
                    BadLine{"t=0 -1\r\n", 5, "the t= line is not two numbers"},
                    BadLine{"u=a\r\nu=b\r\n", 6, "the line may stand only once"},
                    BadLine{"c=IN IP4\r\n", 5, "the c= line does not have three fields"},
                    BadLine{"c=IN IP4 h\r\nc=IN IP4 h\r\n", 6, "a second c= line at session level"},
                    BadLine{"b=AS\r\n", 5, "the b= line is not TYPE:NUMBER"},
                    BadLine{"b=AS:-5\r\n", 5, "the b= line is not TYPE:NUMBER"},
                    BadLine{"b=AS:18446744073709551616\r\n", 5, "the b= line is not TYPE:NUMBER"},
                    BadLine{"a=\r\n", 5, "the attribute has no name"},
                    BadLine{"a=:x\r\n", 5, "the attribute has no name"},
                    BadLine{"m=audio 4000 RTP/AVP\r\n", 5, "the m= line has no format"},
                    BadLine{"m=audio 4000\r\n", 5, "the m= line does not have four fields"},
                    BadLine{"m=audio 65536 RTP/AVP 0\r\n", 5, "the port is not a number below 65536"},
                    BadLine{"m=audio -1 RTP/AVP 0\r\n", 5, "the port is not a number below 65536"},
                    BadLine{"m=audio 4000/0 RTP/AVP 0\r\n", 5, "the number of ports is not a number from 1 to 65535"},
                    BadLine{"m=audio 4000/x RTP/AVP 0\r\n", 5, "the number of ports is not a number from 1 to 65535"},
                    BadLine{"m=audio 4000 RTP/AVP 0\r\ns=late\r\n", 6, "the line type 's' does not belong here"},
                    BadLine{"m=audio 4000 RTP/AVP 0\r\nt=0 0\r\n", 6, "the line type 't' does not belong here"},
                    BadLine{"x=unknown\r\n", 5, "the line type 'x' does not belong here"},
                    BadLine{"nonsense\r\n", 5, "the line is not of the form TYPE=VALUE"},
                    BadLine{"\r\na=x\r\n", 5, "the line is not of the form TYPE=VALUE"},
                    BadLine{"a=x\ry\r\n", 5, "the line holds a byte that no line may hold"},
                    BadLine{std::string_view("a=x\0y\r\n", 8), 5, "the line holds a byte that no line may hold"},
                    BadLine{"!v=0\r\no=- 1 1 IN IP4 h\r\nr=7d 1h 0\r\n", 3, "an r= line before any t= line"}));

std::string repeated(std::string_view line, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += line;
  return out;
}

TEST(SdpLimits, AreRefusedJustBeyondAndTakenJustWithin) {
  struct Row {
    std::string_view before;
    std::string_view line;
    std::size_t count_max;
    std::string_view reason;
  };
  const Row rows[] = {
      {"", "m=audio 4 RTP/AVP 0\r\n", kSdpSectionsMax, "there are too many m= lines"},
      {"", "a=x\r\n", kSdpAttributesMax, "there are too many attributes"},
      {"m=audio 4 RTP/AVP 0\r\n", "a=x\r\n", kSdpAttributesMax, "there are too many attributes"},
      {"m=audio 4 RTP/AVP 0\r\n", "c=IN IP4 h\r\n", kSdpRepeatsMax, "there are too many c= lines"},
      {"", "b=AS:1\r\n", kSdpRepeatsMax, "there are too many b= lines"},
      {"", "e=x\r\n", kSdpRepeatsMax, "there are too many lines of this type"},
      {"", "r=x\r\n", kSdpRepeatsMax, "there are too many lines of this type"},
      {"", "t=1 1\r\n", kSdpRepeatsMax - 1, "there are too many t= lines"},  // kHead has one
  };
  for (const Row& row : rows) {
    const std::string within = std::string(kHead) + std::string(row.before) + repeated(row.line, row.count_max);
    parsed(within);
    EXPECT_EQ(refused(within + std::string(row.line)).reason, row.reason);
  }
}

TEST(SdpLimits, HoldForBytesLinesAndFormats) {
  const std::string head(kHead);
  parsed(head + "a=" + std::string(kSdpLineBytesMax - 2, 'x') + "\r\n");
  EXPECT_EQ(refused(head + "a=" + std::string(kSdpLineBytesMax - 1, 'x') + "\r\n").reason, "the line is too long");
  parsed(head + "m=audio 4 RTP/AVP" + repeated(" 0", kSdpFormatsMax) + "\r\n");
  EXPECT_EQ(refused(head + "m=audio 4 RTP/AVP" + repeated(" 0", kSdpFormatsMax + 1) + "\r\n").reason,
            "the m= line has too many formats");
  EXPECT_EQ(refused(head + "a=" + std::string(1'000'000, 'x') + "\r\n").reason, "the session description is too long");
  EXPECT_EQ(refused(head + repeated("m=audio 4 RTP/AVP 0\r\n", 10'000)).reason, "the session description is too long");
  EXPECT_EQ(refused(head + repeated("m=a 4 x 0\n", 5'000)).line, 4 + kSdpSectionsMax + 1);
}

TEST(SdpAttribute, AnEmptyValueIsNotNoValue) {
  const MediaSection section = section_with("a=one\r\na=two:\r\na=three:a:b\r\n");
  EXPECT_EQ(section.attributes, (SdpAttributes{{"one", std::nullopt}, {"two", ""}, {"three", "a:b"}}));
}

TEST(SdpAttribute, RtpmapReadsEncodingClockAndChannels) {
  const MediaSection section = section_with("a=rtpmap:96 opus/48000/2\r\na=rtpmap:0 PCMU/8000\r\n");
  EXPECT_EQ(rtpmap(section, 96), (Rtpmap{96, "opus", 48000, "2"}));
  EXPECT_EQ(rtpmap(section, 0), (Rtpmap{0, "PCMU", 8000, ""}));
  EXPECT_EQ(rtpmap(section, 8), (Rtpmap{8, "PCMA", 8000, ""})) << "assigned by RFC 3551";
  EXPECT_EQ(rtpmap(section, 97), std::nullopt);
  for (const std::string_view bad : {"a=rtpmap:96 opus\r\n", "a=rtpmap:96 opus/x\r\n", "a=rtpmap:96 /8000\r\n",
                                     "a=rtpmap:96 opus/0\r\n", "a=rtpmap:96\r\n", "a=rtpmap\r\n"}) {
    EXPECT_EQ(rtpmap(section_with(bad), 96), std::nullopt) << bad;
  }
}

TEST(SdpAttribute, DirectionOfASectionOverridesTheSession) {
  SessionDescription session =
      parsed(std::string(kHead) + "a=inactive\r\nm=audio 4 RTP/AVP 0\r\na=sendonly\r\n" + "m=audio 6 RTP/AVP 0\r\n");
  EXPECT_EQ(direction(session, session.media[0]), Direction::kSendOnly);
  EXPECT_EQ(direction(session, session.media[1]), Direction::kInactive);
  session.attributes.clear();
  EXPECT_EQ(direction(session, session.media[1]), Direction::kSendRecv);
}

TEST(SdpAttribute, DirectionsReverseAndSplit) {
  EXPECT_EQ(reversed(Direction::kSendOnly), Direction::kRecvOnly);
  EXPECT_EQ(reversed(Direction::kRecvOnly), Direction::kSendOnly);
  EXPECT_EQ(reversed(Direction::kSendRecv), Direction::kSendRecv);
  EXPECT_EQ(reversed(Direction::kInactive), Direction::kInactive);
}

TEST(SdpAttribute, RtcpTakesAPortOrAPortAndAnAddress) {
  EXPECT_EQ(rtcp(section_with("a=rtcp:53020\r\n"))->port, 53020);
  const auto full = rtcp(section_with("a=rtcp:53020 IN IP4 126.16.64.4\r\n"));
  ASSERT_TRUE(full.has_value());
  EXPECT_EQ(proto::to_string(full->address.value()), "126.16.64.4");
  const auto six = rtcp(section_with("a=rtcp:53020 IN IP6 2001:2345:6789:ABCD:EF01:2345:6789:ABCD\r\n"));
  ASSERT_TRUE(six.has_value());
  EXPECT_EQ(six->address->family, proto::Family::kIpv6);
  for (const std::string_view bad : {"a=rtcp\r\n", "a=rtcp:\r\n", "a=rtcp:99999\r\n", "a=rtcp:5 IN IP4\r\n",
                                     "a=rtcp:5 IN IP4 host.example\r\n", "a=rtcp:5 IN IP6 198.18.0.1\r\n"}) {
    EXPECT_FALSE(rtcp(section_with(bad)).has_value()) << bad;
  }
}

TEST(SdpAttribute, RtcpIsWrittenInFull) {
  EXPECT_EQ(write_rtcp({proto::parse_ip_address("198.18.0.1").value(), 0, 4001}), "4001 IN IP4 198.18.0.1");
  EXPECT_EQ(write_rtcp({proto::parse_ip_address("2001:2::1").value(), 0, 4001}), "4001 IN IP6 2001:2::1");
}

TEST(SdpAttribute, PtimeIsPositiveMilliseconds) {
  EXPECT_EQ(ptime_ms(section_with("a=ptime:30\r\n")), 30u);
  for (const std::string_view bad : {"a=ptime:0\r\n", "a=ptime:-20\r\n", "a=ptime:2.5\r\n", "a=ptime\r\n", ""}) {
    EXPECT_EQ(ptime_ms(section_with(bad)), std::nullopt) << bad;
  }
}

TEST(SdpAttribute, CryptoIsSeen) {
  const SessionDescription sdes = parsed(crlf(samples::kBaresipSdes));
  ASSERT_EQ(crypto_lines(sdes.media[0]).size(), 1u);
  EXPECT_TRUE(crypto_lines(sdes.media[0]).front().starts_with("1 AES_CM_128_HMAC_SHA1_80 inline:"));
}

TEST(SdpConnection, GivesUnicastAddressesOnly) {
  EXPECT_EQ(proto::to_string(address_of({"IN", "IP4", "198.18.0.1"}).value()), "198.18.0.1");
  EXPECT_EQ(proto::to_string(address_of({"IN", "IP6", "2001:2::1"}).value()), "2001:2::1");
  for (const SdpConnection& bad :
       {SdpConnection{"IN", "IP4", "host.example.com"}, SdpConnection{"IN", "IP4", "233.252.0.1/127"},
        SdpConnection{"IN", "IP4", "233.252.0.1"}, SdpConnection{"IN", "IP6", "ff15::101"},
        SdpConnection{"IN", "IP4", "2001:2::1"}, SdpConnection{"IN", "IP6", "198.18.0.1"},
        SdpConnection{"ATM", "IP4", "198.18.0.1"}, SdpConnection{"IN", "IP4", "198.18.0.1 "}}) {
    EXPECT_FALSE(address_of(bad).ok()) << bad.address;
  }
  EXPECT_TRUE(is_unspecified(proto::parse_ip_address("0.0.0.0").value()));
  EXPECT_TRUE(is_unspecified(proto::parse_ip_address("::").value()));
  EXPECT_FALSE(is_unspecified(proto::parse_ip_address("0.0.0.1").value()));
  EXPECT_FALSE(is_unspecified({}));
}

}  // namespace
}  // namespace weir::sip
