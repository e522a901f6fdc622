// RFC 4475's and RFC 5118's messages by every transport. What the parser makes of each is torture_test.cc's; here it
// must be the same by UDP, TCP and TLS, in one piece and one byte at a time, and the next message be read after it, or
// the stream be ended where nobody could say where it is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <chrono>

#include "controlplane/transports.h"
#include "sip/framer.h"
#include "tests/sip/torture_messages.h"
#include "tests/support/tls_client.h"
#include "tests/support/tls_files.h"

namespace weir::controlplane {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::ip::udp;
using proto::settings::SipTransport;

constexpr const char* kMarker =
    "OPTIONS sip:weir@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1:5999;branch=z9hG4bKmarker\r\nMax-Forwards: 70\r\n"
    "From: <sip:a@127.0.0.1>;tag=a\r\nTo: <sip:weir@127.0.0.1>\r\nCall-ID: marker\r\nCSeq: 1 OPTIONS\r\n"
    "Content-Length: 0\r\n\r\n";

class TransportsTortureTest : public testing::Test, public MessageSink {
 protected:
  TransportsTortureTest() {
    tcp::acceptor probe(io_, {asio::ip::address_v4::loopback(), 0});
    port_ = probe.local_endpoint().port();
    probe.close();
    tcp::acceptor tls_probe(io_, {asio::ip::address_v4::loopback(), 0});
    tls_port_ = tls_probe.local_endpoint().port();
    tls_probe.close();
    const proto::IpAddress local = proto::parse_ip_address("127.0.0.1").value();
    proto::settings::RealmSettings realm{.name = "r", .networks = {"n"}, .listeners = {}};
    realm.listeners = {{SipTransport::kUdp, {local, 0, port_}},
                       {SipTransport::kTcp, {local, 0, port_}},
                       {SipTransport::kTls, {local, 0, tls_port_}}};
    realm.tls.certificates = {files_.issue("r", "DNS:r.example")};
    settings_.realms.push_back(realm);
    settings_.limits.tls_handshakes_per_s_per_source_max = 0;
    transports_ = std::make_unique<Transports>(io_, settings_, *this);
    EXPECT_TRUE(transports_->listen().ok());
  }

  void on_message(sip::Message message, const sip::Hop&) override {
    if (message.call_id() == "marker") {
      marked_ = true;
    } else {
      seen_.push_back(message.is_request() ? "request" : "response " + std::to_string(message.status()));
    }
  }
  void on_malformed(const sip::ParseError& error, const sip::Hop&) override {
    seen_.push_back("malformed " + std::to_string(error.status));
  }
  void on_transport_error(const sip::Hop&) override {}

  template <typename Done>
  bool run_until(Done done) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    bool is_done = done();
    for (; !is_done && std::chrono::steady_clock::now() < limit; is_done = done()) {
      io_.run_for(std::chrono::milliseconds(1));
    }
    return is_done;
  }

  /// What the transports saw of the message, before they saw the marker or the connection ended.
  std::vector<std::string> by_udp(const std::string& message) {
    begin();
    udp::socket socket(io_, {asio::ip::address_v4::loopback(), 0});
    const udp::endpoint there(asio::ip::address_v4::loopback(), port_);
    socket.send_to(asio::buffer(message), there);
    socket.send_to(asio::buffer(std::string(kMarker)), there);
    EXPECT_TRUE(run_until([&] { return marked_; }));
    return seen_;
  }

  std::vector<std::string> by_stream(const std::string& message, bool tls, std::size_t piece) {
    begin();
    tcp::socket socket(io_);
    socket.connect({asio::ip::address_v4::loopback(), tls ? tls_port_ : port_});
    socket.set_option(tcp::no_delay(true));
    socket.non_blocking(true);
    tests::TlsClient client(socket.native_handle());
    EXPECT_TRUE(!tls || run_until([&] { return client.step(); }));
    EXPECT_TRUE(run_until([&] { return transports_->connections() == 1; }));
    const std::string all = message + kMarker;
    for (std::size_t at = 0; at < all.size() && transports_->connections() == 1; at += piece) {
      const std::string part = all.substr(at, piece);
      boost::system::error_code ignored;
      tls ? client.write(part) : static_cast<void>(socket.send(asio::buffer(part), 0, ignored));
      io_.poll();
    }
    // The marker is part of a message that says it is longer: then its end is the stream's.
    boost::system::error_code ignored;
    run_until_quiet();
    socket.shutdown(tcp::socket::shutdown_send, ignored);
    EXPECT_TRUE(run_until([&] { return transports_->connections() == 0; }));
    return seen_;
  }

  void run_until_quiet() {
    for (int i = 0; i < 20 && !marked_; ++i) io_.run_for(std::chrono::milliseconds(1));
  }

  void begin() {
    seen_.clear();
    marked_ = false;
  }

  asio::io_context io_;
  tests::TlsFiles files_;
  proto::settings::Settings settings_;
  std::uint16_t port_ = 0;
  std::uint16_t tls_port_ = 0;
  std::unique_ptr<Transports> transports_;
  std::vector<std::string> seen_;
  bool marked_ = false;
};

/// What the parser makes of a datagram.
std::vector<std::string> parsed(const std::string& message) {
  const sip::ParseResult result = sip::parse_message(message);
  if (result) {
    return {result.message().is_request() ? "request" : "response " + std::to_string(result.message().status())};
  }
  if (result.error().silent()) return {};
  return {"malformed " + std::to_string(result.error().status)};
}

/// Whether a stream can be cut after it: the framer's own verdict on its bytes alone.
bool has_its_length(const std::string& message) {
  sip::Framer framer;
  framer.feed(message);
  const sip::Frame frame = framer.next();
  return frame.kind == sip::FrameKind::kMessage && frame.bytes.size() == message.size();
}

TEST_F(TransportsTortureTest, EveryMessageIsTheSameByEveryTransport) {
  std::size_t streamed = 0;
  for (const std::string& name : sip::torture_names()) {
    SCOPED_TRACE(name);
    const std::string message = sip::torture(name);
    EXPECT_EQ(by_udp(message), parsed(message));
    const std::vector<std::string> by_tcp = by_stream(message, false, message.size() + 1000);
    EXPECT_EQ(by_stream(message, false, 1), by_tcp) << "one byte at a time";
    EXPECT_EQ(by_stream(message, true, message.size() + 1000), by_tcp) << "TLS";
    EXPECT_EQ(by_stream(message, true, 1), by_tcp) << "TLS, one byte at a time";
    if (!has_its_length(message)) continue;
    ++streamed;
    EXPECT_EQ(by_tcp, parsed(message)) << "TCP";
    EXPECT_TRUE(marked_) << "the next message is read";
  }
  EXPECT_GE(streamed, 30u) << "most of them can be cut from a stream";
}

}  // namespace
}  // namespace weir::controlplane
