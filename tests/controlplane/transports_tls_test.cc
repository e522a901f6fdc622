// TLS listeners on the loopback interface, with OpenSSL at the other end: certificates and realms by name, reload,
// reuse of connections, and what floods of handshakes may take.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <list>

#include "controlplane/tls_identity.h"
#include "controlplane/transports.h"
#include "sip/write.h"
#include "tests/support/tls_client.h"
#include "tests/support/tls_files.h"

namespace weir::controlplane {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using proto::settings::SipTransport;
using ::testing::HasSubstr;

std::string options(const std::string& via, const std::string& id = "1") {
  return "OPTIONS sip:weir@127.0.0.1 SIP/2.0\r\nVia: " + via + ";branch=z9hG4bK" + id +
         "\r\nMax-Forwards: 70\r\nFrom: <sip:a@127.0.0.1>;tag=a\r\nTo: <sip:weir@127.0.0.1>\r\nCall-ID: " + id +
         "\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
}

/// A connection and its TLS.
struct Client {
  explicit Client(asio::io_context& io, std::uint16_t port, const char* from = "127.0.0.1") : socket(io) {
    socket.open(tcp::v4());
    socket.bind({asio::ip::make_address_v4(from), 0});
    socket.connect({asio::ip::address_v4::loopback(), port});
    socket.non_blocking(true);
    tls.emplace(socket.native_handle());
  }
  tcp::socket socket;
  std::optional<tests::TlsClient> tls;
};

class TransportsTlsTest : public testing::Test, public MessageSink {
 protected:
  TransportsTlsTest() {
    tcp::acceptor probe(io_, {asio::ip::address_v4::loopback(), 0});
    port_ = probe.local_endpoint().port();
    probe.close();
    for (const char* name : {"a", "b"}) {
      proto::settings::RealmSettings realm{.name = name, .networks = {"n"}, .listeners = {}};
      realm.listeners.push_back({SipTransport::kTls, {proto::parse_ip_address("127.0.0.1").value(), 0, port_}});
      realm.tls.certificates = {files_.issue(name, std::string("DNS:") + name + ".example")};
      realm.tls.ca = files_.ca();
      realm.tls.clients = proto::settings::ClientCertificates::kOptional;
      settings_.realms.push_back(realm);
    }
    settings_.realms[0].tls.certificates.push_back(files_.issue("also-a", "URI:sip:also-a.example"));
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
  void on_malformed(const sip::ParseError& error, const sip::Hop&) override { malformed_.push_back(error.status); }
  void on_transport_error(const sip::Hop&) override { ++errors_; }

  template <typename Done>
  bool run_until(Done done) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    bool is_done = done();
    for (; !is_done && std::chrono::steady_clock::now() < limit; is_done = done()) {
      io_.run_for(std::chrono::milliseconds(2));
    }
    return is_done;
  }

  Client& connect(const char* from = "127.0.0.1") { return clients_.emplace_back(io_, port_, from); }
  /// A connection whose handshake is done.
  Client& client(const std::string& name = "") {
    Client& made = connect();
    EXPECT_TRUE(run_until([&] { return made.tls->step(name); }));
    return made;
  }
  bool answered(Client& client) {
    std::string text;
    return run_until([&] { return (text += client.tls->read()).find("SIP/2.0 200") != std::string::npos; });
  }
  bool ends(Client& client) {
    return run_until([&] {
      char buffer[256];
      boost::system::error_code error;
      (void)client.socket.receive(asio::buffer(buffer), 0, error);
      return error && error != asio::error::would_block;
    });
  }

