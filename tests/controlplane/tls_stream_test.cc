// TLS between two ends of a socket pair: certificates by name, who has to show which, and what is refused. The other
// end is OpenSSL with options of its own where the row says so.
#include "controlplane/tls_stream.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/tls_client.h"
#include "tests/support/tls_files.h"

namespace weir::controlplane {
namespace {

namespace settings = proto::settings;
using ::testing::HasSubstr;

constexpr int kStepsMax = 100;

class TlsStreamTest : public testing::Test {
 protected:
  TlsStreamTest() {
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sockets_), 0);
    realm_.certificates = {files_.issue("a", "URI:sip:a.example"), files_.issue("b", "DNS:b.example")};
    realm_.ca = files_.ca();
  }
  ~TlsStreamTest() override {
    close(sockets_[0]);
    close(sockets_[1]);
  }

  std::shared_ptr<const TlsRealm> load(const settings::RealmTlsSettings& realm) {
    auto loaded = TlsRealm::load(realm, tls_, "weir");
    EXPECT_TRUE(loaded.ok()) << (loaded ? "" : loaded.error());
    return loaded ? *loaded : nullptr;
  }

  /// Both ends' handshakes, until neither gets on.
  std::pair<Progress, Progress> shake(ByteStream& server, ByteStream& client) {
    Progress ours = Progress::kWantsRead;
    Progress theirs = Progress::kWantsRead;
    const auto over = [](Progress progress) { return progress == Progress::kDone || progress == Progress::kFailed; };
    for (int i = 0; i < kStepsMax && !(over(ours) && over(theirs)); ++i) {
      if (!over(theirs)) theirs = client.handshake();
      if (theirs == Progress::kFailed) shutdown(sockets_[1], SHUT_WR);
      if (!over(ours)) ours = server.handshake();
      if (ours == Progress::kFailed) shutdown(sockets_[0], SHUT_WR);
    }
    return {ours, theirs};
  }

  tests::TlsFiles files_;
  settings::TlsSettings tls_;
  settings::RealmTlsSettings realm_;
  int sockets_[2];
};

TEST_F(TlsStreamTest, TheNameAskedForChoosesTheCertificate) {
  const auto realm = load(realm_);
  TlsStream server(sockets_[0], {realm});
  TlsStream client(sockets_[1], *realm, "b.example");
  EXPECT_EQ(shake(server, client), std::pair(Progress::kDone, Progress::kDone)) << server.failure() << client.failure();
  ASSERT_NE(client.peer(), nullptr);
  EXPECT_EQ(client.peer()->domains, std::vector<std::string>{"b.example"});
  EXPECT_EQ(server.peer(), nullptr) << "nobody asked the client";

  EXPECT_EQ(client.write("hello").bytes, 5u);
  char buffer[16];
  const Transfer got = server.read(buffer);
  EXPECT_EQ(std::string_view(buffer, got.bytes), "hello");
  EXPECT_EQ(server.read(buffer).progress, Progress::kWantsRead);
  client.end_writing();
  EXPECT_EQ(server.read(buffer).progress, Progress::kEnded);
}

TEST_F(TlsStreamTest, TheNameAskedForChoosesAmongTheRealmsOfAnAddress) {
  settings::RealmTlsSettings other = realm_;
  other.certificates = {files_.issue("c", "DNS:c.example")};
  other.clients = settings::ClientCertificates::kRequired;
  const auto first = load(realm_);
  const auto second = load(other);
  TlsStream server(sockets_[0], {first, second});
  TlsStream client(sockets_[1], *first, "c.example");
  EXPECT_EQ(shake(server, client), std::pair(Progress::kDone, Progress::kDone)) << server.failure() << client.failure();
  EXPECT_EQ(server.chosen(), 1u);
  ASSERT_NE(server.peer(), nullptr) << "what the second realm asks of clients counts";
  EXPECT_TRUE(server.peer()->proves("a.example")) << "the first certificate is what a client of ours shows";
}

