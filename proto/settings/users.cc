#include "proto/settings/users.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <set>

#include "proto/bytes.h"
#include "proto/settings/table.h"

namespace weir::proto::settings {
namespace {

/// A hundred thousand users with all three hashes.
constexpr std::size_t kFileBytesMax = 64u << 20;

constexpr std::array<std::string_view, kDigestHashes> kKeys{"ha1_md5", "ha1_sha256", "ha1_sha512_256"};
constexpr std::array<std::size_t, kDigestHashes> kDigits{32, 64, 64};

char lowered(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// What a name may not hold: a colon ends it in the hash, quotes and backslashes are read differently by different
/// clients (RFC 7616 section 3.4).
bool is_name(std::string_view text) {
  return text.find_first_of(":\"\\") == std::string_view::npos;
}

void read_ha1(Table& table, std::size_t hash, std::string& into) {
  if (!table.text(kKeys[hash], into)) return;
  for (char& c : into) c = lowered(c);
  if (into.size() == kDigits[hash] && into.find_first_not_of("0123456789abcdef") == std::string::npos) return;
  table.mistake(kKeys[hash], "must be " + std::to_string(kDigits[hash]) + " hexadecimal digits");
  into.clear();
}

UserSettings read_user(Table& table) {
  UserSettings user;
  user.line = table.line();
  if (table.required_text("name", user.name) && !is_name(user.name)) {
    table.mistake("name", "holds a colon, a quote or a backslash");
  }
  table.required_text("domain", user.domain);
  for (char& c : user.domain) c = lowered(c);
  table.text("password", user.password);
  for (std::size_t hash = 0; hash < kDigestHashes; ++hash) read_ha1(table, hash, user.ha1[hash]);
  const bool hashed = std::any_of(user.ha1.begin(), user.ha1.end(), [](const auto& ha1) { return !ha1.empty(); });
  if (hashed && !user.password.empty()) table.mistake("password", "stands beside its own hash: one of them, please");
  table.each_text("may_register", [&](const std::string& text, std::uint32_t) { user.may_register.push_back(text); });
  if (table.find("may_register") == nullptr) user.may_register.push_back(user.name);
  return user;
}

bool is_domain_of(const Settings& settings, std::string_view domain) {
  return std::any_of(settings.realms.begin(), settings.realms.end(), [domain](const RealmSettings& realm) {
    return !realm.registrar.domains.empty() && realm.registrar.domains.front() == domain;
  });
}

void check_user(const UserSettings& user, const Settings& settings, std::vector<Mistake>& mistakes) {
  const std::string name = "user '" + user.name + "': ";
  if (!is_domain_of(settings, user.domain)) {
    mistakes.push_back({user.line, name + "no realm's registrar has '" + user.domain + "' as its first domain"});
  }
  if (!user.password.empty()) return;
  for (const DigestHash hash : settings.registrar.algorithms) {
    const auto index = static_cast<std::size_t>(hash);
    if (!user.ha1[index].empty()) continue;
    mistakes.push_back({user.line, name + "has no " + std::string(kKeys[index]) +
                                       " and no password, and [registrar] algorithms offers that hash"});
  }
}

void check_names(const std::vector<UserSettings>& users, std::vector<Mistake>& mistakes) {
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (const UserSettings& user : users) {
    if (seen.emplace(user.domain, user.name).second) continue;
    mistakes.push_back({user.line, "user '" + user.name + "' of " + user.domain + " is there twice"});
  }
}

}  // namespace

UsersReading read_users(std::string_view toml, const Settings& settings) {
  UsersReading reading;
  try {
    const toml::table root = toml::parse(toml);
    Table table(root, "the file", reading.mistakes);
    table.each_table("user", "[[user]]", [&](Table& child) { reading.users.push_back(read_user(child)); });
    table.name_unknown_keys();
    if (reading.mistakes.empty()) check_names(reading.users, reading.mistakes);
    for (const UserSettings& user : reading.users) check_user(user, settings, reading.mistakes);
  } catch (const toml::parse_error& error) {
    // Its description may quote the text: a password.
    reading.mistakes.push_back({error.source().begin.line, "is no TOML"});
  }
  std::stable_sort(reading.mistakes.begin(), reading.mistakes.end(),
                   [](const Mistake& a, const Mistake& b) { return a.line < b.line; });
  return reading;
}

UsersReading read_users_file(const std::string& path, const Settings& settings) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"), &std::fclose);
  if (file == nullptr) return {{}, {{0, std::string("cannot be read: ") + std::strerror(errno)}}};
  std::string text;
  std::array<char, 65'536> chunk;
  while (text.size() <= kFileBytesMax) {
    const std::size_t bytes = std::fread(chunk.data(), 1, chunk.size(), file.get());
    if (bytes == 0) break;
    text.append(chunk.data(), bytes);
  }
  if (std::ferror(file.get()) != 0) return {{}, {{0, "cannot be read"}}};
  if (text.size() > kFileBytesMax) return {{}, {{0, "is longer than a users file can be"}}};
  UsersReading reading = read_users(text, settings);
  wipe(text.data(), text.size());
  wipe(chunk.data(), chunk.size());
  return reading;
}

}  // namespace weir::proto::settings
