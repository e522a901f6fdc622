#include "controlplane/user_directory.h"

#include <algorithm>

#include "controlplane/digest_response.h"
#include "proto/bytes.h"

namespace weir::controlplane {

namespace settings = proto::settings;

namespace {

/// By settings::DigestHash.
constexpr std::array<sip::DigestAlgorithm, settings::kDigestHashes> kAlgorithms{
    sip::DigestAlgorithm::kMd5, sip::DigestAlgorithm::kSha256, sip::DigestAlgorithm::kSha512_256};

std::string key_of(std::string_view domain, std::string_view name) {
  return std::string(domain) + ' ' + std::string(name);
}

}  // namespace

bool User::may_register_user(std::string_view user) const {
  return std::find(may_register.begin(), may_register.end(), user) != may_register.end();
}

UserDirectory::UserDirectory(std::vector<settings::UserSettings> users) {
  for (settings::UserSettings& entry : users) {
    User user{entry.name, std::move(entry.ha1), std::move(entry.may_register)};
    for (std::size_t hash = 0; hash < kAlgorithms.size() && !entry.password.empty(); ++hash) {
      user.ha1[hash] = digest_ha1(kAlgorithms[hash], entry.name, entry.domain, entry.password);
    }
    proto::wipe(entry.password.data(), entry.password.size());
    for (const std::string& address : user.may_register) addresses_.insert(key_of(entry.domain, address));
    users_.emplace(key_of(entry.domain, entry.name), std::move(user));
  }
}

proto::Result<UserDirectory> UserDirectory::load(const settings::Settings& settings) {
  const std::string& path = settings.registrar.users;
  if (path.empty()) return UserDirectory();
  settings::UsersReading reading = settings::read_users_file(path, settings);
  if (reading.mistakes.empty()) return UserDirectory(std::move(reading.users));
  std::string first = settings::to_string(path, {reading.mistakes.front()});
  first.pop_back();
  if (reading.mistakes.size() == 1) return proto::Error{first};
  return proto::Error{first + " (and " + std::to_string(reading.mistakes.size() - 1) + " more: weir-control --check)"};
}

bool UserDirectory::has_address(std::string_view domain, std::string_view user) const {
  return addresses_.contains(key_of(domain, user));
}

const User* UserDirectory::find(std::string_view domain, std::string_view name) const {
  const auto found = users_.find(key_of(domain, name));
  return found == users_.end() ? nullptr : &found->second;
}

}  // namespace weir::controlplane
