// A region small enough for a test: two workers, short rings, owned by whoever runs the test.
#pragma once

#include <unistd.h>

#include <string>

#include "proto/region.h"

namespace weir::tests {

inline proto::Region::CreateOptions small_region(const std::string& directory, std::uint64_t private_bytes = 4096) {
  proto::Region::CreateOptions options;
  options.directory = directory;
  options.shape = {.workers = 2,
                   .flows_max = 64,
                   .command_slots = 16,
                   .event_slots = 16,
                   .punt_slots = 8,
                   .inject_slots = 8,
                   .private_bytes = private_bytes,
                   .private_layout_hash = 1};
  options.control_uid = getuid();
  options.control_gid = getgid();
  return options;
}

}  // namespace weir::tests
