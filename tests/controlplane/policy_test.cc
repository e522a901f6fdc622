#include "controlplane/policy.h"

#include <gtest/gtest.h>

namespace weir::controlplane {
namespace {

proto::settings::Settings two_realms(std::vector<proto::settings::RouteSettings> routes) {
  proto::settings::Settings settings;
  settings.realms = {{.name = "a", .networks = {"n"}, .listeners = {}},
                     {.name = "b", .networks = {"n"}, .listeners = {}}};
  settings.routes = std::move(routes);
  return settings;
}

proto::settings::RouteSettings route(const std::string& pattern, const std::string& target) {
  proto::settings::RouteSettings one;
  one.realm = "a";
  one.to_realm = "b";
  one.pattern = pattern;
  one.target = target;
  return one;
}

/// The target, or the status of the refusal.
std::string routed(const Policy& policy, std::uint32_t realm, std::string_view uri) {
  const auto result = policy.route(realm, RouteQuery{uri, ""});
  if (const auto* refusal = std::get_if<Refusal>(&result)) return std::to_string(refusal->status);
  return sip::write(std::get<Destination>(result).targets.at(0).uri);
}

TEST(Policy, CapturesFillTheTarget) {
  const Policy policy =
      Policy::create(two_realms({route(R"(^sip:(rtp-(\d+))@.*)", R"(sip:\1@198.18.2.2:\2)")})).value();
  EXPECT_EQ(routed(policy, 0, "sip:rtp-5070@198.18.1.1"), "sip:rtp-5070@198.18.2.2:5070");
  EXPECT_EQ(routed(policy, 0, "sip:rtp-7@host;transport=tcp"), "sip:rtp-7@198.18.2.2:7");
}

TEST(Policy, ThePatternMustTakeTheWholeUri) {
  const Policy policy = Policy::create(two_realms({route("sip:bob@host", "sip:bob@198.18.2.2")})).value();
  EXPECT_EQ(routed(policy, 0, "sip:bob@host"), "sip:bob@198.18.2.2");
  EXPECT_EQ(routed(policy, 0, "sip:bob@host.example"), "404");
  EXPECT_EQ(routed(policy, 0, "xsip:bob@host"), "404");
}

TEST(Policy, TheFirstRouteOfTheRealmDecides) {
  auto other = route("sip:.*", "sip:other@198.18.1.2");
  other.realm = "b";
  other.to_realm = "a";
  other.media = proto::settings::MediaProfile::kDtls;
  const Policy policy =
      Policy::create(two_realms({other, route("sip:bob@.*", "sip:one@h"), route("sip:.*", "sip:two@h")})).value();
  EXPECT_EQ(routed(policy, 0, "sip:bob@x"), "sip:one@h");
  EXPECT_EQ(routed(policy, 0, "sip:eve@x"), "sip:two@h");
  const auto back = policy.route(1, RouteQuery{"sip:bob@x", ""});
  EXPECT_EQ(std::get<Destination>(back).to_realm, 0u);
  EXPECT_EQ(std::get<Destination>(back).media, proto::settings::MediaProfile::kDtls);
  EXPECT_EQ(routed(policy, 2, "sip:bob@x"), "404");
}

TEST(Policy, ATargetThatIsNoUriOnceFilledInIs500) {
  const Policy policy = Policy::create(two_realms({route("sip:(.*)@x", R"(sip:u@h:\1)")})).value();
  EXPECT_EQ(routed(policy, 0, "sip:5060@x"), "sip:u@h:5060");
  EXPECT_EQ(routed(policy, 0, "sip:notaport@x"), "500");
}

TEST(Policy, ACaptureThatTookNoPartIsEmpty) {
  const Policy policy = Policy::create(two_realms({route("sip:(a)?(b)@x", R"(sip:u\1\2@h)")})).value();
  EXPECT_EQ(routed(policy, 0, "sip:b@x"), "sip:ub@h");
}

TEST(Policy, ALongUriIsNoTrouble) {
  const Policy policy = Policy::create(two_realms({route("sip:(a*)*b@x", "sip:u@h")})).value();
  EXPECT_EQ(routed(policy, 0, "sip:" + std::string(60'000, 'a') + "@x"), "404");
}

TEST(Policy, ABrokenRouteIsAnError) {
  EXPECT_FALSE(Policy::create(two_realms({route("(", "sip:u@h")})).ok());
  auto nowhere = route("sip:.*", "sip:u@h");
  nowhere.to_realm = "c";
  EXPECT_FALSE(Policy::create(two_realms({nowhere})).ok());
}

}  // namespace
}  // namespace weir::controlplane
