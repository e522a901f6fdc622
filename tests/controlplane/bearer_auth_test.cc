// REGISTERs that bring a token in place of a password (RFC 8898), of HMACs that Python has made.
#include "controlplane/bearer_auth.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/registrar_lab.h"
#include "tests/support/temporary_directory.h"

namespace weir::controlplane {
namespace {

using proto::settings::SipTransport;
using sip::HeaderId;
using sip::Message;
using tests::kCallers;
using tests::RegisterText;
using tests::RegistrarLab;

constexpr const char* kHeader = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.";
/// Until 600 s after the lab's beginning, for "sip".
const std::string kAlice = std::string(kHeader) +
                           "eyJzdWIiOiAiYWxpY2UiLCAiYXVkIjogInNpcCIsICJleHAiOiAxNzAwMDAwNjAwfQ."
                           "xmaTfzBjlBnJL3wQyvwg9LlFbjKFO_rkZS4LW2a0rdw";
const std::string kBobsUri = std::string(kHeader) +
                             "eyJzdWIiOiAic2lwOmJvYkBleGFtcGxlLmNvbSIsICJhdWQiOiAic2lwIiwgImV4cCI6IDE3MDAwMDA2MDB9."
                             "QhsH7kAa_ako9yfiGc-rxD_UsbS2HtjkCGh9lb9y5gg";
const std::string kAliceElsewhere =
    std::string(kHeader) +
    "eyJzdWIiOiAiYWxpY2VAZXhhbXBsZS5vcmciLCAiYXVkIjogInNpcCIsICJleHAiOiAxNzAwMDAwNjAwfQ."
    "-VBF-8ELTt30ey2E4-_3dr4C0iMIDU113qhXccVd5pI";

class Bearer : public testing::Test {
 protected:
  Bearer()
      : lab([this](auto& settings) {
          std::ofstream(directory.path() + "/key") << "0123456789abcdef0123456789abcdef\n";
          settings.realms[kCallers].registrar.bearer = {directory.path() + "/key", "sip", "https://id.example", "sip"};
        }) {
    connect(SipTransport::kWss);
  }
  void connect(SipTransport transport) { lab.phone = lab.calls().connect(kCallers, transport); }
  Message ask(const std::string& token, const std::string& user = "alice") {
    return lab.ask({.user = user, .headers = "Authorization: Bearer " + token + "\r\n"});
  }
  tests::TemporaryDirectory directory;
  RegistrarLab lab;
};

TEST_F(Bearer, WhoHasATokenNeedsNoPassword) {
  EXPECT_EQ(ask(kAlice).status(), 200);
  EXPECT_EQ(lab.registrar().lookup(kCallers, "alice").size(), 1u);
  EXPECT_EQ(ask(kBobsUri, "bob").status(), 200);
  EXPECT_EQ(lab.ask({.headers = "Authorization: bearer   " + kAlice + "\r\n"}).status(), 200);
}

TEST_F(Bearer, ATokenIsForItsSubjectAlone) {
  EXPECT_EQ(ask(kAlice, "bob").status(), 403);
  EXPECT_EQ(ask(kAliceElsewhere).status(), 403);
  EXPECT_EQ(lab.registrar().bindings(), 0u);
}

TEST_F(Bearer, WhoHasNoneIsToldWhereToGetOne) {
  const Message challenge = lab.ask({});
  ASSERT_EQ(challenge.status(), 401);
  EXPECT_EQ(challenge.header(HeaderId::kWwwAuthenticate), "Bearer authz_server=\"https://id.example\", scope=\"sip\"");
  EXPECT_EQ(lab.register_with({}).status(), 200) << "a password will do";
}

TEST_F(Bearer, AWrongOneIsRefusedAndCounted) {
  for (const std::string& wrong : {kAlice + "x", kAlice.substr(0, 40), std::string(4000, 'x'), std::string(".."),
                                   "eyJhbGciOiJub25lIn0" + kAlice.substr(kAlice.find('.')), std::string()}) {
    const Message refusal = ask(wrong);
    ASSERT_EQ(refusal.status(), 401) << wrong.substr(0, 50);
    EXPECT_EQ(refusal.header(HeaderId::kWwwAuthenticate),
              "Bearer authz_server=\"https://id.example\", scope=\"sip\", error=\"invalid_token\"");
  }
  EXPECT_EQ(lab.registrar().counters().failures, 6u);
  EXPECT_EQ(lab.registrar().bindings(), 0u);
}

TEST_F(Bearer, AnExpiredOneIsRefused) {
  lab.advance_s(599);
  EXPECT_EQ(ask(kAlice).status(), 200);
  lab.advance_s(1);
  EXPECT_EQ(ask(kAlice).status(), 401);
}

// RFC 8898 section 2: whoever sees a token has it.
TEST_F(Bearer, WhereItCouldBeSeenItIsNeitherAskedForNorTaken) {
  for (const SipTransport open : {SipTransport::kWs, SipTransport::kTcp}) {
    connect(open);
    const Message challenge = ask(kAlice);
    ASSERT_EQ(challenge.status(), 401);
    EXPECT_TRUE(challenge.header(HeaderId::kWwwAuthenticate)->starts_with("Digest "));
  }
  EXPECT_EQ(lab.registrar().counters().failures, 0u) << "it may be right";
}

TEST(SubjectUser, IsOfOurDomain) {
  const std::vector<std::string> domains = {"example.com", "198.18.1.1"};
  EXPECT_EQ(subject_user("alice", domains), "alice");
  EXPECT_EQ(subject_user("alice@EXAMPLE.com", domains), "alice");
  EXPECT_EQ(subject_user("sips:alice@198.18.1.1", domains), "alice");
  EXPECT_EQ(subject_user("alice@example.com.evil.example", domains), "");
  EXPECT_EQ(subject_user("alice@example.com@evil.example", domains), "");
  EXPECT_EQ(subject_user("sip:", domains), "");
}

}  // namespace
}  // namespace weir::controlplane
