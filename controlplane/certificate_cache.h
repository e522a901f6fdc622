// Certificates by the URL that they were fetched from, for as long as they may be kept, and URLs where there are none.
// RFC 9111 (lifetimes), RFC 8224 section 6.2.1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "controlplane/dns_cache.h"
#include "controlplane/https_fetch.h"
#include "proto/result.h"
#include "proto/settings/identity_settings.h"

namespace weir::controlplane {

/// For how long a fetched certificate is kept: what the server says (an hour if it says nothing), but a minute at
/// least, so that no server makes us ask it for every call, and no longer than the settings and notAfter allow. One
/// that has expired is kept as a failure is: it is not going to get better. Times in seconds since 1970.
std::uint64_t certificate_lifetime_ms(const FetchResult& fetched, std::int64_t not_after_s, std::int64_t now_s,
                                      const proto::settings::IdentityFetchSettings& settings);

/// For how long a failure is remembered: twice as long with each in a row, to 16 times. `failures`: so many there were.
std::uint64_t failure_lifetime_ms(std::uint32_t failures, const proto::settings::IdentityFetchSettings& settings);

/// CLOCK_REALTIME, s.
using UnixClock = std::function<std::int64_t()>;

/// One shard's. `Certificate`: what the bytes are parsed into.
template <typename Certificate>
class CertificateCache {
 public:
  /// Of all that is kept, about.
  static constexpr std::size_t kBytesMax = 64 << 20;
  /// What a certificate takes for each byte that it came in: names of many parts take most.
  static constexpr std::size_t kBytesPerByte = 13;
  /// Of those who wait for a fetch; one more is told of a failure.
  static constexpr std::size_t kWaitersMax = 20'000;

  struct Parsed {
    std::shared_ptr<const Certificate> certificate;
    std::int64_t not_after_s;  ///< s since 1970
  };
  /// What was fetched, or why it is no certificate.
  using Parser = std::function<proto::Result<Parsed>(const FetchResult&)>;

  struct Cached {
    std::shared_ptr<const Certificate> certificate;  ///< null: there is none
    std::string failure;                             ///< why, for people
    bool unreadable = false;                         ///< something was fetched, and is no certificate
  };
  using Done = std::function<void(const Cached&)>;

  /// `fetcher` and `settings` outlive the cache.
  CertificateCache(Fetcher& fetcher, const proto::settings::IdentityFetchSettings& settings, Parser parser,
                   ClockNs clock, UnixClock unix_clock)
      : fetcher_(fetcher),
        settings_(settings),
        parser_(std::move(parser)),
        clock_(std::move(clock)),
        unix_clock_(std::move(unix_clock)) {}
  CertificateCache(const CertificateCache&) = delete;
  CertificateCache& operator=(const CertificateCache&) = delete;

  /// `done` is called once, before get() returns if the answer is known, unless the cache goes before. Many who ask
  /// for one URL cause one fetch. A certificate that is asked for in the last fifth of its time is fetched anew before
  /// anybody has to wait for it.
  void get(const std::string& url, Done done) {
    const auto found = entries_.find(url);
    if (found == entries_.end() || !is_usable(found->second)) return fetch(url, std::move(done));
    Entry& entry = found->second;
    entry.ages->splice(entry.ages->end(), *entry.ages, entry.age);
    const Cached cached = entry.cached;
    if (cached.certificate != nullptr && clock_() >= entry.renew_ns) fetch(url, nullptr);
    done(cached);
  }

  /// As get(), but fetches if what is known is older than a failure would be remembered for: where a signature does not
  /// fit the key, the URL may have a new one.
  void renew(const std::string& url, Done done) {
    const auto found = entries_.find(url);
    if (found == entries_.end() || clock_() >= found->second.fetched_ns + settings_.negative_ms * kNsPerMs) {
      return fetch(url, std::move(done));
    }
    get(url, std::move(done));
  }

  /// Whether nothing is known of the URL, and nobody is fetching it.
  [[nodiscard]] bool would_fetch(const std::string& url) const {
    const auto found = entries_.find(url);
    return (found == entries_.end() || !is_usable(found->second)) && !waiting_.contains(url);
  }

  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  static constexpr std::uint64_t kNsPerMs = 1'000'000;
  /// What an entry takes beside what was fetched, about.
  static constexpr std::size_t kEntryBytes = 512;

  struct Entry {
    Cached cached;
    std::size_t bytes = 0;
    std::uint64_t fetched_ns = 0;
    std::uint64_t renew_ns = 0;
    std::uint64_t expires_ns = 0;
    std::int64_t not_after_s = 0;
    std::uint32_t failures = 0;              ///< in a row
    std::list<std::string>* ages = nullptr;  ///< ages_ or failed_ages_
    std::list<std::string>::iterator age;
  };

