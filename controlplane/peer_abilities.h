// What a peer can do, as its Allow and Supported headers say (RFC 3261 sections 20.5 and 20.37).
#pragma once

#include "sip/message.h"

namespace weir::controlplane {

struct PeerAbilities {
  bool reliable = false;     ///< 100rel (RFC 3262)
  bool update = false;       ///< UPDATE (RFC 3311)
  bool timer = false;        ///< RFC 4028
  bool replaces = false;     ///< RFC 3891
  bool from_change = false;  ///< RFC 4916: a request may change who we are

  /// Takes note of what a message of the peer's says; a header that is not there changes nothing.
  void learn(const sip::Message& message);
};

}  // namespace weir::controlplane
