// Tokens that have been seen, for as long as they are fresh: one that turns up in another call was copied. RFC 8224
// section 12.1 leaves replays to freshness; who answers within it can still be fooled.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string_view>
#include <unordered_map>

#include "proto/bytes.h"
#include "proto/sip_hash.h"

namespace weir::controlplane {

/// One per shard. Only tokens that were verified go in, so nobody without a certificate fills it.
class ReplayCache {
 public:
  /// `entries_max`: above it the one that expires first goes.
  explicit ReplayCache(std::size_t entries_max);

  /// Whether the token was another call's. A retransmission, a fork and a request that was authenticated anew have the
  /// Call-ID and From tag of the first, and are none. `signature`: its bytes; of ES256 the first half counts, which
  /// stays when somebody else turns one right signature into another one (r, n - s). Changes nothing.
  [[nodiscard]] bool is_replay(proto::Bytes signature, std::string_view call_id, std::string_view from_tag,
                               std::int64_t now_s) const;
  /// Remembers it until `expires_s`: iat and freshness. The first call stays the token's.
  void commit(proto::Bytes signature, std::string_view call_id, std::string_view from_tag, std::int64_t expires_s,
              std::int64_t now_s);

  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::uint64_t call = 0;  ///< hash of Call-ID and From tag
    std::int64_t expires_s = 0;
  };
  [[nodiscard]] std::uint64_t token_of(proto::Bytes signature) const;
  [[nodiscard]] std::uint64_t call_of(std::string_view call_id, std::string_view from_tag) const;
  void drop_first();

  std::size_t entries_max_;
  proto::SipHashKey key_;
  std::unordered_map<std::uint64_t, Entry> entries_;      ///< by token
  std::multimap<std::int64_t, std::uint64_t> by_expiry_;  ///< the same tokens
};

}  // namespace weir::controlplane
