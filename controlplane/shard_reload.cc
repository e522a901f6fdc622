// How a shard takes over a configuration that was read anew, when SIGHUP or an operator asks for it.
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "controlplane/log.h"
#include "controlplane/shard.h"

namespace weir::controlplane {

namespace json = boost::json;

namespace {

std::string joined(const std::vector<std::string>& list) {
  std::string text;
  for (const std::string& one : list) text += (text.empty() ? "" : ", ") + one;
  return text.empty() ? "nothing" : text;
}

void report(const proto::Result<std::vector<std::string>>& result) {
  if (!result) {
    return log_event(LogLevel::kError, "reload", {{"event", "the old settings stay"}, {"reason", result.error()}});
  }
  log_event(LogLevel::kInfo, "reload", {{"event", "settings and files were read anew"}, {"changed", joined(*result)}});
}

}  // namespace

void Shard::start_reloader() {
  reloader_ = std::make_unique<Reloader>(
      io_, [this] { return plan_reload(settings_, configuration_, target_sources()); },
      [this](ReloadPlan plan) { return take_over(std::move(plan)); });
}

void Shard::await_reload() {
  reload_signal_.async_wait([this](const boost::system::error_code& error, int) {
    if (error) return;
    ask_for_reload(report);
    await_reload();
  });
}

void Shard::ask_for_reload(Reloader::Done done) {
  if (records_) records_->reopen();  // whoever rotated them has not to wait for settings that are good
  reloader_->ask(std::move(done));
}

void Shard::reload(RpcReply reply) {
  ask_for_reload([reply = std::move(reply)](const proto::Result<std::vector<std::string>>& result) {
    report(result);
    if (!result) return reply(proto::Error{result.error()});
    json::array changed;
    for (const std::string& one : *result) changed.push_back(json::value(one));
    reply(json::value(json::object{{"event", "settings and files were read anew"}, {"changed", std::move(changed)}}));
  });
}

/// Nothing here can fail: what could has been done on the other thread.
std::vector<std::string> Shard::take_over(ReloadPlan plan) {
  transports_->use(std::move(plan.certificates));
  transports_->use(std::move(plan.pages));
  transports_->use(std::move(plan.cookies));
  if (registrar_) registrar_->use(std::move(plan.users));
  identity_->use(std::move(plan.identity));
  std::vector<std::string> changes = apply(std::move(plan), settings_, *policy_, *trunks_);
  calls_->follow_limits();
  set_log_level(settings_.control.log_level);
  return changes;
}

}  // namespace weir::controlplane
