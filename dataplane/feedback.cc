#include "dataplane/feedback.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "dataplane/burst.h"
#include "dataplane/compound_writer.h"
#include "proto/rtcp.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;
using proto::PayloadFormat;
using proto::RtcpType;
using proto::TransportFormat;

constexpr std::size_t kCommonBytes = 4;       // RFC 3550 section 6.4.1: the header up to the length
constexpr std::size_t kEmptyReportBytes = 8;  // section 6.4.2: a receiver report without blocks
constexpr std::size_t kFeedbackBytes = 12;    // RFC 4585 section 6.1: without control information
constexpr std::size_t kFirEntryBytes = 8;     // RFC 5104 section 4.3.1.1
constexpr unsigned kFirStepLog2Ns = 30;       // 1.07 s
static_assert(kFeedbackBytes + kFirEntriesMax * kFirEntryBytes >= kFirEntriesMax * kFeedbackBytes);

template <typename Number>
constexpr std::uint8_t raw(Number number) {
  return static_cast<std::uint8_t>(number);
}

/// Which of kFeedback* a packet is; 0: none.
std::uint8_t kind_of(const proto::RtcpView& view) {
  if (view.type == raw(RtcpType::kTransportFeedback)) {
    if (view.count == raw(TransportFormat::kNack)) return proto::kFeedbackNack;
    const bool wide =
        view.count == raw(TransportFormat::kTransportWide) || view.count == raw(TransportFormat::kCongestion);
    return wide ? proto::kFeedbackTransport : proto::kFeedbackOther;
  }
  if (view.type != raw(RtcpType::kPayloadFeedback)) return 0;
  if (view.count == raw(PayloadFormat::kPli)) return proto::kFeedbackPli;
  if (view.count == raw(PayloadFormat::kFir)) return proto::kFeedbackFir;
  return proto::is_remb(view) ? proto::kFeedbackRemb : proto::kFeedbackOther;
}

template <std::size_t N>
void begin(std::array<std::uint8_t, N>& packet, std::uint8_t count, RtcpType type, std::uint32_t sender) {
  packet[0] = static_cast<std::uint8_t>(0x80 | count);
  packet[1] = raw(type);
  proto::store_be16(packet.data() + 2, N / 4 - 1);
  proto::store_be32(packet.data() + 4, sender);
}

bool add_empty_report(std::uint32_t sender, CompoundWriter& rest) {
  std::array<std::uint8_t, kEmptyReportBytes> report{};
  begin(report, 0, RtcpType::kReceiverReport, sender);
  return rest.add(report);
}

/// RFC 5104 section 4.3.1.2: the media source is 0, the entry names it.
bool add_fir(std::uint32_t sender, std::uint32_t source, std::uint64_t now_ns, CompoundWriter& rest) {
  std::array<std::uint8_t, kFeedbackBytes + kFirEntryBytes> fir{};
  begin(fir, raw(PayloadFormat::kFir), RtcpType::kPayloadFeedback, sender);
  proto::store_be32(fir.data() + kFeedbackBytes, source);
  fir[kFeedbackBytes + 4] = static_cast<std::uint8_t>(now_ns >> kFirStepLog2Ns);
  return rest.add(fir);
}

bool add_pli(std::uint32_t sender, std::uint32_t source, CompoundWriter& rest) {
  std::array<std::uint8_t, kFeedbackBytes> pli{};
  begin(pli, raw(PayloadFormat::kPli), RtcpType::kPayloadFeedback, sender);
  proto::store_be32(pli.data() + 8, source);
  return rest.add(pli);
}

std::uint32_t sender_of(const proto::RtcpView& feedback) {
  return proto::load_be32(feedback.body.data());
}

proto::Bytes entries_of(const proto::RtcpView& fir) {
  return fir.body.subspan(kFeedbackBytes - kCommonBytes);
}

bool add_plis(const proto::RtcpView& fir, CompoundWriter& rest) {
  const proto::Bytes entries = entries_of(fir);
  const std::size_t count = std::min<std::size_t>(entries.size() / kFirEntryBytes, kFirEntriesMax);
  for (std::size_t i = 0; i < count; ++i) {
    if (!add_pli(sender_of(fir), proto::load_be32(entries.data() + i * kFirEntryBytes), rest)) return false;
  }
  return true;
}

/// Of either kind; a FIR without entries asks nobody.
bool asks_for_picture(const proto::RtcpView& view) {
  const std::uint8_t kind = kind_of(view);
  return kind == proto::kFeedbackPli || (kind == proto::kFeedbackFir && entries_of(view).size() >= kFirEntryBytes);
}

bool knows_no_request(std::uint8_t absorbs) {
  constexpr std::uint8_t kBoth = proto::kFeedbackPli | proto::kFeedbackFir;
  return (absorbs & kBoth) == kBoth;
}

constexpr std::uint64_t kPictureStepsCounted = 63;

unsigned picture_step(std::uint64_t now_ns) {
  return static_cast<unsigned>((now_ns >> kPictureStepLog2Ns) % kPictureStepsCounted);
}

