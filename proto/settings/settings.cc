#include "proto/settings/settings.h"

#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>

#include "proto/limits.h"
#include "proto/settings/check.h"
#include "proto/settings/read_border.h"
#include "proto/settings/read_fifo.h"
#include "proto/settings/read_identity.h"
#include "proto/settings/read_registrar.h"
#include "proto/settings/read_transports.h"
#include "proto/settings/table.h"
#include "proto/settings/values.h"

namespace weir::proto::settings {

namespace {

/// A configuration is written by people; anything longer is not one.
constexpr std::size_t kFileBytesMax = 4u << 20;
constexpr std::int64_t kCoresMax = 1024;
constexpr std::int64_t kRequestsPerSecondMax = 1'000'000;
constexpr std::int64_t kPuntsPerSecondMax = 10'000'000;
/// What a packet may wait for a worker that sleeps: no more than a network card takes to gather interrupts.
constexpr std::int64_t kIdleSleepUsMax = 50;
/// Below the 65,536 descriptors of weir-control's unit.
constexpr std::int64_t kTcpConnectionsMax = 60'000;

/// What waits longer is answered by nobody: SIP repeats its requests after half a second.
constexpr std::int64_t kOverloadDelayMsMax = 500;

constexpr std::int64_t kIpv4PrefixBitsMax = 30;
constexpr std::int64_t kIpv6PrefixBitsMax = 128;

/// "198.18.1.254", or an array of several.
void read_gateways(Table& table, std::vector<IpAddress>& into) {
  table.each_text_or_one("gateway", [&](const std::string& text, std::uint32_t) {
    const Result<IpAddress> address = parse_ip_address(text);
    if (!address) return table.mistake("gateway", address.error());
    into.push_back(*address);
    if (into.size() == kGatewaysMax + 1) {
      table.mistake("gateway", "names more than " + std::to_string(kGatewaysMax) + " gateways");
    }
  });
}

/// Different cores, `count_min` at least. False: there is a mistake, or no such key.
bool read_cores(Table& table, std::string_view key, std::size_t count_min, std::vector<unsigned>& into) {
  const toml::node* node = table.find(key);
  if (node == nullptr) return false;
  std::vector<unsigned> cores;
  const toml::array* array = node->as_array();
  bool good = array != nullptr && array->size() >= count_min && array->size() <= kWorkersMax;
  for (std::size_t i = 0; good && i < array->size(); ++i) {
    const auto* core = (*array)[i].as_integer();
    good = core != nullptr && core->get() >= 0 && core->get() < kCoresMax;
    if (!good) break;
    cores.push_back(static_cast<unsigned>(core->get()));
    good = std::count(cores.begin(), cores.end(), cores.back()) == 1;
  }
  if (!good) {
    table.mistake(key, "must be an array of " + std::to_string(count_min) + " to " + std::to_string(kWorkersMax) +
                           " different core numbers below " + std::to_string(kCoresMax));
    return false;
  }
  into = cores;
  return true;
}

/// A worker shares its core with nobody that polls.
void read_transcode_cores(Table& table, MediaSettings& media) {
  table.number("transcoded_flows_max", media.transcoded_flows_max, 2, kTranscodedFlowsMax);
  if (!read_cores(table, "transcode_cores", 0, media.transcode_cores)) return;
  for (const unsigned core : media.transcode_cores) {
    if (std::count(media.worker_cores.begin(), media.worker_cores.end(), core) == 0) continue;
    table.mistake("transcode_cores", "core " + std::to_string(core) + " is one of worker_cores");
  }
}

void read_media(Table& table, MediaSettings& media) {
  (void)read_cores(table, "worker_cores", 1, media.worker_cores);
  read_transcode_cores(table, media);
  table.number("main_core", media.main_core, 0, kCoresMax - 1);
  table.number("flows_max", media.flows_max, 2, kFlowsMax);
  table.number("memory_mb", media.memory_mb, 64, 1 << 20);
  table.number("packet_buffers", media.packet_buffers, 1024, 1 << 22);
  table.number("punts_per_s_max", media.punts_per_s_max, 0, kPuntsPerSecondMax);
  table.number("punts_per_s_per_source_max", media.punts_per_s_per_source_max, 0, kPuntsPerSecondMax);
  table.number("idle_sleep_us_max", media.idle_sleep_us_max, 0, kIdleSleepUsMax);
  table.each_text("eal_arguments",
                  [&](const std::string& argument, std::uint32_t) { media.eal_arguments.push_back(argument); });
  std::string use;
  if (!table.text("hugepages", use)) return;
  if (use == "require") {
    media.hugepages = HugepageUse::kRequire;
  } else if (use == "prefer") {
    media.hugepages = HugepageUse::kPrefer;
  } else if (use == "off") {
    media.hugepages = HugepageUse::kOff;
  } else {
    table.mistake("hugepages", "must be \"require\", \"prefer\" or \"off\"");
  }
}

/// "198.18.1.10/24" or "2001:2:0:1::10/64"
void read_address(Table& table, NetworkSettings& network) {
  std::string text;
  if (!table.required_text("address", text)) return;
  const std::size_t slash = text.find('/');
  const Result<IpAddress> address = parse_ip_address(std::string_view(text).substr(0, slash));
  const std::int64_t bits_max = address && address->family == Family::kIpv6 ? kIpv6PrefixBitsMax : kIpv4PrefixBitsMax;
  std::optional<std::uint32_t> bits;
  if (slash != std::string::npos) {
    bits = parse_number(std::string_view(text).substr(slash + 1), static_cast<std::uint32_t>(bits_max));
  }
  if (!address || !bits || *bits == 0) {
    table.mistake("address", "'" + text + "' is not an address with its prefix, like 198.18.1.10/24 or 2001:2::10/64");
    return;
  }
  network.address = *address;
  network.prefix_bits = static_cast<std::uint8_t>(*bits);
}

/// "20000-29999": RTP ports are even and RTCP's follow them, so the range holds whole pairs.
void read_ports(Table& table, NetworkSettings& network) {
  std::string text;
  if (!table.text("ports", text)) return;
  const std::size_t dash = text.find('-');
  std::optional<std::uint32_t> first;
  std::optional<std::uint32_t> last;
  if (dash != std::string::npos) {
    first = parse_number(std::string_view(text).substr(0, dash), 65535);
    last = parse_number(std::string_view(text).substr(dash + 1), 65535);
  }
  if (!first || !last || *first < 1024 || *first % 2 != 0 || *last % 2 != 1 || *last < *first) {
    table.mistake("ports", "'" + text + "' is not a range from an even to an odd port above 1023, like 20000-29999");
    return;
  }
  network.port_first = static_cast<std::uint16_t>(*first);
  network.port_last = static_cast<std::uint16_t>(*last);
}

void read_neighbour(Table& table, NetworkSettings& network) {
  Neighbour neighbour{};
  std::string written;
  if (!table.required_text("address", written)) return;
  const Result<IpAddress> address = parse_ip_address(written);
  if (!address) return table.mistake("address", address.error());
  std::string text;
  if (!table.required_text("mac", text)) return;
  const Result<MacAddress> mac = parse_mac_address(text);
  if (!mac) {
    table.mistake("mac", mac.error());
    return;
  }
  neighbour.address = *address;
  neighbour.mac = *mac;
  network.neighbours.push_back(neighbour);
}

NetworkSettings read_network(Table& table) {
  NetworkSettings network;
  table.required_text("name", network.name);
  table.required_text("device", network.device);
  read_address(table, network);
  read_gateways(table, network.gateways);
  if (table.find("vlan") != nullptr) {
    std::uint16_t vlan = 0;
    table.number("vlan", vlan, 1, 4094);
    if (vlan != 0) network.vlan = vlan;
  }
  table.each_table("neighbours", "[[network]] neighbours", [&](Table& child) { read_neighbour(child, network); });
  read_ports(table, network);
  return network;
}

void read_log_level(Table& table, std::string& into) {
  constexpr std::array<std::string_view, 4> kLevels{"debug", "info", "warning", "error"};
  std::string level;
  if (!table.text("log_level", level)) return;
  if (std::find(kLevels.begin(), kLevels.end(), level) == kLevels.end()) {
    table.mistake("log_level", "must be debug, info, warning or error");
    return;
  }
  into = level;
}

void read_control(Table& table, ControlSettings& control) {
  table.text("user", control.user);
  table.file_name("socket", control.socket);
  if (control.socket.size() >= sizeof(sockaddr_un::sun_path)) {
    table.mistake("socket", "is longer than the " + std::to_string(sizeof(sockaddr_un::sun_path) - 1) +
                                " bytes a socket's path may have");
  }
  read_fifo(table, control.fifo);
  read_log_level(table, control.log_level);
  table.file_name("call_records", control.call_records);
  table.number("calls_max", control.calls_max, 1, kFlowsMax / 2);
  table.number("transactions_max", control.transactions_max, 1'000, 10'000'000);
  table.seconds("media_timeout_s", control.media_timeout_ms, 0, 86'400);
  table.number("punts_per_s_max", control.punts_per_s_max, 1, 100'000);
  table.number("media_rate_factor", control.media_rate_factor, 0, 1'000);
  table.number("plain_latch_ms", control.plain_latch_ms, 0, kLatchWindowMsMax);
  table.number("plain_latch_prefix_bits", control.plain_latch_prefix_bits, 8, kIpv4Bits);
  table.number("plain_latch_ipv6_prefix_bits", control.plain_latch_ipv6_prefix_bits, 16, kIpv6Bits);
}

void read_limits(Table& table, LimitSettings& limits) {
  table.number("invites_per_s_max", limits.invites_per_s_max, 0, kRequestsPerSecondMax);
  table.number("invites_per_s_per_source_max", limits.invites_per_s_per_source_max, 0, kRequestsPerSecondMax);
  table.number("registers_per_s_max", limits.registers_per_s_max, 0, kRequestsPerSecondMax);
  table.number("registers_per_s_per_source_max", limits.registers_per_s_per_source_max, 0, kRequestsPerSecondMax);
  table.number("requests_per_s_max", limits.requests_per_s_max, 0, kRequestsPerSecondMax);
  table.number("requests_per_s_per_source_max", limits.requests_per_s_per_source_max, 0, kRequestsPerSecondMax);
  table.number("overload_delay_ms", limits.overload_delay_ms, 0, kOverloadDelayMsMax);
  table.number("tcp_connections_max", limits.tcp_connections_max, 1, kTcpConnectionsMax);
  table.number("tcp_connections_per_source_max", limits.tcp_connections_per_source_max, 1, kTcpConnectionsMax);
  table.seconds("tcp_first_message_s", limits.tcp_first_message_ms, 1, 300);
  table.number("tls_handshakes_max", limits.tls_handshakes_max, 1, kTcpConnectionsMax);
  table.number("tls_handshakes_per_source_max", limits.tls_handshakes_per_source_max, 1, kTcpConnectionsMax);
  table.number("tls_handshakes_per_s_per_source_max", limits.tls_handshakes_per_s_per_source_max, 0,
               kRequestsPerSecondMax);
  table.seconds("tls_handshake_s", limits.tls_handshake_ms, 1, 60);
}

bool is_aead(SrtpProfile profile) {
  return srtp_profile(profile).aead;
}

void read_dtls(Table& table, bool aead, DtlsSettings& dtls) {
  if (table.find("profiles") != nullptr) {
    dtls.profiles.clear();
    table.each_text("profiles", [&](const std::string& name, std::uint32_t) {
      const std::optional<SrtpProfile> profile = srtp_profile_by_name(name);
      if (!profile || *profile == SrtpProfile::kNone) {
        table.mistake("profiles", "there is no SRTP profile '" + name + "'");
      } else if (srtp_profile(*profile).openssl_name.empty()) {
        table.mistake("profiles", "DTLS cannot negotiate '" + name + "'");
      } else if (std::find(dtls.profiles.begin(), dtls.profiles.end(), *profile) != dtls.profiles.end()) {
        table.mistake("profiles", "'" + name + "' is named twice");
      } else {
        dtls.profiles.push_back(*profile);
      }
    });
    if (dtls.profiles.empty()) table.mistake("profiles", "names no SRTP profile");
  }
  if (!aead && !dtls.profiles.empty() && std::all_of(dtls.profiles.begin(), dtls.profiles.end(), is_aead)) {
    table.mistake("profiles", "names none without AES-GCM, which [srtp] aead forbids");
  }
  table.seconds("handshake_timeout_s", dtls.handshake_timeout_ms, 1, 300);
  table.number("mtu_bytes", dtls.mtu_bytes, 256, static_cast<std::int64_t>(kDatagramIpv6BytesMax));
}

struct TransportWord {
  std::string_view word;
  SipTransport transport;
  std::uint16_t default_port;  ///< 0: it has to be said
};

/// The ports are RFC 6455 section 3's.
constexpr TransportWord kTransportWords[] = {{"udp", SipTransport::kUdp, 0},
                                             {"tcp", SipTransport::kTcp, 0},
                                             {"tls", SipTransport::kTls, 0},
                                             {"ws", SipTransport::kWs, 80},
                                             {"wss", SipTransport::kWss, 443}};

/// "udp:198.18.1.1:5060", "tcp:[2001:2::1]:5060", "tls:198.18.1.1:5061", "wss:198.18.1.1:443" or "wss:198.18.1.1"
std::optional<ListenerSettings> parse_listener(std::string_view text) {
  ListenerSettings listener{};
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto* const word = std::find_if(std::begin(kTransportWords), std::end(kTransportWords),
                                        [&](const TransportWord& one) { return one.word == text.substr(0, colon); });
  if (word == std::end(kTransportWords)) return std::nullopt;
  listener.transport = word->transport;
  std::string where(text.substr(colon + 1));
  const bool has_port = where.find(':') != std::string::npos && !where.ends_with(']');
  if (!has_port && word->default_port != 0) where += ":" + std::to_string(word->default_port);
  const std::optional<Endpoint> local = parse_endpoint(where);
  if (!local) return std::nullopt;
  listener.local = *local;
  return listener;
}

RealmSettings read_realm(Table& table, const SrtpSettings& srtp) {
  RealmSettings realm;
  table.required_text("name", realm.name);
  if (table.require("network") != nullptr) {
    table.each_text_or_one("network", [&](const std::string& text, std::uint32_t) { realm.networks.push_back(text); });
    if (realm.networks.empty()) table.mistake("network", "names no network");
  }
  read_realm_registrar(table, realm.registrar);
  const toml::node* listen = table.require("listen");
  if (listen != nullptr && listen->is_array() && listen->as_array()->empty()) {
    table.mistake("listen", "names no listener, like \"udp:198.18.1.1:5060\"");
  }
  table.each_text("listen", [&](const std::string& text, std::uint32_t) {
    const std::optional<ListenerSettings> listener = parse_listener(text);
    if (listener) {
      realm.listeners.push_back(*listener);
    } else {
      table.mistake("listen", "'" + text +
                                  "' is not a transport, an address and a port, like udp:198.18.1.1:5060 or "
                                  "udp:[2001:2::1]:5060");
    }
  });
  read_realm_policy(table, srtp, realm.policy);
  table.one_table("tls", [&](Table& child) { read_realm_tls(child, realm.tls); });
  table.one_table("websocket", [&](Table& child) { read_realm_websocket(child, realm.websocket); });
  table.one_table("identity", [&](Table& child) { read_realm_identity(child, realm.identity); });
  return realm;
}

void read_tables(const toml::table& root, Reading& reading) {
  Settings& settings = reading.settings;
  Lines lines;
  Table table(root, "the file", reading.mistakes);
  table.one_table("region", [&](Table& child) { child.file_name("directory", settings.region.directory); });
  table.one_table("media", [&](Table& child) { read_media(child, settings.media); });
  table.one_table("control", [&](Table& child) { read_control(child, settings.control); });
  table.one_table("limits", [&](Table& child) { read_limits(child, settings.limits); });
  table.one_table("srtp", [&](Table& child) {
    child.flag("null_cipher", settings.srtp.null_cipher);
    child.flag("aead", settings.srtp.aead);
  });
  table.one_table("dtls", [&](Table& child) { read_dtls(child, settings.srtp.aead, settings.dtls); });
  table.one_table("registrar", [&](Table& child) { read_registrar(child, settings.registrar); });
  table.one_table("tls", [&](Table& child) { read_tls(child, settings.tls); });
  table.one_table("transport", [&](Table& child) { read_transport(child, settings.transport); });
  table.one_table("dns", [&](Table& child) { read_dns(child, settings.dns); });
  table.one_table("identity", [&](Table& child) { read_identity(child, settings.identity); });
  if (!settings.srtp.aead) std::erase_if(settings.dtls.profiles, is_aead);
  table.each_table("network", "[[network]]", [&](Table& child) {
    settings.networks.push_back(read_network(child));
    lines.networks.push_back(child.line());
  });
  table.each_table("realm", "[[realm]]", [&](Table& child) {
    settings.realms.push_back(read_realm(child, settings.srtp));
    lines.realms.push_back(child.line());
  });
  table.each_table("trunk", "[[trunk]]", [&](Table& child) { settings.trunks.push_back(read_trunk(child)); });
  table.each_table("route", "[[route]]", [&](Table& child) { settings.routes.push_back(read_route(child)); });
  table.name_unknown_keys();
  check(settings, lines, reading.mistakes);
  check_registrar(settings, reading.mistakes);
  check_identity(settings, lines, reading.mistakes);
}

}  // namespace

bool shows_page(const RealmWebSocketSettings& rules, const ListenerSettings& listener) {
  if (!is_websocket(listener.transport) || rules.page.empty()) return false;
  return is_secured(listener.transport) || rules.page_in_clear || is_loopback(listener.local.address);
}

std::optional<std::uint32_t> Settings::realm_index(std::string_view name) const {
  for (std::size_t i = 0; i < realms.size(); ++i) {
    if (realms[i].name == name) return static_cast<std::uint32_t>(i);
  }
  return std::nullopt;
}

Reading read_settings(std::string_view toml) {
  Reading reading;
  try {
    read_tables(toml::parse(toml), reading);
  } catch (const toml::parse_error& error) {
    reading.mistakes.push_back({error.source().begin.line, std::string(error.description())});
  }
  std::stable_sort(reading.mistakes.begin(), reading.mistakes.end(),
                   [](const Mistake& a, const Mistake& b) { return a.line < b.line; });
  return reading;
}

Reading read_settings_file(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"), &std::fclose);
  std::string text(kFileBytesMax + 1, '\0');
  if (file != nullptr) text.resize(std::fread(text.data(), 1, text.size(), file.get()));
  if (file == nullptr || std::ferror(file.get()) != 0) return {{}, {{0, "the file cannot be read"}}};
  if (text.size() > kFileBytesMax) return {{}, {{0, "the file is longer than a configuration can be"}}};
  return read_settings(text);
}

std::string to_string(const std::string& path, const std::vector<Mistake>& mistakes) {
  std::string text;
  for (const Mistake& mistake : mistakes) {
    text += path + ":" + std::to_string(mistake.line) + ": " + mistake.reason + "\n";
  }
  return text;
}

}  // namespace weir::proto::settings
