// SipHash-1-3: a hash under a secret key, for tables whose keys the peers choose. Nobody who does not know the key can
// make keys that collide, so such a table stays fast (Aumasson, Bernstein: "SipHash: a fast short-input PRF", 2012;
// one and three rounds, as the hash tables of Rust, Python and Ruby have it).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir::proto {

/// A secret for the life of one table.
struct SipHashKey {
  std::uint64_t low = 0;   ///< little-endian bytes 0..7
  std::uint64_t high = 0;  ///< 8..15
};

/// One made of an unguessable token.
SipHashKey make_sip_hash_key(std::string_view token);

std::uint64_t sip_hash(const SipHashKey& key, std::string_view bytes);

/// For the unordered containers; looks up by any string without a copy.
struct KeyedHash {
  using is_transparent = void;
  SipHashKey key;
  std::size_t operator()(std::string_view bytes) const { return sip_hash(key, bytes); }
};

}  // namespace weir::proto