  asio::io_context io_;
  tests::TlsFiles files_;
  proto::settings::Settings settings_;
  std::uint16_t port_ = 0;
  std::unique_ptr<Transports> transports_;
  std::list<Client> clients_;
  std::vector<sip::Message> messages_;
  std::vector<sip::Hop> hops_;
  std::vector<std::uint16_t> malformed_;
  int errors_ = 0;
};

TEST_F(TransportsTlsTest, TheNameAskedForChoosesCertificateAndRealm) {
  listen();
  struct Row {
    const char* name;
    const char* certificate;
    std::uint32_t realm;
  };
  for (const Row& row : {Row{"a.example", "a", 0}, Row{"also-a.example", "also-a", 0}, Row{"b.example", "b", 1},
                         Row{"B.EXAMPLE", "b", 1}, Row{"nobody.example", "a", 0}, Row{"", "a", 0}}) {
    SCOPED_TRACE(row.name);
    messages_.clear();
    hops_.clear();
    Client& one = client(row.name);
    EXPECT_EQ(one.tls->server(), row.certificate);
    one.tls->write(options("SIP/2.0/TLS 127.0.0.1:5999"));
    ASSERT_TRUE(answered(one));
    const std::optional<Path> path = transports_->arrival(hops_.back());
    ASSERT_TRUE(path.has_value());
    EXPECT_EQ(path->realm, row.realm);
    EXPECT_EQ(path->transport, SipTransport::kTls);
  }
  EXPECT_EQ(transports_->counters().tls_handshakes, 6u);
}

TEST_F(TransportsTlsTest, NewCertificatesAreForNewConnections) {
  listen();
  Client& before = client("a.example");
  settings_.realms[0].tls.certificates[0] = files_.issue("renewed", "DNS:a.example");
  transports_->use(load_tls_realms(settings_).value());
  EXPECT_EQ(client("a.example").tls->server(), "renewed");
  before.tls->write(options("SIP/2.0/TLS 127.0.0.1:5999"));
  EXPECT_TRUE(answered(before)) << "live connections go on";
}

TEST_F(TransportsTlsTest, FilesThatAreNoGoodLeaveTheOldOnesInPlace) {
  listen();
  files_.write("a.pem", "this is no certificate");
  const proto::Result<TlsRealms> loaded = load_tls_realms(settings_);
  ASSERT_FALSE(loaded.ok());
  EXPECT_THAT(loaded.error(), HasSubstr("realm 'a': " + files_.path("a.pem") + " holds no certificate"));
  EXPECT_EQ(client("a.example").tls->server(), "a") << "the old one";
}

TEST_F(TransportsTlsTest, WithoutAUsableCertificateNothingListens) {
  files_.write("b.key", "");
  Transports transports(io_, settings_, *this);
  const proto::Status status = transports.listen();
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error(), HasSubstr("realm 'b': " + files_.path("b.key")));
}

TEST_F(TransportsTlsTest, AConnectionIsReusedForTheNameItsPeerHasProved) {
  listen();
  const auto peer = files_.issue("peer", "URI:sip:peer.example");
  const sip::Uri uri = sip::parse_uri("sips:peer.example").value();
  const auto speak = [&](bool certificate, const std::string& via) {
    Client& one = connect();
    if (certificate) one.tls->show(peer.chain, peer.key);
    EXPECT_TRUE(run_until([&] { return one.tls->step("a.example"); }));
    one.tls->write(options(via));
    EXPECT_TRUE(answered(one));
  };
  speak(false, "SIP/2.0/TLS peer.example;alias");
  EXPECT_FALSE(transports_->towards(0, uri, nullptr)) << "no certificate";
  EXPECT_EQ(transports_->peer(hops_.back()), nullptr);
  speak(true, "SIP/2.0/TLS other.example;alias");
  EXPECT_FALSE(transports_->towards(0, sip::parse_uri("sips:other.example").value(), nullptr)) << "another's name";
  speak(true, "SIP/2.0/TLS peer.example");
  EXPECT_FALSE(transports_->towards(0, uri, nullptr)) << "nobody asked for it";

  speak(true, "SIP/2.0/TLS peer.example;alias");
  ASSERT_NE(transports_->peer(hops_.back()), nullptr);
  EXPECT_TRUE(transports_->peer(hops_.back())->proves("peer.example"));
  const std::optional<Path> reused = transports_->towards(0, uri, nullptr);
  ASSERT_TRUE(reused.has_value());
  EXPECT_EQ(reused->hop, hops_.back());
  EXPECT_FALSE(transports_->towards(1, uri, nullptr)) << "the other realm has its own peers";
  EXPECT_FALSE(transports_->towards(0, sip::parse_uri("sips:peer.example:5071").value(), nullptr)) << "another port";
  EXPECT_FALSE(transports_->towards(0, sip::parse_uri("sip:peer.example;transport=tcp").value(), nullptr));
  clients_.clear();
  EXPECT_TRUE(run_until([&] { return transports_->connections() == 0; }));
  EXPECT_FALSE(transports_->towards(0, uri, nullptr)) << "it is gone";
}

