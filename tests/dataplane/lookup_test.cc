// Every first byte at every short length, in each state of a flow: what RFC 7983 and the state make of it. Behind each
// packet lies a page that nobody may touch.
#include "dataplane/lookup.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <memory>
#include <vector>

#include "dataplane/unprotect.h"
#include "tests/support/guarded_bytes.h"
#include "tests/support/media_flows.h"
#include "tests/support/media_plane.h"
#include "tests/support/rfc7983.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;
using proto::FlowState;
using proto::PacketKind;
using proto::SrtpProfile;
using tests::MediaFlows;
using tests::MediaPlane;
using tests::Packet;

/// Where a packet ends: on its way as media, at weir-control, or dropped.
enum class End : std::uint8_t { kMedia, kPunt, kDrop };

struct Row {
  FlowState state;
  PacketKind kind;
  End end;
  DropReason reason;
};

constexpr Row kRows[] = {
    {FlowState::kFree, PacketKind::kUnknown, End::kDrop, DropReason::kPortClosed},
    {FlowState::kFree, PacketKind::kStun, End::kDrop, DropReason::kPortClosed},
    {FlowState::kFree, PacketKind::kZrtp, End::kDrop, DropReason::kPortClosed},
    {FlowState::kFree, PacketKind::kDtls, End::kDrop, DropReason::kPortClosed},
    {FlowState::kFree, PacketKind::kTurnChannel, End::kDrop, DropReason::kPortClosed},
    {FlowState::kFree, PacketKind::kRtp, End::kDrop, DropReason::kPortClosed},
    {FlowState::kFree, PacketKind::kRtcp, End::kDrop, DropReason::kPortClosed},
    {FlowState::kOpen, PacketKind::kUnknown, End::kDrop, DropReason::kKindUnknown},
    {FlowState::kOpen, PacketKind::kStun, End::kPunt, DropReason::kNone},
    {FlowState::kOpen, PacketKind::kZrtp, End::kDrop, DropReason::kKindNotAccepted},
    {FlowState::kOpen, PacketKind::kDtls, End::kPunt, DropReason::kNone},
    {FlowState::kOpen, PacketKind::kTurnChannel, End::kDrop, DropReason::kKindNotAccepted},
    {FlowState::kOpen, PacketKind::kRtp, End::kDrop, DropReason::kFlowNotReady},
    {FlowState::kOpen, PacketKind::kRtcp, End::kDrop, DropReason::kFlowNotReady},
    {FlowState::kInstalled, PacketKind::kUnknown, End::kDrop, DropReason::kKindUnknown},
    {FlowState::kInstalled, PacketKind::kStun, End::kPunt, DropReason::kNone},
    {FlowState::kInstalled, PacketKind::kZrtp, End::kDrop, DropReason::kKindNotAccepted},
    {FlowState::kInstalled, PacketKind::kDtls, End::kPunt, DropReason::kNone},
    {FlowState::kInstalled, PacketKind::kTurnChannel, End::kDrop, DropReason::kKindNotAccepted},
    {FlowState::kInstalled, PacketKind::kRtp, End::kMedia, DropReason::kNone},
    {FlowState::kInstalled, PacketKind::kRtcp, End::kMedia, DropReason::kNone},
    {FlowState::kDraining, PacketKind::kUnknown, End::kDrop, DropReason::kDraining},
    {FlowState::kDraining, PacketKind::kStun, End::kDrop, DropReason::kDraining},
    {FlowState::kDraining, PacketKind::kZrtp, End::kDrop, DropReason::kDraining},
    {FlowState::kDraining, PacketKind::kDtls, End::kDrop, DropReason::kDraining},
    {FlowState::kDraining, PacketKind::kTurnChannel, End::kDrop, DropReason::kDraining},
    {FlowState::kDraining, PacketKind::kRtp, End::kDrop, DropReason::kDraining},
    {FlowState::kDraining, PacketKind::kRtcp, End::kDrop, DropReason::kDraining},
};

const Row& row_of(FlowState state, proto::Bytes payload) {
  const PacketKind kind = tests::rfc7983_kind(payload);
  for (const Row& row : kRows) {
    if (row.state == state && row.kind == kind) return row;
  }
  ADD_FAILURE() << "no row";
  return kRows[0];
}

constexpr FlowState kStates[] = {FlowState::kFree, FlowState::kOpen, FlowState::kInstalled, FlowState::kDraining};
constexpr std::size_t kBytesMax = 32;
/// The edges of RFC 5761's ranges, and one inside each.
constexpr std::uint8_t kSecondBytes[] = {0, 96, 127, 128, 191, 192, 200, 223, 224, 255};

