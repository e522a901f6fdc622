// [control] fifo: management over a pair of named pipes.
#pragma once

#include <cstdint>
#include <string>

namespace weir::proto::settings {

struct FifoSettings {
  std::string request;        ///< a pipe that weir-control reads; empty: there is none
  std::string response;       ///< a pipe that it answers into
  std::uint32_t mode = 0660;  ///< of both
  std::string owner;          ///< of both; empty: whoever weir-control runs as
  std::string group;          ///< of both; empty: its own

  friend bool operator==(const FifoSettings&, const FifoSettings&) = default;
};

}  // namespace weir::proto::settings
