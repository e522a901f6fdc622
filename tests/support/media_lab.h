// A MediaEngine between a fake weir-media and real DTLS peers: one stream, two legs, and a network of method calls.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "controlplane/media.h"
#include "controlplane/media_engine.h"
#include "proto/assert.h"
#include "tests/support/dtls_peer.h"
#include "tests/support/fake_worker.h"
#include "tests/support/temporary_directory.h"

namespace weir::tests {

using controlplane::MediaEvent;
using controlplane::Side;

/// What one remote party is and says.
struct Party {
  bool secured = false;
  bool rtcp_mux = false;
  bool is_dtls_client = true;  ///< the party's role; ours is the other
  bool wrong_fingerprint = false;
  bool use_srtp = true;
};

/// Two networks with 50 port pairs each.
proto::settings::Settings media_settings();

/// A leg's policy: DTLS or no call.
inline sip::SecurityPolicy dtls_required() {
  sip::SecurityPolicy policy;
  policy.srtp = sip::SrtpDemand::kRequired;
  return policy;
}

class MediaLab {
 public:
  MediaLab(const Party& caller, const Party& callee, bool listens_early = false,
           const proto::settings::Settings& settings = media_settings());
  /// The same with policies of their own.
  MediaLab(const Party& caller, const Party& callee, const std::array<sip::SecurityPolicy, 2>& policies,
           bool listens_early = false, const proto::settings::Settings& settings = media_settings());
  /// Changes what is known of the legs before their stream is made.
  using Adjust = std::function<void(std::array<controlplane::MediaLegOptions, 2>&)>;
  MediaLab(const Party& caller, const Party& callee, const Adjust& adjust);

  /// Tells the stream what the party's SDP says; DTLS clients begin.
  proto::Status answer(Side side);
  controlplane::RemoteMedia remote(Side side) const;
  /// The party starts DTLS anew, with another certificate, from now on in the other role if asked for.
  void renew_peer(Side side, bool other_role = false);
  /// A DTLS client sends its ClientHello though nobody told it that we listen.
  void begin_dtls(Side side);

  /// Moves everything until nothing moves any more. Time passes a little.
  void settle();

  Party& party(Side side) { return parties_[index(side)]; }
  /// The party's DTLS end of its RTP or RTCP port.
  DtlsPeer& peer(Side side, std::size_t component = 0) { return *peers_[index(side)][component]; }
  /// Where the party sends from and receives: even port RTP, odd RTCP.
  static proto::Endpoint place(Side side, std::size_t component = 0);
  [[nodiscard]] std::uint16_t local_port(Side side, std::size_t component = 0) const;
  [[nodiscard]] const FakeWorker::Flow* flow(Side side, std::size_t component = 0) const;
  [[nodiscard]] bool saw(MediaEvent::Kind kind) const { return count(kind) > 0; }
  [[nodiscard]] std::size_t count(MediaEvent::Kind kind) const;
  [[nodiscard]] const MediaEvent& last(MediaEvent::Kind kind) const;

  TemporaryDirectory directory;
  FakeWorker worker{directory.path()};
  std::unique_ptr<proto::Region> region;
  std::unique_ptr<controlplane::DataplaneClient> client;
  std::unique_ptr<controlplane::MediaEngine> engine;
  std::uint32_t chance = 0;  ///< what is drawn
  std::vector<MediaEvent> events;
  std::vector<FakeWorker::Sent> returned;  ///< media that weir-control has taken out of DTLS
  std::unique_ptr<controlplane::Media> media;
  std::uint64_t now_ns = 1'000'000'000'000;

 private:
  MediaLab(const Party& caller, const Party& callee, const std::array<sip::SecurityPolicy, 2>& policies,
           bool listens_early, const proto::settings::Settings& settings, const Adjust& adjust);
  static std::size_t index(Side side) { return static_cast<std::size_t>(side); }
  bool carry();
  void check_nothing_clear() const;
  void make_peers(std::size_t party);

  std::array<Party, 2> parties_;
  std::array<std::array<std::unique_ptr<DtlsPeer>, 2>, 2> peers_;
};

}  // namespace weir::tests