bool was_told_lately(const FlowEntry& flow, std::uint64_t now_ns) {
  if (flow.picture_told == 0) return false;
  return (picture_step(now_ns) + kPictureStepsCounted - (flow.picture_told - 1u)) % kPictureStepsCounted <=
         kPictureSteps;
}

void note_picture_asked(Burst& burst, std::uint32_t packet) {
  FlowEntry& flow = *burst.flow[packet];
  if (was_told_lately(flow, burst.now_ns)) return;
  flow.picture_told = static_cast<std::uint8_t>((picture_step(burst.now_ns) + 1) & 63);
  burst.note(packet, kNotePictureAsked);
}

/// What the far side gets in place of one packet: itself, nothing, or the request that it knows.
bool add_understood(const proto::RtcpView& view, proto::Bytes packet, std::uint8_t absorbs, std::uint64_t now_ns,
                    CompoundWriter& rest) {
  const std::uint8_t kind = kind_of(view);
  if ((kind & absorbs) == 0) return rest.add(packet);
  if (kind == proto::kFeedbackPli && (absorbs & proto::kFeedbackFir) == 0) {
    return add_fir(sender_of(view), proto::load_be32(view.body.data() + 4), now_ns, rest);
  }
  if (kind == proto::kFeedbackFir && (absorbs & proto::kFeedbackPli) == 0) return add_plis(view, rest);
  return true;
}

bool is_report(std::uint8_t type) {
  return type == raw(RtcpType::kSenderReport) || type == raw(RtcpType::kReceiverReport);
}

/// Whether each packet fits, and whether there is anything to do.
enum class Survey : std::uint8_t { kMalformed, kPasses, kHolds };

Survey survey(proto::Bytes compound, std::uint8_t absorbs) {
  bool holds =
      compound.size() < kCommonBytes || ((absorbs & proto::kFeedbackReducedSize) != 0 && !is_report(compound[1]));
  while (!compound.empty()) {
    const std::optional<proto::RtcpView> view = proto::parse_rtcp(compound);
    if (!view) return Survey::kMalformed;
    const std::uint8_t kind = kind_of(*view);
    if (kind != 0 && view->body.size() < kFeedbackBytes - kCommonBytes) return Survey::kMalformed;
    if (is_report(view->type) && view->body.size() < kEmptyReportBytes - kCommonBytes) return Survey::kMalformed;
    holds |= (kind & absorbs) != 0;
    compound = compound.subspan(view->packet_bytes);
  }
  return holds ? Survey::kHolds : Survey::kPasses;
}

}  // namespace

DropReason absorb_feedback(Burst& burst, std::uint32_t packet) {
  const std::uint8_t absorbs = burst.flow[packet]->rewrite.absorbs;
  proto::Bytes compound{burst.data[packet], burst.bytes[packet]};
  const Survey found = survey(compound, absorbs);
  if (found == Survey::kMalformed) return DropReason::kRtcpMalformed;
  if (found == Survey::kPasses) return DropReason::kNone;
  CompoundWriter rest;
  const bool reports = (absorbs & proto::kFeedbackReducedSize) != 0 && !is_report(compound[1]);
  if (reports && !add_empty_report(proto::load_be32(compound.data() + kCommonBytes), rest)) return DropReason::kTooLong;
  const std::size_t before = rest.bytes().size();
  bool asked = false;
  while (!compound.empty()) {
    const proto::RtcpView view = *proto::parse_rtcp(compound);
    asked |= asks_for_picture(view);
    const proto::Bytes one = compound.first(view.packet_bytes);
    if (!add_understood(view, one, absorbs, burst.now_ns, rest)) return DropReason::kTooLong;
    compound = compound.subspan(view.packet_bytes);
  }
  if (asked && knows_no_request(absorbs)) note_picture_asked(burst, packet);
  if (rest.bytes().size() == before) return DropReason::kFeedbackAbsorbed;
  return replace_compound(burst, packet, rest.bytes());
}

std::size_t write_picture_request(const proto::PictureRequest& request, std::uint8_t absorbs, std::uint64_t now_ns,
                                  proto::MutableBytes out) {
  if (request.sources == 0 || request.sources > proto::kPictureSourcesMax || knows_no_request(absorbs)) return 0;
  CompoundWriter rest;
  bool fits = add_empty_report(request.sender, rest);
  for (std::uint32_t i = 0; i < request.sources; ++i) {
    const std::uint32_t source = request.source[i];
    const bool pli = (absorbs & proto::kFeedbackPli) == 0;
    fits = fits && (pli ? add_pli(request.sender, source, rest) : add_fir(request.sender, source, now_ns, rest));
  }
  if (!fits || rest.bytes().size() > out.size()) return 0;
  std::memcpy(out.data(), rest.bytes().data(), rest.bytes().size());
  return rest.bytes().size();
}

void forget_picture_told(FlowEntry& flow, std::uint64_t now_ns) {
  if (!was_told_lately(flow, now_ns)) flow.picture_told = 0;
}

}  // namespace weir::dataplane
