// WebSocket listeners on the loopback interface: messages both ways, keep-alives, and how connections end.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <fstream>
#include <list>

#include "controlplane/transports.h"
#include "sip/write.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/tls_client.h"
#include "tests/support/tls_files.h"

namespace weir::controlplane {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using proto::settings::SipTransport;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kUpgrade[] =
    "GET / HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sip\r\nSec-WebSocket-Version: 13\r\n\r\n";

std::string options(const std::string& length = "0", const std::string& body = "") {
  return "OPTIONS sip:weir@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/WS df7jal23ls0d.invalid;branch=z9hG4bK56sdasks"
         "\r\nMax-Forwards: 70\r\nFrom: <sip:a@127.0.0.1>;tag=a\r\nTo: <sip:weir@127.0.0.1>\r\nCall-ID: 1"
         "\r\nCSeq: 1 OPTIONS\r\nContent-Length: " +
         length + "\r\n\r\n" + body;
}

/// A masked frame, its mask zero: what it says is what is written.
std::string frame(const std::string& payload, char first = '\x81') {
  std::string text(1, first);
  if (payload.size() < 126) return text + static_cast<char>(0x80 | payload.size()) + std::string(4, '\0') + payload;
  text += {'\xfe', static_cast<char>(payload.size() >> 8), static_cast<char>(payload.size())};
  return text + std::string(4, '\0') + payload;
}

class TransportsWebSocketTest : public testing::Test, public MessageSink {
 protected:
  TransportsWebSocketTest() {
    tcp::acceptor probe(io_, {asio::ip::address_v4::loopback(), 0});
    tcp::acceptor another(io_, {asio::ip::address_v4::loopback(), 0});
    port_ = probe.local_endpoint().port();
    secure_port_ = another.local_endpoint().port();
    probe.close();
    another.close();
    const proto::IpAddress local = proto::parse_ip_address("127.0.0.1").value();
    proto::settings::RealmSettings realm{.name = "a", .networks = {"n"}, .listeners = {}};
    realm.listeners = {{SipTransport::kWs, {local, 0, port_}}, {SipTransport::kWss, {local, 0, secure_port_}}};
    realm.tls.certificates = {files_.issue("a", "DNS:a.example")};
    realm.tls.ca = files_.ca();
    settings_.realms.push_back(realm);
  }

  void listen() {
    transports_ = std::make_unique<Transports>(io_, settings_, *this);
    const proto::Status status = transports_->listen();
    ASSERT_TRUE(status.ok()) << status.error();
  }

  void on_message(sip::Message message, const sip::Hop& source) override {
    const sip::Message answer = sip::make_response(message, 200, "OK", "tag");
    transports_->send(sip::response_hop(message, source), sip::write(answer));
    messages_.push_back(std::move(message));
    hops_.push_back(source);
  }
  void on_malformed(const sip::ParseError& error, const sip::Hop& source) override {
    transports_->send(source, sip::write(sip::make_response(error.fragment, error.status, error.reason, "tag")));
  }
  void on_transport_error(const sip::Hop&) override {}
  void on_flow_gone(const sip::Hop& hop) override { gone_.push_back(hop.handle); }

  template <typename Done>
  bool run_until(Done done) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    bool is_done = done();
    for (; !is_done && std::chrono::steady_clock::now() < limit; is_done = done()) {
      io_.run_for(std::chrono::milliseconds(2));
    }
    return is_done;
  }

  tcp::socket& connect() {
    tcp::socket& client = clients_.emplace_back(io_);
    client.connect({asio::ip::address_v4::loopback(), port_});
    client.non_blocking(true);
    return client;
  }
  /// A connection whose upgrade is granted.
  tcp::socket& open() {
    tcp::socket& client = connect();
    say(client, kUpgrade);
    EXPECT_THAT(hear(client, "\r\n\r\n"), StartsWith("HTTP/1.1 101"));
    return client;
  }
  static void say(tcp::socket& client, const std::string& bytes) { asio::write(client, asio::buffer(bytes)); }
  /// What comes until `end` has come or the connection ends.
  std::string hear(tcp::socket& client, const std::string& end) {
    std::string text;
    EXPECT_TRUE(run_until([&] {
      char buffer[4096];
      boost::system::error_code error;
      const std::size_t bytes = client.receive(asio::buffer(buffer), 0, error);
      if (!error) text.append(buffer, bytes);
      return (error && error != asio::error::would_block) || text.find(end) != std::string::npos;
    })) << text;
    return text;
  }
  /// Everything until it ends.
  std::string last_words(tcp::socket& client) { return hear(client, "no connection says this"); }

  asio::io_context io_;
  tests::TlsFiles files_;
  proto::settings::Settings settings_;
  std::uint16_t port_ = 0;
  std::uint16_t secure_port_ = 0;
  std::unique_ptr<Transports> transports_;
  std::list<tcp::socket> clients_;
  std::vector<sip::Message> messages_;
  std::vector<sip::Hop> hops_;
  std::vector<std::uint64_t> gone_;
};

