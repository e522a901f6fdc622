#include "dataplane/feedback.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "dataplane/burst.h"
#include "dataplane/flow_table.h"
#include "proto/rtcp.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;
using proto::RtcpType;

constexpr std::size_t kCommonBytes = 4;            // RFC 3550 section 6.4.1: the header up to the length
constexpr std::size_t kEmptyReportBytes = 8;       // section 6.4.2: a receiver report without blocks
constexpr std::size_t kFeedbackBytes = 12;         // RFC 4585 section 6.1: without control information
constexpr std::size_t kFirEntryBytes = 8;          // RFC 5104 section 4.3.1.1
constexpr std::uint8_t kFmtNack = 1;               // RFC 4585 section 6.2
constexpr std::uint8_t kFmtCongestion = 11;        // RFC 8888 section 3.1
constexpr std::uint8_t kFmtTransportWide = 15;     // draft-holmer-rmcat-transport-wide-cc-extensions-01
constexpr std::uint8_t kFmtPli = 1;                // RFC 4585 section 6.3
constexpr std::uint8_t kFmtFir = 4;                // RFC 5104 section 4.3
constexpr std::uint8_t kFmtApplicationLayer = 15;  // RFC 4585 section 6.4
constexpr std::uint32_t kRemb = 0x52454d42;        // "REMB", draft-alvestrand-rmcat-remb-03 section 2.2
constexpr unsigned kFirStepLog2Ns = 30;            // 1.07 s
static_assert(kFeedbackBytes + kFirEntriesMax * kFirEntryBytes >= kFirEntriesMax * kFeedbackBytes);

constexpr std::uint8_t raw(RtcpType type) {
  return static_cast<std::uint8_t>(type);
}

/// Which of kFeedback* a packet is; 0: none.
std::uint8_t kind_of(const proto::RtcpView& view) {
  if (view.type == raw(RtcpType::kTransportFeedback)) {
    if (view.count == kFmtNack) return proto::kFeedbackNack;
    const bool wide = view.count == kFmtTransportWide || view.count == kFmtCongestion;
    return wide ? proto::kFeedbackTransport : proto::kFeedbackOther;
  }
  if (view.type != raw(RtcpType::kPayloadFeedback)) return 0;
  if (view.count == kFmtPli) return proto::kFeedbackPli;
  if (view.count == kFmtFir) return proto::kFeedbackFir;
  const bool remb =
      view.count == kFmtApplicationLayer && view.body.size() >= 12 && proto::load_be32(view.body.data() + 8) == kRemb;
  return remb ? proto::kFeedbackRemb : proto::kFeedbackOther;
}

/// What is left, as it is written: in a buffer of its own, for what is made may be longer than what was.
class Rest {
 public:
  /// False: it does not fit.
  bool add(proto::Bytes packet) {
    if (packet.size() > bytes_.size() - used_) return false;
    std::memcpy(bytes_.data() + used_, packet.data(), packet.size());
    used_ += packet.size();
    return true;
  }
  [[nodiscard]] proto::Bytes bytes() const { return {bytes_.data(), used_}; }

 private:
  std::array<std::uint8_t, proto::kDatagramBytesMax> bytes_;
  std::size_t used_ = 0;
};

template <std::size_t N>
void begin(std::array<std::uint8_t, N>& packet, std::uint8_t count, RtcpType type, std::uint32_t sender) {
  packet[0] = static_cast<std::uint8_t>(0x80 | count);
  packet[1] = raw(type);
  proto::store_be16(packet.data() + 2, N / 4 - 1);
  proto::store_be32(packet.data() + 4, sender);
}

bool add_empty_report(std::uint32_t sender, Rest& rest) {
  std::array<std::uint8_t, kEmptyReportBytes> report{};
  begin(report, 0, RtcpType::kReceiverReport, sender);
  return rest.add(report);
}

/// RFC 5104 section 4.3.1.2: the media source is 0, the entry names it.
bool add_fir(const proto::RtcpView& pli, std::uint64_t now_ns, Rest& rest) {
  std::array<std::uint8_t, kFeedbackBytes + kFirEntryBytes> fir{};
  begin(fir, kFmtFir, RtcpType::kPayloadFeedback, proto::load_be32(pli.body.data()));
  std::memcpy(fir.data() + kFeedbackBytes, pli.body.data() + 4, 4);
  fir[kFeedbackBytes + 4] = static_cast<std::uint8_t>(now_ns >> kFirStepLog2Ns);
  return rest.add(fir);
}

bool add_plis(const proto::RtcpView& fir, Rest& rest) {
  const proto::Bytes entries = fir.body.subspan(kFeedbackBytes - kCommonBytes);
  const std::size_t count = std::min<std::size_t>(entries.size() / kFirEntryBytes, kFirEntriesMax);
  for (std::size_t i = 0; i < count; ++i) {
    std::array<std::uint8_t, kFeedbackBytes> pli{};
    begin(pli, kFmtPli, RtcpType::kPayloadFeedback, proto::load_be32(fir.body.data()));
    std::memcpy(pli.data() + 8, entries.data() + i * kFirEntryBytes, 4);
    if (!rest.add(pli)) return false;
  }
  return true;
}

/// What the far side gets in place of one packet: itself, nothing, or the request that it knows.
bool add_understood(const proto::RtcpView& view, proto::Bytes packet, std::uint8_t absorbs, std::uint64_t now_ns,
                    Rest& rest) {
  const std::uint8_t kind = kind_of(view);
  if ((kind & absorbs) == 0) return rest.add(packet);
  if (kind == proto::kFeedbackPli && (absorbs & proto::kFeedbackFir) == 0) return add_fir(view, now_ns, rest);
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

/// Puts it in the packet's place.
DropReason replace(Burst& burst, std::uint32_t packet, proto::Bytes rest) {
  if (rest.size() > burst.room[packet]) return DropReason::kTooLong;
  std::memcpy(burst.data[packet], rest.data(), rest.size());
  burst.bytes[packet] = static_cast<std::uint32_t>(rest.size());
  burst.ssrc[packet] = proto::load_be32(rest.data() + kCommonBytes);
  return DropReason::kNone;
}

}  // namespace

DropReason absorb_feedback(Burst& burst, std::uint32_t packet) {
  const std::uint8_t absorbs = burst.flow[packet]->rewrite.absorbs;
  proto::Bytes compound{burst.data[packet], burst.bytes[packet]};
  const Survey found = survey(compound, absorbs);
  if (found == Survey::kMalformed) return DropReason::kRtcpMalformed;
  if (found == Survey::kPasses) return DropReason::kNone;
  Rest rest;
  const bool reports = (absorbs & proto::kFeedbackReducedSize) != 0 && !is_report(compound[1]);
  if (reports && !add_empty_report(proto::load_be32(compound.data() + kCommonBytes), rest)) return DropReason::kTooLong;
  const std::size_t before = rest.bytes().size();
  while (!compound.empty()) {
    const proto::RtcpView view = *proto::parse_rtcp(compound);
    const proto::Bytes one = compound.first(view.packet_bytes);
    if (!add_understood(view, one, absorbs, burst.now_ns, rest)) return DropReason::kTooLong;
    compound = compound.subspan(view.packet_bytes);
  }
  if (rest.bytes().size() == before) return DropReason::kFeedbackAbsorbed;
  // A BYE of nobody alone: SRTCP needs an SSRC (RFC 3711 section 3.4).
  if (rest.bytes().size() < proto::kRtcpHeaderBytes) return DropReason::kRtcpMalformed;
  return replace(burst, packet, rest.bytes());
}

}  // namespace weir::dataplane
