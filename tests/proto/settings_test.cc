// The configuration: what a good file gives, and that every mistake is named with its line.
#include "proto/settings/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace weir::proto::settings {
namespace {

using ::testing::HasSubstr;

constexpr const char* kGood = R"([region]
directory = "/run/weir/other"

[media]
worker_cores = [1, 3]
main_core = 2
flows_max = 1024
hugepages = "require"
memory_mb = 512
packet_buffers = 8192
eal_arguments = ["--no-pci"]

[[network]]
name = "outside"
device = "net_af_packet0,iface=media0"
address = "198.18.1.10/24"
gateway = "198.18.1.1"
vlan = 100
neighbours = [{ address = "198.18.1.2", mac = "02:00:00:00:00:02" }]
ports = "30000-30999"

[[network]]
name = "inside"
device = "net_af_packet1,iface=media1"
address = "198.18.2.10/24"

[control]
user = "nobody"
socket = "/run/weir/ctl.sock"
log_level = "debug"
calls_max = 10
media_timeout_s = 7
punts_per_s_max = 50

[dtls]
profiles = ["AES_CM_128_HMAC_SHA1_32", "AEAD_AES_256_GCM"]
handshake_timeout_s = 5
mtu_bytes = 1000

[[realm]]
name = "a"
network = "outside"
listen = ["udp:198.18.1.1:5060", "tcp:198.18.1.1:5060"]

[[realm]]
name = "b"
network = "inside"
listen = ["udp:198.18.2.1:5060"]

[[route]]
realm = "a"
match = '^sip:(rtp-(\d+))@.*'
target = 'sip:\1@198.18.2.2:\2'
to_realm = "b"
media = "rtp"

[[route]]
realm = "b"
match = '^sip:(dtls-(\d+))@.*'
target = 'sip:\1@198.18.1.2:\2'
to_realm = "a"
media = "dtls"

[limits]
invites_per_s_max = 70
invites_per_s_per_source_max = 0
overload_delay_ms = 35
tcp_connections_max = 300
tcp_connections_per_source_max = 20
tcp_first_message_s = 3

[srtp]
null_cipher = true
)";

IpAddress ip(const char* text) {
  return parse_ip_address(text).value();
}

TEST(Settings, AGoodFileIsReadWhole) {
  const Reading reading = read_settings(kGood);
  ASSERT_EQ(to_string("f", reading.mistakes), "");
  const Settings& settings = reading.settings;
  EXPECT_EQ(settings.region.directory, "/run/weir/other");
  EXPECT_EQ(settings.media.worker_cores, (std::vector<unsigned>{1, 3}));
  EXPECT_EQ(settings.media.main_core, 2u);
  EXPECT_EQ(settings.media.flows_max, 1024u);
  EXPECT_EQ(settings.media.hugepages, HugepageUse::kRequire);
  EXPECT_EQ(settings.media.memory_mb, 512u);
  EXPECT_EQ(settings.media.packet_buffers, 8192u);
  EXPECT_EQ(settings.media.eal_arguments, std::vector<std::string>{"--no-pci"});
  ASSERT_EQ(settings.networks.size(), 2u);
  const NetworkSettings& outside = settings.networks[0];
  EXPECT_EQ(outside.name, "outside");
  EXPECT_EQ(outside.device, "net_af_packet0,iface=media0");
  EXPECT_EQ(outside.address, ip("198.18.1.10"));
  EXPECT_EQ(outside.prefix_bits, 24);
  EXPECT_EQ(outside.gateways, std::vector<IpAddress>{ip("198.18.1.1")});
  EXPECT_EQ(outside.vlan, 100);
  ASSERT_EQ(outside.neighbours.size(), 1u);
  EXPECT_EQ(outside.neighbours[0].address, ip("198.18.1.2"));
  EXPECT_EQ(outside.neighbours[0].mac, (MacAddress{2, 0, 0, 0, 0, 2}));
  EXPECT_EQ(outside.port_first, 30000);
  EXPECT_EQ(outside.port_last, 30999);
  EXPECT_EQ(settings.networks[1].vlan, std::nullopt);
  EXPECT_TRUE(settings.networks[1].gateways.empty());
  EXPECT_EQ(settings.networks[1].port_first, 20000);
}

