// Our chains over real HTTPS: as our own fetcher gets them, as curl does, and as those who mean no good try to.
#include "controlplane/identity_server.h"

#include <gmock/gmock.h>
#include <openssl/pem.h>

#include <csignal>
#include <cstdio>
#include <fstream>
#include <future>
#include <sstream>

#include "tests/controlplane/https_fetch_lab.h"
#include "tests/support/tls_client.h"

namespace weir::controlplane {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

/// A connection and its TLS.
struct Client {
  Client(asio::io_context& io, std::uint16_t port, const char* from = "127.0.0.1") : socket(io) {
    socket.open(tcp::v4());
    socket.bind({asio::ip::make_address_v4(from), 0});
    socket.connect({asio::ip::address_v4::loopback(), port});
    socket.non_blocking(true);
    tls.emplace(socket.native_handle());
  }
  tcp::socket socket;
  std::optional<tests::TlsClient> tls;
};

class IdentityServerTest : public HttpsFetchLab {
 protected:
  IdentityServerTest() {
    std::signal(SIGPIPE, SIG_IGN);  // bare OpenSSL writes to who has gone
    server_settings_.listen = proto::Endpoint{};
    server_settings_.listen->address = proto::parse_ip_address("127.0.0.1").value();
    server_settings_.certificate = files_.issue("cert", "DNS:a.example");
    renew();
  }

  /// Another certificate for our key, and the keys loaded anew.
  void renew(long valid_to_s = 7200) {
    const auto files = files_.issue("identity", "", valid_to_s);
    proto::settings::IdentitySettings identity;
    identity.keys = {{"main", files.chain, files.key, ""}};
    keys_ = IdentityKeys::load(identity, "weir", time(nullptr)).value();
  }
  const IdentityKey& key() { return *keys_->find("main"); }

  SslContextHandle load_tls() { return load_identity_server_tls(server_settings_, tls_, "weir").value(); }
  void listen() {
    auto made = IdentityServer::listen(io_, server_settings_, load_tls(), [this] { return time(nullptr) + skew_s_; });
    ASSERT_TRUE(made.ok()) << made.error();
    server_ = std::move(made).value();
    server_->use(*keys_);
    port_ = server_->local().port;
    settings_.ports = {port_};
  }
  std::string our_url(const std::string& path) { return "https://a.example:" + std::to_string(port_) + path; }

  /// What comes back for these bytes until the server ends.
  std::string ask(const std::string& bytes) {
    Client client(io_, port_);
    EXPECT_TRUE(run_until([&] { return client.tls->step("a.example"); }));
    client.tls->write(bytes);
    return rest_of(client);
  }
  std::string rest_of(Client& client) {
    std::string text;
    bool ended = false;
    EXPECT_TRUE(run_until([&] {
      text += client.tls->read(&ended);
      return ended;
    }));
    return text;
  }
  std::string get(const std::string& path, const std::string& fields = "", const std::string& method = "GET") {
    return ask(method + " " + path + " HTTP/1.1\r\nHost: a.example\r\n" + fields + "\r\n");
  }
  bool is_closed(Client& client) {
    return run_until([&] {
      char buffer[256];
      boost::system::error_code error;
      (void)client.socket.receive(asio::buffer(buffer), 0, error);
      return error && error != asio::error::would_block;
    });
  }

