// How many packets a worker gives to weir-control: in all, and from one source address, beside what each flow may. One
// sender that knows many ports does not take the place of all others, nor do many senders drown weir-control.
#pragma once

#include <array>
#include <cstdint>

#include "dataplane/flow_table.h"
#include "proto/inet.h"

namespace weir::dataplane {

/// Packets a second to weir-control; 0: no limit.
struct PuntRates {
  std::uint32_t in_all = 0;
  std::uint32_t per_source = 0;
};

/// One worker's budget. Of every bucket half is kept for those who come from where their flow expects them.
class PuntBudget {
 public:
  /// Sources remembered at once, in sets of kWays: in a set that is full the one that was silent longest is forgotten,
  /// so a spray of forged sources gets past the second limit and ends at the first.
  static constexpr std::size_t kWays = 4;
  static constexpr std::size_t kSets = 256;

  /// `seed` is random, so that nobody can choose sources that share a set with another's.
  PuntBudget(const PuntRates& rates, std::uint64_t seed);

  /// May a packet from this address go to weir-control, besides what its flow says? Null: it is charged to no source.
  /// Takes nothing.
  [[nodiscard]] bool allows(const proto::IpAddress* source, bool expected, std::uint64_t now_ns);
  /// It went. allows() said yes for this source just before.
  void take();

 private:
  struct Source {
    proto::IpAddress address{};
    TokenBucket bucket{};
  };
  TokenBucket& bucket_of(const proto::IpAddress& source);

  std::uint64_t seed_;
  TokenBucket in_all_;
  TokenBucket unlimited_{};
  std::uint32_t per_source_;
  TokenBucket* asked_ = &unlimited_;  ///< the source's, of the last allows()
  std::array<std::array<Source, kWays>, kSets> sources_{};
};

}  // namespace weir::dataplane