/// Calls `take` with every first byte, second byte of each class and length up to kBytesMax. Behind them all bytes are
/// `fill`.
template <typename Take>
void for_every_short_payload(std::uint8_t fill, Take take) {
  std::array<std::uint8_t, kBytesMax> bytes;
  bytes.fill(fill);
  for (unsigned first = 0; first < 256; ++first) {
    bytes[0] = static_cast<std::uint8_t>(first);
    take(proto::Bytes(bytes).first(1));
    for (const std::uint8_t second : kSecondBytes) {
      bytes[1] = second;
      for (std::size_t size = 2; size <= kBytesMax; ++size) take(proto::Bytes(bytes).first(size));
    }
    bytes[1] = fill;
  }
  take({});
}

proto::TransformSpec transform(SrtpProfile profile) {
  proto::TransformSpec spec{};
  spec.profile = profile;
  return spec;
}

/// One flow in a given state, and one packet at a time in front of the guard page.
class Lookup {
 public:
  explicit Lookup(FlowState state, SrtpProfile profile = SrtpProfile::kNone) : flows_(1) {
    proto::FlowSpec spec = MediaFlows::spec(0, transform(profile), {});
    spec.punts = proto::kPuntDtls | proto::kPuntStun;
    spec.rtp.peer = spec.rtcp.peer = MediaPlane::peer(1, 5000);
    spec.peer = MediaPlane::peer(0, 4000);  // a plain flow takes media from there only
    port_ = spec.local_port;
    if (state == FlowState::kOpen) {
      EXPECT_TRUE(flows_.table().claim(0, 0));
      flows_.table().open({.index = 0, .generation = 1}, spec);
      return;
    }
    flows_.install(0, spec);
    if (state == FlowState::kDraining) flows_.table().drain(0);
    if (state == FlowState::kFree) flows_.table().remove(0);
  }

  /// Where it ends after lookup; media also passes unprotect if `and_unprotect`.
  std::pair<End, DropReason> take(proto::Bytes payload, bool and_unprotect = false) {
    const proto::MutableBytes guarded = guarded_.copy(payload);
    Burst& burst = *burst_;
    burst.count = 1;
    burst.dropped = false;
    burst.data[0] = guarded.data();
    burst.bytes[0] = burst.room[0] = static_cast<std::uint32_t>(guarded.size());
    burst.source[0] = MediaPlane::peer(0, 4000);
    burst.local_port[0] = port_;
    burst.network[0] = 0;
    burst.verdict[0] = DropReason::kNone;
    lookup(burst, flows_.table(), 0);
    EXPECT_EQ(burst.kind[0], tests::rfc7983_kind(payload));
    if (and_unprotect) unprotect(burst, flows_.cipher());
    const bool dropped = burst.verdict[0] != DropReason::kNone;
    EXPECT_EQ(burst.media.count + burst.punts.count + (dropped ? 1 : 0), 1u) << "it ends in exactly one place";
    return {dropped ? End::kDrop : burst.punts.count != 0 ? End::kPunt : End::kMedia, burst.verdict[0]};
  }

  MediaFlows& flows() { return flows_; }

 private:
  MediaFlows flows_;
  tests::GuardedBytes guarded_;
  std::unique_ptr<Burst> burst_ = std::make_unique<Burst>();
  std::uint16_t port_;
};

TEST(LookupStates, EveryFirstByteAtEveryShortLengthEndsWhereItsRowSays) {
  for (const FlowState state : kStates) {
    Lookup lookup(state);
    for_every_short_payload(0, [&](proto::Bytes payload) {
      const Row& row = row_of(state, payload);
      ASSERT_EQ(lookup.take(payload), std::pair(row.end, row.reason))
          << "state " << int(state) << ", bytes " << payload.size() << ", kind " << int(row.kind);
    });
  }
}

/// RFC 3550 section 5.1 and 5.3.1: fixed header, CSRCs, extension.
std::size_t rtp_header_bytes(proto::Bytes payload) {
  const std::size_t fixed = 12 + 4 * std::size_t{payload[0] & 0x0fu};
  if ((payload[0] & 0x10) == 0) return fixed;
  if (payload.size() < fixed + 4) return fixed + 4;
  return fixed + 4 + 4 * std::size_t{proto::load_be16(payload.data() + fixed + 2)};
}

