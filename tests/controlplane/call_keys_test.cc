// One SDES key of ours is never two parties': targets asked at once or in turn, forks, early media. RFC 4568 section
// 7.3, and the DTLS-SRTP framework's reason to want one key for each participant.
#include <gtest/gtest.h>

#include <utility>
#include <variant>

#include "sip/crypto_attribute.h"
#include "tests/support/call_dtls.h"
#include "tests/support/srtp_kdf.h"

namespace weir::tests {
namespace {

constexpr const char* kRegistrar = R"(
[[route]]
realm = "callers"
match = '^sip:bob@.*'
registrar = true
to_realm = "callees"
)";
constexpr const char* kSdes = R"(registrar = { domain = "example.com", auth = false }
media_security = "required"
keying = ["sdes", "dtls"]
sdes_suites = ["AES_CM_128_HMAC_SHA1_80"]
)";

/// What a callee answers a secured offer with: each number has a key of its own.
std::string answer_of(int number) {
  std::string key = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
  key[0] = static_cast<char>('A' + number);
  std::string sdp = plain_sdp("198.18.2.2", static_cast<std::uint16_t>(50000 + 2 * number),
                              "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + key + "\r\n");
  return sdp.replace(sdp.find("RTP/AVP"), 7, "RTP/SAVP");
}

std::string key_in(const sip::Message& message) {
  return sdp_value(message.body(), "a=crypto:");
}

/// A call to bob, who has several contacts.
class SdesCall : public testing::Test {
 protected:
  void invite(std::uint32_t ranks) {
    for (const char* const uri : {"sip:bob@198.18.2.2:5070", "sip:bob@198.18.2.3:5070"}) {
      controlplane::Target target{sip::parse_uri(uri).value(), {}, std::nullopt};
      target.rank = static_cast<std::uint32_t>(lab.registered.size()) * ranks;
      lab.registered.push_back(std::move(target));
    }
    send();
  }
  void send() {
    RequestText request;
    request.uri = "sip:bob@198.18.1.1";
    request.body = plain_sdp("198.18.1.2", 40000);
    lab.caller_sends(request);
  }
  void acknowledged() {
    lab.answer = lab.expect(kCallers, "200");
    lab.caller_sends(lab.in_dialog("ACK", 1));
  }
  /// Media towards the callee is encrypted with the key of this offer.
  void expect_in_force(const sip::Message& offer) {
    const auto port = static_cast<std::uint16_t>(audio_port(*lab.answer));
    const FakeWorker::Flow* const flow = lab.worker().flow_at(port);
    ASSERT_NE(flow, nullptr);
    const auto line = std::get<sip::CryptoAttribute>(sip::parse_crypto(key_in(offer)));
    const proto::SrtpProfileInfo& info = proto::srtp_profile(line.suite);
    const sip::CryptoKey& key = *line.keys.front();
    const proto::TransformSpec wanted =
        derive_transform(line.suite, {key.key.data(), info.key_bytes}, {key.salt.data(), info.salt_bytes});
    EXPECT_EQ(flow->spec.send.rtp.encryption, wanted.rtp.encryption);
  }

  CallLab lab{kRegistrar, "", kSdes};
};

TEST_F(SdesCall, TargetsAskedAtOnceAreEachOfferedAKeyOfTheirOwnAndTheWinnersIsInForce) {
  invite(0);
  const sip::Message first = lab.expect(kCallees, "INVITE");
  const sip::Message second = lab.expect(kCallees, "INVITE");
  ASSERT_FALSE(key_in(first).empty());
  EXPECT_NE(key_in(first), key_in(second));
  lab.callee_answers(first, 183, answer_of(1), "one");
  (void)lab.expect(kCallers, "183");
  lab.callee_answers(second, 200, answer_of(2), "two");
  acknowledged();
  expect_in_force(second);
  while (!lab.silent(kCallees)) EXPECT_NE(lab.next(kCallees).method(), sip::Method::kInvite) << "nobody has its key";
}

TEST_F(SdesCall, TheEarlyMediaOfATargetIsKeyedByWhatThatOneWasOffered) {
  invite(0);
  const sip::Message first = lab.expect(kCallees, "INVITE");
  const sip::Message second = lab.expect(kCallees, "INVITE");
  lab.callee_answers(first, 183, answer_of(1), "one");
  lab.answer = lab.expect(kCallers, "183");
  expect_in_force(first);
  lab.callee_answers(second, 183, answer_of(2), "two");
  expect_in_force(second);
  lab.callee_answers(first, 200, answer_of(1), "one");
  expect_in_force(first);
}

TEST_F(SdesCall, ATargetAskedAfterAnotherIsOfferedAnotherKey) {
  lab.registered.clear();
  controlplane::Target target{sip::parse_uri("sip:bob@198.18.2.2:5070").value(), {}, std::nullopt};
  target.other_flows.push_back({sip::parse_uri("sip:bob@198.18.2.3:5070").value(), {}, std::nullopt});
  lab.registered.push_back(std::move(target));
  send();
  const sip::Message first = lab.expect(kCallees, "INVITE");
  lab.callee_answers(first, 430);
  sip::Message second = lab.next(kCallees);
  if (second.method() == sip::Method::kAck) second = lab.next(kCallees);
  ASSERT_EQ(second.method(), sip::Method::kInvite);
  EXPECT_NE(key_in(first), key_in(second));
  lab.callee_answers(second, 200, answer_of(2), "two");
  acknowledged();
  expect_in_force(second);
}

TEST_F(SdesCall, AnInviteThatForksHasItsKeyRenewed) {
  for (const bool late : {false, true}) {
    SCOPED_TRACE(late);
    CallLab forked("", "", kSdes);
    RequestText request;
    request.body = plain_sdp("198.18.1.2", 40000);
    forked.caller_sends(request);
    const sip::Message offer = forked.expect(kCallees, "INVITE");
    if (!late) forked.callee_answers(offer, 180, "", "one");
    forked.callee_answers(offer, 200, answer_of(2), "two");
    if (late) forked.callee_answers(offer, 200, answer_of(2), "two");  // again: that is nobody else
    if (late) forked.callee_answers(offer, 200, answer_of(1), "one");
    std::string renewed;
    while (!forked.silent(kCallees)) {
      const sip::Message message = forked.next(kCallees);
      if (message.method() != sip::Method::kInvite) continue;
      EXPECT_EQ(message.to_tag(), "two");
      renewed = key_in(message);
    }
    EXPECT_FALSE(renewed.empty());
    EXPECT_NE(renewed, key_in(offer));
  }
}

}  // namespace
}  // namespace weir::tests
