// Why a file cannot be opened, for people: which permission is missing, and where.
#pragma once

#include <string>

namespace weir::controlplane {

/// How it was to be opened.
enum class Access : unsigned char { kRead, kWrite };

/// One sentence about `path` (absolute), which open() refused with `error` (errno), for this process: the first
/// directory on the way that is not there, or whose x bit is missing for it; the file's mode, owner and group beside
/// those of the process; a /tmp of its own (systemd's PrivateTmp); the SELinux context, where SELinux enforces. Never
/// empty.
std::string explain_refusal(const std::string& path, Access access, int error);

}  // namespace weir::controlplane
