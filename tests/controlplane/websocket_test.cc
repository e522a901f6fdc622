// WebSockets in memory, byte for byte: RFC 6455's own examples, RFC 7118's rules, and what hostile peers send.
#include "controlplane/websocket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controlplane/websocket_upgrade.h"
#include "sip/limits.h"

namespace weir::controlplane {
namespace {

using proto::settings::RealmWebSocketSettings;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kText = 1, kBinary = 2, kContinuation = 0, kClose = 8, kPingFrame = 9;
constexpr std::uint16_t kProtocolError = 1002, kBadPayload = 1007, kTooBig = 1009;

/// RFC 6455 section 1.3's client, asking for RFC 7118's subprotocol.
std::string upgrade(const std::string& without = "", const std::string& instead = "") {
  std::string text =
      "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: https://page.example.com\r\n"
      "Sec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\n\r\n";
  if (without.empty()) return text;
  const std::size_t at = text.find(without);
  EXPECT_NE(at, std::string::npos) << without;
  return text.replace(at, without.size(), instead);
}

/// Of a client: masked, in section 5.2's shortest form of the length.
std::string frame(char opcode, std::string payload, bool final = true) {
  constexpr char kMask[] = {0x37, '\xfa', 0x21, 0x3d};
  std::string text(1, static_cast<char>(opcode | (final ? 0x80 : 0)));
  if (payload.size() < 126) {
    text += static_cast<char>(0x80 | payload.size());
  } else if (payload.size() < 65'536) {
    text += {'\xfe', static_cast<char>(payload.size() >> 8), static_cast<char>(payload.size())};
  } else {
    text += "\xff" + std::string(4, '\0');
    for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(payload.size() >> shift);
  }
  text.append(kMask, 4);
  for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<char>(payload[i] ^ kMask[i % 4]);
  return text + payload;
}

std::string close_frame(std::uint16_t code) {
  return {'\x88', 2, static_cast<char>(code >> 8), static_cast<char>(code)};
}

class WebSocketTest : public testing::Test {
 protected:
  /// Everything that comes of the bytes, in chunks of so many.
  std::vector<std::string> say(std::string_view bytes, std::size_t chunk_bytes = std::string::npos) {
    std::vector<std::string> messages;
    while (!bytes.empty() && !ended_) {
      socket_->feed(bytes.substr(0, chunk_bytes));
      bytes.remove_prefix(std::min(bytes.size(), chunk_bytes));
      take(messages);
    }
    said_ += socket_->take_output();
    return messages;
  }

  void take(std::vector<std::string>& messages) {
    for (;;) {
      const WebEvent event = socket_->next();
      if (event.kind == WebEventKind::kNone) return;
      if (event.kind == WebEventKind::kOpen) open_ = true;
      if (event.kind == WebEventKind::kMessage) messages.emplace_back(event.text);
      if (event.kind == WebEventKind::kRefused || event.kind == WebEventKind::kEnd) {
        ended_ = true;
        return;
      }
    }
  }

  void open() {
    say(upgrade());
    ASSERT_TRUE(open_) << said_;
    said_.clear();
  }

