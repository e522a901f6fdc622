// What all streams of a shard share: weir-media's client, the ports, our certificate and the clock tick.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "controlplane/certificate_pool.h"
#include "controlplane/chance.h"
#include "controlplane/dataplane_client.h"
#include "controlplane/dtls_context.h"
#include "controlplane/ice_agent.h"
#include "controlplane/kept_media.h"
#include "controlplane/media.h"
#include "controlplane/port_pool.h"
#include "proto/settings/settings.h"

namespace weir::controlplane {

class MediaEngine {
 public:
  /// `client` outlives the engine, the engine every Media. Errors: no certificate can be made (OpenSSL). `certificate`:
  /// ours from before, if there is one. `chance` spreads what would be due for many streams at once.
  /// Flows that an earlier weir-control left (client.flows_found) keep their ports until adopt_media() has taken them
  /// over or remove_unadopted() ends them.
  static proto::Result<std::unique_ptr<MediaEngine>> create(DataplaneClient& client,
                                                            const proto::settings::Settings& settings,
                                                            std::optional<Certificate> certificate = {},
                                                            Chance chance = draw_by_chance);
  MediaEngine(const MediaEngine&) = delete;
  MediaEngine& operator=(const MediaEngine&) = delete;
  ~MediaEngine();

  /// Our certificate's fingerprint for a=fingerprint (sha-256).
  [[nodiscard]] const sip::Fingerprint& fingerprint() const;

  /// A stream between two legs, with its local ports. Errors: no port or no flow left.
  proto::Result<std::unique_ptr<Media>> create_media(const MediaLegOptions& caller, const MediaLegOptions& callee,
                                                     MediaObserver observer, std::uint64_t now_ns);

  /// A stream of an earlier weir-control goes on: its flows are found, nothing is sent to weir-media but what it
  /// missed. `remotes`, by side, is what was agreed with its parties. Errors: not all of its flows are there.
  proto::Result<std::unique_ptr<Media>> adopt_media(const KeptMedia& kept, const std::array<RemoteMedia, 2>& remotes,
                                                    MediaObserver observer, std::uint64_t now_ns);
  /// Removes the flows that nobody has adopted, and lets their ports rest. Returns how many.
  std::size_t remove_unadopted(std::uint64_t now_ns);

  /// The clock tick: polls the client and drives the handshakes' timers. Call it every few milliseconds with
  /// CLOCK_MONOTONIC. Returns how many events and punts there were: more than 0 means poll again soon.
  std::size_t poll(std::uint64_t now_ns);

  [[nodiscard]] DataplaneClient& client() { return client_; }
  [[nodiscard]] PortPool& ports() { return ports_; }
  /// A pair for a leg, owned by `worker` if there is one; also_network is taken back if none is free on both. And the
  /// certificate of a leg that wants one of its own. Errors: no port left, no certificate can be made.
  proto::Result<std::uint16_t> equip(MediaLegOptions& options, std::uint32_t worker, std::uint64_t now_ns);
  void give_back_ports(std::uint8_t network, std::optional<std::uint8_t> also, std::uint16_t rtp_port,
                       std::uint64_t now_ns);
  [[nodiscard]] CertificatePool& certificates() { return certificates_; }
  [[nodiscard]] const Chance& chance() const { return chance_; }
  [[nodiscard]] DtlsContext& dtls() { return *dtls_; }
  [[nodiscard]] const proto::settings::Settings& settings() const { return settings_; }
  /// Of all connectivity checks of ours.
  [[nodiscard]] IcePacer& ice_pacer() { return ice_pacer_; }

 private:
  friend class Media;  // forget(), wake()
  proto::Result<std::uint16_t> take_ports(MediaLegOptions& options, std::uint32_t worker, std::uint64_t now_ns);
  /// A flow is found by its network and local port.
  static std::uint32_t key_of(std::uint8_t network, std::uint16_t port) { return std::uint32_t{network} << 16 | port; }
  void find_flows();
  [[nodiscard]] bool has_ports(std::uint8_t network, std::uint16_t rtp_port) const;
  MediaEngine(DataplaneClient& client, const proto::settings::Settings& settings, std::unique_ptr<DtlsContext> dtls,
              Chance chance);
  void forget(Media& media);
  /// The next poll() looks at the stream, and goes on as long as it says that there is more to come: streams that only
  /// flow cost nothing.
  void wake(Media& media) { awake_.insert(&media); }
  /// The same within kLaterNs: for what has time.
  void wake_later(Media& media) { dozing_.insert(&media); }
  static constexpr std::uint64_t kLaterNs = 500'000'000;

  DataplaneClient& client_;
  proto::settings::Settings settings_;
  PortPool ports_;
  std::unique_ptr<DtlsContext> dtls_;
  std::unordered_set<Media*> media_;
  std::unordered_set<Media*> awake_;
  std::unordered_set<Media*> dozing_;
  std::uint64_t later_ns_ = 0;
  IcePacer ice_pacer_;
  CertificatePool certificates_;
  Chance chance_;
  std::unordered_map<std::uint32_t, FlowFound> found_;  ///< nobody has adopted them yet
};

}  // namespace weir::controlplane