TEST_F(TlsStreamTest, ANameThatIsNobodysGetsTheFirstCertificateWhichIsNotItsOwn) {
  const auto realm = load(realm_);
  TlsStream server(sockets_[0], {realm});
  TlsStream client(sockets_[1], *realm, "elsewhere.example");
  EXPECT_EQ(shake(server, client).second, Progress::kFailed);
  EXPECT_THAT(client.failure(), HasSubstr("is not one of elsewhere.example"));
}

TEST_F(TlsStreamTest, AServerThatNobodyWeKnowSignedIsRefused) {
  tests::TlsFiles strangers;
  settings::RealmTlsSettings strange = realm_;
  strange.certificates = {strangers.issue("a", "URI:sip:a.example")};
  TlsStream server(sockets_[0], {load(strange)});
  TlsStream client(sockets_[1], *load(realm_), "a.example");
  const auto [ours, theirs] = shake(server, client);
  EXPECT_EQ(theirs, Progress::kFailed);
  EXPECT_THAT(client.failure(), HasSubstr("peer's certificate"));
  EXPECT_EQ(ours, Progress::kFailed);
}

TEST_F(TlsStreamTest, AnExpiredServerIsRefused) {
  realm_.certificates = {files_.issue("a", "URI:sip:a.example", -60)};
  const auto realm = load(realm_);
  TlsStream server(sockets_[0], {realm});
  TlsStream client(sockets_[1], *realm, "a.example");
  EXPECT_EQ(shake(server, client).second, Progress::kFailed);
  EXPECT_THAT(client.failure(), HasSubstr("expired"));
}

struct ClientRow {
  const char* description;
  settings::ClientCertificates clients;
  int shown;  ///< 0: none, 1: one of our authority, 2: a stranger's
  bool accepted;
  bool proved;
};

const ClientRow kClientRows[] = {
    {"off, none", settings::ClientCertificates::kOff, 0, true, false},
    {"off, a stranger's, which nobody asks for", settings::ClientCertificates::kOff, 2, true, false},
    {"optional, none", settings::ClientCertificates::kOptional, 0, true, false},
    {"optional, good", settings::ClientCertificates::kOptional, 1, true, true},
    {"optional, a stranger's", settings::ClientCertificates::kOptional, 2, false, false},
    {"required, none", settings::ClientCertificates::kRequired, 0, false, false},
    {"required, good", settings::ClientCertificates::kRequired, 1, true, true},
    {"required, a stranger's", settings::ClientCertificates::kRequired, 2, false, false},
};

/// The server's end of a handshake with a bare client.
Progress serve(TlsStream& server, tests::TlsClient& client) {
  Progress progress = Progress::kWantsRead;
  for (int i = 0; i < kStepsMax && progress != Progress::kDone && progress != Progress::kFailed; ++i) {
    (void)client.step();
    progress = server.handshake();
  }
  (void)client.step();
  return progress;
}

TEST_F(TlsStreamTest, ClientsShowWhatTheRealmAsksFor) {
  tests::TlsFiles strangers;
  const settings::CertificateFiles shown[] = {
      {}, files_.issue("peer", "DNS:peer.example"), strangers.issue("peer", "DNS:peer.example")};
  for (const ClientRow& row : kClientRows) {
    SCOPED_TRACE(row.description);
    int sockets[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sockets), 0);
    realm_.clients = row.clients;
    TlsStream server(sockets[0], {load(realm_)});
    tests::TlsClient client(sockets[1]);
    if (row.shown != 0) {
      client.show(shown[row.shown].chain, shown[row.shown].key);
    }
    EXPECT_EQ(serve(server, client), row.accepted ? Progress::kDone : Progress::kFailed) << server.failure();
    EXPECT_EQ(server.peer() != nullptr && server.peer()->proves("peer.example"), row.proved);
    close(sockets[0]);
    close(sockets[1]);
  }
}

