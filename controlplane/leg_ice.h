// ICE of one leg: whom weir-media answers checks of, and where its party turned out to be. As a lite agent (RFC 8445
// section 2.5) that is all, and the answers themselves are weir-media's; as a full one it has an IceAgent for each
// generation of credentials, the one in force and that of a restart.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controlplane/boxed.h"
#include "controlplane/ice_agent.h"
#include "controlplane/ice_spec.h"
#include "proto/control_protocol.h"
#include "proto/inet.h"
#include "sip/ice_attributes.h"

namespace weir::controlplane {

/// By port: its addresses, one of each family at most; the first is the default (RFC 8445 section 5.1.3).
using LegPlaces = std::array<std::vector<proto::Endpoint>, 2>;

class LegIce {
 public:
  explicit LegIce(bool full = false) : full_(full) {}

  /// The port hears checks before anything was described: makes credentials. Who controls is settled by local().
  void prepare();
  /// What our next description says. `offer`: the remote's that it answers; null: it is an offer. Credentials are made
  /// when they are first asked for, and anew for an offer that restarts ICE (RFC 8445 section 9): those before are good
  /// until a pair was chosen with the new ones.
  [[nodiscard]] sip::LocalIce local(const sip::RemoteIce* offer, const LegPlaces& places);
  /// The remote's description is in force, for so many components.
  void follow(const sip::RemoteIce& remote, std::size_t components);
  /// A pair was chosen by the credentials at this place of spec(). True: the others are good no more, spec() is
  /// another.
  bool choose(std::size_t which);

  /// For weir-media.
  [[nodiscard]] IceSpec spec() const;

  // Ports are named by their place: 0 for RTP, or all; 1 for RTCP.
  /// What weir-media has learned of the party's checks. True: it is the first to come to the port.
  bool take(std::uint8_t port, const proto::Event& event);
  /// Where that one came from; port 0: none has. DTLS does not wait for a nomination: it may go to whoever has made an
  /// authenticated check (RFC 8445 section 12.1).
  [[nodiscard]] const proto::Endpoint& first_checked(std::uint8_t port) const { return first_checked_[port]; }

  // Full.
  [[nodiscard]] bool is_full() const { return full_; }
  /// Candidates that came later; those of other credentials than the last description's are passed over.
  void add(const sip::RemoteIce& more);
  void on_response(std::uint8_t port, const proto::Endpoint& source, proto::Bytes datagram, std::uint64_t now_ns);
  /// As IceAgent::advance; `send` is told the port.
  bool advance(std::uint64_t now_ns, IcePacer& pacer, const IceAgent::Send& send);
  /// Where media may go from a port.
  [[nodiscard]] std::optional<proto::Endpoint> route(std::uint8_t port) const;
  [[nodiscard]] bool consent_lost(std::uint64_t now_ns) const;
  /// Whether spec() has become another since the last call.
  bool take_change() { return std::exchange(changed_, false); }

  // For the journal.
  [[nodiscard]] const std::array<sip::IceCredentials, 2>& ours() const { return ours_; }
  [[nodiscard]] proto::IceRole role() const { return role_; }
  void adopt(const std::array<sip::IceCredentials, 2>& ours, proto::IceRole role, const sip::RemoteIce& remote,
             const LegPlaces& places);
  /// A route that an earlier weir-control had found. Those of lower ports come first.
  void adopt_route(std::uint8_t port, const proto::Endpoint& remote, std::uint64_t now_ns);

 private:
  /// The party's checks before its description is here.
  struct EarlyCheck {
    std::uint8_t port;
    proto::Event event;
  };
  static constexpr std::size_t kEarlyChecksMax = 8;

  [[nodiscard]] const sip::IceCredentials& newest() const { return ours_[1].ufrag.empty() ? ours_[0] : ours_[1]; }
  /// The generation that the last description began; nullptr: there is none.
  IceAgent* latest();
  void begin_generation(const sip::RemoteIce& remote, std::size_t components);
  void tell_agents(std::uint8_t port, const proto::Event& event);
  void tell(IceAgent& agent, std::uint8_t port, const proto::Event& event);
  void take_role(proto::IceRole role);
  void promote();
  [[nodiscard]] IceAgent make_agent(const sip::IceCredentials& theirs, std::size_t components) const;
  /// The place in locals_ of what a port has of this family.
  [[nodiscard]] std::uint8_t local_of(std::uint8_t port, proto::Family family) const;
  [[nodiscard]] std::uint8_t port_of(std::uint8_t local) const;

  std::array<sip::IceCredentials, 2> ours_;  ///< in use, and after a restart the next; ufrag empty: none
  std::optional<sip::RemoteIce> theirs_;     ///< its credentials alone
  std::array<proto::Endpoint, 2> first_checked_{};
  bool full_;
  bool described_ = false;  ///< by us, at least once
  bool changed_ = false;
  proto::IceRole role_ = proto::IceRole::kNone;
  std::uint64_t tie_breaker_ = 0;
  std::vector<sip::IceCandidate> locals_;  ///< by port, and of one port by family
  Boxed<IceAgent> agent_;                  ///< in force
  Boxed<IceAgent> next_;                   ///< of a restart
  std::vector<EarlyCheck> early_;
};

}  // namespace weir::controlplane