/// What becomes of a short RTP or RTCP packet of which no one has the key. `fill` is what follows its second byte.
DropReason media_reason(SrtpProfile profile, proto::Bytes payload, std::uint8_t fill) {
  const proto::SrtpProfileInfo& info = proto::srtp_profile(profile);
  if (tests::rfc7983_kind(payload) == PacketKind::kRtp) {
    const std::size_t header_bytes = payload.size() < 12 ? 12 : rtp_header_bytes(payload);
    if (header_bytes > payload.size()) return DropReason::kRtpMalformed;
    if (profile == SrtpProfile::kNone) return DropReason::kNone;
    return header_bytes + info.srtp_tag_bytes > payload.size() ? DropReason::kSrtpTooShort : DropReason::kAuthFailed;
  }
  // Of bytes that are all alike no second packet of a compound can be made whose version and length fit.
  if (payload.size() < 8 || profile == SrtpProfile::kNone) return DropReason::kRtcpMalformed;
  if (payload.size() < 8 + 4 + std::size_t{info.srtcp_tag_bytes}) return DropReason::kSrtpTooShort;
  const bool says_encrypted = (fill & 0x80) != 0;
  return says_encrypted == proto::is_null_cipher(profile) ? DropReason::kSrtcpEBitWrong : DropReason::kAuthFailed;
}

TEST(LookupStates, ShortMediaOfEveryProfileIsRefusedByItsRowAndReadsNothingBehindItself) {
  for (const proto::SrtpProfileInfo& info : proto::kSrtpProfiles) {
    if (info.profile == SrtpProfile::kDtlsRecords) continue;  // no media is taken: returned_media_test.cc
    for (const std::uint8_t fill : {std::uint8_t{0x00}, std::uint8_t{0x80}}) {
      Lookup lookup(FlowState::kInstalled, info.profile);
      for_every_short_payload(fill, [&](proto::Bytes payload) {
        if (row_of(FlowState::kInstalled, payload).end != End::kMedia) return;
        const DropReason reason = media_reason(info.profile, payload, fill);
        ASSERT_EQ(lookup.take(payload, true), std::pair(reason == DropReason::kNone ? End::kMedia : End::kDrop, reason))
            << info.name << ", " << payload.size() << " bytes, first " << int(payload[0]) << ", second "
            << int(payload[1]) << ", fill " << int(fill);
      });
      if (info.profile == SrtpProfile::kNone) continue;
      EXPECT_EQ(lookup.flows().status(0).rtp_packets_in + lookup.flows().status(0).rtcp_packets_in, 0u);
      EXPECT_EQ(lookup.flows().flow(0).marks & (kMarkHeard | kMarkAuthenticated | kMarkLatched), 0);
    }
  }
}

/// The same datagrams at a whole plane: what comes out of it and what it counts, reason by reason.
TEST(LookupStates, AWorkerCountsEachShortDatagramWhereItsRowSays) {
  constexpr std::uint16_t kPort = 20000;
  for (const FlowState state : kStates) {
    MediaPlane plane;
    proto::Command command = MediaPlane::install(1, 0, kPort, 20002);
    command.spec.punts_per_s_max = 0;
    command.kind = state == FlowState::kOpen ? proto::CommandKind::kOpen : proto::CommandKind::kInstall;
    plane.command(command);
    command.kind = state == FlowState::kDraining ? proto::CommandKind::kDrain : proto::CommandKind::kRemove;
    if (state == FlowState::kDraining || state == FlowState::kFree) plane.command(command);
    ASSERT_EQ(plane.control().flow_status(1).state, state);

    std::map<DropReason, std::uint64_t> dropped;
    std::uint64_t punted = 0;
    std::uint64_t forwarded = 0;
    std::uint64_t arrived = 0;
    std::uint64_t left = 0;
    const auto run = [&] {
      plane.run(1);
      EXPECT_TRUE(plane.departed(0).empty()) << "nothing goes back";
      left += plane.departed(1).size();
      plane.punts();
    };
    for_every_short_payload(0, [&](proto::Bytes payload) {
      const Row& row = row_of(state, payload);
      const DropReason reason = row.end == End::kMedia ? media_reason(SrtpProfile::kNone, payload, 0) : row.reason;
      ++(row.end == End::kPunt ? punted : reason == DropReason::kNone ? forwarded : dropped[reason]);
      plane.arrive(0, 4000, kPort, Packet(payload.begin(), payload.end()));
      if (++arrived % kBurstMax == 0) run();
    });
    run();
    const proto::WorkerCounters totals = plane.totals();
    EXPECT_EQ(totals.received, arrived);
    EXPECT_EQ(totals.punted, punted);
    EXPECT_EQ(totals.forwarded, forwarded);
    EXPECT_EQ(left, forwarded);
    for (const proto::DropReasonInfo& info : proto::kDropReasons) {
      EXPECT_EQ(plane.dropped(info.reason), dropped[info.reason]) << "state " << int(state) << ": " << info.name;
    }
  }
}

}  // namespace
}  // namespace weir::dataplane
