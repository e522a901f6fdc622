// The digest client: answers the challenges of one protection domain, and of no other. RFC 3261 section 22, RFC 7616,
// RFC 8760.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "sip/digest.h"
#include "sip/message.h"

namespace weir::controlplane {

/// What a domain knows us by. Plain text.
struct DigestAccount {
  std::string realm;  ///< the protection domain: its challenges say so
  std::string user;
  std::string password;
  bool operator==(const DigestAccount&) const = default;
};

class DigestClient {
 public:
  explicit DigestClient(DigestAccount account) : account_(std::move(account)) {}

  [[nodiscard]] const DigestAccount& account() const { return account_; }

  /// `request` once more with credentials and a CSeq one higher; the caller gives it a fresh branch. Of several
  /// challenges the strongest algorithm is answered. nullopt: `challenge` is no 401 or 407 to that request, is of
  /// another domain, of no kind we know, or refuses the credentials that `request` showed: a nonce that was too old
  /// (stale) is replaced once.
  /// `cnonce` is fresh and unguessable.
  std::optional<sip::Message> authorise(const sip::Message& request, const sip::Message& challenge,
                                        std::string_view cnonce);

 private:
  struct Nonce {
    std::string value;
    std::uint32_t count = 0;   ///< requests that were sent with it
    bool replacement = false;  ///< of one that was too old
  };
  /// The nonce of a challenge, new or known; the newest last.
  Nonce& note(const sip::DigestChallenge& challenge);
  [[nodiscard]] bool may_be_replaced(const std::string& nonce) const;

  /// Nonces that are counted at once: servers that use one for many requests use few.
  static constexpr std::size_t kNoncesMax = 16;

  DigestAccount account_;
  std::deque<Nonce> nonces_;
};

}  // namespace weir::controlplane
