// Answers of the DNS, kept for as long as they may be: what is there, and that something is not there (RFC 2308).
#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "controlplane/resolver.h"
#include "proto/settings/transport_settings.h"

namespace weir::controlplane {

/// CLOCK_MONOTONIC, ns.
using ClockNs = std::function<std::uint64_t()>;

/// In front of a resolver. Who asks what is being asked already waits for the same answer.
class DnsCache : public Resolver {
 public:
  /// "There is none" is believed for no longer than this, whatever the zone says (RFC 2308 section 5 has an hour or
  /// three): a name that was just made is what people try again.
  static constexpr std::uint32_t kNothingSecondsMax = 60;
  /// Nobody who does not answer is asked again for so long (RFC 2308 section 7 allows five minutes).
  static constexpr std::uint32_t kFailedSeconds = 5;
  /// Questions under way; one more is a failure.
  static constexpr std::size_t kQuestionsMax = 1000;
  /// And those who wait for the answer of one.
  static constexpr std::size_t kWaitersMax = 1000;

  /// All outlive the cache.
  DnsCache(Resolver& resolver, const proto::settings::DnsSettings& settings, ClockNs clock)
      : resolver_(resolver), settings_(settings), clock_(std::move(clock)) {}

  void query(const std::string& name, DnsType type, Answered answered) override;

  /// What is known already; nullptr: nothing. Good until the cache changes.
  const DnsAnswer* find(const std::string& name, DnsType type);

  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  using Key = std::pair<std::string, DnsType>;
  struct Entry {
    DnsAnswer answer;
    std::uint64_t expires_ns;
    std::list<Key>::iterator age;
  };

  void keep(const Key& key, const DnsAnswer& answer);
  void forget(std::map<Key, Entry>::iterator entry);
  [[nodiscard]] std::uint32_t seconds(const DnsAnswer& answer) const;

  Resolver& resolver_;
  const proto::settings::DnsSettings& settings_;
  ClockNs clock_;
  std::map<Key, Entry> entries_;
  std::list<Key> ages_;  ///< the one longest unused first
  std::map<Key, std::vector<Answered>> waiting_;
};

/// What a cache knows, and nothing else: every question is answered at once, and what is not known is a failure.
class KnownAnswers : public Resolver {
 public:
  /// `cache` outlives this.
  explicit KnownAnswers(DnsCache& cache) : cache_(cache) {}
  void query(const std::string& name, DnsType type, Answered answered) override;

 private:
  DnsCache& cache_;
};

}  // namespace weir::controlplane
