// Connectivity checks are answered here, in the worker, and not by weir-control: by a flow's ICE credentials alone, in
// batches. RFC 8445 section 7.3, RFC 8489 sections 6.3 and 9.1.
//
// Whoever does not know the password gets no answer, and changes nothing: what RFC 8489 section 9.1.3 would answer with
// 400 or 401 is dropped with a reason. An answer is not longer than a usual check: nothing is to be gained by a forged
// source.
#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/burst.h"

namespace weir::dataplane {

class Cipher;
class EventSink;

/// The longest check that is looked into, in bytes of UDP payload: what a path of 576 bytes carries (RFC 8489 section
/// 6.1). Checks have about 100, and 513 at most of them are a USERNAME.
inline constexpr std::size_t kIceCheckBytesMax = 548;

/// The longest answer, in bytes: 420 with its list of attributes.
inline constexpr std::size_t kIceAnswerBytesMax = 128;

/// A success response: the header, XOR-MAPPED-ADDRESS, MESSAGE-INTEGRITY, FINGERPRINT.
inline constexpr std::uint32_t kIceSuccessBytesIpv4 = 20 + 12 + 24 + 8;
inline constexpr std::uint32_t kIceSuccessBytesIpv6 = 20 + 24 + 24 + 8;

/// Turns the connectivity checks of burst.checks into their answers, in place: `bytes` becomes the answer's. Verifies,
/// then records what they say (ice_state.h), moves the peer of a flow with SourcePolicy::kIce to a nominated source,
/// and tells weir-control. What is dropped gets a verdict and leaves burst.checks.
void answer_checks(Burst& burst, Cipher& cipher, EventSink& events);

}  // namespace weir::dataplane
