// [identity], [realm.identity] and what a realm says of fingerprints: what a good file gives, and every mistake with
// its line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "proto/settings/settings.h"

namespace weir::proto::settings {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kNetwork = R"([[network]]
name = "n"
device = "net_null0"
address = "198.18.1.10/24"
)";

constexpr const char* kRoute = R"(
[[route]]
realm = "a"
match = ".*"
target = "sip:x@198.18.1.2"
to_realm = "a"
)";

constexpr const char* kGood = R"(
[identity]
anchors = "/etc/weir/identity/anchors.pem"
providers = ["pkcs11"]
freshness_s = 30
replays_max = 5000
[[identity.keys]]
name = "carrier"
chain = "/etc/weir/identity/carrier.pem"
key = "/etc/weir/identity/carrier.key"
[[identity.keys]]
name = "token"
chain = "/etc/weir/identity/token.pem"
key = "pkcs11:token=weir;object=identity"
url = "https://cert.example.com/token.pem"
[identity.server]
listen = "198.18.1.1:8443"
url = "https://cert.example.com"
chain = "/etc/weir/tls/cert.pem"
key = "/etc/weir/tls/cert.key"
connections_max = 7
connections_per_source_max = 3
[identity.fetch]
ca = "/etc/weir/tls/ca.pem"
allow = ["198.18.0.0/15", "2001:2::1"]
ports = [443, 8443]
timeout_ms = 500
bytes_max = 4096
at_once_max = 5
per_host_max = 2
per_source_max = 3
cache_entries_max = 9
cache_s_max = 60
negative_s = 3

[[realm]]
name = "a"
network = "n"
listen = ["udp:198.18.1.1:5060"]
sas_header = true
fingerprints_accepted = ["sha-256", "sha-512"]
fingerprints_offered = ["sha-512", "sha-256"]
dtls_rekey_s = 3600
dtls_rekey_packets = 1000000
dtls_renegotiation = true
rtp_over_dtls = true
[realm.identity]
numbers = { country_code = "49", national_prefix = "0", national_digits = 9, international_prefix = "00", digits = true }
verify = "require"
verify_rfc4474 = "use"
hold = "invite"
attest = "B"
attest_authenticated = "A"
origid = "123e4567-e89b-12d3-a456-426655440000"
rcd = { nam = "Example Bank" }
sign = "carrier"
sign_rfc4474 = "token"
shaken = true
div = true
rph = true
form = "full"
pass = true
connected = "use"
sign_connected = true
)";