// RFC 7118 section 8.
TEST_F(TransportsWebSocketTest, AMessageIsAnsweredOverTheConnectionItCameBy) {
  listen();
  tcp::socket& client = open();
  say(client, frame(options()));
  const std::string answer = hear(client, "\r\n\r\n");
  EXPECT_EQ(answer[0], '\x81') << "text, whole";
  EXPECT_THAT(answer,
              HasSubstr("SIP/2.0 200 OK\r\nVia: SIP/2.0/WS df7jal23ls0d.invalid;branch=z9hG4bK56sdasks;received="));
  ASSERT_EQ(hops_.size(), 1u);
  const std::optional<Path> path = transports_->arrival(hops_[0]);
  ASSERT_TRUE(path.has_value());
  EXPECT_EQ(path->transport, SipTransport::kWs);
  EXPECT_EQ(transports_->counters().websockets, 1u);
}

TEST_F(TransportsWebSocketTest, OverTlsItIsWss) {
  listen();
  tcp::socket& client = clients_.emplace_back(io_);
  client.connect({asio::ip::address_v4::loopback(), secure_port_});
  client.non_blocking(true);
  tests::TlsClient tls(client.native_handle());
  ASSERT_TRUE(run_until([&] { return tls.step("a.example"); }));
  tls.write(kUpgrade + frame(options()));
  std::string text;
  EXPECT_TRUE(run_until([&] { return (text += tls.read()).find("SIP/2.0 200") != std::string::npos; })) << text;
  ASSERT_EQ(hops_.size(), 1u);
  EXPECT_EQ(transports_->arrival(hops_[0])->transport, SipTransport::kWss);
  EXPECT_EQ(transports_->counters().tls_handshakes, 1u);
}

TEST_F(TransportsWebSocketTest, EveryFrameIsOneMessageWhateverContentLengthSays) {
  listen();
  tcp::socket& client = open();
  say(client, frame(options("5", "1234")));
  EXPECT_THAT(hear(client, "\r\n\r\n"), HasSubstr("SIP/2.0 400 "));
  EXPECT_TRUE(messages_.empty());
  say(client, frame(options(), '\x82'));
  EXPECT_THAT(hear(client, "\r\n\r\n"), HasSubstr("SIP/2.0 200 OK"));
}

// RFC 7118 section 6, RFC 5626 section 4.4.1, RFC 6455 section 5.5.2.
TEST_F(TransportsWebSocketTest, KeepAlivesAreAnsweredAndAreNoMessages) {
  listen();
  tcp::socket& client = open();
  say(client, frame("\r\n\r\n"));
  EXPECT_EQ(hear(client, "\r\n"), "\x81\x02\r\n");
  say(client, frame("\r\n") + frame("") + frame("x", '\x89'));
  EXPECT_EQ(hear(client, "x"), "\x8a\x01x");
  EXPECT_EQ(transports_->counters().malformed, 0u);
}

TEST_F(TransportsWebSocketTest, WhoIsSilentIsPingedAndWhoAnswersStays) {
  settings_.transport.websocket_ping_ms = 20;
  listen();
  tcp::socket& client = open();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(hear(client, std::string(1, '\0')), std::string("\x89\x00", 2));
    say(client, frame("", '\x8a'));
  }
  EXPECT_EQ(transports_->connections(), 1u);
}

TEST_F(TransportsWebSocketTest, NobodyIsCalledByOpeningAWebSocket) {
  listen();
  const sip::Uri uri = sip::parse_uri("sip:x@198.18.1.2:5060;transport=ws").value();
  EXPECT_FALSE(transports_->towards(0, uri, nullptr));
  tcp::socket& client = open();
  say(client, frame(options()));
  hear(client, "\r\n\r\n");
  const std::optional<Path> path = transports_->arrival(hops_[0]);
  sip::Uri there = sip::make_sip_uri("x", "127.0.0.1", client.local_endpoint().port());
  EXPECT_FALSE(transports_->towards(0, there, &*path));
  EXPECT_EQ(transports_->connections(), 1u);
}

TEST_F(TransportsWebSocketTest, ItsEndIsToldHoweverItComes) {
  listen();
  for (const std::string& last :
       {std::string(), frame("", '\x88'), frame("half", '\x01'), std::string("\x81\x05Hello")}) {
    tcp::socket& client = open();
    say(client, frame(options()));
    hear(client, "\r\n\r\n");
    say(client, last);
    if (last.empty() || last[0] == '\x01') client.close();
    const std::uint64_t handle = hops_.back().handle;
    EXPECT_TRUE(run_until([&] { return !gone_.empty() && gone_.back() == handle; }));
    EXPECT_FALSE(transports_->send(hops_.back(), "x"));
  }
  EXPECT_EQ(gone_.size(), 4u);
}

