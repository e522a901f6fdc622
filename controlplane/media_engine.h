// What all streams of a shard share: weir-media's client, the ports, our certificate and the clock tick.
#pragma once

#include <cstdint>
#include <memory>
#include <unordered_set>
#include <vector>

#include "controlplane/dataplane_client.h"
#include "controlplane/dtls_context.h"
#include "controlplane/media.h"
#include "controlplane/port_pool.h"
#include "proto/settings/settings.h"

namespace weir::controlplane {

class MediaEngine {
 public:
  /// `client` outlives the engine, the engine every Media. Errors: no certificate can be made (OpenSSL).
  /// Flows that an earlier weir-control left (client.flows_found) are removed and their ports quarantined.
  static proto::Result<std::unique_ptr<MediaEngine>> create(DataplaneClient& client,
                                                            const proto::settings::Settings& settings,
                                                            std::uint64_t now_ns);
  MediaEngine(const MediaEngine&) = delete;
  MediaEngine& operator=(const MediaEngine&) = delete;
  ~MediaEngine();

  /// Our certificate's fingerprint for a=fingerprint (sha-256).
  [[nodiscard]] const sip::Fingerprint& fingerprint() const;

  /// A stream between two legs, with its local ports. Errors: no port or no flow left.
  proto::Result<std::unique_ptr<Media>> create_media(const MediaLegOptions& caller, const MediaLegOptions& callee,
                                                     MediaObserver observer, std::uint64_t now_ns);

  /// The clock tick: polls the client and drives the handshakes' timers. Call it every few milliseconds with
  /// CLOCK_MONOTONIC. Returns how many events and punts there were: more than 0 means poll again soon.
  std::size_t poll(std::uint64_t now_ns);

  [[nodiscard]] DataplaneClient& client() { return client_; }
  [[nodiscard]] PortPool& ports() { return ports_; }
  [[nodiscard]] DtlsContext& dtls() { return *dtls_; }
  [[nodiscard]] const proto::settings::Settings& settings() const { return settings_; }

 private:
  friend class Media;  // forget(), wake()
  MediaEngine(DataplaneClient& client, const proto::settings::Settings& settings, std::unique_ptr<DtlsContext> dtls);
  void forget(Media& media);
  /// The next poll() looks at the stream, and goes on as long as it says that there is more to come: streams that only
  /// flow cost nothing.
  void wake(Media& media) { awake_.insert(&media); }

  DataplaneClient& client_;
  proto::settings::Settings settings_;
  PortPool ports_;
  std::unique_ptr<DtlsContext> dtls_;
  std::unordered_set<Media*> media_;
  std::unordered_set<Media*> awake_;
  std::uint64_t cookie_next_ = 1;
};

}  // namespace weir::controlplane