TEST(Settings, TheControlSideOfAGoodFile) {
  const Settings settings = read_settings(kGood).settings;
  EXPECT_EQ(settings.control.user, "nobody");
  EXPECT_EQ(settings.control.socket, "/run/weir/ctl.sock");
  EXPECT_EQ(settings.control.log_level, "debug");
  EXPECT_EQ(settings.control.calls_max, 10u);
  EXPECT_EQ(settings.control.media_timeout_ms, 7000u);
  EXPECT_EQ(settings.control.punts_per_s_max, 50u);
  EXPECT_EQ(settings.dtls.profiles,
            (std::vector<SrtpProfile>{SrtpProfile::kAesCm128HmacSha1_32, SrtpProfile::kAeadAes256Gcm}));
  EXPECT_EQ(settings.dtls.handshake_timeout_ms, 5000u);
  EXPECT_EQ(settings.dtls.mtu_bytes, 1000);
  ASSERT_EQ(settings.realms.size(), 2u);
  ASSERT_EQ(settings.realms[0].listeners.size(), 2u);
  EXPECT_EQ(settings.realms[0].listeners[0].transport, SipTransport::kUdp);
  EXPECT_EQ(settings.realms[0].listeners[1].transport, SipTransport::kTcp);
  EXPECT_EQ(to_string(settings.realms[0].listeners[1].local), "198.18.1.1:5060");
  ASSERT_EQ(settings.routes.size(), 2u);
  EXPECT_EQ(settings.routes[0].pattern, R"(^sip:(rtp-(\d+))@.*)");
  EXPECT_EQ(settings.routes[0].media, MediaProfile::kRtp);
  EXPECT_EQ(settings.routes[1].media, MediaProfile::kDtls);
  EXPECT_EQ(settings.routes[1].to_realm, "a");
}

