// RTCP feedback that the far side does not understand, taken out or made into what it does: RewriteSpec::absorbs.
// RFC 4585 section 6, RFC 5104 section 4.3.1 (FIR), RFC 5506 (reduced size), RFC 3550 section 6.1 (compounds).
#pragma once

#include <cstdint>

#include "dataplane/flow_table.h"
#include "proto/bytes.h"
#include "proto/control_protocol.h"
#include "proto/counters.h"

namespace weir::dataplane {

struct Burst;

/// Works on one RTCP packet of the burst, a compound in the clear; its flow absorbs something. What is left of it is a
/// valid compound for who does not know RFC 5506. kFeedbackAbsorbed: nothing is. kRtcpMalformed: its lengths do not
/// fit.
///
/// A request for a picture goes on as the other kind where the far side knows only that. A FIR asks kFirEntriesMax
/// senders at most, so that what is made of it is no longer than it was. A FIR that is made of a PLI bears the time as
/// its sequence number: within about a second all are one request said again (RFC 5104 section 4.3.1.1), so that
/// nobody can ask for a picture with each packet. A request that is absorbed, since the far side knows neither kind, is
/// noted (kNotePictureAsked), unless another one of the flow's was less than kPictureEveryNs ago.
proto::DropReason absorb_feedback(Burst& burst, std::uint32_t packet);

inline constexpr std::uint32_t kFirEntriesMax = 3;

/// Writes a compound in the clear that asks for pictures: an empty receiver report, and as many PLIs, or FIRs, as there
/// are sources. `absorbs`: of the flow that it leaves by. Returns its bytes; 0: what leaves there knows neither kind,
/// or there is no source, or it does not fit.
std::size_t write_picture_request(const proto::PictureRequest& request, std::uint8_t absorbs, std::uint64_t now_ns,
                                  proto::MutableBytes out);

/// FlowEntry::picture_told: 0, or 1 + the time in these steps, modulo 63. SilenceWatch, which comes by every second,
/// takes it back in time, so that it never means a time of the round before.
inline constexpr unsigned kPictureStepLog2Ns = 28;  // 268 ms
inline constexpr unsigned kPictureSteps = 4;        // between those of the two requests: more than a second
inline constexpr std::uint64_t kPictureEveryNs = std::uint64_t{kPictureSteps} << kPictureStepLog2Ns;
static_assert(kPictureEveryNs >= 1'000'000'000);

/// Forgets when weir-control was told last, once that is long enough ago.
void forget_picture_told(FlowEntry& flow, std::uint64_t now_ns);

}  // namespace weir::dataplane
