// What the main core does while the workers forward: it watches them, and says what a person should know.
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/engine.h"
#include "proto/region.h"

namespace weir::dataplane {

/// Each finding is logged when it begins and when it ends, not again in between.
class Housekeeping {
 public:
  Housekeeping(const Engine& engine, const proto::Region& region);

  /// About ten times a second.
  void run(std::uint64_t now_ns);

 private:
  void watch_workers(std::uint64_t now_ns);
  void watch_control();
  void watch_ports();
  void watch_gateways();

  const Engine& engine_;
  const proto::Region& region_;
  std::vector<bool> stalled_;
  std::vector<std::uint64_t> missed_;    ///< by port
  std::vector<std::uint32_t> gateways_;  ///< by network: which was in force
  std::uint64_t corrupt_before_;
  std::uint64_t ports_watched_ns_ = 0;
  bool control_lost_ = false;
  bool control_corrupt_ = false;
};

}  // namespace weir::dataplane