  boost::asio::io_context work_{1};
  RealmWebSocketSettings rules_{.origins = {"https://page.example.com"}, .path = ""};
  std::unique_ptr<WebSocket> socket_ = std::make_unique<WebSocket>(work_, rules_);
  std::string said_;
  bool open_ = false;
  bool ended_ = false;
};

// RFC 6455 section 1.3: the key and what has to come of it.
TEST_F(WebSocketTest, TheUpgradeIsTheRfcsAndNamesTheSubprotocol) {
  say(upgrade());
  EXPECT_TRUE(open_);
  EXPECT_THAT(said_,
              AllOf(StartsWith("HTTP/1.1 101 "), HasSubstr("Sec-WebSocket-Protocol: sip\r\n"),
                    HasSubstr("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), Not(HasSubstr("Extensions"))));
}

TEST_F(WebSocketTest, CompressionIsNotAgreedTo) {
  say(upgrade("Sec-WebSocket-Version", "Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Version"));
  EXPECT_TRUE(open_);
  EXPECT_THAT(said_, Not(HasSubstr("deflate")));
}

TEST_F(WebSocketTest, ItMayComeByteByByte) {
  EXPECT_THAT(say(upgrade() + frame(kText, "first") + frame(kBinary, "second"), 1), ElementsAre("first", "second"));
}

struct UpgradeRow {
  const char* description;
  const char* from;
  const char* to;
  const char* answer;  ///< begins with; "101": granted
  const char* has = "";
};

TEST_F(WebSocketTest, WhatIsNoUpgradeForSipIsRefused) {
  const std::string key = "dGhlIHNhbXBsZSBub25jZQ==";
  const UpgradeRow rows[] = {
      {"one of several subprotocols", "Protocol: sip", "Protocol: xmpp, sip", "101", "Protocol: sip\r\n"},
      {"one on a line of its own", "Sec-WebSocket-Protocol: sip",
       "Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: sip", "101"},
      {"another subprotocol", "Protocol: sip", "Protocol: xmpp", "400"},
      {"a longer subprotocol", "Protocol: sip", "Protocol: sips", "400"},
      {"no subprotocol", "Sec-WebSocket-Protocol: sip\r\n", "", "400"},
      {"no browser", "Origin: https://page.example.com\r\n", "", "101"},
      {"a foreign page", "https://page.example.com", "https://evil.example", "403"},
      {"a page whose name begins alike", "https://page.example.com", "https://page.example.com.evil.example", "403"},
      {"the page over another scheme", "https://page.example.com", "http://page.example.com", "403"},
      {"two origins", "Origin: https://page.example.com",
       "Origin: https://page.example.com\r\nOrigin: https://evil.example", "403"},
      {"no page at all", "https://page.example.com", "null", "403"},
      {"an older version", "Version: 13", "Version: 8", "426", "Sec-WebSocket-Version: 13\r\n"},
      {"no version", "Sec-WebSocket-Version: 13\r\n", "", "400"},
      {"no key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", "400"},
      {"half a key", "bXBsZSBub25jZQ==", "", "400"},
      {"no host", "Host: server.example.com\r\n", "", "400"},
      {"two hosts", "Host: server.example.com", "Host: server.example.com\r\nHost: b.example", "400"},
      {"a page is asked for", "Upgrade: websocket\r\nConnection: Upgrade", "Connection: close", "426"},
      {"another upgrade", "Upgrade: websocket", "Upgrade: h2c", "426"},
      {"HTTP/1.0", "HTTP/1.1", "HTTP/1.0", "426"},
      {"POST", "GET", "POST", "405", "Allow: GET\r\n"},
      {"a body", "Host:", "Content-Length: 5\r\nHost:", "400"},
      {"no HTTP", "GET /chat HTTP/1.1", "REGISTER sip:example.com SIP/2.0", "400"},
      {"a header without a name", "Host:", ": x\r\nHost:", "400"},
  };
  for (const UpgradeRow& row : rows) {
    SCOPED_TRACE(row.description);
    WebSocketTest::socket_ = std::make_unique<WebSocket>(work_, rules_);
    said_.clear();
    open_ = ended_ = false;
    say(upgrade(row.from, row.to));
    EXPECT_THAT(said_, AllOf(StartsWith(std::string("HTTP/1.1 ") + row.answer), HasSubstr(row.has)));
    EXPECT_EQ(open_, std::string_view(row.answer) == "101");
    EXPECT_EQ(ended_, !open_);
    EXPECT_FALSE(!open_ && socket_->send("x"));
    EXPECT_FALSE(!open_ && socket_->ping());
  }
}

TEST_F(WebSocketTest, APathMayBeTheOnlyOne) {
  rules_.path = "/sip";
  say(upgrade());
  EXPECT_THAT(said_, StartsWith("HTTP/1.1 404"));
  socket_ = std::make_unique<WebSocket>(work_, rules_);
  said_.clear();
  ended_ = false;
  say(upgrade("/chat", "/sip?token=1"));
  EXPECT_TRUE(open_);
}

TEST_F(WebSocketTest, EveryOriginMayBeAllowed) {
  rules_.origins = {"*"};
  say(upgrade("page.example.com", "anywhere.example"));
  EXPECT_TRUE(open_);
}

TEST_F(WebSocketTest, AHeadWithoutEndIsNotReadForEver) {
  const std::string endless = "GET / HTTP/1.1\r\nCookie: " + std::string(100'000, 'x');
  say(endless, 1000);
  EXPECT_TRUE(ended_);
  EXPECT_THAT(said_, StartsWith("HTTP/1.1 431"));
}

TEST_F(WebSocketTest, AHeadOfTheLargestSizeIsRead) {
  const std::size_t rest = kUpgradeBytesMax - upgrade().size() - std::string("Cookie: \r\n").size();
  say(upgrade("Host", "Cookie: " + std::string(rest, 'x') + "\r\nHost"));
  EXPECT_TRUE(open_) << said_;
}

// RFC 6455 section 5.7.
TEST_F(WebSocketTest, TheRfcsFramesAreRead) {
  open();
  EXPECT_THAT(say(std::string("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11)), ElementsAre("Hello"));
  EXPECT_THAT(say(frame(kText, "Hel", false) + frame(kPingFrame, "Hello") + frame(kContinuation, "lo")),
              ElementsAre("Hello"));
  EXPECT_EQ(said_, std::string("\x8a\x05Hello", 7)) << "the pong";
}

// Section 5.7 again: what a server sends is not masked.
TEST_F(WebSocketTest, MessagesAreTextIfTheyCanBe) {
  open();
  EXPECT_TRUE(socket_->send("Hello"));
  EXPECT_EQ(socket_->take_output(), std::string("\x81\x05Hello", 7));
  EXPECT_TRUE(socket_->send("J\xfcrgen"));
  EXPECT_EQ(socket_->take_output(), std::string("\x82\x06J\xfcrgen", 8));
  const std::string longest(sip::kMessageBytesMax, 'x');
  EXPECT_TRUE(socket_->send(longest));
  EXPECT_EQ(socket_->take_output(), std::string("\x81\x7e\xff\xff", 4) + longest) << "in one frame";
  EXPECT_TRUE(socket_->ping());
  EXPECT_EQ(socket_->take_output(), std::string("\x89\x00", 2));
}

TEST_F(WebSocketTest, TheLongestMessageIsReadAndNoLongerOne) {
  const std::string longest(sip::kMessageBytesMax, 'x');
  open();
  EXPECT_THAT(say(frame(kText, longest), 1400), ElementsAre(longest));
  EXPECT_THAT(say(frame(kText, longest, false) + frame(kContinuation, "")), ElementsAre(longest));
  EXPECT_THAT(say(frame(kText, longest + "x").substr(0, 14)), IsEmpty());
  EXPECT_EQ(said_, close_frame(kTooBig)) << "when its length is known";
  EXPECT_TRUE(ended_);
}

struct HostileRow {
  const char* description;
  std::string bytes;
  std::uint16_t code;
};

TEST_F(WebSocketTest, WhatBreaksTheProtocolIsClosedAtOnce) {
  const std::string longest(sip::kMessageBytesMax, 'x');
  const HostileRow rows[] = {
      {"a length of 2^63-1", std::string("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", 14), kTooBig},
      {"a length of 2^64-1", std::string("\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", 14), kTooBig},
      {"a length in a longer form than it needs", std::string("\x82\xfe\0\x05\0\0\0\0Hello", 13), kProtocolError},
      {"a frame without a mask", std::string("\x81\x05Hello", 7), kProtocolError},
      {"compressed", std::string("\xc1\x80\0\0\0\0", 6), kProtocolError},
      {"an opcode that is none", frame(3, "x"), kProtocolError},
      {"a continuation of nothing", frame(kContinuation, "x"), kProtocolError},
      {"a message in a message", frame(kText, "x", false) + frame(kText, "y"), kProtocolError},
      {"a ping in pieces", frame(kPingFrame, "x", false), kProtocolError},
      {"a long ping", frame(kPingFrame, std::string(126, 'x')), kProtocolError},
      {"text that is no UTF-8", frame(kText, "\xff"), kBadPayload},
      {"fragments beyond the limit", frame(kText, longest, false) + frame(kContinuation, "x", false), kTooBig},
      {"a close frame of one byte", frame(kClose, "x"), kProtocolError},
  };
  for (const HostileRow& row : rows) {
    SCOPED_TRACE(row.description);
    for (const std::size_t chunk_bytes : {std::size_t{1}, std::string::npos}) {
      socket_ = std::make_unique<WebSocket>(work_, rules_);
      said_.clear();
      open_ = ended_ = false;
      open();
      EXPECT_THAT(say(row.bytes, chunk_bytes), IsEmpty());
      EXPECT_TRUE(ended_);
      EXPECT_EQ(said_, close_frame(row.code));
      EXPECT_FALSE(socket_->send("x"));
      EXPECT_FALSE(socket_->ping());
    }
  }
}

TEST_F(WebSocketTest, ACloseFrameIsAnsweredAndEndsIt) {
  open();
  EXPECT_THAT(say(frame(kText, "last") + frame(kClose, std::string("\x03\xe8", 2)) + frame(kText, "too late")),
              ElementsAre("last"));
  EXPECT_EQ(said_, close_frame(1000));
  EXPECT_TRUE(ended_);
}

TEST_F(WebSocketTest, ACloseFrameMayComeInTheMiddleOfAMessage) {
  open();
  EXPECT_THAT(say(frame(kText, "half", false) + frame(kClose, "")), IsEmpty());
  EXPECT_TRUE(ended_);
}

TEST_F(WebSocketTest, EndlessEmptyFragmentsAreAMessageThatDoesNotEnd) {
  open();
  EXPECT_FALSE(socket_->mid_message());
  say(frame(kText, "", false));
  for (int i = 0; i < 1000; ++i) EXPECT_THAT(say(frame(kContinuation, "", false)), IsEmpty());
  EXPECT_TRUE(socket_->mid_message());
  EXPECT_FALSE(ended_);
  EXPECT_THAT(said_, IsEmpty());
}

TEST_F(WebSocketTest, ItKnowsWhetherAMessageHasBegun) {
  open();
  EXPECT_FALSE(socket_->mid_message());
  const std::string text = frame(kText, "Hello");
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    say(text.substr(i, 1));
    EXPECT_TRUE(socket_->mid_message()) << i;
  }
  EXPECT_THAT(say(text.substr(text.size() - 1)), ElementsAre("Hello"));
  EXPECT_FALSE(socket_->mid_message());
  say(frame(kPingFrame, ""));
  EXPECT_FALSE(socket_->mid_message());
}

TEST_F(WebSocketTest, ItMayEndAtAnyMoment) {
  const std::string all = upgrade() + frame(kText, "Hello") + frame(kPingFrame, "x") + frame(kClose, "");
  for (std::size_t bytes = 0; bytes < all.size(); ++bytes) {
    WebSocket socket(work_, rules_);
    socket.feed(std::string_view(all).substr(0, bytes));
    for (WebEventKind kind = WebEventKind::kOpen; kind == WebEventKind::kOpen || kind == WebEventKind::kMessage;) {
      kind = socket.next().kind;
    }
  }
}

}  // namespace
}  // namespace weir::controlplane