TEST_F(TransportsTlsTest, HandshakesUnderWayAreBoundedForEachSourceAndEnd) {
  settings_.limits.tls_handshakes_per_source_max = 3;
  settings_.limits.tls_handshake_ms = 1000;
  listen();
  for (int i = 0; i < 3; ++i) connect();
  ASSERT_TRUE(run_until([&] { return transports_->connections() == 3; }));
  EXPECT_TRUE(ends(connect())) << "one too many";
  EXPECT_EQ(transports_->counters().connections_refused, 1u);
  Client& stranger = connect("127.0.0.2");
  EXPECT_TRUE(run_until([&] { return stranger.tls->step("a.example"); })) << "others are served";
  EXPECT_TRUE(run_until([&] { return transports_->counters().tls_handshakes_failed == 3; })) << "and they end";
  EXPECT_EQ(transports_->connections(), 1u);
  client("a.example");
}

TEST_F(TransportsTlsTest, AllSourcesTogetherHaveSoManyHandshakesUnderWay) {
  settings_.limits.tls_handshakes_max = 2;
  listen();
  connect("127.0.0.2");
  connect("127.0.0.3");
  ASSERT_TRUE(run_until([&] { return transports_->connections() == 2; }));
  EXPECT_TRUE(ends(connect()));
  clients_.clear();
  ASSERT_TRUE(run_until([&] { return transports_->connections() == 0; }));
  client("a.example");
}

TEST_F(TransportsTlsTest, ASourceBeginsSoManyHandshakesASecond) {
  settings_.limits.tls_handshakes_per_s_per_source_max = 2;
  listen();
  client("a.example");
  client("a.example");
  EXPECT_TRUE(ends(connect()));
  EXPECT_EQ(transports_->counters().connections_refused, 1u);
  Client& stranger = connect("127.0.0.2");
  EXPECT_TRUE(run_until([&] { return stranger.tls->step(); }));
}

TEST_F(TransportsTlsTest, BytesThatAreNoTlsEndTheConnection) {
  listen();
  Client& one = connect();
  (void)one.socket.send(asio::buffer(options("SIP/2.0/TLS 127.0.0.1:5999")));
  EXPECT_TRUE(ends(one));
  EXPECT_EQ(transports_->counters().tls_handshakes_failed, 1u);
  EXPECT_TRUE(messages_.empty());
}

TEST_F(TransportsTlsTest, PingsAreAnsweredAndMessagesCutFromOneByteAtATime) {
  listen();
  Client& one = client();
  one.tls->write("\r\n\r\n");
  std::string text;
  EXPECT_TRUE(run_until([&] { return (text += one.tls->read()) == "\r\n"; }));
  for (const char byte : options("SIP/2.0/TLS 127.0.0.1:5999")) {
    one.tls->write(std::string(1, byte));
    io_.poll();
  }
  EXPECT_TRUE(answered(one));
}

TEST_F(TransportsTlsTest, ABrokenFrameIsAnsweredAndTheConnectionEndedInOrder) {
  listen();
  Client& one = client();
  std::string text = options("SIP/2.0/TLS 127.0.0.1:5999");
  text.replace(text.find("Content-Length: 0"), 17, "Content-Length: x");
  one.tls->write(text);
  bool ended = false;
  EXPECT_TRUE(run_until([&] {
    (void)one.tls->read(&ended);
    return ended;
  }));
  EXPECT_EQ(malformed_, std::vector<std::uint16_t>{400});
}

}  // namespace
}  // namespace weir::controlplane
