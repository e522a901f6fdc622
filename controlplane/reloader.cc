#include "controlplane/reloader.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <utility>

namespace weir::controlplane {

Reloader::Reloader(boost::asio::io_context& io, Plan plan, Apply apply)
    : io_(io), plan_(std::move(plan)), apply_(std::move(apply)) {}

Reloader::~Reloader() {
  if (thread_.joinable()) thread_.join();
}

void Reloader::ask(Done done) {
  answered_by_next_.push_back(std::move(done));
  if (!thread_.joinable()) begin();
}

void Reloader::begin() {
  answered_by_this_ = std::exchange(answered_by_next_, {});
  thread_ = std::thread([this, alive = boost::asio::make_work_guard(io_)] {
    boost::asio::post(io_, [this, plan = plan_()]() mutable { finish(std::move(plan)); });
  });
}

void Reloader::finish(proto::Result<ReloadPlan> plan) {
  thread_.join();
  const proto::Result<std::vector<std::string>> result =
      plan ? proto::Result<std::vector<std::string>>(apply_(std::move(plan).value())) : proto::Error{plan.error()};
  for (const Done& done : std::exchange(answered_by_this_, {})) done(result);
  if (!answered_by_next_.empty() && !thread_.joinable()) begin();
}

}  // namespace weir::controlplane
