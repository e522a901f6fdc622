// A shard: one event loop on one thread, and everything that belongs to its calls. Shards share nothing.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/json/value.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controlplane/admin_server.h"
#include "controlplane/call_control.h"
#include "controlplane/call_detail.h"
#include "controlplane/call_journal.h"
#include "controlplane/dataplane_client.h"
#include "controlplane/fifo_server.h"
#include "controlplane/identity.h"
#include "controlplane/media_engine.h"
#include "controlplane/policy.h"
#include "controlplane/record_file.h"
#include "controlplane/registrar.h"
#include "controlplane/reloader.h"
#include "controlplane/transports.h"
#include "controlplane/trunks.h"
#include "proto/region.h"
#include "proto/settings/settings.h"

namespace weir::controlplane {

class Shard : private MessageSink {
 public:
  /// Attaches to weir-media's region (waiting a few seconds for it), binds the listeners and the management socket, and
  /// ends what an earlier weir-control left. Errors: one sentence that says what to do.
  /// `configuration`: the absolute path of the file that `settings` came from, to be read again.
  static proto::Result<std::unique_ptr<Shard>> create(proto::settings::Settings settings, std::string configuration);
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;
  ~Shard() override;

  /// Runs until SIGTERM or SIGINT; then ends every call, and returns when all is said or kFarewellSeconds have passed.
  /// SIGHUP: the configuration and the files it names are read anew.
  void run();

 private:
  static constexpr std::uint32_t kFarewellSeconds = 5;
  /// For weir-media's workers to come alive after both were started.
  static constexpr std::uint32_t kMediaStartSeconds = 5;

  enum class MediaState : std::uint8_t { kAwaited, kAlive, kStopped };

  Shard(proto::settings::Settings settings, std::string configuration, proto::Region region);
  proto::Status start();
  proto::Status start_media();
  proto::Status start_identity();
  proto::Status start_routing();
  proto::Status start_registrar();
  proto::Status start_records();
  proto::Status start_management();
  TargetSources target_sources();

  // MessageSink
  bool on_datagram(std::string_view bytes, const sip::Hop& source, const Waited& waited) override;
  void on_message(sip::Message message, const sip::Hop& source) override;
  void on_malformed(const sip::ParseError& error, const sip::Hop& source) override;
  void on_transport_error(const sip::Hop& hop) override;
  void on_flow_gone(const sip::Hop& hop) override;

  void tick();
  void say_farewell();
  void watch_media(std::uint64_t now_ns);
  void watch_workers(std::uint64_t now_ns);
  // shard_reload.cc
  void start_reloader();
  void await_reload();
  void reload(RpcReply reply);
  void ask_for_reload(Reloader::Done done);
  std::vector<std::string> take_over(ReloadPlan plan);
  // shard_answers.cc
  void answer(std::string_view command, std::string_view argument, RpcReply reply);
  RpcResult answer_at_once(std::string_view command, std::string_view argument);
  RpcResult answer_of_call(std::string_view command, std::string_view argument, std::uint64_t now_ns);
  RpcResult drain(std::string_view argument);
  [[nodiscard]] boost::json::value status_view(std::uint64_t now_ns) const;

  proto::settings::Settings settings_;
  std::string configuration_;
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
  std::unique_ptr<RecordFile> records_;  ///< null: none are wanted
  CallRecorder recorder_;
  std::unique_ptr<Identity> identity_;
  std::unique_ptr<CallControl> calls_;
  std::unique_ptr<Trunks> trunks_;        ///< goes before the calls that it sends through
  std::unique_ptr<Registrar> registrar_;  ///< null: no realm has one
  std::unique_ptr<AdminServer> admin_;
  std::unique_ptr<FifoServer> fifo_;  ///< null: none is configured
  std::unique_ptr<Reloader> reloader_;
  std::uint64_t started_ns_ = 0;
  std::uint64_t tick_due_ns_ = 0;
  std::uint64_t busy_ns_ = 0;      ///< when weir-media last had something to say
  std::uint64_t farewell_ns_ = 0;  ///< when to stop at the latest; 0: running
  MediaState media_state_ = MediaState::kAwaited;
  std::uint64_t media_incarnation_ = 0;
};

}  // namespace weir::controlplane
