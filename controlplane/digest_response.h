// Digest authentication's hashes: RFC 7616 section 3.4, with the algorithms of RFC 8760 (MD5, SHA-256, SHA-512-256 and
// their -sess forms). OpenSSL does the hashing. Passwords and what is made of them never reach a log.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sip/digest.h"

namespace weir::controlplane {

/// H(text) in lower-case hexadecimal: 32 characters for MD5, 64 for the others. "" if this OpenSSL has no such hash
/// (MD5 under FIPS).
std::string digest_hash(sip::DigestAlgorithm algorithm, std::string_view text);

/// H(user ":" realm ":" password): what a server keeps instead of the password. The same for an algorithm and its
/// -sess form. User and realm as they stand between quotes.
std::string digest_ha1(sip::DigestAlgorithm algorithm, std::string_view user, std::string_view realm,
                       std::string_view password);

/// What a response is made over beside the secret.
struct DigestSubject {
  std::string_view method;
  std::string_view body;  ///< for qop=auth-int
};

/// The response that `credentials` ought to hold, whose own `response` is not looked at; `ha1` from digest_ha1. "" if
/// its algorithm is not known.
std::string digest_response(const sip::DigestCredentials& credentials, std::string_view ha1,
                            const DigestSubject& subject);

/// Whether `credentials.response` is that one; case of the digits aside. Takes a time that depends on its length alone.
bool digest_matches(const sip::DigestCredentials& credentials, std::string_view ha1, const DigestSubject& subject);

/// The challenge a client answers: the first whose algorithm we have and whose qop we can do (RFC 8760 section 2.4).
/// Null: none.
const sip::DigestChallenge* answerable(const std::vector<sip::DigestChallenge>& challenges);

/// Who a client says it is. Plain text; quotes and backslashes are escaped here.
struct DigestIdentity {
  std::string_view user;
  std::string_view password;
};

/// A client's answer to a challenge that answerable() gave. `uri` is the Request-URI as it is sent, `cnonce` fresh and
/// unguessable, `nonce_count` 1 and up for each nonce. qop is auth where it is offered, else auth-int, else RFC 2069's.
sip::DigestCredentials answer_challenge(const sip::DigestChallenge& challenge, const DigestIdentity& identity,
                                        std::string_view uri, const DigestSubject& subject, std::string_view cnonce,
                                        std::uint32_t nonce_count);

}  // namespace weir::controlplane
