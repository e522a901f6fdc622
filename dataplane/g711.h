// G.711: 16-bit linear samples to and from A-law and mu-law, ITU-T G.711 (11/88) tables 1 and 2. A code is one byte as
// RTP carries it (RFC 3551 section 4.5.14).
#pragma once

#include <cstdint>
#include <span>

namespace weir::dataplane {

enum class G711 : std::uint8_t { kMuLaw, kALaw };

/// Decodes each code to a sample. `samples` is as long as `codes`.
void decode_g711(G711 law, std::span<const std::uint8_t> codes, std::span<std::int16_t> samples);

/// Encodes each sample; what lies beyond the law's range becomes its highest code. `codes` is as long as `samples`.
void encode_g711(G711 law, std::span<const std::int16_t> samples, std::span<std::uint8_t> codes);

}  // namespace weir::dataplane