TEST_F(TransportsWebSocketTest, WhatIsNoUpgradeIsAnsweredAndClosed) {
  listen();
  tcp::socket& page = connect();
  say(page, "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n");
  EXPECT_THAT(last_words(page), StartsWith("HTTP/1.1 426 "));
  tcp::socket& sip = connect();
  say(sip, options());
  EXPECT_THAT(last_words(sip), StartsWith("HTTP/1.1 400 "));
  tcp::socket& endless = connect();
  say(endless, "GET / HTTP/1.1\r\nCookie: " + std::string(100'000, 'x'));
  EXPECT_THAT(last_words(endless), StartsWith("HTTP/1.1 431 "));
  EXPECT_EQ(transports_->counters().websockets_refused, 3u);
  EXPECT_TRUE(run_until([&] { return transports_->connections() == 0; }));
}

constexpr char kGetPage[] = "GET /page.js HTTP/1.1\r\nHost: a.example\r\n\r\n";

/// A page of the largest size, which no queue of a connection holds.
class TransportsPageTest : public TransportsWebSocketTest {
 protected:
  TransportsPageTest() {
    std::ofstream(directory_.path() + "/index.html") << "<!doctype html>";
    for (std::size_t i = 0; i < script_.size(); ++i) script_[i] = static_cast<char>('a' + i % 23);
    std::ofstream(directory_.path() + "/page.js") << script_;
    settings_.realms[0].websocket.page = directory_.path();
  }

  tests::TemporaryDirectory directory_;
  std::string script_ = std::string(kPageFileBytesMax, ' ');
};

TEST_F(TransportsPageTest, AFileComesWholeAndEndsTheConnection) {
  listen();
  tcp::socket& client = connect();
  say(client, kGetPage);
  const std::string answer = last_words(client);
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_EQ(answer.substr(answer.find("\r\n\r\n") + 4), script_);
  EXPECT_EQ(transports_->counters().page_requests, 1u);
  EXPECT_EQ(transports_->counters().websockets_refused, 0u);
  client.close();
  EXPECT_TRUE(run_until([&] { return transports_->connections() == 0; }));
}

TEST_F(TransportsPageTest, OverTlsLikewise) {
  listen();
  tcp::socket& client = clients_.emplace_back(io_);
  client.connect({asio::ip::address_v4::loopback(), secure_port_});
  client.non_blocking(true);
  tests::TlsClient tls(client.native_handle());
  ASSERT_TRUE(run_until([&] { return tls.step("a.example"); }));
  tls.write(kGetPage);
  std::string text;
  EXPECT_TRUE(run_until([&] { return (text += tls.read()).ends_with(script_); })) << text.size();
  EXPECT_THAT(text, StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST_F(TransportsPageTest, WebSocketsGoOnBesideIt) {
  listen();
  tcp::socket& client = open();
  say(client, frame(options()));
  EXPECT_THAT(hear(client, "\r\n\r\n"), HasSubstr("SIP/2.0 200 OK"));
  EXPECT_EQ(transports_->counters().page_requests, 0u);
}

TEST_F(TransportsPageTest, WhatIsSaidAfterARequestIsNotHeard) {
  listen();
  tcp::socket& client = connect();
  say(client, std::string(kGetPage) + kGetPage + kUpgrade + frame(options()));
  const std::string answer = last_words(client);
  EXPECT_EQ(answer.size(), answer.find("\r\n\r\n") + 4 + script_.size()) << "one answer";
  EXPECT_EQ(transports_->counters().page_requests, 1u);
  EXPECT_TRUE(messages_.empty());
}

TEST_F(TransportsPageTest, AnotherPageIsForThoseWhoAskLater) {
  listen();
  tcp::socket& before = connect();
  say(before, "GET /page.js HTTP/1.1\r\n");
  EXPECT_TRUE(run_until([&] { return transports_->connections() == 1; }));
  std::ofstream(directory_.path() + "/page.js") << "new";
  transports_->use(load_realm_pages(settings_).value());
  tcp::socket& after = connect();
  say(after, kGetPage);
  EXPECT_THAT(last_words(after), EndsWith("\r\n\r\nnew"));
  say(before, "Host: a.example\r\n\r\n");
  EXPECT_TRUE(last_words(before).ends_with(script_));
}

TEST_F(TransportsPageTest, AFolderThatCannotBeReadIsAnErrorAtStart) {
  settings_.realms[0].websocket.page = "/nonexistent/web";
  transports_ = std::make_unique<Transports>(io_, settings_, *this);
  const proto::Status status = transports_->listen();
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error(), HasSubstr("[realm.websocket] page: realm 'a': /nonexistent/web cannot be read"));
}

TEST_F(TransportsWebSocketTest, AnUpgradeThatDoesNotComeInTimeIsClosed) {
  settings_.limits.tcp_first_message_ms = 50;
  listen();
  tcp::socket& client = connect();
  say(client, "GET / HTTP/1.1\r\n");
  EXPECT_EQ(last_words(client), "");
  EXPECT_EQ(transports_->counters().connections_mute, 1u);
}

}  // namespace
}  // namespace weir::controlplane
