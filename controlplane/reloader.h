// Reloads that are asked for while the shard runs: files are read on a thread of their own, and what they say is taken
// over between two events of the shard, or not at all.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "controlplane/reload.h"
#include "proto/result.h"

namespace weir::controlplane {

/// One shard's. One reload at a time; who asks meanwhile is answered by one that begins afterwards.
class Reloader {
 public:
  /// Reads and decides; runs on the other thread and may block. What it reads of the shard is changed by `apply` only.
  using Plan = std::function<proto::Result<ReloadPlan>()>;
  /// Takes a plan over, on the shard; gives the changes.
  using Apply = std::function<std::vector<std::string>(ReloadPlan)>;
  /// What was changed, or why nothing was; on the shard.
  using Done = std::function<void(const proto::Result<std::vector<std::string>>&)>;

  Reloader(boost::asio::io_context& io, Plan plan, Apply apply);
  Reloader(const Reloader&) = delete;
  Reloader& operator=(const Reloader&) = delete;
  /// Waits for a plan that is being made; who asked for it is not answered any more.
  ~Reloader();

  void ask(Done done);

 private:
  void begin();
  void finish(proto::Result<ReloadPlan> plan);

  boost::asio::io_context& io_;
  Plan plan_;
  Apply apply_;
  std::vector<Done> answered_by_this_;
  std::vector<Done> answered_by_next_;
  std::thread thread_;
};

}  // namespace weir::controlplane
