// Sockets on the loopback interface: framing, source addresses, and where answers go.
#include "controlplane/transports.h"

#include <gtest/gtest.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <thread>

#include "sip/write.h"

namespace weir::controlplane {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::ip::udp;
using boost::system::error_code;

proto::Endpoint at(const char* address, std::uint16_t port) {
  return {proto::parse_ip_address(address).value(), 0, port};
}

std::string options(const std::string& via, const std::string& id = "1") {
  return "OPTIONS sip:weir@127.0.0.1 SIP/2.0\r\nVia: " + via + ";branch=z9hG4bK" + id +
         "\r\nMax-Forwards: 70\r\nFrom: <sip:a@127.0.0.1>;tag=a\r\nTo: <sip:weir@127.0.0.1>\r\nCall-ID: " + id +
         "\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
}

class TransportsTest : public testing::Test, public MessageSink {
 protected:
  TransportsTest() {
    // A port that was free a moment ago, for UDP and TCP alike.
    tcp::acceptor probe(io_, {asio::ip::address_v4::loopback(), 0});
    port_ = probe.local_endpoint().port();
    probe.close();
    proto::settings::RealmSettings realm{.name = "r", .networks = {"n"}, .listeners = {}};
    realm.listeners.push_back({proto::settings::SipTransport::kUdp, at("127.0.0.1", port_)});
    realm.listeners.push_back({proto::settings::SipTransport::kTcp, at("127.0.0.1", port_)});
    settings_.realms.push_back(realm);
    proto::settings::NetworkSettings network;
    network.name = "n";
    network.address = at("198.18.1.10", 0).address;
    settings_.networks.push_back(network);
    transports_ = std::make_unique<Transports>(io_, settings_, *this);
    const proto::Status status = transports_->listen();
    EXPECT_TRUE(status.ok()) << (status.ok() ? "" : status.error());
  }

  bool on_datagram(std::string_view, const sip::Hop&, const Waited& waited) override {
    waited_ns_.push_back(waited.ns);
    newcomers_ += waited.newcomers ? 1 : 0;
    return turn_away_;
  }
  void on_message(sip::Message message, const sip::Hop& source) override {
    const sip::Message answer = sip::make_response(message, 200, "OK", "tag");
    const sip::Hop back = sip::response_hop(message, source);
    messages_.push_back(std::move(message));
    hops_.push_back(source);
    transports_->send(back, sip::write(answer));
  }
  void on_malformed(const sip::ParseError& error, const sip::Hop& source) override {
    malformed_.push_back(error.status);
    hop_malformed_ = source;
    transports_->send(source, sip::write(sip::make_response(error.fragment, error.status, error.reason, "tag")));
  }
  void on_transport_error(const sip::Hop&) override { ++errors_; }

  template <typename Done>
  bool run_until(Done done) {
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    bool is_done = done();
    for (; !is_done && std::chrono::steady_clock::now() < limit; is_done = done()) {
      io_.run_for(std::chrono::milliseconds(5));
    }
    return is_done;
  }

  udp::socket udp_client() {
    udp::socket client(io_, {asio::ip::address_v4::loopback(), 0});
    client.connect({asio::ip::address_v4::loopback(), port_});
    return client;
  }
  tcp::socket tcp_client() {
    tcp::socket client(io_);
    client.connect({asio::ip::address_v4::loopback(), port_});
    return client;
  }

  /// Reads until `bytes` have come or the other end closes.
  template <typename Socket>
  std::string read(Socket& socket, std::size_t bytes) {
    std::string text;
    socket.non_blocking(true);
    bool closed = false;
    run_until([&] {
      char buffer[4096];
      error_code error;
      const std::size_t count = socket.receive(asio::buffer(buffer), 0, error);
      if (!error) text.append(buffer, count);
      closed = error && error != asio::error::would_block;
      return closed || text.size() >= bytes;
    });
    return text;
  }

  /// Whether the other end closes within the time of run_until.
  bool closes(tcp::socket& socket) {
    socket.non_blocking(true);
    return run_until([&] {
      char buffer[4096];
      error_code error;
      (void)socket.receive(asio::buffer(buffer), 0, error);
      return error && error != asio::error::would_block;
    });
  }

