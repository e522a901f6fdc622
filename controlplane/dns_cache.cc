#include "controlplane/dns_cache.h"

#include <algorithm>

namespace weir::controlplane {

void DnsCache::query(const std::string& name, DnsType type, Answered answered) {
  const Key key{name, type};
  if (const DnsAnswer* known = find(name, type)) {
    const DnsAnswer answer = *known;  // who hears it may ask more
    return answered(answer);
  }
  const auto asked = waiting_.find(key);
  if (asked == waiting_.end() ? waiting_.size() >= kQuestionsMax : asked->second.size() >= kWaitersMax) {
    return answered(DnsAnswer{});
  }
  waiting_[key].push_back(std::move(answered));
  if (asked != waiting_.end()) return;
  resolver_.query(name, type, [this, key](const DnsAnswer& answer) {
    keep(key, answer);
    const auto waiting = waiting_.extract(key);
    for (const Answered& waiter : waiting.mapped()) waiter(answer);
  });
}

const DnsAnswer* DnsCache::find(const std::string& name, DnsType type) {
  const auto known = entries_.find({name, type});
  if (known == entries_.end()) return nullptr;
  if (clock_() >= known->second.expires_ns) {
    forget(known);
    return nullptr;
  }
  ages_.splice(ages_.end(), ages_, known->second.age);
  return &known->second.answer;
}

void DnsCache::keep(const Key& key, const DnsAnswer& answer) {
  const std::uint32_t ttl_s = seconds(answer);
  if (ttl_s == 0) return;
  if (entries_.size() >= settings_.cache_entries_max) forget(entries_.find(ages_.front()));
  ages_.push_back(key);
  entries_.insert_or_assign(key,
                            Entry{answer, clock_() + ttl_s * std::uint64_t{1'000'000'000}, std::prev(ages_.end())});
}

void DnsCache::forget(std::map<Key, Entry>::iterator entry) {
  ages_.erase(entry->second.age);
  entries_.erase(entry);
}

std::uint32_t DnsCache::seconds(const DnsAnswer& answer) const {
  switch (answer.status) {
    case DnsStatus::kFound:
      return std::min(answer.ttl_s, settings_.ttl_s_max);
    case DnsStatus::kNothing:
      return std::min({answer.ttl_s, settings_.ttl_s_max, kNothingSecondsMax});
    case DnsStatus::kFailed:
      return kFailedSeconds;
  }
  return 0;
}

void KnownAnswers::query(const std::string& name, DnsType type, Answered answered) {
  const DnsAnswer* known = cache_.find(name, type);
  const DnsAnswer answer = known == nullptr ? DnsAnswer{} : *known;
  answered(answer);
}

}  // namespace weir::controlplane
