// ICE of one leg, as a lite agent (RFC 8445 section 2.5): whom weir-media answers checks of, and where its party turned
// out to be. The answers themselves are weir-media's.
#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include "proto/flow.h"
#include "proto/inet.h"
#include "sip/ice_attributes.h"

namespace weir::controlplane {

class LegIce {
 public:
  /// What our next description says. `offer`: the remote's that it answers; null: it is an offer. Credentials are made
  /// when they are first asked for, and anew for an offer that restarts ICE (RFC 8445 section 9): those before are good
  /// until the party has chosen a pair with the new ones. `rtp`, `rtcp`: our ports.
  [[nodiscard]] sip::LocalIce local(const sip::RemoteIce* offer, const proto::Endpoint& rtp,
                                    const proto::Endpoint& rtcp);
  /// The remote's description is in force.
  void follow(const sip::RemoteIce& remote);
  /// A pair was chosen by the credentials at this place of spec(). True: the others are good no more, spec() is
  /// another.
  bool choose(std::size_t which);

  /// Ours, for weir-media.
  [[nodiscard]] std::array<proto::IceCredentialsSpec, 2> spec() const;

  /// For the journal.
  [[nodiscard]] const std::array<sip::IceCredentials, 2>& ours() const { return ours_; }
  void adopt(const std::array<sip::IceCredentials, 2>& ours, const sip::RemoteIce& remote);

 private:
  std::array<sip::IceCredentials, 2> ours_;  ///< in use, and after a restart the next; ufrag empty: none
  std::optional<sip::RemoteIce> theirs_;     ///< its credentials alone
};

}  // namespace weir::controlplane