  /// The clock on the wall may have been set since: notAfter is looked at again. One that came expired stays so.
  [[nodiscard]] bool is_usable(const Entry& entry) const {
    if (clock_() >= entry.expires_ns) return false;
    return entry.not_after_s == 0 || unix_clock_() <= entry.not_after_s;
  }

  /// `done` may be null: nobody waits.
  void fetch(const std::string& url, Done done) {
    if (done != nullptr && waiters_ >= kWaitersMax) return done({nullptr, "too many wait for certificates"});
    const auto [at, is_first] = waiting_.try_emplace(url);
    if (done != nullptr) {
      at->second.push_back(std::move(done));
      ++waiters_;
    }
    if (!is_first) return;
    fetcher_.fetch(url, [weak = std::weak_ptr(self_), url](const FetchResult& result) {
      // Not held meanwhile: who is told may let go of the cache.
      if (CertificateCache* cache = weak.expired() ? nullptr : *weak.lock()) cache->on_fetched(url, result);
    });
  }

  void on_fetched(const std::string& url, const FetchResult& result) {
    const proto::Result<Parsed> parsed = result.ok() ? parser_(result) : proto::Error{result.failure};
    const Cached cached = parsed ? Cached{parsed->certificate, ""} : Cached{nullptr, parsed.error(), result.ok()};
    if (parsed) {
      keep(url, result, *parsed);
    } else if (!result.busy) {
      keep_failure(url, cached);
    }
    const std::weak_ptr<CertificateCache*> alive = self_;
    auto waiters = waiting_.extract(url);
    waiters_ -= waiters.mapped().size();
    for (const Done& done : waiters.mapped()) {
      done(cached);
      if (alive.expired()) return;
    }
  }

  void keep(const std::string& url, const FetchResult& fetched, const Parsed& parsed) {
    const std::int64_t now_s = unix_clock_();
    const std::uint64_t lifetime_ns = certificate_lifetime_ms(fetched, parsed.not_after_s, now_s, settings_) * kNsPerMs;
    Entry& entry = write(url, url.size() + kBytesPerByte * fetched.bytes.size() + kEntryBytes);
    entry.cached = {parsed.certificate, ""};
    entry.expires_ns = entry.fetched_ns + lifetime_ns;
    entry.renew_ns = entry.fetched_ns + lifetime_ns / 5 * 4;
    entry.not_after_s = parsed.not_after_s > now_s ? parsed.not_after_s : 0;
    entry.failures = 0;
    keep_in(ages_, entry);
    evict();
  }

  /// A certificate that is still good outlives that it could not be fetched anew.
  void keep_failure(const std::string& url, const Cached& cached) {
    const auto found = entries_.find(url);
    const bool still_good =
        found != entries_.end() && found->second.cached.certificate != nullptr && is_usable(found->second);
    Entry& entry = write(url, still_good ? found->second.bytes : url.size() + kEntryBytes);
    const std::uint64_t lifetime_ns = failure_lifetime_ms(++entry.failures, settings_) * kNsPerMs;
    entry.renew_ns = entry.fetched_ns + lifetime_ns;
    if (still_good) return;
    entry.cached = cached;
    entry.expires_ns = entry.renew_ns;
    entry.not_after_s = 0;
    keep_in(failed_ages_, entry);
    evict();
  }

  Entry& write(const std::string& url, std::size_t bytes) {
    const auto [at, is_new] = entries_.try_emplace(url);
    Entry& entry = at->second;
    if (is_new) {
      entry.age = ages_.insert(ages_.end(), url);
      entry.ages = &ages_;
    }
    bytes_ += bytes - entry.bytes;
    entry.bytes = bytes;
    entry.fetched_ns = clock_();
    return entry;
  }

  static void keep_in(std::list<std::string>& ages, Entry& entry) {
    ages.splice(ages.end(), *entry.ages, entry.age);
    entry.ages = &ages;
  }

  /// Failures go first: whoever names places where there is nothing is not to push out what is good.
  void evict() {
    while (entries_.size() > settings_.cache_entries_max || bytes_ > kBytesMax) {
      std::list<std::string>& ages = failed_ages_.empty() ? ages_ : failed_ages_;
      const auto oldest = entries_.find(ages.front());
      bytes_ -= oldest->second.bytes;
      entries_.erase(oldest);
      ages.pop_front();
    }
  }

  Fetcher& fetcher_;
  const proto::settings::IdentityFetchSettings& settings_;
  Parser parser_;
  ClockNs clock_;
  UnixClock unix_clock_;
  std::map<std::string, Entry> entries_;
  std::list<std::string> ages_;         ///< of certificates: the one longest unused first
  std::list<std::string> failed_ages_;  ///< of URLs where there are none, likewise
  std::size_t bytes_ = 0;
  std::map<std::string, std::vector<Done>> waiting_;  ///< by URL that is being fetched
  std::size_t waiters_ = 0;
  std::shared_ptr<CertificateCache*> self_ = std::make_shared<CertificateCache*>(this);
};

}  // namespace weir::controlplane