TEST_F(TlsStreamTest, WhatIsBrokenIsRefused) {
  struct Row {
    const char* description;
    int version_max;
    const char* ciphers;
    bool accepted;
  };
  const Row kRows[] = {
      {"TLS 1.3", TLS1_3_VERSION, "DEFAULT", true},
      {"TLS 1.2, ECDHE and AEAD", TLS1_2_VERSION, "ECDHE-ECDSA-AES128-GCM-SHA256", true},
      {"TLS 1.2, ChaCha20", TLS1_2_VERSION, "ECDHE-ECDSA-CHACHA20-POLY1305", true},
      {"TLS 1.2, CBC", TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA256", false},
      {"TLS 1.2, CBC and SHA-1", TLS1_2_VERSION, "ECDHE-ECDSA-AES128-SHA", false},
      {"TLS 1.1", TLS1_1_VERSION, "ALL:@SECLEVEL=0", false},
      {"TLS 1.0", TLS1_VERSION, "ALL:@SECLEVEL=0", false},
  };
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.description);
    int sockets[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sockets), 0);
    TlsStream server(sockets[0], {load(realm_)});
    tests::TlsClient client(sockets[1]);
    ASSERT_EQ(SSL_CTX_set_min_proto_version(client.context(), TLS1_VERSION), 1);
    ASSERT_EQ(SSL_CTX_set_max_proto_version(client.context(), row.version_max), 1);
    ASSERT_EQ(SSL_CTX_set_cipher_list(client.context(), row.ciphers), 1);
    EXPECT_EQ(serve(server, client), row.accepted ? Progress::kDone : Progress::kFailed) << server.failure();
    EXPECT_EQ(server.failure().find("TLS handshake") == std::string::npos, row.accepted) << server.failure();
    close(sockets[0]);
    close(sockets[1]);
  }
}

TEST_F(TlsStreamTest, BytesThatAreNoTlsAreRefused) {
  TlsStream server(sockets_[0], {load(realm_)});
  const std::string text = "OPTIONS sip:weir@198.18.1.1 SIP/2.0\r\n\r\n";
  ASSERT_EQ(write(sockets_[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  EXPECT_EQ(server.handshake(), Progress::kFailed);
}

TEST_F(TlsStreamTest, AFileThatIsNoGoodIsNamedWithWhatToDo) {
  struct Row {
    const char* description;
    settings::CertificateFiles files;
    const char* says;
  };
  const settings::CertificateFiles a = files_.issue("a", "DNS:a.example");
  const settings::CertificateFiles b = files_.issue("b", "DNS:b.example");
  files_.write("empty.pem", "");
  files_.write("cut.pem", "-----BEGIN CERTIFICATE-----\nMIIB");
  files_.write("locked.key", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n");
  const Row kRows[] = {
      {"not there", {files_.path("nowhere.pem"), a.key}, "nowhere.pem: No such file"},
      {"empty", {files_.path("empty.pem"), a.key}, "empty.pem holds no certificate"},
      {"cut off", {files_.path("cut.pem"), a.key}, "cut.pem holds no certificate"},
      {"a key where a certificate is due", {a.key, a.key}, "holds no certificate"},
      {"a certificate where a key is due", {a.chain, a.chain}, "holds no private key"},
      {"another's key", {a.chain, b.key}, "is not the one of the first certificate"},
      {"a key with a passphrase", {a.chain, files_.path("locked.key")}, "passphrase"},
  };
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.description);
    realm_.certificates = {row.files};
    const auto loaded = TlsRealm::load(realm_, tls_, "weir");
    ASSERT_FALSE(loaded.ok());
    EXPECT_THAT(loaded.error(), HasSubstr(row.says));
  }
  realm_.certificates = {a};
  tls_.ciphers = "NONSENSE";
  EXPECT_THAT(TlsRealm::load(realm_, tls_, "weir").error(), HasSubstr("[tls] ciphers 'NONSENSE'"));
}

}  // namespace
}  // namespace weir::controlplane
