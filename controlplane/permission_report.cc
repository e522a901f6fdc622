#include "controlplane/permission_report.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <optional>
#include <string_view>
#include <vector>

namespace weir::controlplane {
namespace {

std::string octal(mode_t mode) {
  std::array<char, 8> text;
  return {text.data(), static_cast<std::size_t>(std::snprintf(text.data(), text.size(), "%04o", mode & 07777u))};
}

std::string user_name(uid_t user) {
  const passwd* const entry = getpwuid(user);
  return entry == nullptr ? std::to_string(user) : entry->pw_name;
}

std::string group_name(gid_t group) {
  const ::group* const entry = getgrgid(group);
  return entry == nullptr ? std::to_string(group) : entry->gr_name;
}

bool is_member(gid_t group) {
  if (group == getegid()) return true;
  std::vector<gid_t> groups(static_cast<std::size_t>(std::max(getgroups(0, nullptr), 0)));
  const int count = getgroups(static_cast<int>(groups.size()), groups.data());
  for (int i = 0; i < count; ++i) {
    if (groups[static_cast<std::size_t>(i)] == group) return true;
  }
  return false;
}

/// Whose bits of a mode count for this process, and what it has to do with them.
struct Standing {
  mode_t bits;  ///< 0..7
  std::string whose;
};

Standing standing(const struct stat& status) {
  if (status.st_uid == geteuid()) return {(status.st_mode >> 6) & 7u, "its owner's"};
  if (is_member(status.st_gid)) return {(status.st_mode >> 3) & 7u, "its group's"};
  return {status.st_mode & 7u, "everybody's, since this process runs as user " + user_name(geteuid()) +
                                   " and is not in group " + group_name(status.st_gid)};
}

std::string described(const std::string& path, const struct stat& status) {
  return path + " (mode " + octal(status.st_mode) + ", owner " + user_name(status.st_uid) + ", group " +
         group_name(status.st_gid) + ")";
}

std::optional<std::string> missing(const std::string& path, const struct stat& status, mode_t bit, const char* name) {
  const Standing here = standing(status);
  if ((here.bits & bit) != 0) return std::nullopt;
  return described(path, status) + ": the " + name + " bit is missing among " + here.whose;
}

/// Every directory on the way, "/" first.
std::vector<std::string> directories_of(const std::string& path) {
  std::vector<std::string> list{"/"};
  for (std::size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1)) {
    list.push_back(path.substr(0, at));
  }
  return list;
}

std::string selinux_context(const std::string& path) {
  std::array<char, 256> context;
  const ssize_t bytes = getxattr(path.c_str(), "security.selinux", context.data(), context.size());
  return bytes <= 0 ? "none" : std::string(context.data(), strnlen(context.data(), static_cast<std::size_t>(bytes)));
}

bool selinux_enforces() {
  char enforcing = '0';
  std::ifstream("/sys/fs/selinux/enforce") >> enforcing;
  return enforcing == '1';
}

/// systemd gives a service a /tmp of its own by a mount from /tmp/systemd-private-*.
bool has_private_tmp() {
  std::ifstream mounts("/proc/self/mountinfo");
  for (std::string line; std::getline(mounts, line);) {
    const bool of_tmp = line.find(" /tmp ") != std::string::npos || line.find(" /var/tmp ") != std::string::npos;
    if (of_tmp && line.find("systemd-private-") != std::string::npos) return true;
  }
  return false;
}

std::string why_denied(const std::string& path, Access access) {
  struct stat status;
  for (const std::string& directory : directories_of(path)) {
    if (stat(directory.c_str(), &status) != 0) continue;
    if (auto reason = missing(directory, status, 1, "x (search)")) return *reason;
  }
  if (stat(path.c_str(), &status) == 0) {
    const bool read = access == Access::kRead;
    if (auto reason = missing(path, status, read ? 4 : 2, read ? "r (read)" : "w (write)")) return *reason;
  } else {
    const std::string directory = directories_of(path).back();
    if (stat(directory.c_str(), &status) == 0) {
      if (auto reason = missing(directory, status, 2, "w (write), which a new file needs,")) return *reason;
    }
  }
  if (selinux_enforces()) {
    return path + ": modes allow it, so SELinux does not: its context is " + selinux_context(path) +
           "; see `ausearch -m avc -ts recent`";
  }
  return path +
         ": modes allow it, so something else does not: an ACL, a read-only mount, AppArmor, or a systemd unit's "
         "ProtectSystem or ReadWritePaths";
}

std::string why_absent(const std::string& path) {
  struct stat status;
  std::string reason = path + " does not exist";
  for (const std::string& directory : directories_of(path)) {
    if (stat(directory.c_str(), &status) == 0) continue;
    reason = "directory " + directory + " does not exist";
    break;
  }
  const bool temporary = path.starts_with("/tmp/") || path.starts_with("/var/tmp/");
  if (temporary && has_private_tmp()) {
    reason += " for this process: its unit has PrivateTmp=yes, so its /tmp is not everybody's; use /run/weir";
  }
  return reason;
}

}  // namespace

std::string explain_refusal(const std::string& path, Access access, int error) {
  switch (error) {
    case EACCES:
    case EPERM:
      return why_denied(path, access);
    case ENOENT:
    case ENOTDIR:
      return why_absent(path);
    case EROFS:
      return path + " lies on a file system that is read-only for this process (a systemd unit's ProtectSystem?)";
    default:
      return path + ": " + std::strerror(error);
  }
}

}  // namespace weir::controlplane
