#include <cstdio>
#include <memory>

#include "controlplane/trunks.h"

namespace weir::controlplane {

namespace settings = proto::settings;

namespace {

/// A password is typed or pasted; a longer first line is another kind of file.
constexpr std::size_t kPasswordBytesMax = 1024;

proto::Result<std::string> read_first_line(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"), &std::fclose);
  if (file == nullptr) return proto::Error{path + " cannot be read by the user that [control] names"};
  std::string line(kPasswordBytesMax + 1, '\0');
  line.resize(std::fread(line.data(), 1, line.size(), file.get()));
  line.resize(std::min(line.size(), line.find_first_of("\r\n")));
  if (line.empty() || line.size() > kPasswordBytesMax) return proto::Error{path + " has no password in its first line"};
  return line;
}

proto::Result<std::vector<sip::Uri>> targets_of(const settings::TrunkSettings& trunk) {
  std::vector<sip::Uri> targets;
  for (const settings::TrunkTarget& target : trunk.targets) {
    std::optional<sip::Uri> uri = sip::parse_uri(target.uri);
    if (!uri || !uri->is_sip() || !uri->headers.empty()) return proto::Error{"'" + target.uri + "' is no SIP URI"};
    targets.push_back(*std::move(uri));
  }
  return targets;
}

proto::Result<std::optional<DigestAccount>> account_of(const settings::TrunkSettings& trunk) {
  std::optional<DigestAccount> account;
  if (!trunk.credentials) return account;
  const settings::TrunkCredentials& credentials = *trunk.credentials;
  account = DigestAccount{credentials.realm, credentials.user, credentials.password};
  if (credentials.password_file.empty()) return account;
  proto::Result<std::string> password = read_first_line(credentials.password_file);
  if (!password) return proto::Error{password.error()};
  account->password = *std::move(password);
  return account;
}

}  // namespace

proto::Result<std::vector<TrunkPlan>> plan_trunks(const settings::Settings& settings) {
  std::vector<TrunkPlan> plans;
  for (const settings::TrunkSettings& trunk : settings.trunks) {
    const auto fail = [&](const std::string& reason) { return proto::Error{"trunk '" + trunk.name + "': " + reason}; };
    const std::optional<std::uint32_t> realm = settings.realm_index(trunk.realm);
    if (!realm) return fail("there is no realm '" + trunk.realm + "'");
    proto::Result<std::vector<sip::Uri>> targets = targets_of(trunk);
    if (!targets) return fail(targets.error());
    proto::Result<std::optional<DigestAccount>> account = account_of(trunk);
    if (!account) return fail(account.error());
    plans.push_back({trunk, *realm, std::move(*targets), std::move(*account)});
  }
  return plans;
}

}  // namespace weir::controlplane