TEST(Settings, RatesOfMediaAndPuntsAreOnUnlessTheFileSaysOtherwise) {
  const Settings unsaid = read_settings("").settings;
  EXPECT_EQ(unsaid.control.media_rate_factor, 2u);
  EXPECT_EQ(unsaid.control.plain_latch_ms, 0u) << "a plain leg takes what its SDP says";
  EXPECT_EQ(unsaid.control.plain_latch_prefix_bits, 32u);
  EXPECT_EQ(unsaid.control.plain_latch_ipv6_prefix_bits, 128u);
  EXPECT_EQ(unsaid.media.punts_per_s_max, 20'000u);
  EXPECT_EQ(unsaid.media.punts_per_s_per_source_max, 2'000u);
  const Settings said = read_settings(
                            "[media]\npunts_per_s_max = 5000\npunts_per_s_per_source_max = 0\n"
                            "[control]\nmedia_rate_factor = 0\nplain_latch_ms = 3000\nplain_latch_prefix_bits = 24\n"
                            "plain_latch_ipv6_prefix_bits = 64\n")
                            .settings;
  EXPECT_EQ(said.control.media_rate_factor, 0u);
  EXPECT_EQ(said.control.plain_latch_ms, 3000u);
  EXPECT_EQ(said.control.plain_latch_prefix_bits, 24u);
  EXPECT_EQ(said.control.plain_latch_ipv6_prefix_bits, 64u);
  EXPECT_EQ(said.media.punts_per_s_max, 5'000u);
  EXPECT_EQ(said.media.punts_per_s_per_source_max, 0u);
}

TEST(Settings, WorkersSleepOnlyIfTheFileSaysSoAndNeverLong) {
  EXPECT_EQ(read_settings("").settings.media.idle_sleep_us_max, 0u);
  EXPECT_EQ(read_settings("[media]\nidle_sleep_us_max = 50\n").settings.media.idle_sleep_us_max, 50u);
  const Reading over = read_settings("[media]\nidle_sleep_us_max = 51\n");
  const auto names_it = [](const auto& mistake) {
    return mistake.reason.find("idle_sleep_us_max") != std::string::npos;
  };
  EXPECT_TRUE(std::any_of(over.mistakes.begin(), over.mistakes.end(), names_it));
}

TEST(Settings, LimitsAreOnUnlessTheFileSaysOtherwise) {
  const LimitSettings said = read_settings(kGood).settings.limits;
  EXPECT_EQ(said.invites_per_s_max, 70u);
  EXPECT_EQ(said.invites_per_s_per_source_max, 0u);
  EXPECT_EQ(said.overload_delay_ms, 35u);
  EXPECT_EQ(said.tcp_connections_max, 300u);
  EXPECT_EQ(said.tcp_connections_per_source_max, 20u);
  EXPECT_EQ(said.tcp_first_message_ms, 3000u);
  const LimitSettings unsaid = read_settings("").settings.limits;
  EXPECT_EQ(unsaid.invites_per_s_max, 500u);
  EXPECT_EQ(unsaid.invites_per_s_per_source_max, 100u);
  EXPECT_EQ(unsaid.tcp_connections_max, 2000u);
  EXPECT_EQ(unsaid.tcp_connections_per_source_max, 100u);
  EXPECT_EQ(unsaid.tcp_first_message_ms, 10'000u);
}

TEST(Settings, WithoutAeadNoProfileOfItIsNegotiated) {
  const Settings allowed = read_settings("").settings;
  EXPECT_TRUE(allowed.srtp.aead);
  EXPECT_THAT(allowed.dtls.profiles, testing::Contains(SrtpProfile::kAeadAes128Gcm));
  EXPECT_THAT(read_settings("[srtp]\naead = false\n[dtls]\n").settings.dtls.profiles,
              testing::ElementsAre(SrtpProfile::kAesCm128HmacSha1_80));
  EXPECT_THAT(read_settings("[srtp]\naead = false\n").settings.dtls.profiles,
              testing::ElementsAre(SrtpProfile::kAesCm128HmacSha1_80))
      << "also if the file has no [dtls]";
  const Reading none = read_settings("[srtp]\naead = false\n[dtls]\nprofiles = ['AEAD_AES_256_GCM']\n");
  ASSERT_FALSE(none.mistakes.empty());
  EXPECT_THAT(to_string("f", none.mistakes), HasSubstr("f:4: [dtls] profiles: names none without AES-GCM"));
}

TEST(Settings, TheNullCipherIsForbiddenUnlessTheFileAllowsIt) {
  EXPECT_TRUE(read_settings(kGood).settings.srtp.null_cipher);
  EXPECT_FALSE(read_settings("").settings.srtp.null_cipher);
}

/// The good file with one change.
std::string changed(const std::string& from, const std::string& to) {
  std::string text = kGood;
  return text.replace(text.find(from), from.size(), to);
}

TEST(Settings, NetworksMayShareADeviceEvenAVlanOfIt) {
  const std::string text = changed("net_af_packet1,iface=media1", "net_af_packet0,iface=media0");
  EXPECT_EQ(to_string("f", read_settings(text).mistakes), "") << "told apart by their tags";
  std::string one_link = text;
  const std::string address = "address = \"198.18.2.10/24\"";
  one_link.replace(one_link.find(address), address.size(), "vlan = 100\naddress = \"198.18.1.11/24\"");
  EXPECT_EQ(to_string("f", read_settings(one_link).mistakes), "") << "told apart by their addresses";
}

TEST(Settings, ANetworkMayBeIpv6WithALinkLocalGatewayAndAListenerToo) {
  std::string text = changed("address = \"198.18.2.10/24\"",
                             "address = \"2001:2:0:2::10/64\"\ngateway = [\"2001:2:0:2::1\", \"fe80::1\"]");
  text.replace(text.find("udp:198.18.2.1:5060"), 19, "udp:[2001:2:0:3::1]:5060");
  const Reading reading = read_settings(text);
  ASSERT_EQ(to_string("f", reading.mistakes), "");
  const NetworkSettings& inside = reading.settings.networks[1];
  EXPECT_EQ(inside.address, ip("2001:2:0:2::10"));
  EXPECT_EQ(inside.prefix_bits, 64);
  EXPECT_EQ(inside.gateways, (std::vector<IpAddress>{ip("2001:2:0:2::1"), ip("fe80::1")}));
  EXPECT_EQ(to_string(reading.settings.realms[1].listeners[0].local), "[2001:2:0:3::1]:5060");
  text.replace(text.find("network = \"inside\""), 18, "network = [\"outside\", \"inside\"]");
  EXPECT_EQ(to_string("f", read_settings(text).mistakes), "") << "one of each family";
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
    {"no TOML", "[region]", "[region", 1, ""},
    {"unknown table", "[region]", "[regoin]", 1, "the file has no key 'regoin'"},
    {"unknown key", "main_core = 2", "main_cor = 2", 6, "[media] has no key 'main_cor'"},
    {"unknown key in a network", "vlan = 100", "vlam = 100", 18, "[[network]] has no key 'vlam'"},
    {"unknown key in a neighbour", "address = \"198.18.1.2\", mac", "addres = \"198.18.1.2\", mac", 19,
     "has no key 'addres'"},
    {"a relative region directory", "/run/weir/other", "run/weir", 2, "'run/weir' is not an absolute path"},
    {"a number of the wrong type", "flows_max = 1024", "flows_max = \"many\"", 7, "[media] flows_max: must be a whole"},
    {"a number out of range", "flows_max = 1024", "flows_max = 99999999", 7, "from 2 to 2097152"},
    {"a negative number", "memory_mb = 512", "memory_mb = -1", 9, "[media] memory_mb"},
    {"one core twice", "[1, 3]", "[1, 1]", 5, "worker_cores"},
    {"no core", "[1, 3]", "[]", 5, "worker_cores"},
    {"hugepages", "\"require\"", "\"maybe\"", 8, "must be \"require\", \"prefer\" or \"off\""},
    {"a table where an array is due", "eal_arguments = [\"--no-pci\"]", "eal_arguments = 3", 11, "array of strings"},
    {"no device", "device = \"net_af_packet1,iface=media1\"", "", 22, "[[network]] device: is missing"},
    {"no prefix", "198.18.2.10/24", "198.18.2.10", 25, "like 198.18.1.10/24"},
    {"an IPv6 prefix too long", "198.18.2.10/24", "2001:2::1/129", 25, "is not an address with its prefix"},
    {"an IPv6 group", "198.18.2.10/24", "ff02::1/64", 22, "no global address of one host"},
    {"a link-local media address", "198.18.2.10/24", "fe80::1/64", 22, "no global address of one host"},
    {"IPv6's loopback", "198.18.2.10/24", "::1/64", 22, "no global address of one host"},
    {"the network's own address", "198.18.2.10/24", "198.18.2.0/24", 22, "the network's own or its broadcast"},
    {"the broadcast address", "198.18.2.10/24", "198.18.2.255/24", 22, "the network's own or its broadcast"},
    {"overlapping networks", "198.18.2.10/24", "198.18.0.10/16", 22, "networks 'outside' and 'inside' overlap"},
    {"two networks of one name", "name = \"inside\"", "name = \"outside\"", 22, "have one name"},
    {"one address for two networks", "198.18.2.10/24", "198.18.1.10/24", 22, "have one address, 198.18.1.10"},
    {"one name for two virtual devices", "net_af_packet1,iface=media1", "net_af_packet0,iface=media1", 22,
     "write one device differently, net_af_packet0"},
    {"a gateway of the other family", "gateway = \"198.18.1.1\"", "gateway = \"2001:2::1\"", 13,
     "gateway is not inside"},
    {"a link-local gateway in an IPv4 network", "gateway = \"198.18.1.1\"", "gateway = \"fe80::1\"", 13,
     "gateway is not inside"},
    {"one gateway twice", "gateway = \"198.18.1.1\"", "gateway = [\"198.18.1.1\", \"198.18.1.1\"]", 13,
     "is named twice"},
    {"too many gateways", "gateway = \"198.18.1.1\"",
     "gateway = [\"198.18.1.1\", \"198.18.1.2\", \"198.18.1.3\", \"198.18.1.4\", \"198.18.1.5\"]", 17,
     "more than 4 gateways"},
    {"a gateway that is no address", "gateway = \"198.18.1.1\"", "gateway = \"router\"", 17, "is not an IP address"},
    {"a gateway outside", "gateway = \"198.18.1.1\"", "gateway = \"198.18.3.1\"", 13, "gateway is not inside"},
    {"a gateway that is ourselves", "gateway = \"198.18.1.1\"", "gateway = \"198.18.1.10\"", 13,
     "media address itself"},
    {"a VLAN out of range", "vlan = 100", "vlan = 4095", 18, "from 1 to 4094"},
    {"a neighbour outside", "address = \"198.18.1.2\", mac", "address = \"198.18.9.2\", mac", 13,
     "neighbour 198.18.9.2 is not inside"},
    {"a MAC address", "02:00:00:00:00:02", "02:00:00:00:00", 19, "is not a MAC address"},
    {"an odd first port", "30000-30999", "30001-30999", 20, "from an even to an odd port"},
    {"an even last port", "30000-30999", "30000-30998", 20, "from an even to an odd port"},
    {"ports the wrong way round", "30000-30999", "31000-30999", 20, "from an even to an odd port"},
    {"privileged ports", "30000-30999", "80-30999", 20, "above 1023"},
    {"a log level", "\"debug\"", "\"loud\"", 30, "log_level"},
    {"a relative socket", "/run/weir/ctl.sock", "ctl.sock", 29, "absolute path"},
    {"a control character", "\"nobody\"", "\"no\\u0000body\"", 28, "control character"},
    {"an unknown SRTP profile", "AEAD_AES_256_GCM", "AEAD_AES_512_GCM", 36, "no SRTP profile 'AEAD_AES_512_GCM'"},
    {"the profile none", "AEAD_AES_256_GCM", "none", 36, "no SRTP profile 'none'"},
    {"a profile that DTLS has no code point for", "AEAD_AES_256_GCM", "AES_256_CM_HMAC_SHA1_80", 36,
     "DTLS cannot negotiate 'AES_256_CM_HMAC_SHA1_80'"},
    {"a profile twice", "AEAD_AES_256_GCM", "AES_CM_128_HMAC_SHA1_32", 36, "is named twice"},
    {"an MTU out of range", "mtu_bytes = 1000", "mtu_bytes = 1453", 38, "from 256 to 1452"},
    {"a network that is not there", "network = \"inside\"", "network = \"insid\"", 45, "there is no network 'insid'"},
    {"two networks of one family", "network = \"inside\"", "network = [\"inside\", \"outside\"]", 45,
     "has two networks of one family"},
    {"no network at all", "network = \"inside\"", "network = []", 47, "names no network"},
    {"two realms of one name", "name = \"b\"", "name = \"a\"", 45, "there are two realms 'a'"},
    {"a listener that is none", "udp:198.18.2.1:5060", "sctp:198.18.2.1:5060", 48, "like udp:198.18.1.1:5060"},
    {"no listener", "[\"udp:198.18.2.1:5060\"]", "[]", 48, "listen: names no listener"},
    {"a listener without port", "udp:198.18.2.1:5060", "udp:198.18.2.1", 48, "like udp:198.18.1.1:5060"},
    {"an IPv6 listener without brackets", "udp:198.18.2.1:5060", "udp:2001:2::1:5060", 48, "udp:[2001:2::1]:5060"},
    {"an IPv4 listener in brackets", "udp:198.18.2.1:5060", "udp:[198.18.2.1]:5060", 48, "udp:[2001:2::1]:5060"},
    {"a listener at port 0", "udp:198.18.2.1:5060", "udp:198.18.2.1:0", 48, "like udp:198.18.1.1:5060"},
    {"one listener twice", "udp:198.18.2.1:5060", "udp:198.18.1.1:5060", 45, "198.18.1.1:5060 is listened on twice"},
    {"SIP on a media address", "udp:198.18.2.1:5060", "udp:198.18.2.10:5060", 45,
     "is the media address of network 'inside'"},
    {"a route from nowhere", "realm = \"b\"\nmatch", "realm = \"c\"\nmatch", 57, "there is no realm 'c'"},
    {"a route to nowhere", "to_realm = \"a\"", "to_realm = \"c\"", 57, "there is no realm 'c'"},
    {"a pattern that is none", R"('^sip:(dtls-(\d+))@.*')", R"('^sip:(dtls-(\d+)@.*')", 57, "match '^sip:(dtls-"},
    {"a capture that is not there", R"('sip:\1@198.18.1.2:\2')", R"('sip:\1@198.18.1.2:\3')", 57, "target 'sip:"},
    {"a target that is no SIP URI", R"('sip:\1@198.18.1.2:\2')", R"('tel:\1')", 57, "is no sip: URI"},
    {"a rate that is none", "invites_per_s_max = 70", "invites_per_s_max = -1", 65, "from 0 to 1000000"},
    {"a rate of a source", "per_source_max = 0", "per_source_max = \"few\"", 66, "must be a whole number"},
    {"no connection at all", "tcp_connections_max = 300", "tcp_connections_max = 0", 68, "from 1 to 60000"},
    {"no time at all", "tcp_first_message_s = 3", "tcp_first_message_s = 0", 70, "from 1 to 300"},
    {"a flag that is none", "null_cipher = true", "null_cipher = 1", 73, "[srtp] null_cipher: must be true or false"},
    {"the NULL cipher over DTLS", "AEAD_AES_256_GCM", "NULL_HMAC_SHA1_80", 36,
     "DTLS cannot negotiate 'NULL_HMAC_SHA1_80'"},
    {"a media profile", "media = \"dtls\"", "media = \"srtp\"", 62, "must be \"rtp\", \"dtls\""},
};

TEST(Settings, EveryMistakeIsNamedWithItsLine) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.description);
    std::string text = kGood;
    const std::size_t at = text.find(row.from);
    ASSERT_NE(at, std::string::npos);
    text.replace(at, std::string(row.from).size(), row.to);
    const Reading reading = read_settings(text);
    bool named = false;
    for (const Mistake& mistake : reading.mistakes) {
      named = named || (mistake.line == row.line && mistake.reason.find(row.says) != std::string::npos);
    }
    EXPECT_TRUE(named) << "got: " << to_string("f", reading.mistakes);
  }
}

TEST(Settings, AllMistakesOfAFileAreNamedAtOnceInTheirOrder) {
  std::string text = kGood;
  text.replace(text.find("main_core = 2"), 13, "main_core = -1");
  text.replace(text.find("\"debug\""), 7, "\"loud\"");
  text.replace(text.find("to_realm = \"a\""), 14, "to_realm = \"c\"");
  const Reading reading = read_settings(text);
  ASSERT_EQ(reading.mistakes.size(), 3u) << to_string("f", reading.mistakes);
  EXPECT_EQ(reading.mistakes[0].line, 6u);
  EXPECT_EQ(reading.mistakes[1].line, 30u);
  EXPECT_EQ(reading.mistakes[2].line, 57u);
}

TEST(Settings, AnEmptyFileLacksNetworkRealmAndRoute) {
  EXPECT_EQ(to_string("weir.toml", read_settings("").mistakes),
            "weir.toml:0: there is no [[network]]\n"
            "weir.toml:0: there is no [[realm]]: SIP would be spoken nowhere\n"
            "weir.toml:0: there is no [[route]]: every call would be answered 404\n");
}

TEST(Settings, AFileWithoutRoutesLacksThemAndNothingElse) {
  std::string text = kGood;
  const std::size_t first = text.find("[[route]]");
  text.erase(first, text.find("[limits]") - first);
  EXPECT_EQ(to_string("weir.toml", read_settings(text).mistakes),
            "weir.toml:0: there is no [[route]]: every call would be answered 404\n");
}

TEST(Settings, AFileThatIsNotThereIsAMistake) {
  const Reading reading = read_settings_file("/nonexistent/weir.toml");
  ASSERT_EQ(reading.mistakes.size(), 1u);
  EXPECT_EQ(reading.mistakes[0].line, 0u);
  EXPECT_THAT(reading.mistakes[0].reason, HasSubstr("cannot be read"));
}

TEST(Settings, ADirectoryIsNoConfiguration) {
  EXPECT_EQ(read_settings_file("/").mistakes.size(), 1u);
}

TEST(Settings, NetworksOfARealmWithIceHavePortsInCommon) {
  const auto mistakes = [](const std::string& ports, const std::string& ice) {
    const std::string text =
        "[[network]]\nname='four'\ndevice='d'\naddress='198.18.1.10/24'\nports='20000-20999'\n"
        "[[network]]\nname='six'\ndevice='d'\naddress='2001:2::a/64'\nports='" +
        ports +
        "'\n"
        "[[realm]]\nname='r'\nnetwork=['four','six']\nlisten=['udp:198.18.1.1:5060']\nice='" +
        ice +
        "'\n"
        "[[route]]\nrealm='r'\nmatch='.*'\nto_realm='r'\ntarget='sip:a@198.18.1.2'\nmedia='rtp'\n";
    return to_string("f", read_settings(text).mistakes);
  };
  EXPECT_THAT(mistakes("21000-21999", "lite"),
              HasSubstr("realm 'r' speaks ICE: its networks need ports that both have"));
  EXPECT_THAT(mistakes("20998-21999", "full"), Not(HasSubstr("need ports")));
  EXPECT_THAT(mistakes("21000-21999", "off"), Not(HasSubstr("need ports")));
}

TEST(Settings, MoreNetworksThanThereMayBeAreAMistake) {
  std::string text;
  for (int i = 0; i < 17; ++i) {
    const std::string n = std::to_string(i);
    text += "[[network]]\nname='n" + n + "'\ndevice='d" + n + "'\naddress='198.18." + n + ".1/24'\n";
  }
  const Reading reading = read_settings(text);
  ASSERT_EQ(reading.mistakes.size(), 3u) << to_string("f", reading.mistakes);
  EXPECT_EQ(reading.mistakes[2].reason, "at most 16 networks");
}

}  // namespace
}  // namespace weir::proto::settings
