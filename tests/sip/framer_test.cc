#include "sip/framer.h"

#include <gtest/gtest.h>

#include <vector>

#include "sip/parse.h"
#include "tests/sip/torture_messages.h"

namespace weir::sip {
namespace {

std::string request(std::string_view more, std::string_view body) {
  return "OPTIONS sip:b@h SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bKa\r\nFrom: <sip:a@h>;tag=f\r\nTo: <sip:b@h>\r\n"
         "Call-ID: c\r\nCSeq: 1 OPTIONS\r\n" +
         std::string(more) + "\r\n" + std::string(body);
}

/// Everything the framer makes of `stream`, fed in chunks of that size: messages as they are, pings as "PING", an error
/// as its reason.
std::vector<std::string> frames(std::string_view stream, std::size_t chunk_bytes) {
  Framer framer;
  std::vector<std::string> all;
  while (!stream.empty()) {
    framer.feed(stream.substr(0, chunk_bytes));
    stream.remove_prefix(std::min(chunk_bytes, stream.size()));
    for (Frame frame = framer.next(); frame.kind != FrameKind::kNone; frame = framer.next()) {
      switch (frame.kind) {
        case FrameKind::kMessage:
          all.emplace_back(frame.bytes);
          break;
        case FrameKind::kPing:
          all.emplace_back("PING");
          break;
        case FrameKind::kError:
          all.emplace_back(frame.reason);
          return all;
        case FrameKind::kNone:
          break;
      }
    }
  }
  return all;
}

TEST(Framer, AStreamIsCutTheSameWayWhateverItsChunks) {
  const std::string first = torture("wsinv");
  const std::string second = request("Content-Length:\r\n 4\r\n", "\r\n\r\n");
  const std::string third = request("l: 0\r\n", "");
  const std::string stream = "\r\n\r\n" + first + second + "\r\n" + third + "\r\n\r\n\r\n\r\n" + third;
  const std::vector<std::string> expected{"PING", first, second, third, "PING", "PING", third};
  for (std::size_t chunk_bytes = 1; chunk_bytes <= stream.size(); ++chunk_bytes) {
    EXPECT_EQ(frames(stream, chunk_bytes), expected) << chunk_bytes;
  }
}

TEST(Framer, LengthsThatCannotBeTrustedEndTheStream) {
  struct Row {
    std::string_view headers;
    std::string_view reason;
  };
  for (const Row& row : {
           Row{"", "Missing Content-Length Header"},
           Row{"Content-Length: -1\r\n", "Malformed Content-Length Header"},
           Row{"Content-Length: 1 1\r\n", "Malformed Content-Length Header"},
           Row{"Content-Length: 1\r\n 1\r\n", "Malformed Content-Length Header"},
           Row{"Content-Length: 4294967296\r\n", "Malformed Content-Length Header"},
           Row{"Content-Length: 4294967295\r\n", "Message Too Large"},
           Row{"Content-Length: 70000\r\n", "Message Too Large"},
           Row{"Content-Length: 65535\r\n", "Message Too Large"},
           Row{"Content-Length: 1\r\nl: 1\r\n", "Repeated Header"},
           Row{"X: a\nContent-Length: 5\r\nContent-Length: 1\r\n", "Control Character In Header"},
           Row{"Content-Length 5\r\nContent-Length: 1\r\n", "Malformed Header Line"},
       }) {
    for (const std::size_t chunk_bytes : {1u, 7u, 1000u}) {
      EXPECT_EQ(frames(request(row.headers, "x"), chunk_bytes), std::vector<std::string>{std::string(row.reason)});
    }
  }
}

TEST(Framer, AnErrorCarriesTheHeadSoThatItCanBeAnswered) {
  Framer framer;
  framer.feed(request("", "body"));
  const Frame frame = framer.next();
  EXPECT_EQ(frame.kind, FrameKind::kError);
  EXPECT_EQ(frame.status, 400);
  EXPECT_TRUE(parse_message(frame.bytes).ok());
  framer.feed(request("l: 0\r\n", ""));
  EXPECT_EQ(framer.next().kind, FrameKind::kError) << "a stream that failed stays failed";
}

TEST(Framer, AHeadWithoutAnEndIsBounded) {
  Framer framer;
  FrameKind kind = FrameKind::kNone;
  std::size_t fed_bytes = 0;
  while (kind == FrameKind::kNone && fed_bytes < 2 * kHeadBytesMax) {
    framer.feed("X: y\r\n");
    fed_bytes += 6;
    kind = framer.next().kind;
  }
  EXPECT_EQ(kind, FrameKind::kError);
  EXPECT_LE(fed_bytes, kHeadBytesMax + 6);
}

TEST(Framer, ABareLineEndBetweenMessagesEndsTheStream) {
  EXPECT_EQ(frames("\rX", 1), std::vector<std::string>{"Control Character In Header"});
}

TEST(Framer, SaysWhetherAMessageHasBegun) {
  Framer framer;
  EXPECT_FALSE(framer.mid_message());
  framer.feed("\r\n");
  EXPECT_EQ(framer.next().kind, FrameKind::kNone);
  EXPECT_FALSE(framer.mid_message());
  framer.feed("O");
  EXPECT_EQ(framer.next().kind, FrameKind::kNone);
  EXPECT_TRUE(framer.mid_message());
  EXPECT_EQ(framer.pending_bytes(), 1u);
}

}  // namespace
}  // namespace weir::sip
