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

proto::settings::RouteSettings prefix_route(const std::string& prefix, const std::string& target) {
  proto::settings::RouteSettings one = route("", target);
  one.prefix = prefix;
  return one;
}

TEST(Policy, APrefixIsOfTheNumberHoweverItIsWritten) {
  const Policy policy =
      Policy::create(two_realms({prefix_route("+4930", R"(sip:030\1@h)"), prefix_route("+49", R"(sip:0\1@h)"),
                                 prefix_route("bob", R"(sip:\0@h;rest=x\1)")}))
          .value();
  EXPECT_EQ(routed(policy, 0, "sip:+4930123@x"), "sip:030123@h");
  EXPECT_EQ(routed(policy, 0, "sip:+49-40-123;phone-context=x@x;user=phone"), "sip:040123@h");
  EXPECT_EQ(routed(policy, 0, "tel:+49(40)1.2-3"), "sip:040123@h");
  EXPECT_EQ(routed(policy, 0, "sip:%2b4940@x"), "sip:040@h");
  EXPECT_EQ(routed(policy, 0, "sip:bob%20x@x"), "sip:bob%20x@h;rest=x%20x");
  EXPECT_EQ(routed(policy, 0, "sip:+4@x"), "404");
  EXPECT_EQ(routed(policy, 0, "sip:host.only"), "404");
  EXPECT_EQ(routed(policy, 0, "urn:service:sos"), "404");
}

TEST(Policy, TheFirstRouteOfTheFileDecidesAlsoIfALaterPrefixIsLonger) {
  const Policy policy =
      Policy::create(two_realms({prefix_route("+49", "sip:short@h"), prefix_route("+4930", "sip:long@h")})).value();
  EXPECT_EQ(routed(policy, 0, "sip:+4930123@x"), "sip:short@h");
}

TEST(Policy, AllConditionsMustHoldAndTheCapturesAreThePatterns) {
  auto one = route("sip:(.*)@x", R"(sip:\1@h)");
  one.prefix = "+49";
  one.caller = "sip:alice@.*";
  const Policy policy = Policy::create(two_realms({one})).value();
  const auto target = [&policy](std::string_view uri, std::string_view caller) {
    const auto result = policy.route(0, RouteQuery{uri, caller});
    const auto* destination = std::get_if<Destination>(&result);
    return destination == nullptr ? "refused" : sip::write(destination->targets.at(0).uri);
  };
  EXPECT_EQ(target("sip:+49-1@x", "sip:alice@a"), "sip:+49-1@h");
  EXPECT_EQ(target("sip:+49-1@x", "sip:alicia@a"), "refused");
  EXPECT_EQ(target("sip:+48-1@x", "sip:alice@a"), "refused");
  EXPECT_EQ(target("sip:+49-1@y", "sip:alice@a"), "refused");
}

/// A request from `from`, who says to be `asserted`.
sip::Message invite(const std::string& from, const std::string& asserted) {
  sip::Message request = sip::Message::request("INVITE", "sip:bob@x");
  request.add_header(sip::HeaderId::kFrom, from);
  request.add_header(sip::HeaderId::kPAssertedIdentity, asserted);
  return request;
}

TEST(Policy, TheCallerIsWhoATrustedRealmSaysAndElsewhereWhoFromSays) {
  auto one = route("sip:.*", "sip:u@h");
  one.caller = "sip:alice@.*";
  proto::settings::Settings settings = two_realms({one});
  const sip::Message request = invite("<sip:anonymous@anonymous.invalid>;tag=1", "\"Alice\" <sip:alice@a>");
  const auto goes = [&] {
    return std::holds_alternative<Destination>(Policy::create(settings).value().route(0, request));
  };
  EXPECT_FALSE(goes());
  settings.realms[0].policy.trusted = true;
  EXPECT_TRUE(goes());
}

proto::settings::Settings with_trunk(proto::settings::RouteSettings one) {
  one.target = "";
  one.to_realm = "";
  one.trunk = "carrier";
  proto::settings::Settings settings = two_realms({one});
  proto::settings::TrunkSettings trunk;
  trunk.name = "carrier";
  trunk.realm = "b";
  settings.trunks = {trunk};
  return settings;
}

/// What a trunk would be asked.
std::string asked(const proto::settings::Settings& settings, std::string_view uri) {
  std::string question;
  TargetSources sources;
  sources.trunks = [&question](std::string_view trunk, std::string_view user, bool) {
    question = std::string(trunk) + " " + std::string(user);
    return std::vector<Target>{{sip::make_sip_uri("x", "h"), {}, TrunkMember{7}}};
  };
  const Policy policy = Policy::create(settings, sources).value();
  const auto result = policy.route(0, RouteQuery{uri, ""});
  const auto* destination = std::get_if<Destination>(&result);
  if (destination == nullptr) return std::to_string(std::get<Refusal>(result).status);
  EXPECT_EQ(destination->to_realm, 1u);
  EXPECT_EQ(destination->targets.at(0).member, TrunkMember{7});
  EXPECT_FALSE(destination->parallel);
  return question;
}

