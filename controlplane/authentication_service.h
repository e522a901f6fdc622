// The authentication service: tokens for requests that go out, in the name of whoever they say is calling. RFC 8224
// section 6.1, RFC 8588 (shaken), RFC 8946 (div), RFC 8443 (rph), RFC 9795 (rcd); RFC 4474 section 5.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "controlplane/certificate_cache.h"
#include "controlplane/identity_keys.h"
#include "controlplane/identity_service.h"
#include "controlplane/passport.h"
#include "proto/settings/settings.h"

namespace weir::controlplane {

struct AuthenticationCounters {
  std::uint64_t tokens = 0;  ///< made
  std::uint64_t failed = 0;  ///< the key refused, or was not good any more
};

class AuthenticationService {
 public:
  /// `settings` outlives the service.
  AuthenticationService(const proto::settings::Settings& settings, UnixClock unix_clock);

  /// The keys from now on.
  void use(std::shared_ptr<const IdentityKeys> keys);

  /// See IdentityService::sign. A Date of others is replaced. Their Identity stays, where it was passed on, and what it
  /// says by an extension is not said again.
  void sign(sip::Message& request, std::uint32_t realm, const IdentityFacts& facts);

  [[nodiscard]] const AuthenticationCounters& counters() const { return counters_; }

 private:
  struct Key {
    std::shared_ptr<const IdentityKey> identity;
    SigningKey key;
  };

  void sign_passports(sip::Message& request, const proto::settings::RealmIdentitySettings& to,
                      const IdentityFacts& facts);
  void add_extensions(sip::Message& request, const proto::settings::RealmIdentitySettings& to,
                      const proto::settings::RealmSettings& from, const IdentityFacts& facts, Passport base,
                      const Key& key);
  void sign_legacy(sip::Message& request, const IdentityKey& key);
  [[nodiscard]] const Key* find(const std::string& name) const;
  [[nodiscard]] Passport begin(const sip::Message& request, const Key& key, const proto::NumberPlan& plan) const;
  void add(sip::Message& request, const Passport& passport, const Key& key, bool compact);
  [[nodiscard]] std::string origid_of(const proto::settings::RealmSettings& realm) const;
  void fail(const std::string& reason);

  const proto::settings::Settings& settings_;
  UnixClock unix_clock_;
  std::shared_ptr<const IdentityKeys> keys_;
  std::map<std::string, Key> signing_;  ///< by name; of P-256
  AuthenticationCounters counters_;
  std::int64_t told_s_ = 0;  ///< of the last failure that was told
};

}  // namespace weir::controlplane