  asio::io_context io_;
  proto::settings::Settings settings_;
  std::uint16_t port_ = 0;
  std::unique_ptr<Transports> transports_;
  std::vector<sip::Message> messages_;
  std::vector<sip::Hop> hops_;
  std::vector<std::uint64_t> waited_ns_;  ///< of the datagrams
  std::size_t newcomers_ = 0;             ///< of them, those that waited among new INVITEs
  bool turn_away_ = false;                ///< all datagrams
  std::vector<std::uint16_t> malformed_;
  sip::Hop hop_malformed_;
  int errors_ = 0;
};

TEST_F(TransportsTest, ADatagramsSourceIsWrittenDownAndItsAnswerGoesThere) {
  udp::socket client = udp_client();
  client.send(asio::buffer(options("SIP/2.0/UDP 198.18.9.9:5999;rport")));
  const std::string answer = read(client, 1);
  EXPECT_EQ(answer.substr(0, 14), "SIP/2.0 200 OK");
  ASSERT_EQ(messages_.size(), 1u);
  const sip::Via via = messages_[0].top_via().value();
  EXPECT_EQ(via.received(), "127.0.0.1");
  EXPECT_EQ(via.rport(), client.local_endpoint().port());
  const auto path = transports_->arrival(hops_[0]);
  ASSERT_TRUE(path.has_value());
  EXPECT_EQ(path->realm, 0u);
  EXPECT_EQ(path->local, at("127.0.0.1", port_));
}

TEST_F(TransportsTest, WithoutRportTheAnswerGoesToThePortOfTheVia) {
  udp::socket listener(io_, {asio::ip::address_v4::loopback(), 0});
  udp::socket client = udp_client();
  client.send(asio::buffer(options("SIP/2.0/UDP 127.0.0.1:" + std::to_string(listener.local_endpoint().port()))));
  EXPECT_EQ(read(listener, 1).substr(0, 14), "SIP/2.0 200 OK");
}

TEST_F(TransportsTest, GarbageIsSilenceAndABadMessageAnError) {
  udp::socket client = udp_client();
  client.send(asio::buffer(std::string("\0\1\2garbage", 10)));
  client.send(asio::buffer(std::string("\r\n\r\n")));
  std::string bad = options("SIP/2.0/UDP 127.0.0.1:5999;rport");
  bad.replace(bad.find("CSeq: 1 OPTIONS"), 15, "CSeq: 1 INVITE ");
  client.send(asio::buffer(bad));
  EXPECT_EQ(read(client, 1).substr(0, 11), "SIP/2.0 400");
  EXPECT_EQ(malformed_, std::vector<std::uint16_t>{400});
  EXPECT_EQ(transports_->counters().malformed, 3u);
  EXPECT_TRUE(messages_.empty());
}

TEST_F(TransportsTest, AStreamIsCutIntoItsMessages) {
  tcp::socket client = tcp_client();
  const std::string via = "SIP/2.0/TCP 127.0.0.1:5999";
  asio::write(client, asio::buffer(options(via, "1") + options(via, "2")));
  for (const char byte : options(via, "3")) {
    asio::write(client, asio::buffer(&byte, 1));
    io_.poll();
  }
  ASSERT_TRUE(run_until([this] { return messages_.size() == 3; }));
  EXPECT_EQ(messages_[2].call_id(), "3");
  EXPECT_EQ(transports_->connections(), 1u);
  std::string answers;
  ASSERT_TRUE(run_until([&] {
    answers += read(client, 1);
    return answers.find("Call-ID: 3") != std::string::npos;
  }));
  EXPECT_NE(answers.find("Call-ID: 1"), std::string::npos);
  EXPECT_EQ(hops_[0].reliability, sip::Reliability::kReliable);
  client.close();
  ASSERT_TRUE(run_until([this] { return transports_->connections() == 0; }));
  EXPECT_FALSE(transports_->arrival(hops_[0]).has_value());
  EXPECT_FALSE(transports_->send(hops_[0], "too late"));
}

TEST_F(TransportsTest, APingOnAStreamIsAnswered) {
  tcp::socket client = tcp_client();
  asio::write(client, asio::buffer(std::string("\r\n\r\n")));
  EXPECT_EQ(read(client, 2), "\r\n");
}

TEST_F(TransportsTest, AStreamThatCannotBeFollowedIsClosed) {
  for (const char* text :
       {"garbage without end of line or meaning\r\n\r\n", "OPTIONS sip:x@y SIP/2.0\r\nContent-Length: -5\r\n\r\n",
        "OPTIONS sip:x@y SIP/2.0\r\nContent-Length: 99999999999999999999\r\n\r\n"}) {
    tcp::socket client = tcp_client();
    asio::write(client, asio::buffer(std::string(text)));
    EXPECT_TRUE(closes(client)) << text;
  }
  tcp::socket client = tcp_client();
  const std::string endless(100'000, 'a');
  error_code ignored;
  asio::write(client, asio::buffer(endless), ignored);
  EXPECT_TRUE(closes(client)) << "a head without end";
  EXPECT_TRUE(run_until([this] { return transports_->connections() == 0; }));
  EXPECT_TRUE(messages_.empty());
}

TEST_F(TransportsTest, ABrokenFrameIsAnsweredThenItsConnectionClosed) {
  struct Row {
    const char* description;
    const char* from;
    const char* to;
    std::uint16_t status;  ///< 0: closed without an answer
  };
  const Row kRows[] = {
      {"no length", "Content-Length: 0\r\n", "", 400},
      {"a length that is none", "Content-Length: 0", "Content-Length: -5", 400},
      {"two lengths", "Content-Length: 0", "Content-Length: 0\r\nContent-Length: 0", 400},
      {"a message too large", "Content-Length: 0", "Content-Length: 70000", 513},
      {"nobody to answer", "Via: ", "Vie: ", 0},
      {"an ACK", "OPTIONS sip:weir@127.0.0.1 SIP/2.0", "ACK sip:weir@127.0.0.1 SIP/2.0", 0},
  };
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.description);
    malformed_.clear();
    std::string text = options("SIP/2.0/TCP 127.0.0.1:5999");
    text.replace(text.find(row.from), std::string(row.from).size(), row.to);
    if (row.status == 0) text.replace(text.find("Content-Length: 0\r\n"), 19, "");
    tcp::socket client = tcp_client();
    asio::write(client, asio::buffer(text + std::string(30'000, 'x')));  // bytes that nobody will read
    const std::string answer = read(client, 100'000);                    // to the end
    if (row.status == 0) {
      EXPECT_EQ(answer, "");
      EXPECT_TRUE(malformed_.empty());
      EXPECT_TRUE(run_until([this] { return transports_->connections() == 0; }));
      continue;
    }
    EXPECT_EQ(answer.substr(0, 12), "SIP/2.0 " + std::to_string(row.status) + " ");
    EXPECT_EQ(malformed_, std::vector<std::uint16_t>{row.status});
    error_code error;
    char byte;
    (void)client.receive(asio::buffer(&byte, 1), 0, error);
    EXPECT_EQ(error, asio::error::eof) << "an end, not a reset";
    client.close();
    EXPECT_TRUE(run_until([this] { return transports_->connections() == 0; }));
  }
  EXPECT_TRUE(messages_.empty()) << "nothing is done with the head of a broken frame";
}

TEST_F(TransportsTest, APeerThatDoesNotCloseAfterItsBrokenFrameIsClosed) {
  tcp::socket client = tcp_client();
  std::string text = options("SIP/2.0/TCP 127.0.0.1:5999");
  text.replace(text.find("Content-Length: 0"), 17, "Content-Length: x");
  asio::write(client, asio::buffer(text));
  ASSERT_TRUE(run_until([this] { return malformed_.size() == 1; }));
  EXPECT_EQ(transports_->connections(), 1u);
  EXPECT_FALSE(transports_->send(hop_malformed_, "more")) << "it has said its last word";
  EXPECT_TRUE(run_until([this] { return transports_->connections() == 0; }));
}

TEST_F(TransportsTest, ASourceHasSoManyConnectionsAndNoMore) {
  settings_.limits.tcp_connections_per_source_max = 2;
  tcp::socket first = tcp_client();
  tcp::socket second = tcp_client();
  ASSERT_TRUE(run_until([this] { return transports_->connections() == 2; }));
  tcp::socket third = tcp_client();
  EXPECT_TRUE(closes(third));
  EXPECT_EQ(transports_->counters().connections_refused, 1u);
  EXPECT_EQ(transports_->connections(), 2u);

  tcp::socket stranger(io_, {asio::ip::make_address_v4("127.0.0.2"), 0});
  stranger.connect({asio::ip::address_v4::loopback(), port_});
  EXPECT_TRUE(run_until([this] { return transports_->connections() == 3; })) << "another source has its own";
  first.close();
  ASSERT_TRUE(run_until([this] { return transports_->connections() == 2; }));
  tcp::socket fourth = tcp_client();
  EXPECT_TRUE(run_until([this] { return transports_->connections() == 3; })) << "and one that left makes room";
  EXPECT_EQ(transports_->counters().connections_refused, 1u);
}

TEST_F(TransportsTest, AllSourcesTogetherHaveSoManyConnectionsWhichOursAreNotAmong) {
  settings_.limits.tcp_connections_max = 1;
  tcp::socket first = tcp_client();
  ASSERT_TRUE(run_until([this] { return transports_->connections() == 1; }));
  tcp::socket second(io_, {asio::ip::make_address_v4("127.0.0.2"), 0});
  second.connect({asio::ip::address_v4::loopback(), port_});
  EXPECT_TRUE(closes(second));
  EXPECT_EQ(transports_->counters().connections_refused, 1u);
  EXPECT_TRUE(transports_->towards(0, *sip::parse_uri("sip:x@198.18.1.2:5070;transport=tcp"), nullptr).has_value());
}

TEST_F(TransportsTest, AConnectionWithoutAWholeMessageIsClosedInTime) {
  settings_.limits.tcp_first_message_ms = 300;
  tcp::socket mute = tcp_client();
  tcp::socket pinging = tcp_client();
  tcp::socket dripping = tcp_client();
  tcp::socket speaking = tcp_client();
  const std::string message = options("SIP/2.0/TCP 127.0.0.1:5999");
  asio::write(speaking, asio::buffer(message));
  std::size_t drops = 0;
  const auto start = std::chrono::steady_clock::now();
  ASSERT_TRUE(run_until([&] {
    error_code ignored;
    asio::write(pinging, asio::buffer(std::string("\r\n\r\n")), ignored);
    asio::write(dripping, asio::buffer(&message[drops++ % 200], 1), ignored);
    return messages_.size() == 1 && transports_->connections() == 1;
  }));
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(250));
  EXPECT_EQ(transports_->counters().connections_mute, 3u);
  io_.run_for(std::chrono::milliseconds(400));
  EXPECT_EQ(transports_->connections(), 1u) << "the one that spoke stays";
}

TEST_F(TransportsTest, APeerThatDoesNotReadHasSoMuchWaitingAndNoMore) {
  tcp::socket client = tcp_client();
  asio::write(client, asio::buffer(options("SIP/2.0/TCP 127.0.0.1:5999")));
  ASSERT_TRUE(run_until([this] { return messages_.size() == 1; }));
  const std::string message(50'000, 'x');
  std::size_t taken = 0;
  // What the kernel holds for it comes on top: some megabytes.
  while (taken < 1000 && transports_->send(hops_[0], message)) {
    ++taken;
    io_.poll();
  }
  EXPECT_LT(taken, 1000u);
  EXPECT_EQ(transports_->connections(), 1u);
  std::size_t read_bytes = 0;
  client.non_blocking(true);
  EXPECT_TRUE(run_until([&] {
    std::array<char, 65'536> buffer;
    error_code error;
    for (std::size_t bytes = 1; bytes != 0;) {
      bytes = client.receive(asio::buffer(buffer), 0, error);
      read_bytes += bytes;
    }
    return read_bytes >= taken * message.size();
  })) << "and when it reads, it has all of it";
  EXPECT_TRUE(transports_->send(hops_[0], message)) << "and room again";
}

TEST_F(TransportsTest, TwoListenersAtOneAddressAreAnErrorThatNamesIt) {
  Transports second(io_, settings_, *this);
  const proto::Status status = second.listen();
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().find("udp:127.0.0.1:" + std::to_string(port_)), std::string::npos) << status.error();
}

TEST_F(TransportsTest, NothingLeadsToAddressesThatMustNotBeSentTo) {
  for (const char* uri :
       {"sip:x@127.0.0.1", "sip:x@127.9.9.9:5070", "sip:x@0.0.0.0", "sip:x@224.0.0.1", "sip:x@255.255.255.255",
        "sip:x@198.18.1.10", "sip:x@host.example", "sip:x@[::1]", "sip:x@[2001:2::1]", "sips:x@198.18.1.2", "tel:+123",
        "sip:x@198.18.1.2;transport=tls", "sip:x@198.18.1.2:0"}) {
    const std::optional<sip::Uri> parsed = sip::parse_uri(uri);
    EXPECT_FALSE(parsed && transports_->towards(0, *parsed, nullptr).has_value()) << uri;
  }
  EXPECT_FALSE(transports_->towards(7, *sip::parse_uri("sip:x@198.18.1.2"), nullptr).has_value());
}

TEST_F(TransportsTest, TheUriOrThePathBeforeDecidesTheTransport) {
  const auto plain = transports_->towards(0, *sip::parse_uri("sip:x@198.18.1.2"), nullptr);
  ASSERT_TRUE(plain.has_value());
  EXPECT_EQ(plain->hop.remote, at("198.18.1.2", 5060));
  EXPECT_EQ(plain->hop.reliability, sip::Reliability::kUnreliable);
  const auto asked = transports_->towards(0, *sip::parse_uri("sip:x@198.18.1.2:5070;transport=TCP"), nullptr);
  ASSERT_TRUE(asked.has_value());
  EXPECT_EQ(asked->hop.reliability, sip::Reliability::kReliable);
  const auto like = transports_->towards(0, *sip::parse_uri("sip:x@198.18.1.2:5070"), &*asked);
  ASSERT_TRUE(like.has_value());
  EXPECT_EQ(like->hop, asked->hop) << "one connection for one place";
  EXPECT_EQ(transports_->connections(), 1u);
}

TEST_F(TransportsTest, ADatagramTellsHowLongItHasWaitedInItsSocket) {
  constexpr auto kPause = std::chrono::milliseconds(30);
  udp::socket client = udp_client();
  const auto before = std::chrono::steady_clock::now();
  client.send(asio::buffer(options("SIP/2.0/UDP 127.0.0.1", "early")));
  std::this_thread::sleep_for(kPause);
  client.send(asio::buffer(options("SIP/2.0/UDP 127.0.0.1", "late")));
  ASSERT_TRUE(run_until([&] { return messages_.size() == 2; }));
  const std::chrono::nanoseconds elapsed = std::chrono::steady_clock::now() - before;
  ASSERT_EQ(waited_ns_.size(), 2u);
  EXPECT_GE(waited_ns_[0], static_cast<std::uint64_t>(std::chrono::nanoseconds(kPause).count()));
  EXPECT_LE(waited_ns_[0], static_cast<std::uint64_t>(elapsed.count()));
  EXPECT_LT(waited_ns_[1], waited_ns_[0]);
  EXPECT_EQ(messages_[1].call_id(), "late");
}

TEST_F(TransportsTest, NewInvitesWaitInASocketOfTheirOwn) {
  turn_away_ = true;
  udp::socket client = udp_client();
  for (const std::string_view request : {"OPTIONS sip:a SIP/2.0\r\n", "INVITE sip:weir@127.0.0.1 SIP/2.0\r\n"}) {
    client.send(asio::buffer(request));
  }
  ASSERT_TRUE(run_until([&] { return waited_ns_.size() == 2; }));
  EXPECT_EQ(newcomers_, 0u) << "nothing that is in progress waits among them";
  client.send(asio::buffer(std::string_view("INVITE sip:bob@127.0.0.1 SIP/2.0\r\n")));
  ASSERT_TRUE(run_until([&] { return waited_ns_.size() == 3; }));
  EXPECT_EQ(newcomers_, 1u);
}

TEST_F(TransportsTest, NewInvitesThatNobodyReadsAreDroppedAndCountedAndOthersAreNot) {
  constexpr std::size_t kSent = 6000;
  turn_away_ = true;
  udp::socket client = udp_client();
  const std::string invite = "INVITE sip:bob@127.0.0.1 SIP/2.0\r\n" + std::string(1200, 'x');
  for (std::size_t i = 0; i < kSent; ++i) client.send(asio::buffer(invite));
  client.send(asio::buffer(std::string_view("BYE sip:weir@127.0.0.1 SIP/2.0\r\n")));
  const std::uint64_t dropped = transports_->datagrams_dropped();
  EXPECT_GT(dropped, 0u);
  ASSERT_TRUE(run_until([&] { return waited_ns_.size() == kSent + 1 - dropped; }));
  EXPECT_EQ(newcomers_, kSent - dropped) << "the BYE was not among them";
  EXPECT_EQ(transports_->datagrams_dropped(), dropped);
}

TEST_F(TransportsTest, AnAddressThatSomebodyListensAtIsNotShared) {
  Transports second(io_, settings_, *this);
  const proto::Status status = second.listen();
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().find("cannot listen at udp:"), std::string::npos) << status.error();
}

TEST_F(TransportsTest, ADatagramThatIsTurnedAwayIsNotRead) {
  turn_away_ = true;
  udp_client().send(asio::buffer(options("SIP/2.0/UDP 127.0.0.1", "1")));
  ASSERT_TRUE(run_until([&] { return waited_ns_.size() == 1; }));
  EXPECT_TRUE(messages_.empty());
  EXPECT_EQ(transports_->counters().messages_in, 0u);
}

TEST_F(TransportsTest, MoreDatagramsThanOneBatchAllArriveInTheirOrder) {
  udp::socket client = udp_client();
  constexpr std::size_t kCount = DatagramBatch::kDatagramsMax * 2 + 1;
  for (std::size_t i = 0; i < kCount; ++i) {
    client.send(asio::buffer(options("SIP/2.0/UDP 127.0.0.1", std::to_string(i))));
  }
  ASSERT_TRUE(run_until([&] { return messages_.size() == kCount; }));
  for (std::size_t i = 0; i < kCount; ++i) EXPECT_EQ(messages_[i].call_id(), std::to_string(i));
}

}  // namespace
}  // namespace weir::controlplane
