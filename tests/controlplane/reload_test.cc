// Reload: what takes effect at once, what needs a restart, and that nothing is taken over by halves.
#include "controlplane/reload.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/support/stir_lab.h"
#include "tests/support/temporary_directory.h"

namespace weir::controlplane {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kRunning = R"([region]
directory = "/run/weir/region"
[[network]]
name = "n"
device = "net_null0"
address = "198.18.1.10/24"
[control]
calls_max = 100
[limits]
invites_per_s_max = 10
[[realm]]
name = "access"
network = "n"
listen = ["udp:198.18.1.1:5060"]
[[realm]]
name = "core"
network = "n"
listen = ["udp:198.18.1.2:5060"]
[[trunk]]
name = "carrier"
realm = "core"
targets = [{ uri = "sip:198.18.2.2" }]
[[route]]
realm = "access"
match = '.*'
trunk = "carrier"
)";

std::string changed(const std::string& from, const std::string& to) {
  std::string text = kRunning;
  return text.replace(text.find(from), from.size(), to);
}

struct Row {
  const char* from;
  const char* to;
  const char* name;
};

TEST(Reload, EveryPartThatMayChangeIsNamed) {
  const Row rows[] = {
      {"[control]", "[control]\nlog_level = 'debug'", "[control] log_level"},
      {"invites_per_s_max = 10", "invites_per_s_max = 11", "[limits]"},
      {"sip:198.18.2.2", "sip:198.18.2.3", "[[trunk]]"},
      {"'.*'", "'.+'", "[[route]]"},
      {"name = \"core\"", "name = \"core\"\nmedia_security = 'required'", "realm 'core' media policy"},
      {"name = \"core\"", "name = \"core\"\nrtp_over_dtls = true", "realm 'core' media policy"},
      {"name = \"core\"", "name = \"core\"\nsdes_suites = ['AES_CM_128_HMAC_SHA1_80']", "realm 'core' media policy"},
      {"name = \"core\"", "name = \"core\"\ntrusted = true", "realm 'core' trusted"},
      {"name = \"core\"", "name = \"core\"\ntopology_hiding = false", "realm 'core' topology_hiding"},
      {"name = \"core\"", "name = \"core\"\ntransfers = 'pass'", "realm 'core' transfers"},
      {"name = \"core\"", "name = \"core\"\nreliable_provisionals = 'off'", "realm 'core' reliable_provisionals"},
      {"name = \"core\"", "name = \"core\"\ncalls_in_max = 1", "realm 'core' calls_in"},
      {"name = \"core\"", "name = \"core\"\ncalls_out_per_s_max = 1", "realm 'core' calls_out"},
      {"name = \"core\"", "name = \"core\"\nsession_expires_s = 90", "realm 'core' session timer"},
      {"name = \"core\"", "name = \"core\"\nmessages = 'pass'", "realm 'core' messages and subscriptions"},
      {"name = \"core\"\nnetwork = \"n\"\nlisten = [\"udp:198.18.1.2:5060\"]",
       "name = \"core\"\nnetwork = \"n\"\nlisten = [\"udp:198.18.1.2:5060\"]\n[realm.tls]\nca = '/etc/ca.pem'",
       "realm 'core' tls"},
      {"name = \"core\"\nnetwork = \"n\"\nlisten = [\"udp:198.18.1.2:5060\"]",
       "name = \"core\"\nnetwork = \"n\"\nlisten = [\"udp:198.18.1.2:5060\"]\n[realm.websocket]\npath = '/sip'",
       "realm 'core' websocket"},
      {"name = \"core\"\nnetwork = \"n\"\nlisten = [\"udp:198.18.1.2:5060\"]",
       "name = \"core\"\nnetwork = \"n\"\nlisten = [\"udp:198.18.1.2:5060\"]\n[realm.identity]\npass = true",
       "realm 'core' identity"},
      {"[control]", "[identity]\nanchors = '/etc/anchors.pem'\n[control]", "[identity] anchors"},
      {"[control]", "[identity]\nfreshness_s = 30\n[control]", "[identity] freshness_s"},
      {"[control]", "[[identity.keys]]\nname = 'k'\nchain = '/k.pem'\nkey = '/k.key'\nurl = 'https://a/k'\n[control]",
       "[[identity.keys]]"},
  };
  const proto::settings::Settings running = proto::settings::read_settings(kRunning).settings;
  for (const Row& row : rows) {
    const proto::settings::Reading reading = proto::settings::read_settings(changed(row.from, row.to));
    EXPECT_EQ(to_string("f", reading.mistakes), "") << row.to;
    const SettingsDifference difference = compare(running, reading.settings);
    EXPECT_THAT(difference.changes, ElementsAre(row.name));
    EXPECT_THAT(difference.restarts, IsEmpty());
  }
}

