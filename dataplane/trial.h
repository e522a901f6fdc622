// One SRTP or SRTCP packet alone under given keys, outside the batches: for the few whose keys, or whose rollover
// counter, have to be tried.
#pragma once

#include <cstdint>

#include "dataplane/session_keys.h"

namespace weir::dataplane {

struct Burst;

/// Whether the packet's tag is right under these keys and burst.index. Reads data, bytes, kind, header_bytes and ssrc,
/// which were checked to fit the profile; the packet stays as it came.
bool authenticates(Burst& burst, std::uint32_t packet, const SideKeys& keys, Cipher& cipher);

/// Decrypts a packet that authenticates, and takes tag and SRTCP index off.
void decrypt(Burst& burst, std::uint32_t packet, const SideKeys& keys, Cipher& cipher);

/// Of a new stream, the first packets that may have been lost: then its sequence number may have wrapped before the
/// first that arrives, and its rollover counter is one ahead of what RFC 3711 section 3.3.1 starts from.
inline constexpr std::uint16_t kMissedPacketsMax = 1024;

/// Trials of one burst: who forges packets costs no more. A stream that finds none left has its next packet tried.
inline constexpr std::uint32_t kTrialsPerBurst = 16;

/// For an SRTP stream's first packet, checked and not authenticated yet, whose sequence number is below
/// kMissedPacketsMax: puts burst.index one cycle ahead if it authenticates so.
[[gnu::cold]] void look_for_missed_wrap(Burst& burst, std::uint32_t packet, Cipher& cipher);

}  // namespace weir::dataplane
