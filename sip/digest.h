// Digest authentication's headers: WWW-Authenticate and Proxy-Authenticate, Authorization and Proxy-Authorization.
// RFC 7616 and RFC 8760; RFC 3261 sections 20.7, 20.27, 20.28, 20.44, 22 and 25.1.
//
// Grammar only; what is hashed is controlplane's. Quoted values are kept as they stand between their quotes,
// quoted-pairs included: that text is what the hashes run over (RFC 7616 section 3.3, unq) and what is echoed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sip/message.h"

namespace weir::sip {

/// Weakest first: the enum's order is the hashes' strength. `-sess` makes a key of nonce and cnonce for the session.
enum class DigestAlgorithm : std::uint8_t { kMd5, kMd5Sess, kSha256, kSha256Sess, kSha512_256, kSha512_256Sess };

/// "MD5", "SHA-256-sess" and so on.
std::string_view to_string(DigestAlgorithm algorithm);
/// Without case; nullopt for what is not in RFC 8760.
std::optional<DigestAlgorithm> digest_algorithm_by_name(std::string_view name);
bool is_session(DigestAlgorithm algorithm);

/// Quality of protection. kNone is RFC 2069's, without cnonce and count.
enum class DigestQop : std::uint8_t { kNone, kAuth, kAuthInt };

/// One challenge of a server.
struct DigestChallenge {
  std::string realm;
  std::string nonce;
  std::optional<std::string> opaque;  ///< echoed if it is there
  std::optional<std::string> domain;
  /// nullopt: one we do not know; such a challenge is to be passed over (RFC 7616 section 3.3).
  std::optional<DigestAlgorithm> algorithm = DigestAlgorithm::kMd5;
  bool algorithm_written = false;  ///< absent, it is MD5 and is not echoed
  bool stale = false;              ///< the password was right, the nonce too old: try again without asking anybody
  bool has_qop = false;            ///< false: RFC 2069
  bool qop_auth = false;
  bool qop_auth_int = false;
};

/// One set of credentials of a client.
struct DigestCredentials {
  std::string username;
  std::string realm;
  std::string nonce;
  std::string uri;
  std::string response;  ///< lower-case hexadecimal by RFC; as it was written
  std::optional<std::string> opaque;
  std::optional<DigestAlgorithm> algorithm = DigestAlgorithm::kMd5;  ///< nullopt: one we do not know
  bool algorithm_written = false;
  DigestQop qop = DigestQop::kNone;
  std::string cnonce;     ///< "" only without qop
  std::string nc;         ///< the nonce's count, eight hexadecimal digits as they were written; "" only without qop
  bool userhash = false;  ///< `username` is a hash (RFC 7616 section 3.4.4)

  /// The number that `nc` is; 0 only without qop.
  [[nodiscard]] std::uint32_t nonce_count() const;
  void set_nonce_count(std::uint32_t count);
};

/// One line's value; SIP does not put two on a line (RFC 3261 section 7.3.1). nullopt: another scheme, a parameter
/// missing, twice or malformed, or more than kParametersMax of them.
std::optional<DigestChallenge> parse_digest_challenge(std::string_view value);
/// The same; also nullopt: qop without cnonce or nc, an unknown qop.
std::optional<DigestCredentials> parse_digest_credentials(std::string_view value);

/// The challenges of a 401 or 407, in order: strongest first if the server keeps to RFC 8760 section 2.3. Lines that
/// parse_digest_challenge refuses are passed over. `id` is kWwwAuthenticate or kProxyAuthenticate.
std::vector<DigestChallenge> digest_challenges(const Message& response, HeaderId id);
/// The credentials of a request. `id` is kAuthorization or kProxyAuthorization.
std::vector<DigestCredentials> digest_credentials(const Message& request, HeaderId id);

/// `Digest realm="...", ...`. Quoted fields go out as they are: see quoted_text.
std::string write(const DigestChallenge& challenge);
std::string write(const DigestCredentials& credentials);

/// `text` as it may stand between quotes: quotes and backslashes as quoted-pairs; control characters become spaces.
std::string quoted_text(std::string_view text);
/// The text that stands between quotes as it is meant: without the backslashes of its quoted-pairs.
std::string unquoted_text(std::string_view text);

}  // namespace weir::sip
