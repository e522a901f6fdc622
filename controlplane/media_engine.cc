#include "controlplane/media_engine.h"

#include <openssl/rand.h>

#include <algorithm>
#include <utility>

#include "proto/assert.h"

namespace weir::controlplane {
namespace {

std::uint64_t random_seed() {
  std::uint64_t seed = 0;
  WEIR_ASSERT(RAND_bytes(reinterpret_cast<unsigned char*>(&seed), sizeof seed) == 1);
  return seed;
}

}  // namespace

proto::Result<std::unique_ptr<MediaEngine>> MediaEngine::create(DataplaneClient& client,
                                                                const proto::settings::Settings& settings,
                                                                std::optional<Certificate> certificate, Chance chance) {
  proto::Result<std::unique_ptr<DtlsContext>> dtls =
      DtlsContext::create({.profiles = settings.dtls.profiles,
                           .mtu_bytes = settings.dtls.mtu_bytes,
                           .timeout_ns = std::uint64_t{settings.dtls.handshake_timeout_ms} * 1'000'000u},
                          std::move(certificate));
  if (!dtls) return proto::Error{dtls.error()};
  std::unique_ptr<MediaEngine> engine(new MediaEngine(client, settings, std::move(dtls).value(), std::move(chance)));
  engine->find_flows();
  return engine;
}

MediaEngine::MediaEngine(DataplaneClient& client, const proto::settings::Settings& settings,
                         std::unique_ptr<DtlsContext> dtls, Chance chance)
    : client_(client),
      settings_(settings),
      ports_(settings.networks, client.workers(), random_seed()),
      dtls_(std::move(dtls)),
      chance_(std::move(chance)) {}

MediaEngine::~MediaEngine() {
  WEIR_ASSERT(media_.empty());
}

const sip::Fingerprint& MediaEngine::fingerprint() const {
  return dtls_->certificate().fingerprint();
}

proto::Result<std::unique_ptr<Media>> MediaEngine::create_media(const MediaLegOptions& caller,
                                                                const MediaLegOptions& callee, MediaObserver observer,
                                                                std::uint64_t now_ns) {
  // Both legs on one worker: what a stream touches stays in one core's cache.
  const std::uint32_t worker = ports_.emptiest_worker(caller.network);
  std::array<MediaLegOptions, 2> options = {caller, callee};
  const proto::Result<std::uint16_t> caller_port = equip(options[0], worker, now_ns);
  if (!caller_port) return proto::Error{caller_port.error()};
  const proto::Result<std::uint16_t> callee_port = equip(options[1], worker, now_ns);
  if (!callee_port) {
    give_back_ports(options[0].network, options[0].also_network, *caller_port, now_ns);
    return proto::Error{callee_port.error()};
  }
  auto media = std::make_unique<Media>(*this, options, std::array{*caller_port, *callee_port}, random_seed(),
                                       std::move(observer));
  media_.insert(media.get());
  if (const proto::Status status = media->listen(now_ns); !status) return proto::Error{status.error()};
  return media;
}

proto::Result<std::uint16_t> MediaEngine::equip(MediaLegOptions& options, std::uint32_t worker, std::uint64_t now_ns) {
  if (options.fresh_certificate && !options.certificate) {
    options.certificate = certificates_.take();
    if (!options.certificate) return proto::Error{"no DTLS certificate can be made"};
  }
  return take_ports(options, worker, now_ns);
}

proto::Result<std::uint16_t> MediaEngine::take_ports(MediaLegOptions& options, std::uint32_t worker,
                                                     std::uint64_t now_ns) {
  if (options.also_network) {
    const std::optional<std::uint16_t> both =
        ports_.take_on_both(options.network, *options.also_network, worker, now_ns);
    if (both) return *both;
    options.also_network.reset();
  }
  return ports_.take(options.network, worker, now_ns);
}

void MediaEngine::give_back_ports(std::uint8_t network, std::optional<std::uint8_t> also, std::uint16_t rtp_port,
                                  std::uint64_t now_ns) {
  ports_.give_back(network, rtp_port, now_ns);
  if (also) ports_.give_back(*also, rtp_port, now_ns);
}

void MediaEngine::find_flows() {
  std::vector<std::unordered_set<std::uint16_t>> ports(settings_.networks.size());
  for (const FlowFound& flow : client_.flows_found()) {
    found_[key_of(flow.network, flow.local_port)] = flow;
    const auto pair = static_cast<std::uint16_t>(flow.local_port & ~1u);
    if (flow.network < ports.size()) ports[flow.network].insert(pair);
    if (flow.also_network && *flow.also_network < ports.size()) ports[*flow.also_network].insert(pair);
  }
  for (std::size_t i = 0; i < ports.size(); ++i) ports_.occupy(static_cast<std::uint8_t>(i), ports[i]);
}

proto::Result<std::unique_ptr<Media>> MediaEngine::adopt_media(const KeptMedia& kept,
                                                               const std::array<RemoteMedia, 2>& remotes,
                                                               MediaObserver observer, std::uint64_t now_ns) {
  std::array<MediaLegOptions, 2> options;
  std::array<std::uint16_t, 2> ports{};
  std::array<KeptFlows, 2> flows;
  for (std::size_t side = 0; side < 2; ++side) {
    const KeptMediaLeg& leg = kept.legs[side];
    if (!has_ports(leg.network, leg.rtp_port) || (leg.also_network && !has_ports(*leg.also_network, leg.rtp_port))) {
      return proto::Error{"its ports are none of ours any more"};
    }
    options[side].network = leg.network;
    options[side].also_network = leg.also_network;
    options[side].security = leg.security;
    options[side].certificate = leg.certificate;
    options[side].unlinkable = leg.unlinkable;
    ports[side] = leg.rtp_port;
    for (const Component component : kComponents) {
      const auto index = static_cast<std::size_t>(component);
      if (component == Component::kRtcp && remotes[side].rtcp_mux) continue;
      const auto port = static_cast<std::uint16_t>(leg.rtp_port + index);
      const auto flow = found_.find(key_of(leg.network, port));
      if (flow == found_.end() || flow->second.cookie != kept.cookie || flow->second.also_network != leg.also_network ||
          flow->second.state != proto::FlowState::kInstalled) {
        return proto::Error{"its flows are no more"};
      }
      flows[side][index] = flow->second;
    }
  }
  for (const KeptFlows& side : flows) {
    for (const std::optional<FlowFound>& flow : side) {
      if (flow) found_.erase(key_of(flow->network, flow->local_port));
    }
  }
  auto media = std::make_unique<Media>(*this, options, ports, kept.cookie, std::move(observer));
  media_.insert(media.get());
  media->adopt(kept, remotes, flows, now_ns);
  return media;
}

bool MediaEngine::has_ports(std::uint8_t network, std::uint16_t rtp_port) const {
  return network < settings_.networks.size() && ports_.has(network, rtp_port);
}

std::size_t MediaEngine::remove_unadopted(std::uint64_t now_ns) {
  std::unordered_set<std::uint32_t> pairs;
  for (const auto& [key, flow] : found_) {
    client_.remove_found(flow, now_ns);
    for (const std::optional<std::uint8_t> network : {std::optional(flow.network), flow.also_network}) {
      if (network && *network < settings_.networks.size()) pairs.insert(key_of(*network, flow.local_port) & ~1u);
    }
  }
  for (const std::uint32_t pair : pairs) {
    const auto network = static_cast<std::uint8_t>(pair >> 16);
    const auto port = static_cast<std::uint16_t>(pair);
    if (ports_.has(network, port)) ports_.give_back(network, port, now_ns);
  }
  const std::size_t removed = found_.size();
  found_.clear();
  return removed;
}

std::size_t MediaEngine::poll(std::uint64_t now_ns) {
  const std::size_t handled = client_.poll(now_ns);
  if (now_ns >= later_ns_) {
    later_ns_ = now_ns + kLaterNs;
    awake_.merge(dozing_);
    dozing_.clear();
  }
  // Observers may end streams, and make others end: the list is fixed first.
  const std::vector<Media*> awake(awake_.begin(), awake_.end());
  for (Media* media : awake) {
    if (awake_.contains(media) && !media->advance(now_ns)) awake_.erase(media);
  }
  return handled;
}

void MediaEngine::forget(Media& media) {
  media_.erase(&media);
  awake_.erase(&media);
  dozing_.erase(&media);
}

}  // namespace weir::controlplane
