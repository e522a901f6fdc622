#include "sip/remote_section.h"

#include <array>
#include <string>
#include <utility>
#include <variant>

#include "sip/bundle.h"
#include "sip/text.h"

namespace weir::sip {
namespace {

constexpr std::array<std::string_view, 8> kProtocols{
    "RTP/AVP",          "RTP/AVPF",          "RTP/SAVP",        "RTP/SAVPF",
    "UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF", "UDP/TLS/RTP/AVP", "UDP/TLS/RTP/AVPF",
};

using Refused = std::optional<SdpRefusal>;

/// Text of the peer's in one of our reasons: cut, since it goes into logs and header fields.
std::string quoted(std::string_view text) {
  constexpr std::size_t kQuotedBytesMax = 40;
  std::string out = "'";
  for (const char c : text.substr(0, kQuotedBytesMax)) out += c > ' ' && c < 127 && c != '"' ? c : '?';
  return out + "'";
}

Refused check_formats(const MediaSection& section) {
  for (const std::string& format : section.formats) {
    const auto payload_type = parse_number<std::uint8_t>(format);
    if (!payload_type || *payload_type > 127) {
      return SdpRefusal{400, "the format " + quoted(format) + " is not an RTP payload type"};
    }
  }
  return std::nullopt;
}

Refused check_kind(const MediaSection& section, RemoteSection& out) {
  if (section.media != "audio") return SdpRefusal{488, "media of type " + quoted(section.media) + " is not carried"};
  const auto protocol = rtp_protocol(section.protocol);
  if (!protocol) return SdpRefusal{488, "the protocol " + quoted(section.protocol) + " is not carried"};
  if (section.port_count != 1) return SdpRefusal{488, "layered media on several ports is not carried"};
  out.protocol = *protocol;
  return check_formats(section);
}

/// Who does not speak ICE passes over what is wrong with it.
Refused read_section_ice(const SessionDescription& session, const MediaSection& section, const SecurityPolicy& policy,
                         RemoteSection& out) {
  auto read = read_ice(session, section);
  if (auto* refusal = std::get_if<SdpRefusal>(&read)) return policy.ice ? Refused(std::move(*refusal)) : std::nullopt;
  out.ice = std::get<std::optional<RemoteIce>>(std::move(read));
  return std::nullopt;
}

/// RFC 3605; without the attribute the next port (RFC 3550 section 11). A port without an address means nothing.
Refused read_rtcp(const MediaSection& section, const proto::IpAddress& address, RemoteSection& out) {
  if (find_attribute(section.attributes, "rtcp") == nullptr) {
    const bool has_next = address.family != proto::Family::kNone && section.port < 65535;
    if (has_next) out.rtcp = {address, 0, static_cast<std::uint16_t>(section.port + 1)};
    return std::nullopt;
  }
  const std::optional<RtcpAttribute> attribute = rtcp(section);
  if (!attribute) return SdpRefusal{400, "the rtcp attribute is not a port and an IP address"};
  if (attribute->port != 0) out.rtcp = {attribute->address.value_or(address), 0, attribute->port};
  if (out.rtcp.address.family == proto::Family::kNone || is_unspecified(out.rtcp.address)) out.rtcp = {};
  if (out.rtcp.port != 0 && attribute->address && !proto::is_host(out.rtcp.address)) {
    return SdpRefusal{488, "the rtcp attribute names no address of another host"};
  }
  return std::nullopt;
}

Refused read_addresses(const SessionDescription& session, const MediaSection& section, RemoteSection& out) {
  const SdpConnection* connection = connection_of(session, section);
  if (connection == nullptr) return SdpRefusal{400, "the section has no c= line"};
  if (section.connections.size() > 1) return SdpRefusal{488, "a section with several c= lines is not carried"};
  const proto::Result<proto::IpAddress> address = address_of(*connection);
  if (!address) {
    return SdpRefusal{488, "the connection address " + quoted(connection->address) + " is not a unicast IP address"};
  }
  out.rtcp_mux = has_rtcp_mux(section);
  out.rtcp_mux_only = find_attribute(section.attributes, "rtcp-mux-only") != nullptr;
  out.direction = direction(session, section);
  if (is_unspecified(*address)) {
    // The hold of RFC 2543 (RFC 3264 section 8.4), unless the address is for ICE to find.
    if (!out.ice) out.direction = direction_of(sends(out.direction), false);
    return read_rtcp(section, {}, out);
  }
  if (!proto::is_host(*address)) {
    return SdpRefusal{488, "the connection address " + quoted(connection->address) + " is none of another host"};
  }
  out.rtp = {*address, 0, section.port};
  return read_rtcp(section, *address, out);
}

/// Reads the fingerprints into out.dtls. Refused: there are none, or they are unusable.
Refused read_dtls(const SessionDescription& session, const MediaSection& section, const SecurityPolicy& policy,
                  RemoteSection& out) {
  auto read = read_dtls_attributes(session, section, policy.fingerprints_accepted.list());
  if (auto* refusal = std::get_if<SdpRefusal>(&read)) return std::move(*refusal);
  out.dtls = std::get<DtlsAttributes>(std::move(read));
  if (out.dtls.fingerprints.empty()) return SdpRefusal{488, "the secured section has no certificate fingerprint"};
  out.keying = Keying::kDtls;
  return std::nullopt;
}

Refused read_sdes(const MediaSection& section, const SecurityPolicy& policy, RemoteSection& out) {
  auto chosen = choose_crypto(section, policy.suites);
  if (auto* fault = std::get_if<CryptoFault>(&chosen)) return SdpRefusal{488, std::move(fault->reason)};
  out.crypto = std::get<CryptoAttribute>(std::move(chosen));
  out.keying = Keying::kSdes;
  return std::nullopt;
}

/// Takes the keys that policy likes best of those the section brings: a=crypto, a fingerprint, or both.
Refused read_keys(const SessionDescription& session, const MediaSection& section, const SecurityPolicy& policy,
                  RemoteSection& out) {
  const bool brings_crypto = !is_dtls(out.protocol) && !crypto_lines(section).empty();
  if (!policy.sdes() || !brings_crypto) {
    Refused refused =
        policy.dtls ? read_dtls(session, section, policy, out) : SdpRefusal{488, "DTLS-SRTP is not allowed here"};
    const bool only_crypto = brings_crypto && out.dtls.fingerprints.empty() && refused && refused->status == 488;
    if (only_crypto) refused->reason = "SRTP keyed by a=crypto (SDES) is not carried";
    return refused;
  }
  if (!policy.dtls) return read_sdes(section, policy, out);
  const bool dtls_first = policy.first == Keying::kDtls;
  Refused refused = dtls_first ? read_dtls(session, section, policy, out) : read_sdes(section, policy, out);
  if (!refused) return std::nullopt;
  return (dtls_first ? read_sdes(section, policy, out) : read_dtls(session, section, policy, out)) ? refused
                                                                                                   : std::nullopt;
}

Refused read_security(const SessionDescription& session, const MediaSection& section, const SecurityPolicy& policy,
                      RemoteSection& out) {
  if (is_secured(out.protocol)) {
    if (!policy.may_secure()) return SdpRefusal{488, "secured media is not allowed here"};
    return read_keys(session, section, policy, out);
  }
  const bool wanted = policy.may_secure() && (policy.best_effort || policy.srtp == SrtpDemand::kRequired);
  if (wanted && !read_keys(session, section, policy, out)) return std::nullopt;
  if (policy.srtp == SrtpDemand::kRequired) return SdpRefusal{488, "only secured media is allowed here"};
  out.dtls = {};  // of keys that are not used nothing is kept
  return std::nullopt;
}

}  // namespace

std::string_view to_string(RtpProtocol protocol) {
  return kProtocols[static_cast<std::size_t>(protocol)];
}

std::optional<RtpProtocol> rtp_protocol(std::string_view token) {
  for (std::size_t i = 0; i < kProtocols.size(); ++i) {
    if (equals_without_case(kProtocols[i], token)) return static_cast<RtpProtocol>(i);
  }
  return std::nullopt;
}

RemoteSection read_section(const SessionDescription& session, const MediaSection& section,
                           const SecurityPolicy& policy) {
  RemoteSection out;
  if (section.port == 0 && !is_bundle_only(section)) return out;
  Refused refused = check_kind(section, out);
  if (!refused && section.port == 0) {
    refused = SdpRefusal{488, "a section without a transport of its own (bundle-only) is not carried"};
  }
  if (!refused) refused = read_section_ice(session, section, policy, out);
  if (!refused) refused = read_addresses(session, section, out);
  if (!refused) refused = read_security(session, section, policy, out);
  if (!refused) {
    out.use = SectionUse::kAccepted;
    return out;
  }
  RemoteSection none;
  none.use = SectionUse::kRefused;
  none.refusal = std::move(*refused);
  return none;
}

}  // namespace weir::sip
