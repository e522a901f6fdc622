// Calls that were sent on keep who vouches for their caller: diversions, beside the first token or around it. RFC 8946.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <vector>

#include "controlplane/passport_signer.h"
#include "sip/identity_header.h"
#include "tests/support/identity_services.h"

namespace weir::tests {
namespace {

using ::testing::HasSubstr;

TEST(IdentityDiversion, ADivertedCallKeepsWhoVouchesForItsCaller) {
  IdentityServices services;
  const StirCredential diverter = services.authority.issue({.tn_auth_list = tn_list(tn_one("12155551213"))});
  const char* const diverter_url = "https://div.example.com/key.pem";
  services.add_key("diverter", diverter, diverter_url);
  auto keys = controlplane::IdentityKeys::load(services.settings.identity, "root", services.now_s);
  services.authentication->use(std::move(keys).value());
  services.settings.realms[1].identity.full_form = true;
  const std::string first = services.signed_text(kPlain);

  // The one who was called sends it on to another number, and says so.
  services.settings.realms[1].identity = {};
  services.settings.realms[1].identity.sign = "diverter";
  services.settings.realms[1].identity.div = true;
  sip::Message on =
      message(replaced(replaced(first, "sip:+12155551213@198.18.2.2", "sip:+12155551214@198.18.2.2;user=phone"),
                       "To: <sip:+12155551213@", "To: <sip:+12155551214@"));
  services.authentication->sign(on, 1, {.from_realm = 0, .authenticated = false, .called = "tel:+12155551213"});
  const std::string diverted = sip::write(on);
  EXPECT_THAT(diverted, HasSubstr("ppt=div"));
  const JudgedIdentity judged = services.judge(diverted);
  EXPECT_EQ(judged.outcome, IdentityOutcome::kPassed) << judged.check << ": " << judged.text;
  EXPECT_EQ(judged.orig, "12155551212");

  const std::size_t at = diverted.rfind("Identity: ");
  const std::string without = diverted.substr(0, at) + diverted.substr(diverted.find("\r\n", at) + 2);
  EXPECT_NE(services.judge(without).outcome, IdentityOutcome::kPassed) << "who sent it on did not say so";
}

/// A call that was sent on from 213 to 214, and from there to 215.
struct SentOn {
  IdentityServices services;
  StirCredential first = services.authority.issue({.tn_auth_list = tn_list(tn_one("12155551213"))});
  StirCredential second = services.authority.issue({.tn_auth_list = tn_list(tn_one("12155551214"))});

  SentOn() {
    services.fetcher.files["https://one.example/c"] = first.certificate;
    services.fetcher.files["https://two.example/c"] = second.certificate;
  }
  /// `from`, `within`: empty for none.
  [[nodiscard]] sip::IdentityHeader token(const StirCredential& by, const std::string& url, const std::string& ppt,
                                          const std::string& to, const std::string& from = "",
                                          const std::string& within = "") const {
    controlplane::Passport passport;
    passport.x5u = url;
    passport.ppt = ppt;
    passport.orig.tns = {"12155551212"};
    passport.dest.tns = {to};
    passport.iat_s = services.now_s;
    if (!from.empty()) passport.div.emplace().tns = {from};
    passport.opt = within;
    return sign_passport(passport, by.signing_key(), false).value();
  }
  [[nodiscard]] sip::IdentityHeader base() const { return token(services.credential, kUrl, "", "12155551213"); }
  [[nodiscard]] sip::IdentityHeader one(const std::string& ppt = "div", const std::string& within = "") const {
    return token(first, "https://one.example/c", ppt, "12155551214", "12155551213", within);
  }
  [[nodiscard]] sip::IdentityHeader two(const std::string& ppt = "div", const std::string& within = "") const {
    return token(second, "https://two.example/c", ppt, "12155551215", "12155551214", within);
  }
  JudgedIdentity judge(const std::vector<sip::IdentityHeader>& identities) {
    std::string text = services.signed_text(kPlain);
    text = text.substr(0, text.find("Identity: ")) + text.substr(text.find("\r\n", text.find("Identity: ")) + 2);
    text = replaced(replaced(text, "sip:+12155551213@198.18.2.2", "sip:+12155551215@198.18.2.2;user=phone"),
                    "To: <sip:+12155551213@", "To: <sip:+12155551215@");
    for (const sip::IdentityHeader& each : identities) {
      text = replaced(text, "Call-ID", "Identity: " + sip::write(each) + "\r\nCall-ID");
    }
    return services.judge(text);
  }
};

TEST(IdentityDiversion, ACallThatWasSentOnTwiceKeepsWhoVouchesForItsCaller) {
  SentOn call;
  const auto [base, one, two] = std::tuple(call.base(), call.one(), call.two());
  for (const auto& order : {std::vector{base, one, two}, std::vector{two, one, base}}) {
    const JudgedIdentity judged = call.judge(order);
    EXPECT_EQ(judged.outcome, IdentityOutcome::kPassed) << judged.check << ": " << judged.text;
    EXPECT_EQ(judged.orig, "12155551212");
  }
  EXPECT_NE(call.judge({base, two}).outcome, IdentityOutcome::kPassed) << "a link is missing";
  EXPECT_NE(call.judge({base, one}).outcome, IdentityOutcome::kPassed);
  EXPECT_NE(call.judge({one, two}).outcome, IdentityOutcome::kPassed) << "nobody vouches for the caller";
  const sip::IdentityHeader forged =
      call.token(call.first, "https://one.example/c", "div", "12155551215", "12155551214");
  EXPECT_NE(call.judge({base, one, forged}).outcome, IdentityOutcome::kPassed) << "not the one who was called";
}

TEST(IdentityDiversion, ATokenWithinAnotherCountsAsItWouldBesideIt) {
  SentOn call;
  const std::string base = call.base().token;
  const JudgedIdentity judged = call.judge({call.two("div-o", call.one("div-o", base).token)});
  EXPECT_EQ(judged.outcome, IdentityOutcome::kPassed) << judged.check << ": " << judged.text;
  EXPECT_EQ(judged.orig, "12155551212");
  for (const std::string& within : {base, std::string("a.b.c"), base + "A", call.one().token}) {
    EXPECT_NE(call.judge({call.two("div-o", within)}).outcome, IdentityOutcome::kPassed) << within;
  }
}

}  // namespace
}  // namespace weir::tests
