// Which audio codecs a realm's parties are offered, in which order. Codecs by their names in SDP (RFC 8866 section 6.6,
// the IANA registry of audio subtypes).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::proto {

/// In the order of kCodecNames.
enum class CodecName : std::uint8_t {
  kOpus,
  kPcma,
  kPcmu,
  kG722,
  kG729,
  kG723,
  kG726_32,
  kG728,
  kAmr,
  kAmrWb,
  kEvs,
  kIlbc,
  kSpeex,
  kGsm,
  kL16,
};
inline constexpr std::array<std::string_view, 15> kCodecNames = {"opus", "PCMA",    "PCMU",  "G722", "G729",
                                                                 "G723", "G726-32", "G728",  "AMR",  "AMR-WB",
                                                                 "EVS",  "iLBC",    "speex", "GSM",  "L16"};

/// As SDP compares them: without case. nullopt: none that is known.
constexpr std::optional<CodecName> codec_by_name(std::string_view name) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  for (std::size_t i = 0; i < kCodecNames.size(); ++i) {
    bool same = kCodecNames[i].size() == name.size();
    for (std::size_t k = 0; same && k < name.size(); ++k) same = lower(kCodecNames[i][k]) == lower(name[k]);
    if (same) return static_cast<CodecName>(i);
  }
  return std::nullopt;
}

/// Of those that weir-media decodes and encodes.
constexpr bool can_transcode(CodecName name) {
  return name == CodecName::kOpus || name == CodecName::kPcma || name == CodecName::kPcmu;
}

struct CodecPolicy {
  std::array<CodecName, kCodecNames.size()> offer{};  ///< the first `count`, preferred first
  std::uint8_t count = 0;                             ///< 0: what the other side offered, as it did
  /// Who has none of the other side's codecs is offered those of opus, PCMA and PCMU that `offer` names, all three if
  /// it names none, and its audio is converted.
  bool transcode = false;

  [[nodiscard]] const CodecName* begin() const { return offer.data(); }
  [[nodiscard]] const CodecName* end() const { return offer.data() + count; }
  /// The place of a codec in `offer`; count: it has none.
  [[nodiscard]] std::uint8_t rank(CodecName name) const {
    std::uint8_t at = 0;
    while (at < count && offer[at] != name) ++at;
    return at;
  }
  bool operator==(const CodecPolicy&) const = default;
};

}  // namespace weir::proto