TEST(Reload, EveryPartThatNeedsARestartIsNamed) {
  const Row rows[] = {
      {"/run/weir/region", "/run/weir/other", "[region]"},
      {"[region]", "[media]\nflows_max = 8\n[region]", "[media]"},
      {"net_null0", "net_null1", "[[network]]"},
      {"calls_max = 100", "calls_max = 101", "[control]"},
      {"[control]", "[srtp]\nnull_cipher = true\n[control]", "[srtp]"},
      {"[control]", "[dtls]\nmtu_bytes = 999\n[control]", "[dtls]"},
      {"[control]", "[tls]\nversion_min = '1.3'\n[control]", "[tls]"},
      {"[control]", "[transport]\nkeepalive_s = 7\n[control]", "[transport]"},
      {"[control]", "[dns]\ntries = 3\n[control]", "[dns]"},
      {"[control]", "[identity]\nreplays_max = 1000\n[control]", "[identity] replays_max"},
      {"[control]", "[identity]\nproviders = ['pkcs11']\n[control]", "[identity] providers"},
      {"[control]", "[identity.fetch]\nper_source_max = 1\n[control]", "[identity] fetch"},
      {"[control]", "[registrar]\nexpires_min_s = 61\n[control]", "[registrar]"},
      {"udp:198.18.1.2:5060", "udp:198.18.1.2:5070", "realm 'core' listen"},
      {"name = \"access\"", "name = \"acces\"", "[[realm]] names and their order"},
  };
  const proto::settings::Settings running = proto::settings::read_settings(kRunning).settings;
  for (const Row& row : rows) {
    const SettingsDifference difference =
        compare(running, proto::settings::read_settings(changed(row.from, row.to)).settings);
    EXPECT_THAT(difference.restarts, ElementsAre(row.name)) << row.to;
  }
}

TEST(Reload, WhereThingsStandInTheFileIsNoDifference) {
  const proto::settings::Settings running = proto::settings::read_settings(kRunning).settings;
  const auto moved = proto::settings::read_settings(std::string("# a comment\n\n") + kRunning).settings;
  EXPECT_THAT(compare(running, moved).changes, IsEmpty());
  EXPECT_THAT(compare(running, moved).restarts, IsEmpty());
}

/// A shard's part in a reload.
class ReloadLab : public PathFinder {
 public:
  ReloadLab() { write(kRunning); }

  void write(const std::string& text) { std::ofstream(path) << text; }

  /// The changes, or the error's text.
  std::string reload() {
    proto::Result<ReloadPlan> plan = plan_reload(settings, path, sources());
    if (!plan) return plan.error();
    std::string text;
    for (const std::string& change : apply(std::move(plan).value(), settings, policy, trunks)) text += change + ";";
    return text;
  }

  std::string route() {
    const auto result = policy.route(0, RouteQuery{"sip:bob@x", ""});
    if (const auto* refusal = std::get_if<Refusal>(&result)) return std::to_string(refusal->status);
    return sip::write(std::get<Destination>(result).targets.at(0).uri);
  }

  std::optional<Path> arrival(const sip::Hop&) const override { return std::nullopt; }
  std::optional<Path> towards(std::uint32_t, const sip::Uri&, const Path*) override { return std::nullopt; }

 private:
  TargetSources sources() {
    return {.trunks = [this](std::string_view trunk, std::string_view user,
                             bool is_call) { return trunks.targets(trunk, user, is_call); },
            .registrar = {}};
  }

  tests::TemporaryDirectory directory_;
  sip::TokenSource tokens_ = [] { return "token"; };

 public:
  const std::string path = directory_.path() + "/weir.toml";
  const std::string users = directory_.path() + "/users.toml";
  proto::settings::Settings settings = proto::settings::read_settings(kRunning).settings;
  Trunks trunks{TrunkPorts{*this, [](Requester&, sip::Message, const sip::Hop&) { return std::nullopt; },
                           [](sip::TransactionId) {}, tokens_, [](std::uint32_t) { return 0u; }}};
  Policy policy = Policy::create(settings, sources()).value();
};

TEST(Reload, WhatChangedTakesEffectAndWhoHoldsARealmKeepsIt) {
  ReloadLab lab;
  EXPECT_EQ(lab.route(), "500") << "the trunks are not there yet";
  const proto::settings::RealmSettings& realm = lab.settings.realms[1];
  EXPECT_EQ(lab.reload(), "") << "nothing differs";
  EXPECT_EQ(lab.route(), "sip:bob@198.18.2.2");
  std::string text = changed("sip:198.18.2.2", "sip:198.18.2.3");
  text.replace(text.find("name = \"core\""), 13, "name = \"core\"\ntrusted = true");
  lab.write(text);
  EXPECT_EQ(lab.reload(), "[[trunk]];realm 'core' trusted;");
  EXPECT_EQ(lab.route(), "sip:bob@198.18.2.3");
  EXPECT_TRUE(realm.policy.trusted);
  EXPECT_EQ(lab.reload(), "");
}

