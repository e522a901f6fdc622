// How many of something each one of many has: taken, and given back by whoever forgets it.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <utility>

namespace weir::controlplane {

/// `Key` is ordered: others choose the keys, and no choice makes an ordered map slow. One thread's.
template <typename Key>
class Seats {
  using Counts = std::map<Key, std::size_t>;

 public:
  /// One; may outlive the seats.
  class Seat {
   public:
    Seat(Seat&&) noexcept = default;
    Seat& operator=(Seat&& other) noexcept {
      std::swap(counts_, other.counts_);
      std::swap(at_, other.at_);
      return *this;
    }
    ~Seat() {
      if (counts_ != nullptr && --at_->second == 0) counts_->erase(at_);
    }

   private:
    friend class Seats;
    Seat(std::shared_ptr<Counts> counts, typename Counts::iterator at) : counts_(std::move(counts)), at_(at) {}

    std::shared_ptr<Counts> counts_;
    typename Counts::iterator at_;
  };

  /// nullopt: `key` has `max` already.
  std::optional<Seat> take(const Key& key, std::size_t max) {
    const auto at = counts_->try_emplace(key, 0).first;
    if (at->second < max) {
      ++at->second;
      return Seat(counts_, at);
    }
    if (at->second == 0) counts_->erase(at);
    return std::nullopt;
  }

 private:
  std::shared_ptr<Counts> counts_ = std::make_shared<Counts>();
};

}  // namespace weir::controlplane