  proto::settings::IdentityServerSettings server_settings_;
  std::shared_ptr<const IdentityKeys> keys_;
  std::unique_ptr<IdentityServer> server_;
  std::uint16_t port_ = 0;
  std::int64_t skew_s_ = 0;
};

TEST_F(IdentityServerTest, OurFetcherGetsAChainAndMayKeepIt) {
  listen();
  const FetchResult got = fetch(our_url(key().path));
  EXPECT_TRUE(got.ok()) << got.failure;
  EXPECT_EQ(got.bytes, key().pem);
  EXPECT_EQ(got.content_type, "application/pem-certificate-chain");
  ASSERT_TRUE(got.fresh_for_s);
  EXPECT_NEAR(*got.fresh_for_s, 7200, 5) << "no longer than the certificate is good for";
  EXPECT_EQ(fetch(our_url("/identity/0000000000000000.pem")).failure, "the server answers 404");
}

TEST_F(IdentityServerTest, CurlGetsTheSame) {
  listen();
  const std::string out = files_.path("out");
  const std::string command = "curl -sS --max-time 15 --noproxy '*' --cacert " + files_.ca() +
                              " --resolve a.example:" + std::to_string(port_) + ":127.0.0.1 -o " + out +
                              " -w '%{http_code} %{content_type} %{ssl_verify_result}' " + our_url(key().path);
  auto curl = std::async(std::launch::async, [&] {
    std::string said;
    std::FILE* pipe = popen(command.c_str(), "r");
    for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) said += static_cast<char>(c);
    pclose(pipe);
    return said;
  });
  ASSERT_TRUE(run_until([&] { return curl.wait_for(std::chrono::seconds(0)) == std::future_status::ready; }));
  EXPECT_EQ(curl.get(), "200 application/pem-certificate-chain 0");
  std::stringstream got;
  got << std::ifstream(out).rdbuf();
  EXPECT_EQ(got.str(), key().pem);
}

TEST_F(IdentityServerTest, WhoHasItAlreadyIsToldSoAndHeadGetsTheHeadAlone) {
  listen();
  const std::string whole = get(key().path);
  EXPECT_THAT(whole, AllOf(StartsWith("HTTP/1.1 200 OK\r\n"), HasSubstr("\r\nCache-Control: public, max-age=7"),
                           HasSubstr("\r\nConnection: close\r\n"), EndsWith("\r\n\r\n" + key().pem)));
  const std::size_t at = whole.find("\r\nETag: ") + 8;
  const std::string etag = whole.substr(at, whole.find("\r\n", at) - at);
  EXPECT_THAT(get(key().path, "If-None-Match: " + etag + "\r\n"),
              AllOf(StartsWith("HTTP/1.1 304"), Not(HasSubstr("BEGIN")), HasSubstr("max-age")));
  const std::string head = get(key().path, "", "HEAD");
  EXPECT_THAT(head, AllOf(StartsWith("HTTP/1.1 200"), EndsWith("\r\n\r\n")));
  EXPECT_THAT(head, HasSubstr("\r\nContent-Length: " + std::to_string(key().pem.size()) + "\r\n"));
}

