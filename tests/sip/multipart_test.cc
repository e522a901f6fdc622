#include "sip/multipart.h"

#include <gtest/gtest.h>

namespace weir::sip {
namespace {

constexpr std::string_view kSdp = "v=0\r\no=- 0 0 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\n";

/// SDP beside a location, as RFC 5621 section 3 and RFC 6442 have it; a preamble and an epilogue around them.
std::string usual() {
  return "preamble --b\r\n--b\r\nContent-Type: application/sdp\r\nContent-ID: <1@h>\r\n\r\n" + std::string(kSdp) +
         "\r\n--b \t\r\ncontent-type:\r\n application/pidf+xml\r\nContent-Disposition: render; "
         "handling=optional\r\n\r\n"
         "<presence/>\r\n --b\r\n--bc\r\n--b--\r\nepilogue\r\n--b\r\n";
}

TEST(Multipart, IsCutAtItsBoundaries) {
  const std::string body = usual();
  const auto parts = split_multipart("multipart/mixed;boundary=b", body);
  ASSERT_TRUE(parts);
  ASSERT_EQ(parts->size(), 2u);
  EXPECT_EQ((*parts)[0].content_type, "application/sdp");
  EXPECT_EQ((*parts)[0].id, "<1@h>");
  EXPECT_EQ((*parts)[0].body, kSdp);
  EXPECT_EQ((*parts)[1].content_type, "application/pidf+xml");
  EXPECT_EQ((*parts)[1].disposition, "render; handling=optional");
  EXPECT_EQ((*parts)[1].body, "<presence/>\r\n --b\r\n--bc");
}

TEST(Multipart, WhatIsWrittenIsReadAgain) {
  const std::vector<BodyPart> parts{{"application/sdp", "session", "<a@b>", "binary", kSdp},
                                    {"", "", "", "", ""},
                                    {"text/plain", "", "", "", "--\r\n-- b\r\n"}};
  const std::string body = write_multipart(parts, "a b");
  const auto again = split_multipart("multipart/mixed;boundary=\"a b\"", body);
  ASSERT_TRUE(again);
  ASSERT_EQ(again->size(), parts.size());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    EXPECT_EQ((*again)[i].content_type, parts[i].content_type);
    EXPECT_EQ((*again)[i].disposition, parts[i].disposition);
    EXPECT_EQ((*again)[i].id, parts[i].id);
    EXPECT_EQ((*again)[i].encoding, parts[i].encoding);
    EXPECT_EQ((*again)[i].body, parts[i].body);
  }
}

TEST(Multipart, PartsWithoutHeadersOrBodyArePartsToo) {
  // RFC 2046 section 5.1.1.
  const auto parts = split_multipart("multipart/mixed;boundary=b",
                                     "--b\r\n\r\nbody\r\n--b\r\nContent-Type: a/b\r\n\r\n--b\r\n--b\r\n\r\n\r\n--b--");
  ASSERT_TRUE(parts);
  ASSERT_EQ(parts->size(), 4u);
  EXPECT_EQ((*parts)[0].body, "body");
  EXPECT_EQ((*parts)[1].content_type, "a/b");
  for (const std::size_t empty : {1u, 2u, 3u}) EXPECT_EQ((*parts)[empty].body, "") << empty;
}

TEST(Multipart, MalformedOnesAreNone) {
  const auto none = [](std::string_view type, std::string_view body) { return !split_multipart(type, body); };
  const std::string body = usual();
  for (const std::string_view type : {"multipart/mixed", "text/plain;boundary=b", "multipart/mixed;boundary=\"\"",
                                      "multipart/mixed;boundary=\"b \"", "multipart/mixed;boundary=b;boundary=c",
                                      "multipart/mixed;boundary=\"b\\\x01\"", "multipart/mixed;boundary=c"}) {
    EXPECT_TRUE(none(type, body)) << type;
  }
  constexpr std::string_view kType = "multipart/mixed;boundary=b";
  for (const std::string_view text :
       {"", "--b", "--b\r\n\r\nx", "--b\r\n\r\nx\r\n--b\r\n", "x--b\r\n\r\n--b--", "--b\r\nno header\r\n\r\n--b--",
        "--b\r\nContent-Type: a/b\r\n--b--", "--b\r\nContent-Type: a/b\r\nContent-type: a/c\r\n\r\nx\r\n--b--",
        "--b\n\nx\n--b--"}) {
    EXPECT_TRUE(none(kType, text)) << text;
  }
  EXPECT_TRUE(none("multipart/mixed;boundary=" + std::string(71, 'b'), "--" + std::string(71, 'b') + "--"));
  EXPECT_FALSE(none("multipart/mixed;boundary=" + std::string(70, 'b'),
                    "--" + std::string(70, 'b') + "\r\n\r\n\r\n--" + std::string(70, 'b') + "--"));
  EXPECT_TRUE(none("multipart/mixed;boundary=b", "--b--\r\n")) << "no part at all";
  std::string many;
  for (std::size_t i = 0; i < kBodyPartsMax; ++i) many += "--b\r\n\r\n\r\n";
  EXPECT_FALSE(none(kType, many + "--b--"));
  EXPECT_TRUE(none(kType, many + "--b\r\n\r\n\r\n--b--"));
}

Message invite(std::string_view type, std::string_view body) {
  Message message = Message::request("INVITE", "sip:a@h");
  message.set_body(body, type);
  return message;
}

TEST(SdpBody, IsTheBodyOrThePartOfIt) {
  EXPECT_EQ(sdp_body(invite("application/SDP", kSdp)), kSdp);
  EXPECT_EQ(sdp_body(invite("multipart/mixed; boundary=\"b\"", usual())), kSdp);
  EXPECT_EQ(sdp_body(invite("text/plain", kSdp)), "");
  EXPECT_EQ(sdp_body(invite("", "")), "");
}

TEST(SdpBody, IsForASessionAndAsItIs) {
  Message message = invite("application/sdp", kSdp);
  message.set_header(HeaderId::kContentDisposition, "session;handling=required");
  EXPECT_EQ(sdp_body(message), kSdp);
  message.set_header(HeaderId::kContentDisposition, "early-session");
  EXPECT_EQ(sdp_body(message), "") << "RFC 3959";
  message = invite("application/sdp", kSdp);
  message.set_header(HeaderId::kContentEncoding, "gzip");
  EXPECT_EQ(sdp_body(message), "");
  const std::vector<BodyPart> parts{{"application/sdp", "", "", "base64", "dj0w"},
                                    {"application/sdp", "early-session", "", "", "v=1\r\n"},
                                    {"application/sdp", "", "", "", kSdp}};
  EXPECT_EQ(sdp_body(invite("multipart/related;boundary=x", write_multipart(parts, "x"))), kSdp);
}

TEST(SdpBody, OfAlternativesTheLastIsBestAndNestingEnds) {
  // RFC 2046 section 5.1.4.
  const std::string alternatives =
      write_multipart({{"application/sdp", "", "", "", "v=1\r\n"}, {"application/sdp", "", "", "", kSdp}}, "i");
  std::string body = write_multipart(
      {{"text/plain", "", "", "", "x"}, {"multipart/alternative; boundary=i", "", "", "", alternatives}}, "o");
  body.replace(body.find("; boundary=i"), 2, ";\r\n\t");
  EXPECT_EQ(sdp_body(invite("multipart/mixed;boundary=o", body)), kSdp);
  body = kSdp;
  std::string type = "application/sdp";
  for (std::size_t depth = 0; depth <= kBodyDepthMax; ++depth) {
    EXPECT_EQ(sdp_body(invite(type, body)), kSdp) << depth;
    const std::string boundary = "b" + std::to_string(depth);
    body = write_multipart({{type, "", "", "", body}}, boundary);
    type = "multipart/mixed;boundary=" + boundary;
  }
  EXPECT_EQ(sdp_body(invite(type, body)), "");
}

}  // namespace
}  // namespace weir::sip
