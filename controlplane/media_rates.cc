#include "controlplane/media_rates.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <string_view>

#include "controlplane/feedback_terms.h"
#include "sip/crossing.h"
#include "sip/text.h"

namespace weir::controlplane {
namespace {

/// One encoding whose bit rate does not depend on the peer's mood. RFC 3551 section 4.5, RFC 3952, RFC 4867, RFC 5574.
struct Encoding {
  std::string_view name;
  std::uint32_t bits_per_s;
};
constexpr std::array kEncodings{
    Encoding{"PCMU", 64'000},    Encoding{"PCMA", 64'000},    Encoding{"G722", 64'000},    Encoding{"G726-16", 16'000},
    Encoding{"G726-24", 24'000}, Encoding{"G726-32", 32'000}, Encoding{"G721", 32'000},    Encoding{"G726-40", 40'000},
    Encoding{"G723", 6'400},     Encoding{"G728", 16'000},    Encoding{"G729", 8'000},     Encoding{"G729D", 6'400},
    Encoding{"G729E", 11'800},   Encoding{"GSM", 13'200},     Encoding{"GSM-EFR", 12'400}, Encoding{"iLBC", 15'200},
    Encoding{"DVI4", 64'000},    Encoding{"LPC", 5'600},      Encoding{"AMR", 13'600},     Encoding{"AMR-WB", 25'600},
    Encoding{"speex", 44'000},   Encoding{"CN", 4'000},
};

constexpr std::uint32_t kPacketTimeMs = 20;          // RFC 3551 section 4.2
constexpr std::uint32_t kUnknownPacketsPerS = 400;   // 2.5 ms
constexpr std::uint32_t kUnknownBitsPerS = 510'000;  // RFC 6716 section 2.1.1
constexpr std::uint32_t kEventPacketsPerS = 50;      // RFC 4733 section 2.5.1.2
constexpr std::uint32_t kPacketOverheadBytes = 64;   // RTP 12, SRTP's tag 16 and more, header extensions
constexpr std::uint64_t kBandwidthMax = 1'000'000'000;

bool is_event(const sip::Rtpmap& map) {
  return sip::equals_without_case(map.encoding, "telephone-event");
}

std::optional<std::uint32_t> bits_per_s(const sip::Rtpmap& map) {
  const auto channels = std::max<std::uint32_t>(1, sip::parse_number<std::uint32_t>(map.parameters, 8).value_or(1));
  if (sip::equals_without_case(map.encoding, "L16")) return std::min(map.clock_hz, 192'000u) * 16 * channels;
  for (const Encoding& encoding : kEncodings) {
    if (sip::equals_without_case(map.encoding, encoding.name)) return encoding.bits_per_s * channels;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> milliseconds(const sip::MediaSection& section, std::string_view name) {
  const sip::SdpAttribute* attribute = sip::find_attribute(section.attributes, name);
  if (attribute == nullptr || !attribute->value) return std::nullopt;
  const auto ms = sip::parse_number<std::uint16_t>(sip::trimmed(*attribute->value));
  return ms && *ms != 0 ? std::optional<std::uint32_t>(*ms) : std::nullopt;
}

std::uint32_t shortest_packet_ms(const sip::MediaSection& remote, const sip::MediaSection& local) {
  std::uint32_t shortest = kPacketTimeMs;
  for (const sip::MediaSection* section : {&remote, &local}) {
    for (const std::string_view name : {"ptime", "maxptime"}) {
      shortest = std::min(shortest, milliseconds(*section, name).value_or(kPacketTimeMs));
    }
  }
  return shortest;
}

/// The bandwidth either side named, in bits a second; 0: none.
std::uint32_t bandwidth_bits_per_s(const sip::MediaSection& remote, const sip::MediaSection& local) {
  std::uint64_t most = 0;
  for (const sip::MediaSection* section : {&remote, &local}) {
    for (const sip::SdpBandwidth& bandwidth : section->bandwidths) {
      if (bandwidth.type == "TIAS") most = std::max(most, std::min(bandwidth.value, kBandwidthMax));
      if (bandwidth.type == "AS") most = std::max(most, std::min(bandwidth.value, kBandwidthMax / 1000) * 1000);
    }
  }
  return static_cast<std::uint32_t>(most);
}

/// Of a format that both name; an answerer may leave rtpmap out where the offer has it.
std::optional<sip::Rtpmap> map_of(const sip::MediaSection& remote, const sip::MediaSection& local,
                                  const std::string& format) {
  if (std::find(remote.formats.begin(), remote.formats.end(), format) == remote.formats.end()) return std::nullopt;
  const auto payload_type = sip::parse_number<std::uint8_t>(format, 127);
  if (!payload_type) return std::nullopt;
  const std::optional<sip::Rtpmap> map = sip::rtpmap(local, *payload_type);
  return map ? map : sip::rtpmap(remote, *payload_type).value_or(sip::Rtpmap{*payload_type, "", 0, ""});
}

MediaRates rates_of(std::uint32_t packets_per_s, std::uint32_t bits) {
  return {packets_per_s, bits / 8 + packets_per_s * kPacketOverheadBytes};
}

MediaRates larger(const MediaRates& a, const MediaRates& b) {
  return {std::max(a.packets_per_s, b.packets_per_s), std::max(a.bytes_per_s, b.bytes_per_s)};
}

MediaRates sum(const MediaRates& a, const MediaRates& b) {
  return {a.packets_per_s + b.packets_per_s, a.bytes_per_s + b.bytes_per_s};
}

std::uint32_t times(std::uint32_t rate, std::uint32_t factor) {
  constexpr std::uint64_t kMax = std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::uint32_t>(std::min(kMax, std::uint64_t{rate} * factor));
}

MediaTerms read_audio_terms(const sip::MediaSection& remote, const sip::MediaSection& local) {
  const std::uint32_t packets_per_s = 1000 / shortest_packet_ms(remote, local);
  const std::uint32_t bandwidth = bandwidth_bits_per_s(remote, local);
  MediaTerms terms;
  bool has_events = false;
  for (const std::string& format : local.formats) {
    const std::optional<sip::Rtpmap> map = map_of(remote, local, format);
    if (!map) continue;
    if (is_event(*map)) {
      has_events = true;
      continue;
    }
    if (terms.clock_hz == 0) {
      terms.codec = map->encoding;
      terms.clock_hz = map->clock_hz;
    }
    const std::optional<std::uint32_t> bits = bits_per_s(*map);
    const MediaRates rates =
        bits ? rates_of(packets_per_s, std::max(*bits, bandwidth))
             : rates_of(std::max(packets_per_s, kUnknownPacketsPerS), bandwidth != 0 ? bandwidth : kUnknownBitsPerS);
    terms.rates = larger(terms.rates, rates);
  }
  if (has_events) terms.rates = sum(terms.rates, rates_of(kEventPacketsPerS, 0));
  if (terms.rates != MediaRates{}) terms.rates = sum(terms.rates, kRtcpRates);
  return terms;
}

MediaTerms read_video_terms(const sip::MediaSection& remote, const sip::MediaSection& local) {
  const std::uint32_t bandwidth = bandwidth_bits_per_s(remote, local);
  const std::uint32_t bits = bandwidth != 0 ? bandwidth : kVideoBitsPerS;
  MediaTerms terms;
  terms.rates = sum(rates_of(bits / 8 / kVideoPacketBytes, bits), kVideoRtcpRates);
  return terms;
}

}  // namespace

MediaTerms read_media_terms(const sip::MediaSection& remote, const sip::MediaSection& local) {
  MediaTerms terms = remote.media == "video" ? read_video_terms(remote, local) : read_audio_terms(remote, local);
  terms.understands = understood_feedback(remote, local);
  terms.extensions = sip::has_extensions(remote) && sip::has_extensions(local);
  return terms;
}

void add_terms(const MediaTerms& rider, MediaTerms& terms) {
  terms.rates = sum(terms.rates, rider.rates);
  terms.understands |= rider.understands;
  terms.extensions = terms.extensions || rider.extensions;
}

MediaRates with_margin(const MediaRates& rates, std::uint32_t factor) {
  return {times(rates.packets_per_s, factor), times(rates.bytes_per_s, factor)};
}

}  // namespace weir::controlplane
