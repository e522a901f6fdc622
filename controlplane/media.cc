#include "controlplane/media.h"

#include <openssl/rand.h>

#include <algorithm>
#include <utility>

#include "controlplane/media_engine.h"
#include "controlplane/media_flows.h"
#include "proto/assert.h"
#include "proto/source_disguise.h"

namespace weir::controlplane {
namespace {

constexpr std::uint64_t kMsNs = 1'000'000;

}  // namespace

Media::Media(MediaEngine& engine, const std::array<MediaLegOptions, 2>& options,
             const std::array<std::uint16_t, 2>& rtp_ports, std::uint64_t cookie, MediaObserver observer)
    : engine_(engine), cookie_(cookie), observer_(std::move(observer)) {
  for (const Side side : kSides) {
    const auto index = static_cast<std::size_t>(side);
    make_leg(side, options[index], rtp_ports[index]);
  }
}

void Media::make_leg(Side side, const MediaLegOptions& options, std::uint16_t rtp_port) {
  auto made =
      std::make_unique<MediaLeg>(engine_, side, options, rtp_port, cookie_, static_cast<MediaLeg::Listener&>(*this));
  std::unique_ptr<MediaLeg>& place = legs_[static_cast<std::size_t>(side)];
  if (place != nullptr) replaced_.push_back(std::move(place));
  place = std::move(made);
  keys_versions_[static_cast<std::size_t>(side)] = 0;
}

Media::~Media() {
  close(now_ns_);
  engine_.forget(*this);
}

/// Something changed: advance() has to look.
void Media::touch(std::uint64_t now_ns) {
  now_ns_ = now_ns;
  engine_.wake(*this);
}

proto::Status Media::listen(std::uint64_t now_ns) {
  touch(now_ns);
  for (const Side side : kSides) {
    if (proto::Status status = leg(side).listen(now_ns); !status) return status;
  }
  return proto::success();
}

proto::Endpoint Media::local_rtp(Side side) const {
  return leg(side).place_of(Component::kRtp);
}

proto::Endpoint Media::local_rtcp(Side side) const {
  return leg(side).place_of(Component::kRtcp);
}

sip::LocalSection Media::local_section(Side side, bool sdes) {
  sip::LocalSection section = leg(side).local_keys(sdes);
  section.rtp = local_rtp(side);
  section.rtcp = local_rtcp(side);
  return section;
}

sip::LocalIce Media::local_ice(Side side, const sip::RemoteIce* offer, std::uint64_t now_ns) {
  touch(now_ns);
  return leg(side).local_ice(offer, now_ns);
}

void Media::add_candidates(Side side, const sip::RemoteIce& more, std::uint64_t now_ns) {
  touch(now_ns);
  leg(side).add_candidates(more);
}

void Media::renew_keys(Side side) {
  leg(side).renew_local_keys();
}

proto::Status Media::replace(Side side, const MediaLegOptions& options, std::uint64_t now_ns) {
  touch(now_ns);
  if (state_ == State::kFailed || state_ == State::kClosed) return proto::Error{"the stream has ended"};
  // On the worker that has the other leg: what a stream touches stays in one core's cache.
  const std::uint16_t others = leg(opposite(side)).port(Component::kRtp).local_port();
  const std::uint32_t worker = proto::worker_of_port(others, engine_.client().workers());
  MediaLegOptions taken = options;
  const proto::Result<std::uint16_t> port = engine_.equip(taken, worker, now_ns);
  if (!port) return proto::Error{port.error()};
  choose_fresh_ssrc(side);
  MediaLeg& gone = leg(side);
  gone.close(now_ns);
  gone.give_back_ports(now_ns);
  make_leg(side, taken, *port);
  silence_noted_ = false;
  state_ = State::kStarting;
  move_peers(now_ns);  // until the new party is known there is nobody to send to
  return leg(side).listen(now_ns);
}

proto::Status Media::make_unlinkable(Side side, std::uint64_t now_ns) {
  touch(now_ns);
  MediaLeg& hidden = leg(side);
  std::shared_ptr<const Certificate> own;
  if (hidden.shares_certificate()) {
    own = engine_.certificates().take();
    if (own == nullptr) return proto::Error{"no DTLS certificate can be made"};
  }
  hidden.make_unlinkable(std::move(own));
  return proto::success();
}

/// What a source of `from`'s party is called on the other leg, but for one that all leave as.
std::uint32_t Media::ssrc_across(Side from, std::uint32_t ssrc) const {
  return leg(opposite(from)).is_unlinkable() ? proto::SourceDisguise(cookie_).hide(ssrc) : ssrc;
}

/// What comes from `side` leaves with an SSRC that its other leg has not heard under its keys.
void Media::choose_fresh_ssrc(Side side) {
  std::uint32_t& ssrc = fresh_ssrc_[static_cast<std::size_t>(side)];
  if (ssrc != 0) ssrcs_used_.push_back(ssrc);
  for (const proto::FlowId flow : flows(side)) {
    const proto::FlowStatus* status = engine_.client().status(flow);
    if (status == nullptr) continue;
    for (const proto::StreamStatus& stream : status->streams) {
      if (stream.recent != 0) ssrcs_used_.push_back(ssrc_across(side, stream.ssrc));
    }
  }
  do {
    WEIR_ASSERT(RAND_bytes(reinterpret_cast<unsigned char*>(&ssrc), sizeof ssrc) == 1);
  } while (ssrc == 0 || std::find(ssrcs_used_.begin(), ssrcs_used_.end(), ssrc) != ssrcs_used_.end());
}

void Media::set_rewrite(const MediaRewrite& rewrite) {
  rewrite_ = rewrite;
}

proto::Status Media::set_remote(Side side, const RemoteMedia& remote, std::uint64_t now_ns) {
  touch(now_ns);
  if (state_ == State::kFailed || state_ == State::kClosed) return proto::Error{"the stream has ended"};
  if (proto::Status status = leg(side).set_remote(remote, now_ns); !status) return status;
  follow_legs(now_ns);
  return proto::success();
}

void Media::on_leg_secured(Side side, bool renewed, std::uint64_t now_ns) {
  touch(now_ns);
  const bool ages = leg(side).secured().keying == sip::Keying::kDtls;
  KeyAge& age = key_ages_[static_cast<std::size_t>(side)];
  age = {};
  if (ages) age = {.since_ns = now_ns, .packets_before = packets_from(side), .early = draw_early()};
  const auto kind = renewed ? MediaEvent::Kind::kKeysRenewed : MediaEvent::Kind::kSecured;
  say({.kind = kind, .side = side, .secured = leg(side).secured(), .reason = {}, .source = {}});
  follow_legs(now_ns);
}

void Media::on_leg_failed(Side side, const std::string& reason, std::uint64_t now_ns) {
  fail(side, reason, now_ns);
}

void Media::on_renewal_failed(Side side, const std::string& reason, std::uint64_t now_ns) {
  touch(now_ns);
  say({.kind = MediaEvent::Kind::kRenewalFailed, .side = side, .secured = {}, .reason = reason, .source = {}});
}

/// It would do so again: it is asked as seldom as may be, and people are told once.
void Media::on_association_kept(Side side, std::uint64_t now_ns) {
  KeyAge& age = key_ages_[static_cast<std::size_t>(side)];
  age.asked = kRenewalDoublingsMax;
  if (!std::exchange(age.kept, true)) on_renewal_failed(side, "the party keeps its DTLS association", now_ns);
}

void Media::on_leg_busy(Side, std::uint64_t now_ns) {
  touch(now_ns);
}

/// Calls that came together do not have their keys renewed together.
std::uint16_t Media::draw_early() const {
  return static_cast<std::uint16_t>(engine_.chance()(KeyAge::kEarlyMax));
}

/// Brings weir-media to where the legs are.
void Media::follow_legs(std::uint64_t now_ns) {
  if (state_ == State::kFailed || state_ == State::kClosed) return;
  const auto has_new_keys = [this](Side side) {
    return leg(side).keys_version() != keys_versions_[static_cast<std::size_t>(side)];
  };
  const bool new_keys = std::any_of(kSides.begin(), kSides.end(), has_new_keys);
  // Plain keys come behind the address they are for, all others before it: nothing leaves clear for a secured peer.
  const bool to_plain = std::any_of(kSides.begin(), kSides.end(),
                                    [&](Side side) { return has_new_keys(side) && !leg(side).is_secured_leg(); });
  if (new_keys && !to_plain) update_keys(now_ns);
  move_peers(now_ns);
  if (new_keys && to_plain) update_keys(now_ns);
  install_when_ready(now_ns);
}

void Media::release(std::uint64_t now_ns) {
  now_ns_ = now_ns;
  held_ = false;
  install_when_ready(now_ns);
}

void Media::install_when_ready(std::uint64_t now_ns) {
  if (state_ != State::kStarting || held_ || !leg(Side::kCaller).ready() || !leg(Side::kCallee).ready()) return;
  state_ = State::kInstalling;
  for (const Side side : kSides) {
    keys_versions_[static_cast<std::size_t>(side)] = leg(side).keys_version();
    if (const proto::Status status = install_from(side, now_ns); !status) {
      fail(side, status.error(), now_ns);
      return;
    }
  }
  flow_when_installed(Side::kCaller);
}

Secret<proto::FlowSpec> Media::flow_from(Side side, Component component) const {
  const proto::settings::ControlSettings& control = engine_.settings().control;
  const FlowTerms terms{.cookie = cookie_,
                        .media_timeout_ms = control.media_timeout_ms,
                        .punts_per_s_max = control.punts_per_s_max,
                        .rate_factor = control.media_rate_factor,
                        .plain_latch_ms = control.plain_latch_ms,
                        .plain_latch_prefix = plain_latch_prefix(control)};
  const auto& payload_types = side == Side::kCaller ? rewrite_.from_caller : rewrite_.from_callee;
  Secret<proto::FlowSpec> spec = make_flow(leg(side), leg(opposite(side)), component, payload_types, terms);
  spec->rewrite.ssrc_to = fresh_ssrc_[static_cast<std::size_t>(side)];
  if (leg(opposite(side)).is_unlinkable()) spec->rewrite.strips_extensions |= proto::kHidesSources;
  if (leg(side).is_unlinkable()) spec->rewrite.strips_extensions |= proto::kFindsSources;
  return spec;
}

proto::Status Media::install_from(Side side, std::uint64_t now_ns) {
  for (const Component component : leg(side).components()) {
    if (leg(side).port(component).install_sent()) continue;  // of the party that stays in a transfer
    const Secret<proto::FlowSpec> spec = flow_from(side, component);
    proto::Status sent = leg(side).port(component).install(*spec, now_ns, [this, side](const proto::Status& status) {
      if (status) return flow_when_installed(side);
      fail(side, "a flow cannot be installed: " + status.error(), now_ns_);
    });
    if (!sent) return sent;
  }
  return proto::success();
}

void Media::flow_when_installed(Side side) {
  if (state_ != State::kInstalling) return;
  for (const Side each : kSides) {
    for (const Component component : leg(each).components()) {
      if (!leg(each).port(component).installed()) return;
    }
  }
  state_ = State::kFlowing;
  media_expected_ns_ = now_ns_;
  say({.kind = MediaEvent::Kind::kFlowing, .side = side, .secured = {}, .reason = {}, .source = {}});
}

void Media::move_peers(std::uint64_t now_ns) {
  peers_stale_ = keys_stale_;  // no exit opens before the keys for it are in: advance() comes back to both
  if (keys_stale_) return;
  for (const Side side : kSides) {
    for (const Component component : kComponents) {
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

void Media::update_keys(std::uint64_t now_ns) {
  now_ns_ = now_ns;
  keys_stale_ = false;
  for (const Side side : kSides) {
    for (const Component component : kComponents) {
      if (leg(side).port(component).install_sent()) update_port(side, component, kKeyGraceMs);
    }
  }
  if (keys_stale_) return;
  for (const Side side : kSides) keys_versions_[static_cast<std::size_t>(side)] = leg(side).keys_version();
}

void Media::update_port(Side side, Component component, std::uint32_t grace_ms) {
  Secret<proto::FlowSpec> spec = flow_from(side, component);
  spec->key_grace_ms = grace_ms;
  const proto::Status sent = leg(side).port(component).update_keys(
      *spec, now_ns_, [this, side, component, grace_ms](const proto::Status& status) {
        if (status) return;
        // weir-media may have no room for old keys beside new ones: then the new ones alone.
        if (grace_ms != 0) return update_port(side, component, 0);
        fail(side, "a flow cannot get new keys: " + status.error(), now_ns_);
      });
  if (!sent) keys_stale_ = true;
}

void Media::on_leg_event(Side side, Component component, const proto::Event& event, std::uint64_t now_ns) {
  touch(now_ns);
  switch (event.kind) {
    case proto::EventKind::kSourceLearned:
      on_source_learned(side, component, event.source, now_ns);
      return;
    case proto::EventKind::kIceNominated:
      on_pair_chosen(side, component, event, now_ns);
      return;
    case proto::EventKind::kConsentLost:
      on_consent_lost(side, now_ns);
      return;
    case proto::EventKind::kMediaTimeout:
      silence_noted_ = true;
      return;
    case proto::EventKind::kIndexNearLimit:
      // Its own receive keys or the other leg's send keys: weir-media does not say which.
      for (const Side each : kSides) {
        if (!leg(each).is_secured_leg()) continue;
        say({.kind = MediaEvent::Kind::kKeysEnding, .side = each, .secured = {}, .reason = {}, .source = {}});
      }
      return;
    case proto::EventKind::kPictureAsked:
      say({.kind = MediaEvent::Kind::kPictureAsked, .side = side, .secured = {}, .reason = {}, .source = {}});
      return;
    case proto::EventKind::kKeysConfirmed:
      if (leg(side).confirm_keys(component)) follow_legs(now_ns);
      return;
    case proto::EventKind::kIceChecked:
    case proto::EventKind::kIceRoleLost:
    case proto::EventKind::kFirstAuthenticated:
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

/// weir-media takes media from there already; what goes there follows.
void Media::on_pair_chosen(Side side, Component component, const proto::Event& event, std::uint64_t now_ns) {
  proto::Endpoint source = event.source;
  source.reserved = 0;
  if (leg(side).choose_pair(component, source, event.ssrc, now_ns)) on_leg_moved(side, source, now_ns);
}

void Media::on_leg_moved(Side side, const proto::Endpoint& source, std::uint64_t now_ns) {
  touch(now_ns);
  if (state_ == State::kInstalling || state_ == State::kFlowing) move_peers(now_ns);
  if (source.port == 0) return;
  say({.kind = MediaEvent::Kind::kSourceLearned, .side = side, .secured = {}, .reason = {}, .source = source});
}

/// RFC 7675. Parties of before it send no checks once a pair is chosen: as long as authentic media comes, or need not
/// come, they are there.
void Media::on_consent_lost(Side side, std::uint64_t now_ns) {
  if (leg(side).may_be_silent() || heard_ns(side) + kIceConsentMs * kMsNs > now_ns) return;
  fail(side, "the party consents to media no more (RFC 7675)", now_ns);
}

void Media::on_source_learned(Side side, Component component, const proto::Endpoint& source, std::uint64_t now_ns) {
  if (state_ != State::kInstalling && state_ != State::kFlowing) return;
  proto::Endpoint clean = source;
  clean.reserved = 0;
  if (!leg(side).learn_source(component, clean, plain_latch_prefix(engine_.settings().control))) return;
  move_peers(now_ns);
  say({.kind = MediaEvent::Kind::kSourceLearned, .side = side, .secured = {}, .reason = {}, .source = clean});
}

/// When a packet was last accepted from `side`'s party; 0: never.
std::uint64_t Media::heard_ns(Side side) const {
  std::uint64_t heard = 0;
  for (const proto::FlowId flow : flows(side)) {
    const proto::FlowStatus* status = engine_.client().status(flow);
    if (status != nullptr) heard = std::max(heard, status->media_last_ns);
  }
  return heard;
}

/// What was accepted of its party.
std::uint64_t Media::packets_from(Side side) const {
  std::uint64_t packets = 0;
  for (const proto::FlowId flow : flows(side)) {
    const proto::FlowStatus* status = engine_.client().status(flow);
    if (status != nullptr) packets += status->rtp_packets_in + status->rtcp_packets_in;
  }
  return packets;
}

/// RFC 5763 section 6.7: a fresh association makes fresh keys. What is asked for may not come: the party has to answer,
/// and is asked less and less often. One leg at a time: what is in force has to be written down before more changes.
void Media::check_key_ages(std::uint64_t now_ns) {
  for (const Side side : kSides) {
    KeyAge& age = key_ages_[static_cast<std::size_t>(side)];
    if (leg(opposite(side)).renews()) continue;
    if (age.asked_ns != 0 && now_ns < age.asked_ns + (kRenewalRetryNs << (std::max<std::uint8_t>(age.asked, 1) - 1)))
      continue;
    if (!leg(side).wants_other_keys(age, packets_from(side), now_ns)) continue;
    age.asked_ns = now_ns;
    age.asked = std::min<std::uint8_t>(age.asked + 1, kRenewalDoublingsMax);
    say({.kind = MediaEvent::Kind::kKeysEnding, .side = side, .secured = {}, .reason = {}, .source = {}});
    return;  // the call may have ended with it; the other leg has its turn
  }
}

void Media::check_silence(std::uint64_t now_ns) {
  // A party may be silent for long (muted, RTCP alone): the stream is dead when nothing came on any flow. A flow says
  // its silence once, so what hold or another flow forbids to conclude now is kept in mind.
  if (leg(Side::kCaller).may_be_silent() || leg(Side::kCallee).may_be_silent()) {
    media_expected_ns_ = now_ns;
    return;
  }
  const std::uint64_t timeout_ns = std::uint64_t{engine_.settings().control.media_timeout_ms} * 1'000'000u;
  if (std::max(heard_ns(Side::kCaller), heard_ns(Side::kCallee)) + timeout_ns > now_ns) {
    silence_noted_ = false;  // the flow that was heard will say its own silence
    return;
  }
  if (media_expected_ns_ + timeout_ns > now_ns) return;
  silence_noted_ = false;
  say({.kind = MediaEvent::Kind::kTimeout, .side = Side::kCaller, .secured = {}, .reason = {}, .source = {}});
}

bool Media::advance(std::uint64_t now_ns) {
  now_ns_ = now_ns;
  replaced_.clear();
  if (state_ == State::kFailed || state_ == State::kClosed) return false;
  for (const Side side : kSides) keys_stale_ = leg(side).confirm_keys_in_time(now_ns) || keys_stale_;
  if (keys_stale_) {
    follow_legs(now_ns);
  } else if (peers_stale_) {
    move_peers(now_ns);
  }
  if (silence_noted_ && state_ == State::kFlowing) check_silence(now_ns);
  if (silence_noted_) engine_.wake_later(*this);
  bool more = false;
  for (const Side side : kSides) {
    more = leg(side).advance(now_ns) || more;
    if (leg(side).watches()) engine_.wake_later(*this);
  }
  const bool goes_on = more || keys_stale_ || peers_stale_;
  if (state_ == State::kFlowing) check_key_ages(now_ns);
  return goes_on;
}

void Media::fail(Side side, const std::string& reason, std::uint64_t now_ns) {
  if (state_ == State::kFailed || state_ == State::kClosed) return;
  touch(now_ns);
  state_ = State::kFailed;
  peers_stale_ = false;
  keys_stale_ = false;
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
    leg(side).give_back_ports(now_ns);
  }
}

std::string_view Media::codec(Side side) const {
  return leg(side).remote_known() ? std::string_view(leg(side).terms().codec) : std::string_view();
}

bool Media::transcodes(Side side) const {
  return conversion_of(leg(side), leg(opposite(side))).pairs != 0;
}

std::size_t Media::handshakes() const {
  std::size_t count = 0;
  for (const Side side : kSides) {
    for (const Component component : kComponents) count += leg(side).port(component).handshakes();
  }
  return count;
}

std::vector<proto::FlowId> Media::flows(Side side) const {
  std::vector<proto::FlowId> found;
  for (const Component component : kComponents) {
    if (const auto flow = leg(side).port(component).flow()) found.push_back(*flow);
  }
  return found;
}

}  // namespace weir::controlplane