TEST(Reload, AFileWithMistakesChangesNothing) {
  ReloadLab lab;
  lab.reload();
  lab.write(changed("trunk = \"carrier\"", "trunk = \"carier\""));
  EXPECT_THAT(lab.reload(), HasSubstr(":23: there is no trunk 'carier'"));
  lab.write("[[realm");
  EXPECT_THAT(lab.reload(), HasSubstr(":1: "));
  std::ofstream(lab.path, std::ios::trunc);
  EXPECT_THAT(lab.reload(), HasSubstr("there is no [[realm]]"));
  EXPECT_EQ(lab.route(), "sip:bob@198.18.2.2");
}

TEST(Reload, WhatNeedsARestartChangesNothingElseEither) {
  ReloadLab lab;
  lab.reload();
  std::string text = changed("sip:198.18.2.2", "sip:198.18.2.3");
  text.replace(text.find("udp:198.18.1.2:5060"), 19, "udp:198.18.1.2:5070");
  text.replace(text.find("calls_max = 100"), 15, "calls_max = 200");
  lab.write(text);
  EXPECT_EQ(lab.reload(), "nothing was changed; these need a restart: [control], realm 'core' listen");
  EXPECT_EQ(lab.route(), "sip:bob@198.18.2.2");
  EXPECT_EQ(lab.settings.control.calls_max, 100u);
}

TEST(Reload, OriginsOfPagesTakeEffect) {
  ReloadLab lab;
  const std::string listens = "listen = [\"udp:198.18.1.2:5060\"]";
  lab.write(changed(listens, listens + "\n[realm.websocket]\norigins = ['https://a.example']"));
  EXPECT_EQ(lab.reload(), "realm 'core' websocket;");
  EXPECT_THAT(lab.settings.realms[1].websocket.origins, ElementsAre("https://a.example"));
  EXPECT_EQ(lab.reload(), "");
}

TEST(Reload, ATrunkWithoutItsPasswordChangesNothing) {
  ReloadLab lab;
  lab.reload();
  lab.write(changed("targets = [{ uri = \"sip:198.18.2.2\" }]",
                    "targets = [{ uri = \"sip:198.18.2.3\" }]\n"
                    "credentials = { realm = 'r', user = 'u', password_file = '/nonexistent/password' }"));
  EXPECT_THAT(lab.reload(), HasSubstr("trunk 'carrier': /nonexistent/password cannot be read"));
  EXPECT_EQ(lab.route(), "sip:bob@198.18.2.2");
}

TEST(Reload, FilesThatItNamesAreReadTooAndMustBeGood) {
  ReloadLab lab;
  const auto reload_with = [&](const std::string& from, const std::string& to) {
    lab.settings = proto::settings::read_settings(changed(from, to)).settings;
    lab.write(changed(from, to));
    return lab.reload();
  };
  const std::string listens = "listen = [\"udp:198.18.1.2:5060\"]";
  EXPECT_THAT(reload_with(listens,
                          "listen = [\"tls:198.18.1.2:5061\"]\n"
                          "[realm.tls]\ncertificates = [{ chain = '/nonexistent/a.pem', key = '/a.key' }]"),
              HasSubstr("realm 'core': cannot read the certificate file /nonexistent/a.pem"));
  EXPECT_THAT(reload_with(listens, "listen = [\"ws:127.0.0.1:80\"]\n[realm.websocket]\npage = '/nonexistent/web'"),
              HasSubstr("realm 'core': /nonexistent/web cannot be read"));
  const std::string anchors = lab.users + ".pem";
  const std::string with_anchors = "[identity]\nanchors = '" + anchors + "'\n[control]";
  EXPECT_THAT(reload_with("[control]", with_anchors), HasSubstr(anchors));
  std::ofstream(anchors) << "nobody";
  EXPECT_THAT(reload_with("[control]", with_anchors), HasSubstr(anchors));
  std::ofstream(anchors, std::ios::trunc) << tests::StirLab().anchor();
  EXPECT_EQ(reload_with("[control]", with_anchors), "");
  const std::string with_users = "[registrar]\nusers = '" + lab.users + "'\n[control]";
  EXPECT_THAT(reload_with("[control]", with_users), HasSubstr(lab.users));
  std::ofstream(lab.users) << "[[user]]\nname = 'alice'\n";
  EXPECT_THAT(reload_with("[control]", with_users), HasSubstr(lab.users + ":1: "));
  std::ofstream(lab.users, std::ios::trunc);
  EXPECT_EQ(reload_with("[control]", with_users), "");
}

TEST(Reload, AFileThatIsGoneChangesNothing) {
  ReloadLab lab;
  EXPECT_THAT(plan_reload(lab.settings, "/nonexistent/weir.toml", {}).error(), HasSubstr("cannot be read"));
}

}  // namespace
}  // namespace weir::controlplane