TEST(Policy, ATrunkGetsTheUserAsItCameOrAsTheRouteWritesIt) {
  auto one = prefix_route("+49", "");
  EXPECT_EQ(asked(with_trunk(one), "sip:+49-30;x=y@a"), "carrier +49-30;x=y");
  EXPECT_EQ(asked(with_trunk(one), "tel:+49-30"), "carrier +4930");
  one.user = R"(00\0)";
  EXPECT_EQ(asked(with_trunk(one), "sip:+49-30@a"), "carrier 00+4930");
  one.user = R"(\1@elsewhere)";
  EXPECT_EQ(asked(with_trunk(one), "sip:+49-30@a"), "500") << "no user makes a host";
  EXPECT_EQ(asked(with_trunk(route("sip:.*", "")), "sip:host.only"), "carrier ");
}

TEST(Policy, ATrunksRefusalIsTheAnswer) {
  TargetSources sources;
  sources.trunks = [](std::string_view, std::string_view, bool) { return Refusal{503, "down"}; };
  const auto settings = with_trunk(prefix_route("+", ""));
  EXPECT_EQ(routed(Policy::create(settings, sources).value(), 0, "sip:+1@x"), "503");
  EXPECT_EQ(routed(Policy::create(settings).value(), 0, "sip:+1@x"), "500") << "no trunks to ask";
}

TEST(Policy, TheRegistrarsContactsAreTriedAllAtOnce) {
  auto one = route("sip:(.*)@x", "");
  one.registrar = true;
  one.user = R"(\1)";
  TargetSources sources;
  sources.registrar = [](std::uint32_t realm, std::string_view user) {
    EXPECT_EQ(realm, 1u);
    std::vector<Target> contacts;
    if (user == "b b") contacts = {{sip::make_sip_uri("1", "h"), {}, {}}, {sip::make_sip_uri("2", "h"), {}, {}}};
    return contacts;
  };
  const Policy policy = Policy::create(two_realms({one}), sources).value();
  const auto result = policy.route(0, RouteQuery{"sip:b%20b@x", ""});
  EXPECT_EQ(std::get<Destination>(result).targets.size(), 2u);
  EXPECT_TRUE(std::get<Destination>(result).parallel);
  EXPECT_EQ(routed(policy, 0, "sip:eve@x"), "480");
  EXPECT_EQ(routed(Policy::create(two_realms({one})).value(), 0, "sip:eve@x"), "500");
}

// RFC 5627 section 5.2.
TEST(Policy, AGruuIsRoutedAsItsUserAndReachesOneInstance) {
  auto local = route("sip:bob@x", "");
  local.registrar = true;
  TargetSources sources;
  sources.registrar = [](std::uint32_t, std::string_view) {
    return std::vector<Target>{{sip::make_sip_uri("1", "h"), {}, {}}, {sip::make_sip_uri("2", "h"), {}, {}}};
  };
  sources.instance = [](const Instance& instance) {
    if (instance.instance != "two") return std::vector<Target>{};
    return std::vector<Target>{{sip::make_sip_uri("2", "h"), {}, {}}};
  };
  sources.gruu = [](const sip::Uri& gruu) -> std::variant<std::monostate, Instance, Refusal> {
    if (gruu.host != "x") return std::monostate{};
    if (gruu.user == "nobody") return Refusal{404, "no such GRUU"};
    return Instance{1, "bob", std::string(gruu.parameters.value("gr").value_or("two"))};
  };
  const Policy policy = Policy::create(two_realms({local, route("sip:.*@y.*", "sip:u@y")}), sources).value();
  const auto reached = [&](const std::string& uri) {
    const auto result = policy.route(0, RouteQuery{uri, ""});
    const auto* const refusal = std::get_if<Refusal>(&result);
    return refusal != nullptr ? refusal->status : std::get<Destination>(result).targets.size();
  };
  EXPECT_EQ(reached("sip:bob@x"), 2u);
  EXPECT_EQ(reached("sip:bob@x;gr=two"), 1u);
  EXPECT_EQ(reached("sip:opaque@x;gr"), 1u) << "routed as bob";
  EXPECT_EQ(reached("sip:bob@x;gr=three"), 480u);
  EXPECT_EQ(reached("sip:nobody@x;gr"), 404u);
  EXPECT_EQ(reached("sip:bob@y;gr=two"), 1u) << "another domain's";
}

TEST(Policy, ARouteThatDoesNotSayOffersWhatTheRealmsPolicyWants) {
  proto::settings::Settings settings = two_realms({route("sip:.*", "sip:u@h")});
  settings.realms[1].policy.media.security = proto::settings::MediaSecurity::kRequired;
  const auto media = [&settings] {
    const auto result = Policy::create(settings).value().route(0, RouteQuery{"sip:bob@x", ""});
    return std::get<Destination>(result).media;
  };
  EXPECT_EQ(media(), proto::settings::MediaProfile::kDtls);
  settings.routes[0].media = proto::settings::MediaProfile::kSdes;
  EXPECT_EQ(media(), proto::settings::MediaProfile::kSdes);
}

TEST(Policy, ABrokenRouteIsAnError) {
  EXPECT_FALSE(Policy::create(two_realms({route("(", "sip:u@h")})).ok());
  auto nowhere = route("sip:.*", "sip:u@h");
  nowhere.to_realm = "c";
  EXPECT_FALSE(Policy::create(two_realms({nowhere})).ok());
}

}  // namespace
}  // namespace weir::controlplane
