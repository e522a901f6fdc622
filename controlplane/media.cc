#include "controlplane/media.h"

#include <algorithm>
#include <utility>

#include "controlplane/media_engine.h"
#include "controlplane/media_flows.h"

namespace weir::controlplane {
namespace {

constexpr std::array<Side, 2> kSides = {Side::kCaller, Side::kCallee};

proto::PrefixBits latch_prefix(const proto::settings::ControlSettings& control) {
  return {.ipv4 = static_cast<std::uint8_t>(control.plain_latch_prefix_bits),
          .ipv6 = static_cast<std::uint8_t>(control.plain_latch_ipv6_prefix_bits)};
}

}  // namespace

Media::Media(MediaEngine& engine, const std::array<MediaLegOptions, 2>& options,
             const std::array<std::uint16_t, 2>& rtp_ports, std::uint64_t cookie, MediaObserver observer)
    : engine_(engine), options_(options), cookie_(cookie), observer_(std::move(observer)) {
  for (const Side side : kSides) {
    const auto index = static_cast<std::size_t>(side);
    legs_[index] = std::make_unique<MediaLeg>(
        engine, options[index], rtp_ports[index], cookie,
        MediaLeg::Callbacks{
            .secured = [this, side](std::uint64_t now_ns) { on_leg_secured(side, now_ns); },
            .failed = [this, side](const std::string& reason, std::uint64_t now_ns) { fail(side, reason, now_ns); },
            .event = [this, side](Component component, const proto::Event& event,
                                  std::uint64_t now_ns) { on_leg_event(side, component, event, now_ns); }});
  }
}

Media::~Media() {
  close(now_ns_);
  engine_.forget(*this);
}

proto::Status Media::listen(std::uint64_t now_ns) {
  now_ns_ = now_ns;
  for (const Side side : kSides) {
    if (proto::Status status = leg(side).listen(now_ns); !status) return status;
  }
  return proto::success();
}

proto::Endpoint Media::local_rtp(Side side) const {
  const MediaLeg& here = leg(side);
  return {.address = engine_.settings().networks[here.network()].address,
          .port = here.port(Component::kRtp).local_port()};
}

proto::Endpoint Media::local_rtcp(Side side) const {
  const MediaLeg& here = leg(side);
  return {.address = engine_.settings().networks[here.network()].address,
          .port = here.port(Component::kRtcp).local_port()};
}

sip::LocalSection Media::local_section(Side side) {
  sip::LocalSection section = leg(side).local_keys();
  section.rtp = local_rtp(side);
  section.rtcp = local_rtcp(side);
  return section;
}

void Media::renew_keys(Side side) {
  leg(side).renew_local_keys();
}

void Media::set_rewrite(const MediaRewrite& rewrite) {
  rewrite_ = rewrite;
}

proto::Status Media::set_remote(Side side, const RemoteMedia& remote, std::uint64_t now_ns) {
  now_ns_ = now_ns;
  if (state_ == State::kFailed || state_ == State::kClosed) return proto::Error{"the stream has ended"};
  if (proto::Status status = leg(side).set_remote(remote, now_ns); !status) return status;
  if (state_ == State::kStarting) {
    install_when_ready(now_ns);
  } else {
    move_peers(now_ns);
  }
  return proto::success();
}

void Media::on_leg_secured(Side side, std::uint64_t now_ns) {
  now_ns_ = now_ns;
  say({.kind = MediaEvent::Kind::kSecured, .side = side, .secured = leg(side).secured(), .reason = {}, .source = {}});
  if (state_ == State::kStarting) install_when_ready(now_ns);
}

void Media::install_when_ready(std::uint64_t now_ns) {
  if (!leg(Side::kCaller).ready() || !leg(Side::kCallee).ready()) return;
  state_ = State::kInstalling;
  for (const Side side : kSides) {
    if (const proto::Status status = install_from(side, now_ns); !status) {
      fail(side, status.error(), now_ns);
      return;
    }
  }
}

Secret<proto::FlowSpec> Media::flow_from(Side side, Component component) const {
  const proto::settings::ControlSettings& control = engine_.settings().control;
  const FlowTerms terms{.cookie = cookie_,
                        .media_timeout_ms = control.media_timeout_ms,
                        .punts_per_s_max = control.punts_per_s_max,
                        .rate_factor = control.media_rate_factor,
                        .plain_latch_ms = control.plain_latch_ms,
                        .plain_latch_prefix = latch_prefix(control)};
  const auto& payload_types = side == Side::kCaller ? rewrite_.from_caller : rewrite_.from_callee;
  return make_flow(leg(side), leg(opposite(side)), component, payload_types, terms);
}

proto::Status Media::install_from(Side side, std::uint64_t now_ns) {
  for (const Component component : leg(side).components()) {
    const Secret<proto::FlowSpec> spec = flow_from(side, component);
    ++installs_waiting_;
    proto::Status sent = leg(side).port(component).install(
        *spec, now_ns, [this, side](const proto::Status& status) { on_installed(side, status); });
    if (!sent) return sent;
  }
  return proto::success();
}

void Media::on_installed(Side side, const proto::Status& status) {
  if (state_ != State::kInstalling) return;
  if (!status) {
    fail(side, "a flow cannot be installed: " + status.error(), now_ns_);
    return;
  }
  if (--installs_waiting_ != 0) return;
  state_ = State::kFlowing;
  media_expected_ns_ = now_ns_;
  say({.kind = MediaEvent::Kind::kFlowing, .side = side, .secured = {}, .reason = {}, .source = {}});
}

void Media::move_peers(std::uint64_t now_ns) {
  peers_stale_ = false;
  for (const Side side : kSides) {
    for (const Component component : leg(side).components()) {
      MediaPort& port = leg(side).port(component);
      if (!port.install_sent()) continue;
      const Secret<proto::FlowSpec> spec = flow_from(side, component);
      const proto::Status sent = port.set_peer(*spec, now_ns, [this, side](const proto::Status& status) {
        if (!status) fail(side, "a flow's peer cannot be moved: " + status.error(), now_ns_);
      });
      if (!sent) peers_stale_ = true;
    }
  }
}

void Media::on_leg_event(Side side, Component component, const proto::Event& event, std::uint64_t now_ns) {
  now_ns_ = now_ns;
  switch (event.kind) {
    case proto::EventKind::kSourceLearned:
      on_source_learned(side, component, event.source, now_ns);
      return;
    case proto::EventKind::kMediaTimeout:
      silence_noted_ = true;
      return;
    case proto::EventKind::kIndexNearLimit:
      say({.kind = MediaEvent::Kind::kKeysEnding, .side = side, .secured = {}, .reason = {}, .source = {}});
      return;
    case proto::EventKind::kFirstAuthenticated:
    case proto::EventKind::kKeysConfirmed:
    case proto::EventKind::kOpened:
    case proto::EventKind::kInstalled:
    case proto::EventKind::kKeysUpdated:
    case proto::EventKind::kPeerSet:
    case proto::EventKind::kRemoved:
    case proto::EventKind::kDrained:
    case proto::EventKind::kRefused:
      return;
  }
}

void Media::on_source_learned(Side side, Component component, const proto::Endpoint& source, std::uint64_t now_ns) {
  if (state_ != State::kInstalling && state_ != State::kFlowing) return;
  proto::Endpoint clean = source;
  clean.reserved = 0;
  if (!leg(side).learn_source(component, clean, latch_prefix(engine_.settings().control))) return;
  move_peers(now_ns);
  say({.kind = MediaEvent::Kind::kSourceLearned, .side = side, .secured = {}, .reason = {}, .source = clean});
}

void Media::check_silence(std::uint64_t now_ns) {
  // A party may be silent for long (muted, RTCP alone): the stream is dead when nothing came on any flow. A flow says
  // its silence once, so what hold or another flow forbids to conclude now is kept in mind.
  if (leg(Side::kCaller).may_be_silent() || leg(Side::kCallee).may_be_silent()) {
    media_expected_ns_ = now_ns;
    return;
  }
  const std::uint64_t timeout_ns = std::uint64_t{engine_.settings().control.media_timeout_ms} * 1'000'000u;
  std::uint64_t heard_ns = 0;
  for (const Side side : kSides) {
    for (const proto::FlowId flow : flows(side)) {
      const proto::FlowStatus* status = engine_.client().status(flow);
      if (status != nullptr) heard_ns = std::max(heard_ns, status->media_last_ns);
    }
  }
  if (heard_ns + timeout_ns > now_ns) {
    silence_noted_ = false;  // the flow that was heard will say its own silence
    return;
  }
  if (media_expected_ns_ + timeout_ns > now_ns) return;
  silence_noted_ = false;
  say({.kind = MediaEvent::Kind::kTimeout, .side = Side::kCaller, .secured = {}, .reason = {}, .source = {}});
}

void Media::advance(std::uint64_t now_ns) {
  now_ns_ = now_ns;
  if (peers_stale_) move_peers(now_ns);
  if (silence_noted_ && state_ == State::kFlowing) check_silence(now_ns);
  if (state_ != State::kStarting) return;
  for (const Side side : kSides) leg(side).advance(now_ns);
}

void Media::fail(Side side, const std::string& reason, std::uint64_t now_ns) {
  if (state_ == State::kFailed || state_ == State::kClosed) return;
  state_ = State::kFailed;
  peers_stale_ = false;
  for (const Side each : kSides) leg(each).close(now_ns);
  say({.kind = MediaEvent::Kind::kFailed, .side = side, .secured = {}, .reason = reason, .source = {}});
}

void Media::say(MediaEvent event) {
  if (observer_) observer_(event);
}

void Media::close(std::uint64_t now_ns) {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  peers_stale_ = false;
  for (const Side side : kSides) {
    leg(side).close(now_ns);
    engine_.ports().give_back(leg(side).network(), leg(side).port(Component::kRtp).local_port(), now_ns);
  }
}

std::string_view Media::codec(Side side) const {
  return leg(side).remote_known() ? std::string_view(leg(side).terms().codec) : std::string_view();
}

std::vector<proto::FlowId> Media::flows(Side side) const {
  std::vector<proto::FlowId> found;
  for (const Component component : kComponents) {
    if (const auto flow = leg(side).port(component).flow()) found.push_back(*flow);
  }
  return found;
}

}  // namespace weir::controlplane
