// The master key identifier: which key a packet was protected with (RFC 3711 section 3.1). It stands before the tag of
// HMAC-SHA1, and at the very end of AEAD's packets (RFC 7714 sections 8.3 and 9.3); no tag covers it. Taken off before
// a packet is checked and put on after it was protected, so that the transforms know nothing of it.
#pragma once

#include <cstdint>

#include "dataplane/session_keys.h"

namespace weir::dataplane {

struct Burst;

/// Long enough for header, MKI and tag under this profile?
bool has_room_for_mki(const Burst& burst, std::uint32_t packet, proto::SrtpProfile profile, const Mki& mki);

/// Whether the packet, which is long enough, names this key. True if its packets carry none.
bool names_key(const Burst& burst, std::uint32_t packet, proto::SrtpProfile profile, const Mki& mki);

/// Takes the MKI off a packet that names the key; put_on_mki gives it back.
void take_off_mki(Burst& burst, std::uint32_t packet, proto::SrtpProfile profile, const Mki& mki);
void put_on_mki(Burst& burst, std::uint32_t packet, proto::SrtpProfile profile, const Mki& mki);

}  // namespace weir::dataplane
