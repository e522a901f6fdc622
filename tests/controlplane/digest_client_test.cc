// The digest client: to whom credentials go, and to whom not. That the hashes are right is digest_response_rfc_test's.
#include "controlplane/digest_client.h"

#include <gtest/gtest.h>

#include "controlplane/digest_response.h"

namespace weir::controlplane {
namespace {

using sip::HeaderId;
using sip::Message;

const DigestAccount kAccount{"carrier.example", "we\"ir", "pass word"};

Message invite() {
  sip::RequestHead head;
  head.request_uri = "sip:+4930@198.18.2.2";
  head.via.transport = "UDP";
  head.via.host = "198.18.2.1";
  head.via.parameters.set("branch", "z9hG4bKone");
  head.from.uri = sip::make_sip_uri("weir", "198.18.2.1");
  head.to.uri = sip::make_sip_uri("+4930", "198.18.2.2");
  head.call_id = "call-1";
  head.cseq = 7;
  Message request = sip::make_request(head);
  request.set_body("v=0\r\n", "application/sdp");
  return request;
}

/// A response to `request` with these challenges.
Message challenge(const Message& request, std::uint16_t status, const std::vector<std::string>& values) {
  Message response = sip::make_response(request, status, "", "tag");
  for (const std::string& value : values) {
    response.add_header(status == 401 ? HeaderId::kWwwAuthenticate : HeaderId::kProxyAuthenticate, value);
  }
  return response;
}

std::string digest(const std::string& rest) {
  return "Digest realm=\"carrier.example\", nonce=\"n1\"" + rest;
}

/// What the request shows, which must be one set of credentials that a server would take.
sip::DigestCredentials shown(const Message& request, HeaderId id) {
  const std::vector<sip::DigestCredentials> all = sip::digest_credentials(request, id);
  if (all.size() != 1) {
    ADD_FAILURE() << all.size() << " credentials";
    return {};
  }
  const std::string ha1 = digest_ha1(*all[0].algorithm, all[0].username, all[0].realm, kAccount.password);
  EXPECT_TRUE(digest_matches(all[0], ha1, {request.method_name(), request.body()}));
  return all[0];
}

TEST(DigestClient, TheRepeatedRequestIsTheSameButForCseqAndCredentials) {
  DigestClient client(kAccount);
  const Message first = invite();
  const std::optional<Message> again =
      client.authorise(first, challenge(first, 407, {digest(", qop=\"auth,auth-int\", opaque=\"o\"")}), "cn");
  ASSERT_TRUE(again);
  const sip::DigestCredentials credentials = shown(*again, HeaderId::kProxyAuthorization);
  EXPECT_EQ(credentials.username, "we\\\"ir");
  EXPECT_EQ(credentials.uri, "sip:+4930@198.18.2.2");
  EXPECT_EQ(credentials.qop, sip::DigestQop::kAuth);
  EXPECT_EQ(credentials.nonce_count(), 1u);
  EXPECT_EQ(credentials.cnonce, "cn");
  EXPECT_EQ(credentials.opaque, "o");
  EXPECT_EQ(again->cseq()->number, 8u);
  EXPECT_EQ(again->cseq()->method, sip::Method::kInvite);
  EXPECT_EQ(again->call_id(), "call-1");
  EXPECT_EQ(again->from_tag(), first.from_tag());
  EXPECT_EQ(again->body(), first.body());
  EXPECT_FALSE(again->has(HeaderId::kAuthorization));
}

TEST(DigestClient, A401IsAnsweredInAuthorization) {
  DigestClient client(kAccount);
  const Message first = invite();
  const std::optional<Message> again = client.authorise(first, challenge(first, 401, {digest("")}), "cn");
  ASSERT_TRUE(again);
  EXPECT_EQ(shown(*again, HeaderId::kAuthorization).qop, sip::DigestQop::kNone) << "RFC 2069";
  EXPECT_FALSE(again->has(HeaderId::kProxyAuthorization));
}

TEST(DigestClient, TheStrongestAlgorithmOfOurDomainIsAnswered) {
  DigestClient client(kAccount);
  const Message first = invite();
  const std::vector<std::string> values = {
      digest(", algorithm=MD5, qop=auth"),
      digest(", algorithm=SHA-256, qop=auth"),
      digest(", algorithm=SHA-3, qop=auth"),
      "Digest realm=\"elsewhere.example\", nonce=\"n2\", algorithm=SHA-512-256, qop=auth",
  };
  const std::optional<Message> again = client.authorise(first, challenge(first, 401, values), "cn");
  ASSERT_TRUE(again);
  EXPECT_EQ(shown(*again, HeaderId::kAuthorization).algorithm, sip::DigestAlgorithm::kSha256);
}

struct Row {
  const char* description;
  std::uint16_t status;
  std::string value;
};

TEST(DigestClient, NobodyElseIsAnswered) {
  const Row rows[] = {
      {"another domain", 401, "Digest realm=\"elsewhere.example\", nonce=\"n\""},
      {"our domain in another case", 401, "Digest realm=\"Carrier.example\", nonce=\"n\""},
      {"another scheme", 401, "Basic realm=\"carrier.example\""},
      {"an algorithm nobody knows", 401, digest(", algorithm=SHA-3")},
      {"no nonce", 401, "Digest realm=\"carrier.example\""},
      {"a refusal", 403, digest("")},
      {"a success", 200, digest("")},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.description);
    DigestClient client(kAccount);
    const Message first = invite();
    EXPECT_FALSE(client.authorise(first, challenge(first, row.status, {row.value}), "cn"));
  }
}

TEST(DigestClient, AResponseToAnotherRequestIsNotAnswered) {
  DigestClient client(kAccount);
  const Message first = invite();
  Message other_call = first;
  other_call.set_header(HeaderId::kCallId, "call-2");
  EXPECT_FALSE(client.authorise(first, challenge(other_call, 401, {digest("")}), "cn"));
  Message older = first;
  older.set_header(HeaderId::kCSeq, "6 INVITE");
  EXPECT_FALSE(client.authorise(first, challenge(older, 401, {digest("")}), "cn"));
  sip::Via via = first.top_via().value();
  via.parameters.set("branch", "z9hG4bKtwo");
  Message elsewhere = first;
  elsewhere.set_top_via(via);
  EXPECT_FALSE(client.authorise(first, challenge(elsewhere, 401, {digest("")}), "cn"));
}

TEST(DigestClient, CredentialsThatWereRefusedAreNotShownAgain) {
  DigestClient client(kAccount);
  const Message first = invite();
  const std::optional<Message> again = client.authorise(first, challenge(first, 401, {digest("")}), "cn");
  ASSERT_TRUE(again);
  const std::string fresh = "Digest realm=\"carrier.example\", nonce=\"n2\"";
  EXPECT_FALSE(client.authorise(*again, challenge(*again, 401, {fresh}), "cn")) << "wrong password";
  EXPECT_FALSE(client.authorise(*again, challenge(*again, 401, {fresh + ", stale=false"}), "cn"));
}

TEST(DigestClient, AStaleNonceIsReplacedOnce) {
  DigestClient client(kAccount);
  const Message first = invite();
  const std::optional<Message> second = client.authorise(first, challenge(first, 401, {digest(", qop=auth")}), "cn");
  ASSERT_TRUE(second);
  const std::string stale = ", qop=auth, stale=true";
  const std::optional<Message> third = client.authorise(
      *second, challenge(*second, 401, {"Digest realm=\"carrier.example\", nonce=\"n2\"" + stale}), "cn");
  ASSERT_TRUE(third);
  EXPECT_EQ(shown(*third, HeaderId::kAuthorization).nonce, "n2");
  EXPECT_EQ(third->cseq()->number, 9u);
  EXPECT_FALSE(client.authorise(
      *third, challenge(*third, 401, {"Digest realm=\"carrier.example\", nonce=\"n3\"" + stale}), "cn"))
      << "a server that calls every nonce stale";
}

TEST(DigestClient, RequestsWithOneNonceAreCounted) {
  DigestClient client(kAccount);
  for (std::uint32_t count = 1; count <= 3; ++count) {
    const Message request = invite();
    const std::optional<Message> again =
        client.authorise(request, challenge(request, 401, {digest(", qop=auth")}), "cn");
    ASSERT_TRUE(again);
    EXPECT_EQ(shown(*again, HeaderId::kAuthorization).nonce_count(), count);
  }
}

TEST(DigestClient, ACseqAtItsEndIsNotRaised) {
  DigestClient client(kAccount);
  Message last = invite();
  last.set_header(HeaderId::kCSeq, "2147483647 INVITE");
  EXPECT_FALSE(client.authorise(last, challenge(last, 401, {digest("")}), "cn"));
}

}  // namespace
}  // namespace weir::controlplane
