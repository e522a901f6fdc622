// Blocks of RTCP extended reports, and where they name sources. RFC 3611 sections 3 and 4.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "proto/bytes.h"

namespace weir::dataplane {

struct ExtendedBlock {
  std::uint8_t type;
  std::size_t bytes;  ///< its header included: a multiple of four
};

/// The first source that a block names, and how far it is from one to the next, in bytes.
inline constexpr std::size_t kBlockSourceAt = 4;
inline constexpr std::size_t kBlockSourceStep = 12;

/// The block at the front of what follows the sender's SSRC; nullopt: its length does not fit.
std::optional<ExtendedBlock> extended_block(proto::Bytes blocks);

/// How many sources a block names, all of them ones that its sender hears. nullopt: it is none of RFC 3611's, or not
/// of its length, and nobody here knows what it says.
std::optional<std::size_t> sources_named(const ExtendedBlock& block);

}  // namespace weir::dataplane
