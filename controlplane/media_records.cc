// Media that is the application data of DTLS associations (RFC 5764 section 4.1.1: peers without use_srtp): from what a
// leg's association has decrypted to its flow, and from what leaves on the other leg's flow into its association.
#include <algorithm>

#include "controlplane/media.h"
#include "controlplane/media_leg.h"

namespace weir::controlplane {

void Media::on_leg_leaving(Side side, Component component, proto::Bytes media) {
  leg(opposite(side)).send_media(component, media);
}

bool Media::ends_with_us() const {
  return std::any_of(kSides.begin(), kSides.end(), [this](Side side) { return leg(side).carries_records(); });
}

void MediaLeg::on_port_media(Component component, AssociationId association, proto::Bytes media) {
  const auto is_its = [&](const Fork& fork) {
    return is_current(fork) && fork.up && (association == fork.up->id || association == fork.before);
  };
  if (std::any_of(forks_.begin(), forks_.end(), is_its)) port(component).return_media(media);
}

void MediaLeg::on_port_leaving(Component component, proto::Bytes media) {
  listener_.on_leg_leaving(side_, component, media);
}

void MediaLeg::send_media(Component component, proto::Bytes media) {
  if (carries_records()) port(carrier(component)).send_media(keys_->association, media);
}

}  // namespace weir::controlplane
