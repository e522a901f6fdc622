// A directory, on tmpfs unless told otherwise, that is gone with its owner, contents and all.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "proto/assert.h"

namespace weir::tests {

class TemporaryDirectory {
 public:
  explicit TemporaryDirectory(const std::string& parent = "/dev/shm") : path_(parent + "/weir-test-XXXXXX") {
    WEIR_ASSERT(mkdtemp(path_.data()) != nullptr);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace weir::tests