TEST(IdentitySettings, AGoodFileIsReadWhole) {
  const Reading reading = read_settings(std::string(kNetwork) + kGood + kRoute);
  ASSERT_EQ(to_string("f", reading.mistakes), "");
  const IdentitySettings& identity = reading.settings.identity;
  EXPECT_EQ(identity.anchors, "/etc/weir/identity/anchors.pem");
  EXPECT_THAT(identity.providers, ElementsAre("pkcs11"));
  EXPECT_EQ(identity.freshness_s, 30u);
  EXPECT_EQ(identity.replays_max, 5000u);
  ASSERT_EQ(identity.keys.size(), 2u);
  EXPECT_EQ(identity.keys[0].name, "carrier");
  EXPECT_EQ(identity.keys[0].url, "");
  EXPECT_EQ(identity.keys[1].key, "pkcs11:token=weir;object=identity");
  EXPECT_EQ(identity.keys[1].url, "https://cert.example.com/token.pem");
  EXPECT_EQ(to_string(identity.server.listen.value()), "198.18.1.1:8443");
  EXPECT_EQ(identity.server.url, "https://cert.example.com");
  EXPECT_EQ(identity.server.certificate.chain, "/etc/weir/tls/cert.pem");
  EXPECT_EQ(identity.server.certificate.key, "/etc/weir/tls/cert.key");
  EXPECT_EQ(identity.server.connections_max, 7u);
  EXPECT_EQ(identity.server.connections_per_source_max, 3u);
  const IdentityFetchSettings& fetch = identity.fetch;
  EXPECT_EQ(fetch.ca, "/etc/weir/tls/ca.pem");
  ASSERT_EQ(fetch.allowed.size(), 2u);
  EXPECT_EQ(fetch.allowed[0].bits, 15);
  EXPECT_EQ(fetch.allowed[1].bits, 128);
  EXPECT_THAT(fetch.ports, ElementsAre(443, 8443));
  EXPECT_EQ(fetch.timeout_ms, 500u);
  EXPECT_EQ(fetch.bytes_max, 4096u);
  EXPECT_EQ(fetch.at_once_max, 5u);
  EXPECT_EQ(fetch.per_host_max, 2u);
  EXPECT_EQ(fetch.per_source_max, 3u);
  EXPECT_EQ(fetch.cache_entries_max, 9u);
  EXPECT_EQ(fetch.cache_ms_max, 60'000u);
  EXPECT_EQ(fetch.negative_ms, 3000u);
}

TEST(IdentitySettings, ARealmsPartIsReadWhole) {
  const Reading reading = read_settings(std::string(kNetwork) + kGood + kRoute);
  ASSERT_EQ(reading.settings.realms.size(), 1u);
  const RealmIdentitySettings& realm = reading.settings.realms[0].identity;
  EXPECT_EQ(realm.verify, IdentityUse::kRequire);
  EXPECT_EQ(realm.verify_legacy, IdentityUse::kUse);
  EXPECT_EQ(realm.hold, IdentityHold::kInvite);
  EXPECT_EQ(letter_of(realm.attest), 'B');
  EXPECT_EQ(letter_of(realm.attest_authenticated), 'A');
  EXPECT_EQ(realm.origid, "123e4567-e89b-12d3-a456-426655440000");
  ASSERT_EQ(realm.rcd.size(), 1u);
  EXPECT_EQ(realm.rcd[0].first, "nam");
  EXPECT_EQ(realm.rcd[0].second, "Example Bank");
  EXPECT_EQ(realm.sign, "carrier");
  EXPECT_EQ(realm.sign_legacy, "token");
  EXPECT_TRUE(realm.shaken && realm.div && realm.rph && realm.full_form && realm.pass && realm.sign_connected);
  EXPECT_EQ(realm.connected, IdentityUse::kUse);
  EXPECT_EQ(realm.numbers, (NumberPlan{"49", "0", 9, "00", true}));
  const RealmPolicy& policy = reading.settings.realms[0].policy;
  EXPECT_TRUE(policy.sas_header);
  EXPECT_THAT(policy.media.fingerprints_accepted, ElementsAre(CertificateHash::kSha256, CertificateHash::kSha512));
  EXPECT_THAT(policy.media.fingerprints_offered, ElementsAre(CertificateHash::kSha512, CertificateHash::kSha256));
  EXPECT_EQ(policy.media.dtls_rekey_s, 3600u);
  EXPECT_EQ(policy.media.dtls_rekey_packets, 1'000'000u);
  EXPECT_TRUE(policy.media.dtls_renegotiation);
  EXPECT_TRUE(policy.media.rtp_over_dtls);
}

TEST(IdentitySettings, ByDefaultNothingIsSignedOrVerified) {
  const RealmIdentitySettings realm;
  EXPECT_EQ(realm.verify, IdentityUse::kIgnore);
  EXPECT_EQ(realm.verify_legacy, IdentityUse::kIgnore);
  EXPECT_EQ(realm.connected, IdentityUse::kIgnore);
  EXPECT_TRUE(realm.sign.empty() && realm.sign_legacy.empty());
}

struct Wrong {
  const char* description;
  const char* identity;  ///< [identity] and below
  const char* realm;     ///< lines of the realm, its tables last
  const char* reason;
};

constexpr Wrong kWrong[] = {
    {"no such key", "", "[realm.identity]\nsign = \"x\"\n", "there is no identity key 'x'"},
    {"verification without anchors", "", "[realm.identity]\nverify = \"use\"\n", "anchors names nobody to believe"},
    {"a key that nobody can fetch", "[[identity.keys]]\nname = \"k\"\nchain = \"/c\"\nkey = \"/k\"\n", "",
     "has no url, and no [identity.server] serves its chain"},
    {"a key without a file", "[[identity.keys]]\nname = \"k\"\nchain = \"c\"\nkey = \"k\"\nurl = \"http://x\"\n", "",
     "neither an absolute path nor a URI"},
    {"a URL in clear", "[[identity.keys]]\nname = \"k\"\nchain = \"/c\"\nkey = \"/k\"\nurl = \"http://x\"\n", "",
     "'http://x' is no https URL"},
    {"two keys of one name",
     "[[identity.keys]]\nname = \"k\"\nchain = \"/c\"\nkey = \"/k\"\nurl = \"https://x/\"\n"
     "[[identity.keys]]\nname = \"k\"\nchain = \"/c\"\nkey = \"/k\"\nurl = \"https://x/\"\n",
     "", "there are two named 'k'"},
    {"no prefix", "[identity.fetch]\nallow = [\"198.18.0.0/33\"]\n", "", "is not an address or a prefix"},
    {"no port", "[identity.fetch]\nports = [0]\n", "", "must be an array of 1 to 16 ports"},
    {"a server's URL with a path",
     "[identity.server]\nlisten = \"198.18.1.1:1\"\nurl = \"https://x/y\"\nchain = \"/c\"\nkey = \"/k\"\n", "",
     "is not https:// and a host"},
    {"more than signing, without a key", "", "[realm.identity]\nshaken = true\n", "names the key to sign with"},
    {"no UUID", "", "[realm.identity]\norigid = \"x\"\n", "'x' is no UUID"},
    {"a prefix that is none", "", "[realm.identity]\nnumbers = { international_prefix = \"+\" }\n",
     "'+' is not one to four digits"},
    {"a prefix of no country", "", "[realm.identity]\nnumbers = { national_prefix = \"0\" }\n", "want a country_code"},
    {"a length of no country", "", "[realm.identity]\nnumbers = { national_digits = 10 }\n", "want a country_code"},
    {"a country without national numbers", "", "[realm.identity]\nnumbers = { country_code = \"49\" }\n",
     "wants a national_prefix or national_digits"},
    {"numbers longer than any", "", "[realm.identity]\nnumbers = { country_code = \"1\", national_digits = 16 }\n",
     "from 1 to 15"},
    {"rcd without a name", "", "[realm.identity]\nrcd = { icn = \"https://x\" }\n", "has no nam"},
    {"no attestation", "", "[realm.identity]\nattest = \"D\"\n", "must be \"A\", \"B\" or \"C\""},
    {"a hash of yesterday", "", "fingerprints_accepted = [\"md5\"]\n", "no hash function 'md5'"},
    {"no hash at all", "", "fingerprints_offered = []\n", "names no hash function"},
    {"renegotiation at times", "", "dtls_renegotiation = \"often\"\n", "must be true or false"},
    {"media over DTLS, perhaps", "", "rtp_over_dtls = \"perhaps\"\n", "must be true or false"},
    {"rekeying all the time", "", "dtls_rekey_s = 5\n", "must be 0, or at least 10"},
};

TEST(IdentitySettings, EveryMistakeIsNamed) {
  for (const Wrong& wrong : kWrong) {
    const std::string realm = "[[realm]]\nname = \"a\"\nnetwork = \"n\"\nlisten = [\"udp:198.18.1.1:5060\"]\n";
    const Reading reading = read_settings(std::string(kNetwork) + wrong.identity + realm + wrong.realm + kRoute);
    EXPECT_THAT(to_string("f", reading.mistakes), HasSubstr(wrong.reason)) << wrong.description;
  }
}

}  // namespace
}  // namespace weir::proto::settings