TEST_F(IdentityServerTest, TheUrlStaysWhileTheCertificateDoesAndTheOneBeforeIsServedOn) {
  listen();
  const std::string before = key().path;
  const std::string pem_before = key().pem;
  server_->use(*keys_);
  renew(90'000);
  server_->use(*keys_);
  EXPECT_NE(key().path, before);
  EXPECT_EQ(fetch(our_url(before)).bytes, pem_before);
  EXPECT_EQ(fetch(our_url(key().path)).bytes, key().pem);
  EXPECT_EQ(fetch(our_url(key().path)).fresh_for_s, 86'400u);
  skew_s_ = 7300;
  EXPECT_EQ(fetch(our_url(before)).failure, "the server answers 404") << "until it expires";
  EXPECT_TRUE(fetch(our_url(key().path)).ok());
}

TEST_F(IdentityServerTest, ItsOwnCertificateIsRenewedWithoutRestart) {
  listen();
  server_settings_.certificate = files_.issue("renewed", "DNS:b.example");
  names_.host("b.example", "127.0.0.1");
  const std::string renewed = "https://b.example:" + std::to_string(port_) + key().path;
  EXPECT_THAT(fetch(renewed).failure, HasSubstr("hostname mismatch"));
  server_->use(load_tls());
  EXPECT_TRUE(fetch(renewed).ok());
  server_settings_.certificate.key = files_.issue("other", "").key;
  EXPECT_THAT(load_identity_server_tls(server_settings_, tls_, "weir").error(), HasSubstr("is not the one of"));
}

TEST_F(IdentityServerTest, WhatIsNoQuestionIsRefused) {
  listen();
  const std::string path = key().path;
  EXPECT_THAT(get(path, "", "DELETE"), AllOf(StartsWith("HTTP/1.1 405"), HasSubstr("Allow: GET, HEAD")));
  EXPECT_THAT(get("/"), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(get("/identity/../" + path), StartsWith("HTTP/1.1 404"));
  EXPECT_THAT(get(path, "Host: b.example\r\n"), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(ask("GET " + path + " HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 400")) << "no Host";
  EXPECT_THAT(ask("OPTIONS sip:weir@127.0.0.1 SIP/2.0\r\n\r\n"), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(get(path, "Content-Length: 5\r\n", "POST"), StartsWith("HTTP/1.1 405")) << "its body is not waited for";
  EXPECT_THAT(get(path, "X: " + std::string(IdentityServer::kHeadBytesMax, 'x') + "\r\n"), StartsWith("HTTP/1.1 431"));
  EXPECT_THAT(ask("GET " + path + " HTTP/1.1\r\nHost: a\r\n" + std::string(3 * IdentityServer::kHeadBytesMax, 'x')),
              StartsWith("HTTP/1.1 431"));
}

TEST_F(IdentityServerTest, OneSourceGetsItsShareAndNobodyMoreThanThereIs) {
  server_settings_.connections_per_source_max = 2;
  server_settings_.connections_max = 3;
  listen();
  std::list<Client> clients;
  for (const char* from : {"127.0.0.1", "127.0.0.1", "127.0.0.1", "127.0.0.2", "127.0.0.3"}) {
    clients.emplace_back(io_, port_, from);
    io_.run_for(std::chrono::milliseconds(20));
  }
  std::vector<bool> shaken;
  for (Client& client : clients) {
    bool done = false;
    for (int i = 0; i < 50 && !done; ++i) {
      done = client.tls->step("a.example");
      io_.run_for(std::chrono::milliseconds(2));
    }
    shaken.push_back(done);
  }
  EXPECT_EQ(shaken, (std::vector<bool>{true, true, false, true, false}));
  clients.pop_front();
  io_.run_for(std::chrono::milliseconds(20));
  EXPECT_THAT(get(key().path), StartsWith("HTTP/1.1 200")) << "who goes makes room";
}

TEST_F(IdentityServerTest, WhoIsSlowIsNotWaitedForLong) {
  listen();
  Client silent(io_, port_);
  Client dripping(io_, port_);
  ASSERT_TRUE(run_until([&] { return dripping.tls->step("a.example"); }));
  const auto began = std::chrono::steady_clock::now();
  bool ended = false;
  ASSERT_TRUE(run_until([&] {
    dripping.tls->write("G");
    (void)dripping.tls->read(&ended);
    return ended;
  }));
  EXPECT_TRUE(is_closed(silent));
  const auto took = std::chrono::steady_clock::now() - began;
  EXPECT_LT(took, std::chrono::milliseconds(IdentityServer::kConnectionMs + 2000));
}

TEST_F(IdentityServerTest, AnAddressThatIsTakenIsAnError) {
  listen();
  server_settings_.listen->port = port_;
  const auto second = IdentityServer::listen(io_, server_settings_, load_tls(), [] { return 0; });
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(second.error(), HasSubstr("cannot listen at 127.0.0.1:" + std::to_string(port_)));
}

TEST_F(IdentityServerTest, ItMayGoWhileItIsBeingAsked) {
  listen();
  Client half(io_, port_);
  ASSERT_TRUE(run_until([&] { return half.tls->step("a.example"); }));
  Client fresh(io_, port_);
  server_.reset();
  EXPECT_TRUE(is_closed(half));
  EXPECT_TRUE(is_closed(fresh));
}

TEST(IdentityChains, WhatTheyHoldIsBounded) {
  IdentityChains chains;
  tests::TlsFiles files;
  proto::settings::IdentitySettings settings;
  const std::int64_t now_s = time(nullptr);
  for (std::size_t i = 0; i < IdentityChains::kChainsMax + 3; ++i) {
    const auto made = files.issue("one", "", 1000 + static_cast<long>(i));
    settings.keys = {{"one", made.chain, made.key, ""}};
    chains.add(*IdentityKeys::load(settings, "weir", now_s).value(), now_s);
  }
  EXPECT_EQ(chains.size(), IdentityChains::kChainsMax);
  chains.add(IdentityKeys(), now_s + 1100);
  EXPECT_LT(chains.size(), IdentityChains::kChainsMax) << "the expired are gone";
}

}  // namespace
}  // namespace weir::controlplane
