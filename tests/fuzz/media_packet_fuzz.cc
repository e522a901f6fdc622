// The packet path from the frame to the last stage before the headers: whatever arrives, nothing is read or written out
// of bounds, and every packet ends in exactly one place.
#include <cstring>
#include <memory>

#include "dataplane/arp.h"
#include "dataplane/frame.h"
#include "dataplane/icmp.h"
#include "dataplane/lookup.h"
#include "dataplane/nd.h"
#include "dataplane/protect.h"
#include "dataplane/rewrite.h"
#include "dataplane/unprotect.h"
#include "proto/assert.h"
#include "tests/support/media_flows.h"

namespace weir {
namespace {

using dataplane::Burst;
using proto::DropReason;

constexpr std::uint32_t kEventSlots = 64;
constexpr auto kProfiles = static_cast<std::uint32_t>(proto::kSrtpProfileCount);
constexpr std::uint32_t kFlows = 2 * kProfiles;

struct Events {
  std::array<proto::Event, kEventSlots> slots{};
  proto::RingIndex tail{};
  proto::RingIndex head{};
  proto::WorkerCounters counters{};
};

proto::TransformSpec transform(proto::SrtpProfile profile) {
  proto::TransformSpec spec{};
  spec.profile = profile;
  spec.rtp.encryption.fill(1);
  spec.rtp.authentication.fill(2);
  spec.rtcp.encryption.fill(3);
  return spec;
}

/// What a flow is installed with: each profile in, then each profile out of plain RTP.
proto::FlowSpec spec_of(std::uint32_t flow) {
  const proto::TransformSpec secured = transform(static_cast<proto::SrtpProfile>(flow % kProfiles));
  const bool plain_in = flow >= kProfiles;
  return tests::MediaFlows::spec(flow, plain_in ? proto::TransformSpec{} : secured,
                                 plain_in ? secured : proto::TransformSpec{});
}

/// Every second flow has an MKI on its secured sides and older keys that still receive.
void rekey_flows(tests::MediaFlows& flows) {
  for (std::uint32_t i = 1; i < kFlows; i += 2) {
    proto::FlowSpec update = spec_of(i);
    if (update.receive.profile != proto::SrtpProfile::kNone) {
      update.receive.rtp.encryption.fill(4);
      update.receive.keeps_indexes = 1;
      update.receive.mki_bytes = 1;
    }
    if (update.send.profile != proto::SrtpProfile::kNone) {
      update.send.mki_bytes = proto::kMkiBytesMax;
      update.send.lifetime_log2 = 20;
    }
    update.key_grace_ms = proto::kKeyGraceMsMax;
    WEIR_ASSERT(flows.table().update_keys(i, update, 0, flows.cipher()));
  }
}

/// Flows at ports 20000, 20002, ..., from anywhere: what of a stranger's packets reaches the stages behind the tags.
void install_flows(tests::MediaFlows& flows) {
  for (std::uint32_t i = 0; i < kFlows; ++i) {
    proto::FlowSpec spec = spec_of(i);
    spec.source_policy = proto::SourcePolicy::kRelatch;
    spec.punts = proto::kPuntDtls | proto::kPuntStun;
    spec.rtp.peer = {.address = proto::IpAddress::from_ipv4(0xc6120202), .port = 5000};
    spec.rtcp.peer = spec.rtp.peer;
    spec.rewrite.ssrc_to = 0x1234;
    flows.install(i, spec);
  }
  rekey_flows(flows);
}

/// What the short way takes, the long one has to take too, and alike.
void check_plain(proto::Bytes frame, const dataplane::Network& network, const dataplane::Frame& parsed) {
  dataplane::PlainUdp plain{};
  const bool taken = network.is_ipv4() ? dataplane::PlainUdpFilter(network).parse(frame, plain)
                                       : dataplane::PlainUdpIpv6Filter(network).parse(frame, plain);
  if (!taken) return;
  const dataplane::Address source = network.is_ipv4() ? dataplane::Address(__builtin_bswap32(plain.source_be))
                                                      : dataplane::Address::load_ipv6(plain.source_ipv6);
  WEIR_ASSERT(parsed.kind == dataplane::FrameKind::kUdp && parsed.local_port == plain.local_port &&
              parsed.source == source && parsed.source_port == plain.source_port &&
              parsed.payload_offset == plain.payload_offset && parsed.payload_bytes == plain.payload_bytes);
}

/// Answers a solicitation in a buffer with as much room as an mbuf has.
void answer_nd(proto::Bytes frame, const dataplane::Frame& parsed, const dataplane::Network& network) {
  const dataplane::Nd nd = dataplane::parse_nd(frame, parsed, network);
  WEIR_ASSERT((nd.kind == dataplane::NdKind::kDrop) == (nd.reason != DropReason::kNone));
  if (nd.kind != dataplane::NdKind::kSolicitation) return;
  std::array<std::uint8_t, dataplane::kNdFrameBytesMax> answer{};
  WEIR_ASSERT(dataplane::answer_nd(answer.data(), nd, network) <= answer.size());
}

/// A datagram enters the burst.
void take(Burst& burst, proto::MutableBytes payload, std::size_t room, const proto::Endpoint& source,
          std::uint16_t local_port) {
  const std::uint32_t at = burst.count++;
  burst.data[at] = payload.data();
  burst.bytes[at] = static_cast<std::uint32_t>(payload.size());
  burst.room[at] = static_cast<std::uint32_t>(room);
  burst.source[at] = source;
  burst.local_port[at] = local_port;
  burst.network[at] = 0;
  burst.verdict[at] = DropReason::kNone;
}

/// One frame as a driver hands it over: in a buffer that ends where the mbuf's would.
void receive(proto::MutableBytes frame, std::size_t room, const dataplane::Network& network, Burst& burst) {
  const dataplane::Frame parsed = dataplane::parse_frame(frame, network);
  check_plain(frame, network, parsed);
  switch (parsed.kind) {
    case dataplane::FrameKind::kDrop:
      WEIR_ASSERT(parsed.reason != DropReason::kNone);
      return;
    case dataplane::FrameKind::kIcmp:
      dataplane::answer_echo(frame, parsed, network);
      return;
    case dataplane::FrameKind::kArp:
      if (dataplane::parse_arp(frame, parsed.link_bytes, network).kind == dataplane::ArpKind::kRequest) {
        dataplane::answer_arp(frame, parsed.link_bytes, network);
      }
      return;
    case dataplane::FrameKind::kNd:
      return answer_nd(frame, parsed, network);
    case dataplane::FrameKind::kUdp:
      break;
  }
  take(burst, frame.subspan(parsed.payload_offset, parsed.payload_bytes), room - parsed.payload_offset,
       {.address = parsed.source.ip_address(), .port = parsed.source_port}, parsed.local_port);
}

void pass_the_stages(Burst& burst, tests::MediaFlows& flows, dataplane::EventSink& events) {
  dataplane::lookup(burst, flows.table(), 0);
  const std::uint32_t punts = burst.punts.count;
  dataplane::unprotect(burst, flows.cipher());
  dataplane::commit_admission(burst, events);
  dataplane::rewrite(burst);
  dataplane::protect(burst, flows.cipher());
  std::uint32_t dropped = 0;
  for (std::uint32_t packet = 0; packet < burst.count; ++packet) dropped += burst.verdict[packet] != DropReason::kNone;
  WEIR_ASSERT(dropped + punts + burst.media.count == burst.count);
}

}  // namespace
}  // namespace weir

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir;
  static tests::MediaFlows flows(kFlows);
  static const bool installed = (install_flows(flows), true);
  static auto burst = std::make_unique<dataplane::Burst>();
  WEIR_ASSERT(installed);
  Events memory;
  dataplane::EventSink events({memory.slots.data(), kEventSlots, &memory.tail, &memory.head}, 0, memory.counters);
  if (size < 1) return 0;
  dataplane::Network network{.address = 0xc612010a, .prefix_bits = 24};
  if ((data[0] & 2) != 0) network = {.address = {0x2001'0002'0000'0001, 0x0a}, .prefix_bits = 64};
  network.vlan = (data[0] & 1) != 0 ? std::uint16_t{100} : std::uint16_t{0};

  // Frames with two bytes of length in front of each, or datagrams, whose first bits say to which flow: mutations of
  // these need no right checksum to be seen. Their buffers live as long as the burst.
  const bool datagrams = (data[0] & 4) != 0;
  proto::Bytes rest(data + 1, size - 1);
  std::vector<std::unique_ptr<std::uint8_t[]>> buffers;
  burst->count = 0;
  burst->dropped = false;
  burst->now_ns = (burst->now_ns + 1'000'000) % (proto::kKeyGraceMsMax * std::uint64_t{1'000'000});
  while (rest.size() > 2 && buffers.size() < dataplane::kBurstMax) {
    const std::uint16_t head = proto::load_be16(rest.data());
    const std::size_t bytes = std::min<std::size_t>(head & 0x7ff, rest.size() - 2);
    const std::size_t room = bytes + proto::kSrtpOverheadBytesMax;
    buffers.push_back(std::make_unique<std::uint8_t[]>(room));
    std::memcpy(buffers.back().get(), rest.data() + 2, bytes);
    const proto::MutableBytes buffer(buffers.back().get(), bytes);
    if (datagrams) {
      take(*burst, buffer, room, {.address = proto::IpAddress::from_ipv4(0xc6120142), .port = 4000},
           static_cast<std::uint16_t>(20000 + 2 * ((head >> 11) % kFlows)));
    } else {
      receive(buffer, room, network, *burst);
    }
    rest = rest.subspan(2 + bytes);
  }
  pass_the_stages(*burst, flows, events);
  return 0;
}
