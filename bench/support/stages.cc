#include "bench/support/stages.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "dataplane/protect.h"
#include "dataplane/unprotect.h"
#include "proto/assert.h"
#include "proto/rtp.h"

namespace weir::bench {
namespace {

constexpr std::uint16_t kFirstPort = 1024;

/// Zeroed and aligned as the region gives it, on huge pages where the kernel has some: the floor, too, is to have them.
std::uint8_t* table_memory(std::uint32_t flows) {
  constexpr std::size_t kPage = std::size_t{2} << 20;
  const std::size_t bytes =
      (dataplane::FlowTable::private_bytes(flows, 1, dataplane::KeyRoom::kGcm) + kPage - 1) / kPage * kPage;
  void* memory = std::aligned_alloc(kPage, bytes);
  WEIR_ASSERT(memory != nullptr);
  madvise(memory, bytes, MADV_HUGEPAGE);  // refused: small pages will do
  std::memset(memory, 0, bytes);
  return static_cast<std::uint8_t*>(memory);
}

proto::FlowSpec make_spec(std::uint32_t flow, const proto::TransformSpec& transform, bool sends) {
  proto::FlowSpec spec{};
  spec.local_port = static_cast<std::uint16_t>(kFirstPort + flow);
  spec.accepts = proto::kAcceptRtp;
  spec.rtp.peer = {proto::IpAddress::from_ipv4(0xc6120002), 0, 4000};
  spec.rtp.local_port = spec.local_port;
  (sends ? spec.send : spec.receive) = transform;
  return spec;
}

}  // namespace

Stages::Stages(const Workload& workload, std::uint32_t burst)
    : profile_(workload.profile()),
      streams_(static_cast<std::uint32_t>(workload.streams().size())),
      burst_packets_(burst),
      room_(workload.room()),
      memory_(table_memory(2 * streams_), &std::free),
      status_(2 * streams_),
      table_(memory_.get(), 2 * streams_, 1, dataplane::KeyRoom::kGcm, status_.data()) {
  proto::Result<std::unique_ptr<dataplane::Cipher>> cipher = dataplane::Cipher::create();
  WEIR_ASSERT(cipher.ok());
  cipher_ = std::move(cipher).value();
  for (std::uint32_t flow = 0; flow < 2 * streams_; ++flow) {
    const Stream& stream = workload.streams()[flow % streams_];
    WEIR_ASSERT(table_.claim(flow, 0));
    table_.install({flow, 1}, make_spec(flow, stream.transform, flow < streams_), 0, *cipher_);
  }
}

Stages::~Stages() = default;

void Stages::load(std::vector<Packet>& packets, std::size_t first, std::uint32_t count, std::uint32_t flow_base) {
  burst_.count = count;
  burst_.table = &table_;
  burst_.clear_media();
  burst_.noted.clear();
  for (std::uint32_t i = 0; i < count; ++i) {
    const Packet& packet = packets[first + i];
    const std::uint32_t flow = flow_base + packet.stream;
    burst_.data[i] = packet.data;
    burst_.bytes[i] = packet.bytes;
    burst_.room[i] = room_;
    burst_.kind[i] = proto::PacketKind::kRtp;
    burst_.flow_index[i] = flow;
    burst_.flow[i] = &table_.entry(flow);
    burst_.status[i] = &table_.status(flow);
    burst_.header_bytes[i] = proto::kRtpHeaderBytesMin;
    burst_.ssrc[i] = proto::load_be32(packet.data + 8);
    burst_.notes[i] = 0;
    burst_.verdict[i] = proto::DropReason::kNone;
    burst_.push_media(i, burst_.flow[i]->transforms);
    dataplane::prefetch_media(*burst_.flow[i], *burst_.status[i]);
  }
}

void Stages::store(std::vector<Packet>& packets, std::size_t first, std::uint32_t count) {
  WEIR_ASSERT(burst_.media.count == count);
  for (std::uint32_t i = 0; i < count; ++i) packets[first + i].bytes = burst_.bytes[i];
}

void Stages::protect(std::vector<Packet>& packets) {
  for (std::size_t first = 0; first < packets.size(); first += burst_packets_) {
    const auto count = static_cast<std::uint32_t>(std::min<std::size_t>(burst_packets_, packets.size() - first));
    load(packets, first, count, 0);
    dataplane::protect(burst_, *cipher_);
    store(packets, first, count);
  }
}

void Stages::unprotect(std::vector<Packet>& packets) {
  for (std::size_t first = 0; first < packets.size(); first += burst_packets_) {
    const auto count = static_cast<std::uint32_t>(std::min<std::size_t>(burst_packets_, packets.size() - first));
    load(packets, first, count, streams_);
    dataplane::unprotect(burst_, *cipher_);
    store(packets, first, count);
  }
}

void Stages::floor_protect(std::vector<Packet>& packets) {
  for (std::size_t first = 0; first < packets.size(); first += burst_packets_) {
    const auto count = static_cast<std::uint32_t>(std::min<std::size_t>(burst_packets_, packets.size() - first));
    if (proto::srtp_profile(profile_).aead) {
      floor_gcm(packets, first, count);
    } else {
      floor_aes_cm(packets, first, count);
    }
  }
}

void Stages::floor_aes_cm(std::vector<Packet>& packets, std::size_t first, std::uint32_t count) {
  for (std::size_t i = first; i < first + count; ++i) {
    const dataplane::AesCmKeys& keys = dataplane::send_aes_cm(table_.entry(packets[i].stream)).rtp;
    cipher_->counter_add(profile_, keys, packets[i].data + proto::kRtpHeaderBytesMin,
                         packets[i].bytes - proto::kRtpHeaderBytesMin);  // whatever the IV
  }
  cipher_->counter_run();
  for (std::size_t i = first; i < first + count; ++i) {
    const dataplane::AesCmKeys& keys = dataplane::send_aes_cm(table_.entry(packets[i].stream)).rtp;
    cipher_->hmac_add(keys.hmac, packets[i].data, packets[i].bytes + 4);  // the ROC behind the packet
  }
  cipher_->hmac_run();
}

void Stages::floor_gcm(std::vector<Packet>& packets, std::size_t first, std::uint32_t count) {
  const std::array<std::uint8_t, 12> nonce{};
  for (std::size_t i = first; i < first + count; ++i) {
    const dataplane::GcmKeys& keys = dataplane::send_gcm(table_.entry(packets[i].stream));
    const dataplane::Cipher::GcmMessage message{
        .nonce = nonce.data(),
        .aad = packets[i].data,
        .aad_bytes = proto::kRtpHeaderBytesMin,
        .text = packets[i].data + proto::kRtpHeaderBytesMin,
        .text_bytes = packets[i].bytes - proto::kRtpHeaderBytesMin,
        .tag = packets[i].data + packets[i].bytes,
    };
    cipher_->gcm_encrypt(profile_, keys, message);
  }
}

}  // namespace weir::bench
