// One leg of a stream: its pair of local ports, what its remote's SDP said, and where its media really comes from.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "controlplane/leg_keys.h"
#include "controlplane/media_port.h"
#include "controlplane/media_types.h"
#include "proto/flow.h"
#include "sip/offer_answer.h"

namespace weir::controlplane {

class MediaEngine;

/// Which of a leg's two ports.
enum class Component : std::uint8_t { kRtp = 0, kRtcp = 1 };
inline constexpr std::array<Component, 2> kComponents = {Component::kRtp, Component::kRtcp};

class MediaLeg {
 public:
  /// What the leg tells its stream.
  struct Callbacks {
    std::function<void(std::uint64_t now_ns)> secured;  ///< every association needed is up and matched
    std::function<void(const std::string& reason, std::uint64_t now_ns)> failed;
    std::function<void(Component component, const proto::Event& event, std::uint64_t now_ns)> event;
  };

  /// Takes over a pair of ports from the engine's pool; `rtp_port` is the even one. `engine` outlives the leg.
  MediaLeg(MediaEngine& engine, const MediaLegOptions& options, std::uint16_t rtp_port, std::uint64_t cookie,
           Callbacks callbacks);
  MediaLeg(const MediaLeg&) = delete;
  MediaLeg& operator=(const MediaLeg&) = delete;

  /// Opens the RTP port early if the options ask for it. Errors as MediaPort::open_dtls.
  proto::Status listen(std::uint64_t now_ns);
  /// See Media::set_remote: first the whole description, then only addresses.
  proto::Status set_remote(const RemoteMedia& remote, std::uint64_t now_ns);
  [[nodiscard]] bool remote_known() const { return remote_.has_value(); }

  /// Its media is SRTP, as the remote's description says.
  [[nodiscard]] bool is_secured_leg() const { return remote_ && remote_->keying != sip::Keying::kNone; }
  [[nodiscard]] const sip::SecurityPolicy& security() const { return options_.security; }
  /// The remote is known and, with DTLS, every association is up and its certificate matched.
  [[nodiscard]] bool ready() const;

  [[nodiscard]] std::uint8_t network() const { return options_.network; }
  /// Of the addresses on both of the leg's ends.
  [[nodiscard]] proto::Family family() const;
  [[nodiscard]] MediaPort& port(Component component) { return *ports_[static_cast<std::size_t>(component)]; }
  [[nodiscard]] const MediaPort& port(Component component) const {
    return *ports_[static_cast<std::size_t>(component)];
  }
  /// The components that have a port of their own: with rtcp-mux RTP alone. The remote is known.
  [[nodiscard]] std::vector<Component> components() const;
  /// Where packets of a component come from and go to on this leg: with rtcp-mux RTP's place for both.
  [[nodiscard]] Component carrier(Component component) const;
  /// Media need not come: the remote is on hold, or gave no address.
  [[nodiscard]] bool may_be_silent() const;
  /// What the remote may send. The remote is known.
  [[nodiscard]] const MediaTerms& terms() const { return remote_->terms; }
  [[nodiscard]] bool rtcp_mux() const { return remote_ && remote_->rtcp_mux; }

  /// Where media of a component goes to: the SDP's address until DTLS or an accepted source tells better. Port 0:
  /// nowhere.
  [[nodiscard]] proto::Endpoint peer(Component component) const;
  /// Takes note of where media really comes from, if it is news. On a plain leg its address has so many leading bits in
  /// common with the SDP's.
  bool learn_source(Component component, const proto::Endpoint& source, const proto::PrefixBits& plain_prefix);

  /// See Media::local_section; without the ports.
  [[nodiscard]] sip::LocalSection local_keys();
  void renew_local_keys();

  /// Receive and send transform of the leg's media. ready() only.
  [[nodiscard]] Secret<proto::TransformSpec> receive_transform() const;
  [[nodiscard]] Secret<proto::TransformSpec> send_transform() const;

  [[nodiscard]] const SecuredInfo& secured() const { return secured_; }

  void advance(std::uint64_t now_ns);
  void close(std::uint64_t now_ns);

 private:
  void on_port_secured(std::uint64_t now_ns);
  void say_secured(std::uint64_t now_ns);
  [[nodiscard]] LegKeys keys() const;
  [[nodiscard]] bool associations_up() const;
  [[nodiscard]] bool speaks(const proto::Endpoint& remote) const;
  proto::Status check_allowed(const RemoteMedia& remote) const;
  proto::Status check_unchanged(const RemoteMedia& remote) const;
  void move_addresses(const RemoteMedia& remote);
  proto::Status start_dtls(std::uint64_t now_ns);
  [[nodiscard]] proto::Endpoint signalled(Component component) const;

  MediaEngine& engine_;
  MediaLegOptions options_;
  Callbacks callbacks_;
  std::array<std::unique_ptr<MediaPort>, 2> ports_;
  std::optional<RemoteMedia> remote_;
  std::array<proto::Endpoint, 2> learned_;  ///< by component; port 0: nothing learned
  SecuredInfo secured_;
  std::string tls_id_;                        ///< ours, of the association in force or to come
  std::vector<sip::CryptoAttribute> crypto_;  ///< fresh keys of ours; empty: to be made
  bool secured_said_ = false;
};

}  // namespace weir::controlplane
