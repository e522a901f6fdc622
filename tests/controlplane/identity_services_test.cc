// Both services together, over real tokens and certificates: what is signed is believed, and whoever changes a piece of
// it on the way is found out by the check that is named. RFC 8224 sections 6.1 and 6.2.
#include "tests/support/identity_services.h"

#include <gmock/gmock.h>

#include <memory>

#include "controlplane/identity_headers.h"
#include "controlplane/passed_identity.h"
#include "sip/identity_header.h"

namespace weir::tests {
namespace {

using sip::HeaderId;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(IdentityServices, WhatIsSignedIsBelievedInBothForms) {
  for (const bool full : {false, true}) {
    IdentityServices services;
    services.settings.realms[1].identity.full_form = full;
    const std::string text = services.signed_text(kSecured);
    EXPECT_EQ(text.find("Identity: ..") == std::string::npos, full) << text;
    const JudgedIdentity judged = services.judge(text);
    EXPECT_EQ(judged.outcome, IdentityOutcome::kPassed) << judged.text;
    EXPECT_EQ(judged.refusal.status, 0);
    EXPECT_EQ(judged.orig, "12155551212");
    EXPECT_TRUE(judged.is_number);
    ASSERT_EQ(judged.bound.size(), 1u);
    EXPECT_EQ(sip::write_fingerprint(judged.bound[0]), kFingerprint);
    EXPECT_EQ(services.fetcher.asked, std::vector<std::string>{kUrl});
  }
}

struct Tampering {
  const char* description;
  const char* what;
  const char* by;
  std::uint16_t full;
  const char* full_check;
  std::uint16_t compact;
  const char* compact_check;
};

constexpr Tampering kTamperings[] = {
    {"the fingerprint", "sha-256 02:", "sha-256 12:", 438, "media-keys", 438, "signature"},
    {"the caller", "From: <sip:+12155551212", "From: <sip:+12155551299", 438, "caller", 438, "signature"},
    {"who is called", "To: <sip:+12155551213", "To: <sip:+12155551299", 438, "called", 438, "signature"},
    {"the algorithm", "alg=ES256", "alg=none", 438, "syntax", 438, "algorithm"},
    {"the certificate", "info=<https://cert.example.com/key.pem>", "info=<https://evil.example.com/key.pem>", 436,
     "info", 436, "info"},
    {"the URL's scheme", "info=<https:", "info=<http:", 436, "info", 436, "info"},
    {"the signature", "Identity: ", "Identity: A", 438, "syntax", 438, "syntax"},
};

TEST(IdentityServices, WhoeverChangesAPieceOnTheWayIsFoundOut) {
  for (const bool full : {true, false}) {
    for (const Tampering& row : kTamperings) {
      SCOPED_TRACE(std::string(row.description) + (full ? ", full" : ", compact"));
      IdentityServices services;
      services.settings.realms[1].identity.full_form = full;
      const JudgedIdentity judged = services.judge(replaced(services.signed_text(kSecured), row.what, row.by));
      EXPECT_EQ(judged.outcome, IdentityOutcome::kFailed);
      EXPECT_EQ(judged.check, full ? row.full_check : row.compact_check);
      EXPECT_EQ(judged.refusal.status, full ? row.full : row.compact) << judged.refusal.text;
      EXPECT_THAT(judged.refusal.text, HasSubstr(judged.check));
      EXPECT_TRUE(judged.bound.empty());
    }
  }
}

TEST(IdentityServices, AStrippedIdentityIsAskedForOrMissed) {
  IdentityServices services;
  const std::string text = services.signed_text(kSecured);
  const std::size_t at = text.find("Identity: ");
  const std::string stripped = text.substr(0, at) + text.substr(text.find("\r\n", at) + 2);
  const JudgedIdentity required = services.judge(stripped);
  EXPECT_EQ(required.outcome, IdentityOutcome::kNone);
  EXPECT_EQ(required.refusal.status, 428);
  EXPECT_EQ(services.judge(stripped, IdentityUse::kUse).refusal.status, 0);
  EXPECT_EQ(services.judge(stripped, IdentityUse::kUse).orig, "12155551212");
}

TEST(IdentityServices, WhereItIsOnlyUsedASwappedFingerprintIsRefusedAllTheSame) {
  IdentityServices services;
  services.settings.realms[1].identity.full_form = true;
  const std::string swapped = replaced(services.signed_text(kSecured), kFingerprint, kOtherFingerprint);
  EXPECT_EQ(services.judge(swapped, IdentityUse::kUse).refusal.status, 438);
  IdentityServices stale;
  const std::string text = stale.signed_text(kSecured);
  stale.now_s += 61;
  const JudgedIdentity judged = stale.judge(text, IdentityUse::kUse);
  EXPECT_EQ(judged.outcome, IdentityOutcome::kFailed);
  EXPECT_EQ(judged.refusal.status, 0) << "a bad one refuses nothing";
}

TEST(IdentityServices, ATokenIsFreshForAMinuteEitherWay) {
  for (const bool full : {true, false}) {
    for (const auto& [shift_s, status] :
         {std::pair{60, 0}, std::pair{61, 403}, std::pair{-60, 0}, std::pair{-61, 403}}) {
      IdentityServices services;
      services.settings.realms[1].identity.full_form = full;
      const std::string text = services.signed_text(kSecured);
      services.now_s += shift_s;
      const JudgedIdentity judged = services.judge(text);
      EXPECT_EQ(judged.refusal.status, status) << shift_s << judged.text;
      EXPECT_THAT(judged.refusal.text, StartsWith(status != 0 ? "Stale Date" : ""));
    }
  }
}

TEST(IdentityServices, WhoCannotBeAskedOrBelievedVouchesForNobody) {
  IdentityServices unreachable;
  unreachable.fetcher.files.clear();
  EXPECT_EQ(unreachable.judge(unreachable.signed_text(kSecured)).refusal.status, 436);

  IdentityServices stranger;
  stranger.verification->use(StirLab().anchors());
  EXPECT_EQ(stranger.judge(stranger.signed_text(kSecured)).refusal.status, 437);

  IdentityServices nobody;
  nobody.verification->use(nullptr);
  EXPECT_EQ(nobody.judge(nobody.signed_text(kSecured)).refusal.status, 437);

  IdentityServices rubbish;
  rubbish.fetcher.files[kUrl] = "no certificate";
  EXPECT_EQ(rubbish.judge(rubbish.signed_text(kSecured)).refusal.status, 437);

  IdentityServices expired;
  expired.fetcher.files[kUrl] =
      expired.authority
          .issue({.tn_auth_list = tn_list(tn_one("12155551212")), .valid_from_s = -7200, .valid_to_s = -3600})
          .certificate;
  EXPECT_EQ(expired.judge(expired.signed_text(kSecured)).refusal.status, 437);

  IdentityServices others;  // a certificate for another number
  const JudgedIdentity judged =
      others.judge(others.signed_text(kSecured, {}, "<sip:+12155551299@example.com;user=phone>"));
  EXPECT_EQ(judged.check, "authority");
  EXPECT_EQ(judged.refusal.status, 437);
}

TEST(IdentityServices, ATokenVouchesForOneCall) {
  IdentityServices services;
  const std::string text = services.signed_text(kSecured);
  EXPECT_EQ(services.judge(text).outcome, IdentityOutcome::kPassed);
  EXPECT_EQ(services.judge(text).outcome, IdentityOutcome::kPassed) << "the same call again: a fork";
  const JudgedIdentity copied = services.judge(replaced(text, "Call-ID: call-1", "Call-ID: call-2"));
  EXPECT_EQ(copied.check, "replay");
  EXPECT_NE(copied.refusal.status, 0);
}

TEST(IdentityServices, DtlsThatNobodyHasSignedIsRefusedWhereIdentityIsRequired) {
  IdentityServices services;
  services.settings.realms[1].identity.shaken = true;
  const std::string plain = services.signed_text(kPlain);
  EXPECT_THAT(plain, HasSubstr("ppt=shaken"));
  EXPECT_EQ(services.judge(plain).outcome, IdentityOutcome::kPassed) << "no DTLS, nothing to bind";
  IdentityServices other;
  other.settings.realms[1].identity.shaken = true;
  sip::Message swapped = message(other.signed_text(kPlain));
  swapped.set_body(kSecured, "application/sdp");
  const JudgedIdentity judged = other.judge(sip::write(swapped));
  EXPECT_EQ(judged.check, "media-keys");
  EXPECT_EQ(judged.refusal.status, 438);
}

TEST(IdentityServices, ShakenSaysHowSureWeAreAndWhereTheCallCameFrom) {
  for (const bool authenticated : {true, false}) {
    IdentityServices services;
    services.settings.realms[1].identity.shaken = true;
    services.settings.realms[0].identity.attest = proto::settings::Attestation::kPartial;
    const std::string text =
        services.signed_text(kSecured, {.from_realm = 0, .authenticated = authenticated, .called = ""});
    const JudgedIdentity judged = services.judge(text);
    EXPECT_EQ(judged.outcome, IdentityOutcome::kPassed) << judged.text;
    EXPECT_EQ(judged.attest, authenticated ? "A" : "B");
    EXPECT_EQ(judged.origid.size(), 36u);
    EXPECT_EQ(judged.bound.size(), 1u) << "of the token beside it";
    const JudgedIdentity again =
        services.judge(services.signed_text(kPlain, {.from_realm = 0, .authenticated = false, .called = ""}));
    EXPECT_EQ(again.origid, judged.origid) << "a realm's is always the same";
  }
}

TEST(IdentityServices, PriorityAndNameAreSignedBesideIt) {
  IdentityServices services;
  services.settings.realms[1].identity.rph = true;
  services.settings.realms[0].identity.rcd = {{"nam", "Example Bank"}};
  const std::string text =
      services.signed_text(kPlain, {}, "<sip:+12155551212@example.com;user=phone>", "Resource-Priority: ets.0\r\n");
  EXPECT_THAT(text, HasSubstr("ppt=rph"));
  EXPECT_THAT(text, HasSubstr("ppt=rcd"));
  EXPECT_EQ(services.judge(text).outcome, IdentityOutcome::kPassed);
}

TEST(IdentityServices, NobodysNameIsNotSigned) {
  IdentityServices services;
  EXPECT_EQ(services.signed_text(kSecured, {}, "\"Anonymous\" <sip:anonymous@anonymous.invalid>").find("\r\nIdentity:"),
            std::string::npos);
}

TEST(IdentityServices, TheOlderIdentityCoversTheWholeBody) {
  const auto make = [](IdentityServices& services) {
    services.settings.realms[1].identity = {};
    services.settings.realms[1].identity.sign_legacy = "rsa";
    services.settings.realms[0].identity.verify_legacy = IdentityUse::kRequire;
    return services.signed_text(kSecured, {}, "<sip:alice@example.com>");
  };
  IdentityServices services;
  const std::string text = make(services);
  EXPECT_THAT(text, HasSubstr("Identity-Info: <https://example.com/rsa.pem>;alg=rsa-sha1"));
  const JudgedIdentity judged = services.judge(text);
  EXPECT_EQ(judged.outcome, IdentityOutcome::kPassed) << judged.check << judged.text;
  EXPECT_EQ(judged.bound.size(), 1u);
  EXPECT_EQ(judged.orig, "sip:alice@example.com") << "From is what it signs";
  EXPECT_FALSE(judged.is_number);
  for (const auto& [what, by] :
       {std::pair{kFingerprint, kOtherFingerprint}, std::pair{"a=rtpmap:8 PCMA", "a=rtpmap:8 PCMU"},
        std::pair{"<sip:weir@198.18.1.1>", "<sip:evil@198.18.1.1>"}, std::pair{"CSeq: 1 ", "CSeq: 2 "}}) {
    IdentityServices tampered;
    const JudgedIdentity bad = tampered.judge(replaced(make(tampered), what, by));
    EXPECT_EQ(bad.outcome, IdentityOutcome::kFailed) << what;
    EXPECT_EQ(bad.refusal.status, 438) << what;
  }
  // Another spelling of the same signature is no other signature.
  const std::size_t end = text.find('"', text.find("Identity: \"") + 11);
  ASSERT_EQ(text.substr(end - 2, 2), "==");
  for (const char* const by : {"=", ""}) {
    std::string copied = replaced(text, "Call-ID: call-1", "Call-ID: call-1");
    copied.replace(end - 2, 2, by);
    copied = replaced(copied, ";tag=f", ";tag=g");
    EXPECT_NE(services.judge(copied).outcome, IdentityOutcome::kPassed) << "'" << by << "'";
  }
  EXPECT_EQ(services.judge(replaced(text, ";tag=f", ";tag=g")).check, "replay");
  IdentityServices off;
  const std::string older = make(off);
  off.settings.realms[0].identity.verify_legacy = IdentityUse::kIgnore;
  EXPECT_EQ(off.judge(older).refusal.status, 428) << "off by default";
}

TEST(IdentityServices, TheOlderIdentityIsNotEnoughWhereOneIsRequiredUnlessItIsToo) {
  for (const IdentityUse older : {IdentityUse::kUse, IdentityUse::kRequire}) {
    IdentityServices services;
    services.settings.realms[1].identity = {};
    services.settings.realms[1].identity.sign_legacy = "rsa";
    services.settings.realms[0].identity.verify = IdentityUse::kUse;
    services.settings.realms[0].identity.verify_legacy = older;
    const std::string text = services.signed_text(kSecured, {}, "<sip:alice@example.com>");
    const int expected = older == IdentityUse::kRequire ? 0 : 428;
    EXPECT_EQ(services.judge(text, IdentityUse::kRequire).refusal.status, expected) << "of a connected identity, say";
    EXPECT_EQ(services.judge(text, IdentityUse::kUse).outcome, IdentityOutcome::kPassed);
  }
}

TEST(IdentityServices, TheOlderIdentitySaysNothingOfNumbers) {
  JudgedIdentity verdict;
  verdict.outcome = IdentityOutcome::kPassed;
  proto::settings::RealmSettings trusted;
  trusted.policy.trusted = true;
  sip::Message out = message(IdentityServices().signed_text(kPlain));
  for (const char* const from : {"sip:+12155551212@example.com", "sip:anonymous@example.com"}) {
    verdict.orig = from;
    say_verdict(verdict, trusted, out);
    EXPECT_FALSE(out.has(HeaderId::kPAssertedIdentity)) << from;
  }
  EXPECT_THAT(std::string(out.header(HeaderId::kFrom).value_or("")), HasSubstr("verstat=No-TN-Validation"));
}

TEST(IdentityServices, AQueryThatIsGivenUpHearsNothing) {
  IdentityServices services;
  services.fetcher.at_once = false;
  const sip::Message request = message(services.signed_text(kSecured));
  int heard = 0;
  const auto ask = [&] {
    return services.verification->verify(request, 0, IdentityUse::kRequire, controlplane::fingerprints_in(request),
                                         [&](const JudgedIdentity&) { ++heard; });
  };
  auto given_up = ask();
  auto waits = ask();
  ASSERT_NE(given_up, nullptr);
  given_up.reset();
  EXPECT_EQ(services.fetcher.asked.size(), 1u) << "one fetch for both";
  services.fetcher.answer();
  EXPECT_EQ(heard, 1);
}

TEST(IdentityServices, WhoNamesManyPlacesDoesNotKeepOthersFromTheirs) {
  IdentityServices services;
  services.fetcher.at_once = false;
  services.settings.identity.fetch.per_source_max = 3;
  services.fetcher.files.clear();
  std::vector<std::unique_ptr<controlplane::IdentityQuery>> waiting;
  std::vector<JudgedIdentity> judged;
  const auto ask = [&](const std::string& url, const std::string& source) {
    const std::string text = replaced(services.signed_text(kPlain), kUrl, url);
    const sip::Message request = message(replaced(text, "UDP 198.18.1.1", "UDP 10.0.0.1;received=" + source));
    waiting.push_back(services.verification->verify(request, 0, IdentityUse::kRequire, {},
                                                    [&](const JudgedIdentity& one) { judged.push_back(one); }));
  };
  for (int i = 0; i < 3; ++i) ask("https://h" + std::to_string(i) + ".example/c", "198.18.1.7");
  waiting.clear();  // given up: what is fetched is fetched all the same
  ask("https://h3.example/c", "198.18.1.7");
  ASSERT_EQ(judged.size(), 1u);
  EXPECT_EQ(judged[0].refusal.status, 436);
  EXPECT_EQ(services.fetcher.asked.size(), 3u);
  ask("https://h0.example/c", "198.18.1.7");
  ask("https://h3.example/c", "198.18.1.8");
  EXPECT_EQ(judged.size(), 1u)
      << "a certificate that is being fetched costs nothing, and others have room of their own";
  services.fetcher.answer();
  EXPECT_EQ(judged.size(), 3u);
  ask("https://h4.example/c", "198.18.1.7");
  EXPECT_EQ(judged.size(), 4u) << "not more a second, either";
  EXPECT_EQ(services.fetcher.asked.size(), 4u);
  // A host has a whole /64, however its addresses are written.
  for (const char* const source : {"2001:2::1", "2001:0002::A", "2001:2::b", "2001:2:0:0:ffff::1"}) {
    ask("https://six" + std::to_string(waiting.size()) + ".example/c", source);
  }
  EXPECT_EQ(services.fetcher.asked.size(), 7u);
}

TEST(IdentityServices, NumbersAreReadAsTheRealmWritesThem) {
  IdentityServices services;
  services.settings.realms[1].identity.full_form = true;
  const std::string text = replaced(services.signed_text(kPlain), "<sip:+12155551212@example.com;user=phone>",
                                    "<sip:0012155551212@example.com>");
  EXPECT_EQ(services.judge(text).check, "caller");
  services.settings.realms[0].identity.numbers = {.country_code = "1",
                                                  .national_prefix = "",
                                                  .national_digits = 10,
                                                  .international_prefix = "00",
                                                  .digits_are_numbers = true};
  EXPECT_EQ(services.judge(text).outcome, IdentityOutcome::kPassed);
  sip::Message ours = message(text);
  ours.remove_header(HeaderId::kIdentity);
  services.authentication->sign(ours, 1, {});
  EXPECT_EQ(services.judge(sip::write(ours)).outcome, IdentityOutcome::kPassed) << "and signed so";
}

TEST(IdentityServices, OnlyTheNumberThatWasSignedIsSaidToBe) {
  JudgedIdentity verdict;
  verdict.outcome = IdentityOutcome::kPassed;
  verdict.orig = "12155551212";
  verdict.is_number = true;
  proto::settings::RealmSettings trusted;
  trusted.policy.trusted = true;
  sip::Message out = message(IdentityServices().signed_text(kPlain));
  out.set_header(HeaderId::kPAssertedIdentity, "<sip:+12155551212@h;user=phone>, <tel:+12155559999>");
  say_verdict(verdict, trusted, out);
  EXPECT_THAT(std::string(out.header(HeaderId::kPAssertedIdentity).value_or("")),
              ::testing::AllOf(HasSubstr("sip:+12155551212;verstat=TN-Validation-Passed@h"),
                               HasSubstr("tel:+12155559999;verstat=No-TN-Validation")));
}

TEST(IdentityServices, WhatOthersHaveSignedIsNotSignedAgain) {
  IdentityServices services;
  services.settings.realms[1].identity.shaken = true;
  services.settings.realms[1].identity.full_form = true;
  sip::Message theirs = message(services.signed_text(kPlain));
  sip::Message ours = message(services.signed_text(kPlain));
  ours.remove_header(HeaderId::kIdentity);
  controlplane::pass_identities(theirs, ours);
  ASSERT_EQ(ours.values(HeaderId::kIdentity).size(), 1u) << "no media, so there is but the one with ppt=shaken";
  const std::string value(ours.values(HeaderId::kIdentity)[0]);
  services.authentication->sign(ours, 1, {});
  ASSERT_EQ(ours.values(HeaderId::kIdentity).size(), 1u);
  EXPECT_EQ(ours.values(HeaderId::kIdentity)[0], value);
  EXPECT_EQ(services.judge(sip::write(ours)).outcome, IdentityOutcome::kPassed) << "its next reader believes it";
}

TEST(IdentityServices, OnlyTokensThatStayTruePass) {
  IdentityServices services;
  services.settings.realms[1].identity.shaken = true;
  services.settings.realms[1].identity.full_form = true;
  const std::string text = services.signed_text(kSecured);
  sip::Message all = message(text);
  ASSERT_EQ(all.values(HeaderId::kIdentity).size(), 2u);
  const std::string with_keys(all.values(HeaderId::kIdentity)[0]);
  const std::string shaken(all.values(HeaderId::kIdentity)[1]);
  all.add_header(HeaderId::kIdentity, "..AAAA;info=<https://a.example/c>");
  all.add_header(HeaderId::kIdentity, "\"c2lnbmF0dXJl\"");
  all.add_header(HeaderId::kIdentity, "a.b.c;info=<https://a.example/c>");
  sip::Message out = message(text);
  out.remove_header(HeaderId::kIdentity);
  controlplane::pass_identities(all, out);
  EXPECT_THAT(out.values(HeaderId::kIdentity), ::testing::ElementsAre(shaken)) << with_keys;
}

TEST(IdentityServices, AHundredValuesAreSixteenAtMost) {
  IdentityServices services;
  std::string many = services.signed_text(kPlain);
  for (int i = 0; i < 60; ++i) {
    many = replaced(many,
                    "Identity: ", "Identity: ..AAAA;info=<https://h" + std::to_string(i) + ".example/c>\r\nIdentity: ");
  }
  services.fetcher.asked.clear();
  (void)services.judge(many);
  EXPECT_LE(services.fetcher.asked.size(), sip::kIdentitiesMax);
}

}  // namespace
}  // namespace weir::tests
