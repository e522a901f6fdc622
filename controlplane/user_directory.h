// Who may register: the users file as hashes, in memory. Passwords are hashed when it is read, and forgotten.
#pragma once

#include <array>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "proto/result.h"
#include "proto/settings/settings.h"
#include "proto/settings/users.h"

namespace weir::controlplane {

struct User {
  std::string name;
  std::array<std::string, proto::settings::kDigestHashes> ha1;  ///< by DigestHash; empty where it is not known
  std::vector<std::string> may_register;                        ///< users of addresses of record

  [[nodiscard]] bool may_register_user(std::string_view user) const;
};

class UserDirectory {
 public:
  UserDirectory() = default;
  /// Hashes the passwords, and wipes them.
  explicit UserDirectory(std::vector<proto::settings::UserSettings> users);
  /// Reads [registrar] users; nobody if none is named. Errors: "FILE:LINE: reason", the first, and how many there are.
  static proto::Result<UserDirectory> load(const proto::settings::Settings& settings);

  /// Null if there is none. Found until the directory is replaced.
  [[nodiscard]] const User* find(std::string_view domain, std::string_view name) const;
  /// Whether somebody may register that user of the domain.
  [[nodiscard]] bool has_address(std::string_view domain, std::string_view user) const;
  [[nodiscard]] std::size_t size() const { return users_.size(); }

 private:
  std::map<std::string, User, std::less<>> users_;  ///< by domain, a space and name
  std::set<std::string, std::less<>> addresses_;    ///< domain, a space and the user of an address of record
};

}  // namespace weir::controlplane
