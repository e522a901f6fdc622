// Flow heirs: which connection took another's place when its party registered anew. RFC 5626 section 6.
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "sip/hop.h"

namespace weir::controlplane {

class FlowHeirs {
 public:
  /// Of one party: earlier ones are forgotten, who is still known by one of those has not spoken for as many.
  static constexpr std::size_t kForbearsMax = 8;
  /// In all, at some 200 bytes: every connection of a large border once.
  static constexpr std::size_t kHeirsMax = 50'000;

  /// Who was at the connection `gone` (its handle) is at `now`, and so is everybody whose heir `gone` was.
  void add(std::uint64_t gone, const sip::Hop& now);
  /// nullopt: nobody took its place.
  [[nodiscard]] std::optional<sip::Hop> find(std::uint64_t gone) const;
  [[nodiscard]] std::size_t size() const { return heirs_.size(); }

 private:
  void put(std::uint64_t gone, const sip::Hop& now);
  void remove(std::uint64_t gone);

  std::map<std::uint64_t, sip::Hop> heirs_;                  ///< handles grow: the first is the oldest
  std::multimap<std::uint64_t, std::uint64_t> forbears_of_;  ///< an heir's handle and theirs, oldest first
};

}  // namespace weir::controlplane
