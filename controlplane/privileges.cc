#include "controlplane/privileges.h"

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace weir::controlplane {
namespace {

proto::Status become(const std::string& user) {
  errno = 0;
  const passwd* entry = getpwnam(user.c_str());
  if (entry == nullptr) {
    return proto::Error{"there is no user '" + user + "' to run as: make it (useradd --system " + user +
                        "), or name another in [control] user"};
  }
  if (entry->pw_uid == 0) return proto::Error{"weir-control does not run as root: name another user in [control] user"};
  if (initgroups(user.c_str(), entry->pw_gid) != 0 || setgid(entry->pw_gid) != 0 || setuid(entry->pw_uid) != 0) {
    return proto::Error{"cannot become user '" + user + "': " + std::strerror(errno)};
  }
  if (setuid(0) == 0) return proto::Error{"root was not given up for good"};
  return proto::success();
}

}  // namespace

proto::Status drop_privileges(const std::string& user) {
  if (geteuid() == 0) {
    if (proto::Status status = become(user); !status) return status;
  }
  const rlimit none{0, 0};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
      setrlimit(RLIMIT_CORE, &none) != 0) {
    return proto::Error{std::string("cannot give up privileges: ") + std::strerror(errno)};
  }
  return proto::success();
}

void raise_descriptor_limit() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace weir::controlplane
