// The digest server: challenges requests, and says who sent them. RFC 3261 section 22, RFC 7616, RFC 8760.
//
// Check and commit are two steps: judge() changes nothing, so that whoever has no password costs no memory; commit()
// marks the nonce's count as used.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/digest_nonce.h"
#include "controlplane/source.h"
#include "controlplane/user_directory.h"
#include "proto/settings/settings.h"
#include "sip/digest.h"
#include "sip/message.h"

namespace weir::controlplane {

enum class DigestVerdict : std::uint8_t {
  kRight,
  kMissing,  ///< no credentials for this domain, or of a kind that was not offered: challenge
  kStale,    ///< a nonce that is too old, used up, of another address or of before a restart: challenge with stale
  kWrong,    ///< a good nonce, and not the password; or there is no such user: nobody can tell which
};

struct DigestJudgement {
  DigestVerdict verdict = DigestVerdict::kMissing;
  const User* user = nullptr;  ///< of kRight
  std::string name;            ///< the user name given, for the log; empty if none
  std::uint64_t nonce_serial = 0;
  std::uint32_t nonce_count = 0;
};

class DigestAuth {
 public:
  /// `users` outlives it.
  DigestAuth(const proto::settings::RegistrarSettings& settings, const UserDirectory& users);

  /// Takes as long for a user that is not there as for a wrong password.
  [[nodiscard]] DigestJudgement judge(std::uint64_t now_ns, std::string_view domain, const sip::Message& request,
                                      const Source& source) const;
  /// Of a kRight; false: this request was sent before. Challenge it as stale.
  bool commit(const DigestJudgement& judgement) { return counts_.use(judgement.nonce_serial, judgement.nonce_count); }

  /// The values of WWW-Authenticate: one for each algorithm, strongest first (RFC 8760 section 2.3).
  std::vector<std::string> challenges(std::uint64_t now_ns, std::string_view domain, const Source& source, bool stale);

 private:
  [[nodiscard]] const sip::DigestCredentials* usable(const std::vector<sip::DigestCredentials>& all,
                                                     std::string_view domain, const sip::Message& request) const;

  const UserDirectory& users_;
  std::vector<sip::DigestAlgorithm> algorithms_;
  bool allow_without_qop_;
  DigestNonces nonces_;
  NonceCounts counts_;
};

}  // namespace weir::controlplane
