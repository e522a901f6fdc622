// Our own chains as others fetch them: by a path that stays while the certificate does. RFC 8555 section 9.1 (the media
// type), RFC 9111 (how long they may be kept).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "controlplane/identity_keys.h"
#include "controlplane/page_answer.h"

namespace weir::controlplane {

class IdentityChains {
 public:
  /// Certificates that have not expired, of this and earlier configurations of the process; of more, those that expire
  /// first are forgotten.
  static constexpr std::size_t kChainsMax = 256;
  /// Nobody is told to keep a chain for longer.
  static constexpr std::int64_t kKeptSecondsMax = 86'400;

  /// What was there before stays until it expires: calls that were signed with it are still to be verified. Times in s
  /// since 1970.
  void add(const IdentityKeys& keys, std::int64_t now_s);

  /// 200, 304 or the refusal.
  [[nodiscard]] PageAnswer answer(const PageRequest& request, std::int64_t now_s) const;

  [[nodiscard]] std::size_t size() const { return chains_.size(); }

 private:
  struct Chain {
    PageFile file;
    std::int64_t not_after_s;
  };

  std::map<std::string, Chain, std::less<>> chains_;  ///< by path
};

}  // namespace weir::controlplane
