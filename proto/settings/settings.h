// The configuration of both processes: one TOML file, one reader. Every mistake is named with its line.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/inet.h"
#include "proto/settings/fifo_settings.h"
#include "proto/settings/identity_settings.h"
#include "proto/settings/realm_policy.h"
#include "proto/settings/registrar_settings.h"
#include "proto/settings/route_settings.h"
#include "proto/settings/transport_settings.h"
#include "proto/settings/trunk_settings.h"
#include "proto/srtp_profile.h"

namespace weir::proto::settings {

/// A place in the file. line counts from 1; 0 means the whole file.
struct Mistake {
  std::uint32_t line;
  std::string reason;
};

enum class HugepageUse : std::uint8_t { kRequire, kPrefer, kOff };

/// [region]: what the two processes share.
struct RegionSettings {
  std::string directory = "/run/weir/region";  ///< on tmpfs, or on a hugetlbfs mount
  bool operator==(const RegionSettings&) const = default;
};

struct Neighbour {
  IpAddress address;
  MacAddress mac;
  bool operator==(const Neighbour&) const = default;
};

/// [[network]]: one media network: one media address, on a DPDK port that it may share with others.
struct NetworkSettings {
  std::string name;
  std::string device;  ///< PCI address ("0000:3b:00.0") or vdev string ("net_af_packet0,iface=media0")
  IpAddress address;   ///< the media address; belongs to weir-media, not to the kernel
  std::uint8_t prefix_bits = 24;
  std::vector<IpAddress> gateways;    ///< best first; at most kGatewaysMax
  std::optional<std::uint16_t> vlan;  ///< 802.1Q VLAN ID, 1..4094
  std::vector<Neighbour> neighbours;  ///< static next hops; the rest by ARP or ND
  std::uint16_t port_first = 20000;   ///< media ports, even
  std::uint16_t port_last = 29999;    ///< odd
  bool operator==(const NetworkSettings&) const = default;
};

/// [media]: weir-media.
struct MediaSettings {
  std::vector<unsigned> worker_cores = {1};
  unsigned main_core = 0;
  /// Where audio is converted, a transcoder each; none of the workers'. Empty: nowhere.
  std::vector<unsigned> transcode_cores;
  std::uint32_t transcoded_flows_max = 512;  ///< at once, a direction each; of no use without transcode_cores
  std::uint32_t flows_max = 4096;
  HugepageUse hugepages = HugepageUse::kPrefer;
  std::uint32_t memory_mb = 256;         ///< DPDK heap
  std::uint32_t packet_buffers = 16384;  ///< mbufs per port
  /// DTLS and STUN packets to weir-control, per worker: in all, and from one source address. 0: no limit.
  std::uint32_t punts_per_s_max = 20'000;
  std::uint32_t punts_per_s_per_source_max = 2'000;
  std::uint32_t idle_sleep_us_max = 0;     ///< an idle worker sleeps so long between two polls; 0: never
  std::vector<std::string> eal_arguments;  ///< appended to what weir-media passes to EAL itself
  bool operator==(const MediaSettings&) const = default;
};

/// kWs, kWss: WebSocket (RFC 7118), bare and over TLS.
enum class SipTransport : std::uint8_t { kUdp, kTcp, kTls, kWs, kWss };

[[nodiscard]] constexpr bool is_secured(SipTransport transport) {
  return transport == SipTransport::kTls || transport == SipTransport::kWss;
}
[[nodiscard]] constexpr bool is_websocket(SipTransport transport) {
  return transport == SipTransport::kWs || transport == SipTransport::kWss;
}

struct ListenerSettings {
  SipTransport transport;
  Endpoint local;
  bool operator==(const ListenerSettings&) const = default;
};

/// Whether a listener of a realm with these rules answers requests for its page: over TLS, or from this host alone, or
/// where the rules say that it may be had in clear.
[[nodiscard]] bool shows_page(const RealmWebSocketSettings& rules, const ListenerSettings& listener);

/// [[realm]]: one side of the border: where SIP is spoken, and the media network that goes with it.
struct RealmSettings {
  std::string name;
  std::vector<std::string> networks;  ///< NetworkSettings::name: one, or one of each family
  std::vector<ListenerSettings> listeners;
  RealmRegistrarSettings registrar = {};
  RealmPolicy policy = {};
  RealmTlsSettings tls{};
  RealmWebSocketSettings websocket{};
  RealmIdentitySettings identity{};
  bool operator==(const RealmSettings&) const = default;
};

/// [dtls]. Read, `profiles` are those that [srtp] allows.
struct DtlsSettings {
  std::vector<SrtpProfile> profiles = {SrtpProfile::kAeadAes128Gcm, SrtpProfile::kAeadAes256Gcm,
                                       SrtpProfile::kAesCm128HmacSha1_80};
  std::uint32_t handshake_timeout_ms = 10'000;
  std::uint16_t mtu_bytes = 1200;  ///< of a handshake datagram, UDP payload
  bool operator==(const DtlsSettings&) const = default;
};

/// [srtp]: what secured media may be.
struct SrtpSettings {
  bool null_cipher = false;  ///< profiles that authenticate and do not encrypt (is_null_cipher) are allowed
  bool aead = true;          ///< profiles with AES-GCM are; without them a flow costs weir-media 1.3 kB less
  bool operator==(const SrtpSettings&) const = default;
};

/// [control]: weir-control.
struct ControlSettings {
  std::string user = "weir";  ///< weir-control gives up root for this user
  std::string socket = "/run/weir/control.sock";
  FifoSettings fifo = {};
  std::string log_level = "info";
  std::string call_records;  ///< a file that gets a line for each call that has ended; empty: none
  std::uint32_t calls_max = 1000;
  /// SIP transactions at once. One that has ended lingers for 32 s (RFC 3261): a call a second takes a hundred.
  std::uint32_t transactions_max = 400'000;
  std::uint32_t media_timeout_ms = 30'000;  ///< a call without media for this long is ended; 0: never
  std::uint32_t punts_per_s_max = 200;      ///< per flow
  /// A flow is policed at so many times the packets and bytes a second that its codecs need; 0: not at all.
  std::uint32_t media_rate_factor = 2;
  /// A plain leg's first packet within so many milliseconds may show where its peer is, if the address has so many bits
  /// in common with the SDP's; 0 ms: only what the SDP says.
  std::uint32_t plain_latch_ms = 0;
  std::uint32_t plain_latch_prefix_bits = 32;
  std::uint32_t plain_latch_ipv6_prefix_bits = 128;
  bool operator==(const ControlSettings&) const = default;
};

/// [limits]: what the senders of SIP may ask of weir-control, each source address and all together.
struct LimitSettings {
  std::uint32_t invites_per_s_max = 500;             ///< new ones; 0: no limit
  std::uint32_t invites_per_s_per_source_max = 100;  ///< 0: no limit
  std::uint32_t registers_per_s_max = 1000;          ///< REGISTERs; 0: no limit
  std::uint32_t registers_per_s_per_source_max = 100;
  std::uint32_t requests_per_s_max = 1000;  ///< OPTIONS and all others outside dialogs; 0: no limit
  std::uint32_t requests_per_s_per_source_max = 50;
  std::uint32_t overload_delay_ms = 20;      ///< new INVITEs are refused while messages wait longer; 0: never
  std::uint32_t tcp_connections_max = 2000;  ///< accepted ones at once
  std::uint32_t tcp_connections_per_source_max = 100;
  std::uint32_t tcp_first_message_ms = 10'000;  ///< an accepted connection without a whole message by then is closed
  std::uint32_t tls_handshakes_max = 500;       ///< accepted ones under way at once
  std::uint32_t tls_handshakes_per_source_max = 20;
  std::uint32_t tls_handshakes_per_s_per_source_max = 50;  ///< 0: no limit
  std::uint32_t tls_handshake_ms = 5000;                   ///< an accepted one that takes longer is given up
  bool operator==(const LimitSettings&) const = default;
};

struct Settings {
  RegionSettings region;
  MediaSettings media;
  std::vector<NetworkSettings> networks;
  ControlSettings control;
  LimitSettings limits;
  SrtpSettings srtp;
  DtlsSettings dtls;
  RegistrarSettings registrar;
  TlsSettings tls;
  TransportSettings transport;
  DnsSettings dns;
  IdentitySettings identity;
  std::vector<RealmSettings> realms;
  std::vector<TrunkSettings> trunks;
  std::vector<RouteSettings> routes;

  /// Where the realm of this name stands in `realms`; none: there is no such realm.
  [[nodiscard]] std::optional<std::uint32_t> realm_index(std::string_view name) const;
};

/// What reading gave: settings are usable only if there are no mistakes.
struct Reading {
  Settings settings;
  std::vector<Mistake> mistakes;
};

/// Reads a configuration's text. Unknown keys, wrong types, values out of range, names that refer to nothing, patterns
/// that are no regular expression, captures that do not exist and overlapping addresses are mistakes.
Reading read_settings(std::string_view toml);

/// read_settings of a file; a file that cannot be read is a mistake at line 0.
Reading read_settings_file(const std::string& path);

/// "FILE:LINE: reason", one a line.
std::string to_string(const std::string& path, const std::vector<Mistake>& mistakes);

}  // namespace weir::proto::settings
