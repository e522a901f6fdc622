// Bearer tokens in SIP: who sent a request, by what an authorization server has signed. RFC 8898.
//
// A token is a password to whoever sees it: it is taken over TLS and WSS alone (section 2).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/web_token.h"
#include "proto/result.h"
#include "proto/settings/settings.h"
#include "sip/message.h"

namespace weir::controlplane {

enum class BearerVerdict : std::uint8_t {
  kRight,
  kMissing,  ///< no token, or none that may be taken
  kWrong,
};

struct BearerJudgement {
  BearerVerdict verdict = BearerVerdict::kMissing;
  std::string subject;  ///< of kRight
  std::string reason;   ///< of kWrong, for the log
};

class BearerAuth {
 public:
  /// Loads the key of every realm that has one. Errors: one that cannot be used.
  static proto::Result<BearerAuth> create(const proto::settings::Settings& settings);

  /// Whether a realm (index in Settings::realms) takes tokens by that transport.
  [[nodiscard]] bool serves(std::uint32_t realm, proto::settings::SipTransport transport) const;
  [[nodiscard]] BearerJudgement judge(std::uint32_t realm, proto::settings::SipTransport transport,
                                      const sip::Message& request, std::int64_t now_s) const;
  /// The value of WWW-Authenticate of a realm that takes tokens; `wrong`: one was sent that is none (section 4).
  [[nodiscard]] std::string challenge(std::uint32_t realm, bool wrong) const;

 private:
  struct Realm {
    TokenKey key;
    proto::settings::BearerSettings settings;
  };
  std::vector<std::optional<Realm>> realms_;
};

/// The user of the address of record that a token's subject names: `alice`, `alice@example.com` or
/// `sip:alice@example.com` at example.com; "" if it is another domain's.
std::string subject_user(std::string_view subject, const std::vector<std::string>& domains);

}  // namespace weir::controlplane
