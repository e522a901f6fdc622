#include "controlplane/peer_abilities.h"

namespace weir::controlplane {

using sip::HeaderId;

void PeerAbilities::learn(const sip::Message& message) {
  if (message.has(HeaderId::kAllow)) update = message.lists(HeaderId::kAllow, "UPDATE");
  if (message.has(HeaderId::kSupported)) {
    reliable = message.lists(HeaderId::kSupported, "100rel");
    timer = message.lists(HeaderId::kSupported, "timer");
    replaces = message.lists(HeaderId::kSupported, "replaces");
    from_change = message.lists(HeaderId::kSupported, "from-change");
  }
  reliable = reliable || message.lists(HeaderId::kRequire, "100rel");
  timer = timer || message.lists(HeaderId::kRequire, "timer");
}

}  // namespace weir::controlplane
