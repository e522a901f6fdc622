#include "controlplane/shard.h"

#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>
#include <csignal>
#include <ctime>
#include <filesystem>
#include <thread>

#include "controlplane/chance.h"
#include "controlplane/log.h"
#include "controlplane/outside_requests.h"
#include "controlplane/shard_clock.h"
#include "controlplane/token.h"

namespace weir::controlplane {

namespace settings = proto::settings;

namespace {

/// How often rings and timers are looked at: a DTLS flight waits this long at most.
constexpr auto kTick = std::chrono::milliseconds(1);
/// While weir-media has had something to say of late: each flight of a handshake waits for a tick.
constexpr auto kTickSoon = std::chrono::microseconds(200);
constexpr std::uint64_t kOfLateNs = 20'000'000;
constexpr int kRegionTries = 50;
constexpr auto kRegionPause = std::chrono::milliseconds(200);
constexpr std::uint64_t kSecondNs = 1'000'000'000;

std::int64_t unix_ms() {
  timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  return std::int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

proto::Result<proto::Region> attach_patiently(const std::string& directory) {
  for (int attempt = 1;; ++attempt) {
    proto::Result<proto::Region> region = proto::Region::attach(directory);
    if (region || attempt == kRegionTries) return region;
    if (region.error().find("another weir-control") != std::string::npos) return region;
    if (attempt == 1) log_event(LogLevel::kInfo, "start", {{"waiting", region.error()}});
    std::this_thread::sleep_for(kRegionPause);
  }
}

std::string journal_path(const std::string& socket) {
  return (std::filesystem::path(socket).parent_path() / "calls.journal").string();
}

}  // namespace

proto::Result<std::unique_ptr<Shard>> Shard::create(settings::Settings settings, std::string configuration) {
  proto::Result<proto::Region> region = attach_patiently(settings.region.directory);
  if (!region) return proto::Error{region.error()};
  std::unique_ptr<Shard> shard(new Shard(std::move(settings), std::move(configuration), std::move(region).value()));
  if (proto::Status status = shard->start(); !status) return proto::Error{status.error()};
  return shard;
}

Shard::Shard(settings::Settings settings, std::string configuration, proto::Region region)
    : settings_(std::move(settings)),
      configuration_(std::move(configuration)),
      region_(std::move(region)),
      client_(region_, {.null_cipher = settings_.srtp.null_cipher, .aead = settings_.srtp.aead}),
      tick_(io_),
      signals_(io_, SIGTERM, SIGINT),
      reload_signal_(io_, SIGHUP),
      tokens_(make_token) {}

Shard::~Shard() = default;

proto::Status Shard::start() {
  started_ns_ = clock_ns();
  media_incarnation_ = client_.media_incarnation();
  proto::Result<CallJournal> journal =
      CallJournal::open(journal_path(settings_.control.socket), settings_.control.calls_max);
  if (!journal) return proto::Error{journal.error()};
  journal_ = std::make_unique<CallJournal>(std::move(journal).value());
  if (journal_->lost()) {
    log_event(LogLevel::kWarning, "start",
              {{"event", "the call journal is of another size or version: its calls end"}});
  }
  if (proto::Status status = start_media(); !status) return status;
  transports_ = std::make_unique<Transports>(io_, settings_, static_cast<MessageSink&>(*this));
  if (proto::Status status = start_identity(); !status) return status;
  if (proto::Status status = start_routing(); !status) return status;
  if (proto::Status status = start_records(); !status) return status;
  if (proto::Status status = start_registrar(); !status) return status;
  if (proto::Status status = transports_->listen(); !status) return status;
  if (proto::Status status = start_management(); !status) return status;
  calls_->adopt_journalled(clock_ns());
  return proto::success();
}

/// With the certificate of the weir-control before, so that the associations of its calls stay what they are.
proto::Status Shard::start_media() {
  std::vector<std::uint8_t> der = journal_->certificate();
  proto::Result<Certificate> kept = Certificate::from_der(der);
  proto::wipe(der.data(), der.size());
  proto::Result<std::unique_ptr<MediaEngine>> media = MediaEngine::create(
      client_, settings_, kept && kept->has_half_its_life() ? std::optional(std::move(kept).value()) : std::nullopt);
  if (!media) return proto::Error{media.error()};
  media_ = std::move(media).value();
  media_->certificates().start();
  der = media_->dtls().certificate().to_der();
  if (der.size() <= kJournalCertificateBytesMax) journal_->store_certificate(der);
  proto::wipe(der.data(), der.size());
  return proto::success();
}

TargetSources Shard::target_sources() {
  return {.trunks = [this](std::string_view trunk, std::string_view user,
                           bool is_call) { return trunks_->targets(trunk, user, is_call); },
          .registrar =
              [this](std::uint32_t realm, std::string_view user) {
                return registrar_ ? registrar_->lookup(realm, user) : std::vector<Target>();
              },
          .gruu =
              [this](const sip::Uri& gruu) {
                return registrar_ ? registrar_->resolve(gruu) : std::variant<std::monostate, Instance, Refusal>();
              },
          .instance =
              [this](const Instance& instance) {
                return registrar_ ? registrar_->lookup(instance) : std::vector<Target>();
              }};
}

proto::Status Shard::start_identity() {
  proto::Result<IdentityFiles> files = load_identity_files(settings_, std::int64_t{std::time(nullptr)});
  if (!files) return proto::Error{files.error()};
  auto identity = Identity::create(io_, settings_, std::move(files).value());
  if (!identity) return proto::Error{identity.error()};
  identity_ = std::move(identity).value();
  return proto::success();
}

/// Calls, and those who know where they go.
proto::Status Shard::start_routing() {
  proto::Result<std::vector<TrunkPlan>> plans = plan_trunks(settings_);
  if (!plans) return proto::Error{plans.error()};
  proto::Result<Policy> policy = Policy::create(settings_, target_sources());
  if (!policy) return proto::Error{policy.error()};
  policy_.emplace(std::move(policy).value());
  calls_ =
      std::make_unique<CallControl>(settings_, *media_, *transports_, *policy_, *transports_, tokens_, journal_.get());
  trunks_ = std::make_unique<Trunks>(
      TrunkPorts{.paths = *transports_,
                 .send = [this](Requester& requester, sip::Message request,
                                const sip::Hop& hop) { return calls_->request(requester, std::move(request), hop); },
                 .disown = [this](sip::TransactionId id) { calls_->disown(id); },
                 .tokens = tokens_,
                 .chance = draw_by_chance});
  trunks_->set(std::move(plans).value());
  calls_->set_trunks(*trunks_);
  calls_->set_identity(*identity_);
  return proto::success();
}

proto::Status Shard::start_management() {
  start_reloader();
  const auto handler = [this](std::string_view command, std::string_view argument, RpcReply reply) {
    answer(command, argument, std::move(reply));
  };
  auto admin = AdminServer::listen(io_, settings_.control.socket, handler);
  if (!admin) return proto::Error{admin.error()};
  admin_ = std::move(admin).value();
  if (settings_.control.fifo.request.empty()) return proto::success();
  auto fifo = FifoServer::open(io_, settings_.control.fifo, handler);
  if (!fifo) return proto::Error{fifo.error()};
  fifo_ = std::move(fifo).value();
  return proto::success();
}

proto::Status Shard::start_registrar() {
  const auto has_one = [](const settings::RealmSettings& realm) { return !realm.registrar.domains.empty(); };
  if (std::none_of(settings_.realms.begin(), settings_.realms.end(), has_one)) return proto::success();
  RegistrarContext context{
      .settings = settings_,
      .paths = *transports_,
      .may_be_sent_to = [this](const proto::Endpoint& there) { return transports_->may_be_sent_to(there); },
      .respond = [this](sip::TransactionId id, const sip::Message& response) { calls_->respond(id, response); },
      .tokens = make_token,
      .unix_time_s = [] { return std::int64_t{std::time(nullptr)}; },
      .succeed = [this](const sip::Hop& gone, const sip::Hop& now) { transports_->succeed(gone, now); },
      .relay = &calls_->register_relays(),
      .vouched = [this](const sip::Hop& hop) { return transports_->vouched(hop); }};
  auto registrar = Registrar::create(std::move(context), started_ns_);
  if (!registrar) return proto::Error{registrar.error()};
  registrar_ = std::move(registrar).value();
  calls_->set_handler(sip::Method::kRegister, *registrar_);
  calls_->set_flows(*registrar_);
  return proto::success();
}

proto::Status Shard::start_records() {
  if (settings_.control.call_records.empty()) return proto::success();
  auto records = RecordFile::open(settings_.control.call_records);
  if (!records) return proto::Error{records.error()};
  records_ = std::move(records).value();
  recorder_ = {.unix_ms = unix_ms,
               .write = [this](const boost::json::object& record) { (void)records_->write(record); }};
  calls_->set_recorder(recorder_);
  return proto::success();
}

void Shard::run() {
  await_reload();
  signals_.async_wait([this](const boost::system::error_code& error, int) {
    if (!error) say_farewell();
  });
  log_event(LogLevel::kInfo, "start",
            {{"pid", static_cast<std::uint64_t>(getpid())},
             {"realms", std::uint64_t{settings_.realms.size()}},
             {"routes", std::uint64_t{settings_.routes.size()}},
             {"workers", region_.shape().workers},
             {"fingerprint", sip::write_fingerprint(media_->fingerprint())}});
  tick_due_ns_ = clock_ns();
  tick();
  io_.run();
  log_event(LogLevel::kInfo, "stop", {{"calls_left", std::uint64_t{calls_->calls()}}});
}

void Shard::tick() {
  const std::uint64_t now_ns = clock_ns();
  if (registrar_) registrar_->on_tick(now_ns);
  const bool busy = calls_->on_tick(now_ns, now_ns - std::min(now_ns, tick_due_ns_));
  watch_media(now_ns);
  const bool quiet = calls_->calls() == 0 && calls_->outside().idle();
  if (farewell_ns_ != 0 && (quiet || now_ns >= farewell_ns_)) return io_.stop();
  tick_due_ns_ = clock_ns();
  if (busy) {
    busy_ns_ = now_ns;
    return boost::asio::post(io_, [this] { tick(); });
  }
  const std::chrono::nanoseconds pause = now_ns - busy_ns_ < kOfLateNs ? kTickSoon : kTick;
  tick_due_ns_ += static_cast<std::uint64_t>(pause.count());
  tick_.expires_after(pause);
  tick_.async_wait([this](const boost::system::error_code& error) {
    if (!error) tick();
  });
}

void Shard::say_farewell() {
  log_event(LogLevel::kInfo, "stop", {{"ending_calls", std::uint64_t{calls_->calls()}}});
  const std::uint64_t now_ns = clock_ns();
  farewell_ns_ = now_ns + kFarewellSeconds * kSecondNs;
  calls_->end_all(now_ns, "the border is shutting down");
}

void Shard::watch_media(std::uint64_t now_ns) {
  watch_workers(now_ns);
  const std::uint64_t incarnation = client_.media_incarnation();
  if (incarnation == media_incarnation_) return;
  media_incarnation_ = incarnation;
  log_event(LogLevel::kWarning, "media", {{"event", "weir-media was restarted"}, {"incarnation", incarnation}});
}

void Shard::watch_workers(std::uint64_t now_ns) {
  const auto turn = [this](MediaState state, LogLevel level, std::string_view event) {
    media_state_ = state;
    log_event(level, "media", {{"event", event}});
  };
  const bool alive = client_.media_alive(now_ns);
  switch (media_state_) {
    case MediaState::kAwaited:  // the region is there before its workers are
      if (alive) return turn(MediaState::kAlive, LogLevel::kInfo, "weir-media is alive");
      if (now_ns < started_ns_ + kMediaStartSeconds * kSecondNs) return;
      return turn(MediaState::kStopped, LogLevel::kError,
                  "weir-media does not run: start it, no call works without it");
    case MediaState::kAlive:
      if (alive) return;
      return turn(MediaState::kStopped, LogLevel::kError,
                  "weir-media has stopped: calls keep their flows until it is back");
    case MediaState::kStopped:
      if (alive) return turn(MediaState::kAlive, LogLevel::kInfo, "weir-media is alive");
      return;
  }
}

bool Shard::on_datagram(std::string_view bytes, const sip::Hop& source, const Waited& waited) {
  return calls_->turn_away(clock_ns(), bytes, source, waited);
}

void Shard::on_message(sip::Message message, const sip::Hop& source) {
  calls_->on_message(clock_ns(), std::move(message), source);
}

void Shard::on_malformed(const sip::ParseError& error, const sip::Hop& source) {
  calls_->on_malformed(clock_ns(), error, source);
}

void Shard::on_transport_error(const sip::Hop& hop) {
  calls_->on_transport_error(clock_ns(), hop);
}

void Shard::on_flow_gone(const sip::Hop& hop) {
  if (registrar_) registrar_->on_flow_gone(hop);
}

}  // namespace weir::controlplane
