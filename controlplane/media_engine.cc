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
                                                                std::uint64_t now_ns) {
  proto::Result<std::unique_ptr<DtlsContext>> dtls =
      DtlsContext::create({.profiles = settings.dtls.profiles,
                           .mtu_bytes = settings.dtls.mtu_bytes,
                           .timeout_ns = std::uint64_t{settings.dtls.handshake_timeout_ms} * 1'000'000u});
  if (!dtls) return proto::Error{dtls.error()};
  std::unique_ptr<MediaEngine> engine(new MediaEngine(client, settings, std::move(dtls).value()));
  // Their keys and dialogs died with the process that made them.
  for (const FlowFound& flow : client.flows_found()) {
    engine->ports_.rest(flow.network, flow.local_port, now_ns);
    client.remove_found(flow, now_ns);
  }
  return engine;
}

MediaEngine::MediaEngine(DataplaneClient& client, const proto::settings::Settings& settings,
                         std::unique_ptr<DtlsContext> dtls)
    : client_(client),
      settings_(settings),
      ports_(settings.networks, client.workers(), random_seed()),
      dtls_(std::move(dtls)) {}

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
  const proto::Result<std::uint16_t> caller_port = ports_.take(caller.network, worker, now_ns);
  if (!caller_port) return proto::Error{caller_port.error()};
  const proto::Result<std::uint16_t> callee_port = ports_.take(callee.network, worker, now_ns);
  if (!callee_port) {
    ports_.give_back(caller.network, *caller_port, now_ns);
    return proto::Error{callee_port.error()};
  }
  auto media = std::make_unique<Media>(*this, std::array{caller, callee}, std::array{*caller_port, *callee_port},
                                       cookie_next_++, std::move(observer));
  media_.insert(media.get());
  if (const proto::Status status = media->listen(now_ns); !status) return proto::Error{status.error()};
  return media;
}

std::size_t MediaEngine::poll(std::uint64_t now_ns) {
  const std::size_t handled = client_.poll(now_ns);
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
}

}  // namespace weir::controlplane
