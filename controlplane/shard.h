// A shard: one event loop on one thread, and everything that belongs to its calls. Shards share nothing.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/value.hpp>
#include <memory>
#include <optional>
#include <string_view>

#include "controlplane/admin_server.h"
#include "controlplane/call_control.h"
#include "controlplane/call_journal.h"
#include "controlplane/dataplane_client.h"
#include "controlplane/fifo_server.h"
#include "controlplane/media_engine.h"
#include "controlplane/policy.h"
#include "controlplane/registrar.h"
#include "controlplane/transports.h"
#include "controlplane/trunks.h"
#include "proto/region.h"
#include "proto/settings/settings.h"

namespace weir::controlplane {

class Shard : private MessageSink {
 public:
  /// Attaches to weir-media's region (waiting a few seconds for it), binds the listeners and the management socket, and
  /// ends what an earlier weir-control left. Errors: one sentence that says what to do.
  static proto::Result<std::unique_ptr<Shard>> create(proto::settings::Settings settings);
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;
  ~Shard() override;

  /// Runs until SIGTERM or SIGINT; then ends every call, and returns when all is said or kFarewellSeconds have passed.
  /// SIGHUP: certificates are read anew.
  void run();

 private:
  static constexpr std::uint32_t kFarewellSeconds = 5;
  /// For weir-media's workers to come alive after both were started.
  static constexpr std::uint32_t kMediaStartSeconds = 5;

  enum class MediaState : std::uint8_t { kAwaited, kAlive, kStopped };

  Shard(proto::settings::Settings settings, proto::Region region);
  proto::Status start();
  proto::Status start_media();
  proto::Status start_routing();
  proto::Status start_registrar();
  proto::Status start_management();

  // MessageSink
  bool on_datagram(std::string_view bytes, const sip::Hop& source, std::uint64_t waited_ns) override;
  void on_message(sip::Message message, const sip::Hop& source) override;
  void on_malformed(const sip::ParseError& error, const sip::Hop& source) override;
  void on_transport_error(const sip::Hop& hop) override;

  void tick();
  void await_reload();
  void reload_certificates();
  void say_farewell();
  void watch_media(std::uint64_t now_ns);
  void watch_workers(std::uint64_t now_ns);
  // shard_answers.cc
  RpcResult answer(std::string_view command, std::string_view argument);
  RpcResult answer_of_call(std::string_view command, std::string_view argument, std::uint64_t now_ns);
  RpcResult drain(std::string_view argument);
  [[nodiscard]] boost::json::value status_view(std::uint64_t now_ns) const;

  proto::settings::Settings settings_;
  proto::Region region_;
  std::optional<Policy> policy_;
  DataplaneClient client_;
  boost::asio::io_context io_;
  boost::asio::steady_timer tick_;
  boost::asio::signal_set signals_;
  boost::asio::signal_set reload_signal_;
  sip::TokenSource tokens_;
  std::unique_ptr<MediaEngine> media_;
  std::unique_ptr<CallJournal> journal_;
  std::unique_ptr<Transports> transports_;
  std::unique_ptr<CallControl> calls_;
  std::unique_ptr<Trunks> trunks_;        ///< goes before the calls that it sends through
  std::unique_ptr<Registrar> registrar_;  ///< null: no realm has one
  std::unique_ptr<AdminServer> admin_;
  std::unique_ptr<FifoServer> fifo_;  ///< null: none is configured
  std::uint64_t started_ns_ = 0;
  std::uint64_t tick_due_ns_ = 0;
  std::uint64_t farewell_ns_ = 0;  ///< when to stop at the latest; 0: running
  MediaState media_state_ = MediaState::kAwaited;
  std::uint64_t media_incarnation_ = 0;
};

}  // namespace weir::controlplane
