#include "tests/support/media_lab.h"

#include <algorithm>
#include <utility>

namespace weir::tests {

using controlplane::kComponents;

proto::settings::Settings media_settings() {
  proto::settings::Settings settings;
  for (std::uint32_t i = 0; i < 2; ++i) {
    proto::settings::NetworkSettings network;
    network.name = i == 0 ? "a" : "b";
    network.address = proto::IpAddress::from_ipv4(0xc6120001 + (i + 1) * 256);  // 198.18.1.1, 198.18.2.1
    network.port_first = static_cast<std::uint16_t>(20000 + i * 10000);
    network.port_last = static_cast<std::uint16_t>(network.port_first + 99);
    settings.networks.push_back(network);
  }
  return settings;
}

namespace {

std::array<sip::SecurityPolicy, 2> policies_of(const Party& caller, const Party& callee) {
  return {caller.secured ? dtls_required() : sip::SecurityPolicy{},
          callee.secured ? dtls_required() : sip::SecurityPolicy{}};
}

}  // namespace

MediaLab::MediaLab(const Party& caller, const Party& callee, bool listens_early,
                   const proto::settings::Settings& settings)
    : MediaLab(caller, callee, policies_of(caller, callee), listens_early, settings) {}

MediaLab::MediaLab(const Party& caller, const Party& callee, const std::array<sip::SecurityPolicy, 2>& policies,
                   bool listens_early, const proto::settings::Settings& settings)
    : MediaLab(caller, callee, policies, listens_early, settings, [](auto&) {}) {}

MediaLab::MediaLab(const Party& caller, const Party& callee, const Adjust& adjust)
    : MediaLab(caller, callee, policies_of(caller, callee), false, media_settings(), adjust) {}

MediaLab::MediaLab(const Party& caller, const Party& callee, const std::array<sip::SecurityPolicy, 2>& policies,
                   bool listens_early, const proto::settings::Settings& settings, const Adjust& adjust)
    : parties_{caller, callee} {
  auto attached = proto::Region::attach(directory.path());
  WEIR_ASSERT(attached.ok());
  region = std::make_unique<proto::Region>(std::move(attached).value());
  client = std::make_unique<controlplane::DataplaneClient>(*region);
  auto made = controlplane::MediaEngine::create(*client, settings, {}, [this](std::uint32_t) { return chance; });
  WEIR_ASSERT(made.ok());
  engine = std::move(made).value();

  std::array<controlplane::MediaLegOptions, 2> options;
  for (std::size_t i = 0; i < 2; ++i) {
    options[i].network = static_cast<std::uint8_t>(i);
    options[i].security = policies[i];
    options[i].listens_early = listens_early && parties_[i].secured;
    make_peers(i);
  }
  adjust(options);
  auto stream = engine->create_media(
      options[0], options[1], [this](const MediaEvent& event) { events.push_back(event); }, now_ns);
  WEIR_ASSERT(stream.ok());
  media = std::move(stream).value();
}

void MediaLab::make_peers(std::size_t party) {
  for (auto& peer : peers_[party]) {
    if (!parties_[party].secured) continue;
    DtlsPeer::Options options{.client = parties_[party].is_dtls_client};
    if (!parties_[party].use_srtp) options.profiles.clear();
    peer = std::make_unique<DtlsPeer>(options);
  }
}

void MediaLab::renew_peer(Side side, bool other_role) {
  Party& party = parties_[index(side)];
  party.secured = true;
  party.is_dtls_client = party.is_dtls_client != other_role;
  make_peers(index(side));
}

proto::Endpoint MediaLab::place(Side side, std::size_t component) {
  return {.address = proto::IpAddress::from_ipv4(side == Side::kCaller ? 0xc6120102 : 0xc6120202),
          .port = static_cast<std::uint16_t>((side == Side::kCaller ? 5000 : 6000) + component)};
}

std::uint16_t MediaLab::local_port(Side side, std::size_t component) const {
  return component == 0 ? media->local_rtp(side).port : media->local_rtcp(side).port;
}

const FakeWorker::Flow* MediaLab::flow(Side side, std::size_t component) const {
  return worker.flow_at(local_port(side, component));
}

controlplane::RemoteMedia MediaLab::remote(Side side) const {
  const Party& party = parties_[index(side)];
  controlplane::RemoteMedia remote;
  remote.rtp = place(side);
  remote.rtcp = place(side, 1);
  remote.rtcp_mux = party.rtcp_mux;
  remote.role = party.is_dtls_client ? sip::DtlsRole::kServer : sip::DtlsRole::kClient;
  if (party.secured) {
    remote.keying = sip::Keying::kDtls;
    for (const auto& peer : peers_[index(side)]) remote.fingerprints.push_back(peer->fingerprint());
    if (party.wrong_fingerprint) remote.fingerprints = {DtlsPeer({}).fingerprint()};
  }
  return remote;
}

proto::Status MediaLab::answer(Side side) {
  proto::Status status = media->set_remote(side, remote(side), now_ns);
  if (status && party(side).secured && party(side).is_dtls_client) begin_dtls(side);
  return status;
}

void MediaLab::begin_dtls(Side side) {
  for (std::size_t component = 0; component < (party(side).rtcp_mux ? 1u : 2u); ++component) {
    peer(side, component).step();
  }
}

bool MediaLab::carry() {
  bool moved = false;
  const std::uint64_t commands = worker.commands();
  worker.run();
  moved = worker.commands() != commands;
  while (!worker.sent().empty()) {
    const FakeWorker::Sent sent = std::move(worker.sent().front());
    worker.sent().pop_front();
    moved = true;
    if (sent.kind == proto::InjectKind::kReceived) returned.push_back(sent);
    for (const Side side : {Side::kCaller, Side::kCallee}) {
      for (std::size_t component = 0; component < 2; ++component) {
        if (sent.destination == place(side, component) && party(side).secured) {
          peer(side, component).receive(sent.bytes);
        }
      }
    }
  }
  for (const Side side : {Side::kCaller, Side::kCallee}) {
    for (std::size_t component = 0; party(side).secured && component < 2; ++component) {
      for (const Datagram& datagram : peer(side, component).take_sent()) {
        worker.punt(local_port(side, component), place(side, component), datagram);
        moved = true;
        engine->poll(now_ns);  // the test region's rings are short
      }
    }
  }
  return engine->poll(now_ns) > 0 || moved;
}

void MediaLab::check_nothing_clear() const {
  // No flow sends to a secured leg without keys, at any moment.
  for (const Side side : {Side::kCaller, Side::kCallee}) {
    if (!parties_[index(controlplane::opposite(side))].secured) continue;
    for (std::size_t component = 0; component < 2; ++component) {
      const FakeWorker::Flow* here = flow(side, component);
      if (here == nullptr || here->state != proto::FlowState::kInstalled) continue;
      const bool leaves = here->spec.rtp.peer.port != 0 || here->spec.rtcp.peer.port != 0;
      WEIR_ASSERT(!leaves || here->spec.send.profile != proto::SrtpProfile::kNone);
    }
  }
}

void MediaLab::settle() {
  for (int quiet = 0; quiet < 3; quiet = carry() ? 0 : quiet + 1) {
    check_nothing_clear();
    now_ns += 1'000'000;
  }
}

std::size_t MediaLab::count(MediaEvent::Kind kind) const {
  return static_cast<std::size_t>(
      std::count_if(events.begin(), events.end(), [&](const MediaEvent& event) { return event.kind == kind; }));
}

const MediaEvent& MediaLab::last(MediaEvent::Kind kind) const {
  const auto found =
      std::find_if(events.rbegin(), events.rend(), [&](const MediaEvent& event) { return event.kind == kind; });
  WEIR_ASSERT(found != events.rend());
  return *found;
}

}  // namespace weir::tests
