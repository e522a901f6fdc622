// The configuration of the border: realms' policies, trunks, routes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "proto/settings/settings.h"

namespace weir::proto::settings {
namespace {

constexpr const char* kGood = R"([[network]]
name = "n"
device = "net_null0"
address = "198.18.1.10/24"
[[realm]]
name = "access"
network = "n"
listen = ["udp:198.18.1.1:5060"]
media_security = "required"
keying = ["sdes", "dtls"]
sdes_suites = ["AES_256_CM_HMAC_SHA1_80", "AEAD_AES_128_GCM"]
avpf = true
topology_hiding = false
transfers = "pass"
reliable_provisionals = "required"
calls_in_max = 11
calls_in_per_s_max = 12
calls_out_max = 13
calls_out_per_s_max = 14
session_expires_s = 600
min_se_s = 120
messages = "pass"
message_bytes_max = 1000
subscriptions = "pass"
subscription_events = ["presence", "message-summary"]
subscriptions_max = 15
subscriptions_per_source_max = 16
subscription_s_max = 600
outside_per_s_max = 17
[[realm]]
name = "core"
network = "n"
listen = ["udp:198.18.1.2:5060"]
trusted = true
media_security = "forbidden"
[[trunk]]
name = "carrier"
realm = "core"
targets = [
  { uri = "sip:198.18.2.2:5060;transport=tcp", priority = 1, weight = 50 },
  { uri = "sips:gateway.example", priority = 2 },
]
check_interval_s = 5
check_timeout_s = 2
failures_max = 4
retry_s = 60
calls_max = 100
calls_per_s_max = 7
refuse_when_down = true
credentials = { realm = "carrier.example", user = "weir", password_file = "/etc/weir/carrier" }
[[route]]
realm = "access"
prefix = "+49"
caller = '.*@example\.com'
trunk = "carrier"
user = '0\1'
[[route]]
realm = "core"
match = '^sip:(.*)@.*'
registrar = true
user = '\1'
to_realm = "access"
media = "dtls"
[limits]
registers_per_s_max = 21
registers_per_s_per_source_max = 22
requests_per_s_max = 23
requests_per_s_per_source_max = 24
)";

std::string changed(const std::string& from, const std::string& to) {
  std::string text = kGood;
  const std::size_t at = text.find(from);
  if (at == std::string::npos) return "the row's text is not in the file: " + from;
  return text.replace(at, from.size(), to);
}

TEST(BorderSettings, ARealmsPolicy) {
  const Reading reading = read_settings(kGood);
  ASSERT_EQ(to_string("f", reading.mistakes), "");
  const RealmPolicy& policy = reading.settings.realms[0].policy;
  EXPECT_EQ(policy.media.security, MediaSecurity::kRequired);
  EXPECT_EQ(policy.media.keying, (std::vector<Keying>{Keying::kSdes, Keying::kDtls}));
  EXPECT_EQ(policy.media.sdes_suites,
            (std::vector<SrtpProfile>{SrtpProfile::kAes256CmHmacSha1_80, SrtpProfile::kAeadAes128Gcm}));
  EXPECT_TRUE(policy.media.avpf);
  EXPECT_FALSE(policy.media.video);
  EXPECT_FALSE(policy.media.header_extensions);
  EXPECT_FALSE(policy.media.simulcast);
  EXPECT_FALSE(policy.trusted);
  EXPECT_FALSE(policy.topology_hiding);
  EXPECT_EQ(policy.transfers, Transfers::kPass);
  EXPECT_EQ(policy.reliable_provisionals, ReliableProvisionals::kRequired);
  EXPECT_EQ(policy.in.calls_max, 11u);
  EXPECT_EQ(policy.in.calls_per_s_max, 12u);
  EXPECT_EQ(policy.out.calls_max, 13u);
  EXPECT_EQ(policy.out.calls_per_s_max, 14u);
  EXPECT_EQ(policy.session.expires_s, 600u);
  EXPECT_EQ(policy.session.min_s, 120u);
  EXPECT_TRUE(policy.outside.messages);
  EXPECT_EQ(policy.outside.message_bytes_max, 1000u);
  EXPECT_TRUE(policy.outside.subscriptions);
  EXPECT_EQ(policy.outside.events, (std::vector<std::string>{"presence", "message-summary"}));
  EXPECT_EQ(policy.outside.subscriptions_max, 15u);
  EXPECT_EQ(policy.outside.subscriptions_per_source_max, 16u);
  EXPECT_EQ(policy.outside.subscription_s_max, 600u);
  EXPECT_EQ(policy.outside.requests_per_s_max, 17u);
}

TEST(BorderSettings, SipsAloneWantsAListenerThatIsSecured) {
  const auto with = [](const std::string& lines) { return read_settings(changed("avpf = true\n", lines)); };
  EXPECT_EQ(with("sips = \"accept\"\n").settings.realms[0].policy.sips, Sips::kAccept);
  EXPECT_NE(to_string("f", with("sips = \"require\"\n").mistakes).find("no tls or wss listener"), std::string::npos);
  EXPECT_NE(to_string("f", with("sips = \"always\"\n").mistakes).find(R"(must be "accept" or "require")"),
            std::string::npos);
}

TEST(BorderSettings, WhatCrossesBesideAudio) {
  const auto with = [](const std::string& lines) { return read_settings(changed("avpf = true\n", lines)); };
  const Reading all =
      with("avpf = true\nice = \"lite\"\nvideo = true\nheader_extensions = \"pass\"\nsimulcast = \"pass\"\n");
  EXPECT_EQ(to_string("f", all.mistakes), "");
  const MediaPolicy& media = all.settings.realms[0].policy.media;
  EXPECT_TRUE(media.video && media.header_extensions && media.simulcast);
  const struct {
    const char* lines;
    const char* says;
  } rows[] = {
      {"avpf = true\nvideo = true\n", "[[realm]] video: needs ice and avpf = true"},
      {"ice = \"lite\"\nvideo = true\n", "[[realm]] video: needs ice and avpf = true"},
      {"simulcast = \"pass\"\n", "[[realm]] simulcast: needs header_extensions = \"pass\""},
      {"header_extensions = true\n", "[[realm]] header_extensions: must be a string"},
  };
  for (const auto& row : rows) {
    const std::string said = to_string("f", with(row.lines).mistakes);
    EXPECT_NE(said.find(row.says), std::string::npos) << said;
  }
}

TEST(BorderSettings, ARealmThatSaysNothingIsNotTrustedAndHides) {
  const RealmPolicy policy;
  const Reading reading = read_settings(changed("trusted = true\nmedia_security = \"forbidden\"\n", ""));
  const RealmPolicy& read = reading.settings.realms[1].policy;
  EXPECT_EQ(read.media.security, MediaSecurity::kOptional);
  EXPECT_EQ(read.media.keying, (std::vector<Keying>{Keying::kDtls, Keying::kSdes}));
  EXPECT_EQ(read.media.sdes_suites, policy.media.sdes_suites);
  EXPECT_FALSE(read.trusted);
  EXPECT_TRUE(read.topology_hiding);
  EXPECT_EQ(read.transfers, Transfers::kHandle);
  EXPECT_EQ(read.reliable_provisionals, ReliableProvisionals::kSupported);
  EXPECT_EQ(read.in.calls_max, 0u);
  EXPECT_EQ(read.session.expires_s, 1800u);
  EXPECT_EQ(read.session.min_s, 90u);
  EXPECT_EQ(read.outside, OutsidePolicy{});
  EXPECT_FALSE(read.outside.messages);
  EXPECT_FALSE(read.outside.subscriptions);
}

TEST(BorderSettings, WithoutAeadNoSuiteOfItIsOfferedUnlessNamed) {
  const Settings settings = read_settings("[srtp]\naead = false\n[[realm]]\nname = 'r'\n").settings;
  EXPECT_THAT(settings.realms.at(0).policy.media.sdes_suites,
              testing::ElementsAre(SrtpProfile::kAesCm128HmacSha1_80, SrtpProfile::kAes256CmHmacSha1_80,
                                   SrtpProfile::kAesCm128HmacSha1_32));
}

TEST(BorderSettings, WhatIsOfferedTowardsARealm) {
  MediaPolicy policy;
  const auto towards = [&policy](MediaSecurity security) {
    policy.security = security;
    return profile_towards(policy);
  };
  EXPECT_EQ(towards(MediaSecurity::kOptional), MediaProfile::kRtp);
  EXPECT_EQ(towards(MediaSecurity::kForbidden), MediaProfile::kRtp);
  EXPECT_EQ(towards(MediaSecurity::kPreferred), MediaProfile::kBestEffort);
  EXPECT_EQ(towards(MediaSecurity::kRequired), MediaProfile::kDtls);
  policy.keying = {Keying::kSdes, Keying::kDtls};
  EXPECT_EQ(towards(MediaSecurity::kRequired), MediaProfile::kSdes);
}

TEST(BorderSettings, ATrunkWithAllItCanSay) {
  const Settings settings = read_settings(kGood).settings;
  ASSERT_EQ(settings.trunks.size(), 1u);
  const TrunkSettings& trunk = settings.trunks[0];
  EXPECT_EQ(trunk.name, "carrier");
  EXPECT_EQ(trunk.realm, "core");
  ASSERT_EQ(trunk.targets.size(), 2u);
  EXPECT_EQ(trunk.targets[0].uri, "sip:198.18.2.2:5060;transport=tcp");
  EXPECT_EQ(trunk.targets[0].weight, 50);
  EXPECT_EQ(trunk.targets[1].priority, 2);
  EXPECT_EQ(trunk.targets[1].weight, 1);
  EXPECT_EQ(trunk.check.interval_s, 5u);
  EXPECT_EQ(trunk.check.timeout_s, 2u);
  EXPECT_EQ(trunk.check.failures_max, 4u);
  EXPECT_EQ(trunk.check.retry_s, 60u);
  EXPECT_EQ(trunk.calls.calls_max, 100u);
  EXPECT_EQ(trunk.calls.calls_per_s_max, 7u);
  EXPECT_TRUE(trunk.refuse_when_down);
  ASSERT_TRUE(trunk.credentials);
  EXPECT_EQ(trunk.credentials->realm, "carrier.example");
  EXPECT_EQ(trunk.credentials->user, "weir");
  EXPECT_EQ(trunk.credentials->password, "");
  EXPECT_EQ(trunk.credentials->password_file, "/etc/weir/carrier");
}

TEST(BorderSettings, RoutesByPrefixAndCallerToATrunkAndToTheRegistrar) {
  const Settings settings = read_settings(kGood).settings;
  ASSERT_EQ(settings.routes.size(), 2u);
  EXPECT_EQ(settings.routes[0].prefix, "+49");
  EXPECT_EQ(settings.routes[0].caller, R"(.*@example\.com)");
  EXPECT_EQ(settings.routes[0].trunk, "carrier");
  EXPECT_EQ(settings.routes[0].user, R"(0\1)");
  EXPECT_EQ(settings.routes[0].media, std::nullopt);
  EXPECT_TRUE(settings.routes[1].registrar);
  EXPECT_EQ(settings.routes[1].to_realm, "access");
  EXPECT_EQ(settings.routes[1].media, MediaProfile::kDtls);
}

TEST(BorderSettings, LimitsOfRequestsOutsideDialogs) {
  const LimitSettings said = read_settings(kGood).settings.limits;
  EXPECT_EQ(said.registers_per_s_max, 21u);
  EXPECT_EQ(said.registers_per_s_per_source_max, 22u);
  EXPECT_EQ(said.requests_per_s_max, 23u);
  EXPECT_EQ(said.requests_per_s_per_source_max, 24u);
}

/// One change to the good file: `from` becomes `to`, and a mistake at `line` says `says`.
struct Row {
  const char* description;
  const char* from;
  const char* to;
  std::uint32_t line;
  const char* says;
};

const Row kRows[] = {
    {"a media security", "\"required\"\nkeying", "\"always\"\nkeying", 9,
     R"([[realm]] media_security: must be "optional", "preferred", "required" or "forbidden")"},
    {"a keying", R"(["sdes", "dtls"])", R"(["zrtp"])", 10, "[[realm]] keying: must name \"dtls\", \"sdes\" or both"},
    {"a keying twice", R"(["sdes", "dtls"])", R"(["sdes", "sdes"])", 10, "'sdes' is named twice"},
    {"no keying", R"(["sdes", "dtls"])", "[]", 10, "names no way to agree on keys"},
    {"a suite that is none", "AES_256_CM_HMAC_SHA1_80", "AES_512", 11, "there is no SRTP suite 'AES_512'"},
    {"the suite none", "AES_256_CM_HMAC_SHA1_80", "none", 11, "there is no SRTP suite 'none'"},
    {"a suite without encryption", "AES_256_CM_HMAC_SHA1_80", "NULL_HMAC_SHA1_80", 11,
     "[srtp] forbids 'NULL_HMAC_SHA1_80'"},
    {"a suite twice", "AES_256_CM_HMAC_SHA1_80", "AEAD_AES_128_GCM", 11, "is named twice"},
    {"no suite", R"(["AES_256_CM_HMAC_SHA1_80", "AEAD_AES_128_GCM"])", "[]", 11,
     "names no SRTP suite that [srtp] allows"},
    {"a flag", "avpf = true", "avpf = 1", 12, "[[realm]] avpf: must be true or false"},
    {"topology hiding", "topology_hiding = false", "topology_hiding = \"no\"", 13, "must be true or false"},
    {"transfers", "\"pass\"", "\"refuse\"", 14, R"(transfers: must be "handle" or "pass")"},
    {"reliable provisionals", "reliable_provisionals = \"required\"", "reliable_provisionals = true", 15,
     "reliable_provisionals: must be a string"},
    {"a limit", "calls_in_max = 11", "calls_in_max = -1", 16, "calls_in_max: must be a whole number from 0"},
    {"a rate", "calls_out_per_s_max = 14", "calls_out_per_s_max = 2000000", 19, "from 0 to 1000000"},
    {"a session that is too short", "session_expires_s = 600", "session_expires_s = 100", 20,
     "must be 0, or at least min_se_s, 120"},
    {"a Min-SE below the RFC's", "min_se_s = 120", "min_se_s = 60", 21, "from 90 to 86400"},
    {"messages", "messages = \"pass\"", "messages = true", 22, "[[realm]] messages: must be a string"},
    {"a size of messages", "message_bytes_max = 1000", "message_bytes_max = 0", 23, "from 1 to 60000"},
    {"subscriptions", "subscriptions = \"pass\"", "subscriptions = \"yes\"", 24,
     R"(subscriptions: must be "refuse" or "pass")"},
    {"an event package", "\"presence\"", "\"pre sence\"", 25, "'pre sence' is no event package"},
    {"no subscriptions at all", "subscriptions_max = 15", "subscriptions_max = 0", 26, "from 1 to 1000000"},
    {"a subscription that is too short", "subscription_s_max = 600", "subscription_s_max = 5", 28, "from 60 to 86400"},
    {"a trunk in no realm", "realm = \"core\"\ntargets", "realm = \"cor\"\ntargets", 36, "there is no realm 'cor'"},
    {"no targets", "targets = [", "target = [", 36, "[[trunk]] targets: is missing"},
    {"a target without URI", "{ uri = \"sips:gateway.example\", priority = 2 }", "{ priority = 2 }", 41,
     "[[trunk]] targets uri: is missing"},
    {"a target with a user", "sips:gateway.example", "sips:bob@gateway.example", 41, "is no SIP URI of a host"},
    {"a target of another scheme", "sips:gateway.example", "tel:+49", 41, "is no SIP URI of a host"},
    {"one target twice", "sips:gateway.example", "sip:198.18.2.2:5060;transport=tcp", 36, "is named twice"},
    {"a weight", "weight = 50", "weight = 70000", 40, "[[trunk]] targets weight: must be a whole number"},
    {"a timeout of nothing", "check_timeout_s = 2", "check_timeout_s = 0", 44, "from 1 to 32"},
    {"no failure at all", "failures_max = 4", "failures_max = 0", 45, "from 1 to 100"},
    {"credentials without password", ", password_file = \"/etc/weir/carrier\"", "", 50,
     "one of password and password_file"},
    {"credentials with two passwords", "password_file =", "password = \"secret\", password_file =", 50,
     "one of password and password_file"},
    {"a relative password file", "/etc/weir/carrier", "carrier", 50, "'carrier' is not an absolute path"},
    {"credentials of no realm", "realm = \"carrier.example\", ", "", 50, "[credentials] realm: is missing"},
    {"credentials that are no table",
     "{ realm = \"carrier.example\", user = \"weir\", password_file = "
     "\"/etc/weir/carrier\" }",
     "\"weir\"", 50, "must be a table"},
    {"a trunk that is not there", "trunk = \"carrier\"", "trunk = \"carier\"", 51, "there is no trunk 'carier'"},
    {"a trunk in another realm", "trunk = \"carrier\"", "trunk = \"carrier\"\nto_realm = \"access\"", 51,
     "trunk 'carrier' is in realm 'core', not 'access'"},
    {"a caller that is no pattern", R"('.*@example\.com')", "'('", 51, "caller '(': missing )"},
    {"two goals", "trunk = \"carrier\"", "trunk = \"carrier\"\nregistrar = true", 51, "one of target, trunk and reg"},
    {"no goal", "registrar = true", "registrar = false", 57, "one of target, trunk and registrar"},
    {"no condition", "match = '^sip:(.*)@.*'\n", "", 57, "the route has no condition"},
    {"a user's capture that is not there", R"(user = '0\1')", R"(user = '0\2')", 51, "user '0"},
    {"no realm for the registrar", "to_realm = \"access\"\nmedia", "media", 57, "[[route]] to_realm: is missing"},
    {"a user for a target", "registrar = true", "target = 'sip:x@h'", 57, "a target says the user itself"},
    {"plain media where it must be secured", "media = \"dtls\"", "media = \"rtp\"", 57, "requires secured media"},
    {"best effort where it must be secured", "media = \"dtls\"", "media = \"best-effort\"", 57,
     "requires secured media"},
    {"secured media where it must be plain", "user = '0\\1'", "media = \"sdes\"", 51, "forbids secured media"},
    {"a keying that is not allowed", R"(["sdes", "dtls"])", R"(["sdes"])", 57, "does not allow the route's keying"},
    {"a media profile", "media = \"dtls\"", "media = \"srtp\"", 63,
     R"(must be "rtp", "dtls", "sdes" or "best-effort")"},
    {"a rate of REGISTERs", "registers_per_s_max = 21", "registers_per_s_max = 21.5", 65, "must be a whole number"},
};

TEST(BorderSettings, EveryMistakeIsNamedWithItsLine) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.description);
    const Reading reading = read_settings(changed(row.from, row.to));
    const bool named = std::any_of(reading.mistakes.begin(), reading.mistakes.end(), [&row](const Mistake& mistake) {
      return mistake.line == row.line && mistake.reason.find(row.says) != std::string::npos;
    });
    EXPECT_TRUE(named) << "got: " << to_string("f", reading.mistakes);
  }
}

TEST(BorderSettings, TwoTrunksOfOneName) {
  const std::string again = "[[trunk]]\nname = 'carrier'\nrealm = 'core'\ntargets = [{ uri = 'sip:198.18.2.3' }]\n";
  const Reading reading = read_settings(again + kGood);
  EXPECT_EQ(to_string("f", reading.mistakes), "f:40: there are two trunks 'carrier'\n");
}

}  // namespace
}  // namespace weir::proto::settings
