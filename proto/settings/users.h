// The users file: who may register, and as whom. TOML, a [[user]] each; named by [registrar] users.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/settings/settings.h"

namespace weir::proto::settings {

/// [[user]]. What proves who it is stands there as a password, or as the hashes of "name:domain:password".
struct UserSettings {
  std::string name;    ///< the digest user name
  std::string domain;  ///< lower case; the first domain of a realm's registrar
  std::string password;
  std::array<std::string, kDigestHashes> ha1;  ///< by DigestHash, lower-case hexadecimal; empty where it is not given
  std::vector<std::string> may_register;       ///< users of addresses of record; only its own name if none is given
  std::uint32_t line = 0;
};

struct UsersReading {
  std::vector<UserSettings> users;
  std::vector<Mistake> mistakes;
};

/// Reads a users file's text. Beside what read_settings finds: names that digest cannot carry, hashes of a wrong
/// length, a user without a hash that `settings` offers, one whose domain no realm has, one named twice. No mistake
/// shows a password or a hash.
UsersReading read_users(std::string_view toml, const Settings& settings);

/// read_users of a file; a file that cannot be read is a mistake at line 0.
UsersReading read_users_file(const std::string& path, const Settings& settings);

}  // namespace weir::proto::settings
