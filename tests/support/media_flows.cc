#include "tests/support/media_flows.h"

#include <cstdlib>
#include <cstring>

#include "dataplane/protect.h"
#include "dataplane/rewrite.h"
#include "dataplane/unprotect.h"
#include "proto/assert.h"

namespace weir::tests {

using dataplane::FlowTable;

AlignedMemory::AlignedMemory(std::size_t bytes) : bytes_((bytes + 63) & ~std::size_t{63}) {
  memory_.reset(static_cast<std::uint8_t*>(std::aligned_alloc(64, bytes_)));
  WEIR_ASSERT(memory_ != nullptr);
  std::memset(memory_.get(), 0, bytes_);
}

void AlignedMemory::Free::operator()(std::uint8_t* memory) const {
  std::free(memory);
}

MediaFlows::MediaFlows(std::uint32_t flows_max, std::uint32_t networks)
    : flows_max_(flows_max),
      networks_(networks),
      memory_(FlowTable::private_bytes(flows_max, networks)),
      status_(std::size_t{flows_max} * sizeof(proto::FlowStatus)),
      table_(restarted()) {
  auto cipher = dataplane::Cipher::create();
  WEIR_ASSERT(cipher.ok());
  cipher_ = std::move(cipher).value();
}

FlowTable MediaFlows::restarted() {
  return FlowTable(memory_.data(), flows_max_, networks_, static_cast<proto::FlowStatus*>(status_.data()));
}

proto::FlowSpec MediaFlows::spec(std::uint32_t index, const proto::TransformSpec& receive,
                                 const proto::TransformSpec& send) {
  proto::FlowSpec spec{};
  spec.cookie = 1000 + index;
  spec.local_port = static_cast<std::uint16_t>(20000 + 2 * index);
  spec.accepts = proto::kAcceptRtp | proto::kAcceptRtcp;
  spec.source_policy = proto::SourcePolicy::kLatch;
  spec.receive = receive;
  spec.send = send;
  return spec;
}

void MediaFlows::install(std::uint32_t index, const proto::FlowSpec& spec) {
  WEIR_ASSERT(table_.claim(index, 0));
  table_.install({.index = index, .generation = 1}, spec, *cipher_);
}

PacketBurst::PacketBurst() : burst_(std::make_unique<dataplane::Burst>()) {}

std::uint32_t PacketBurst::add(MediaFlows& flows, std::uint32_t flow, std::span<const std::uint8_t> packet) {
  dataplane::Burst& burst = *burst_;
  const std::uint32_t at = burst.count++;
  WEIR_ASSERT(at < dataplane::kBurstMax);
  std::vector<std::uint8_t>& buffer = buffers_[at];
  buffer.assign(packet.begin(), packet.end());
  buffer.resize(packet.size() + proto::kSrtpOverheadBytesMax);
  buffer.shrink_to_fit();
  burst.data[at] = buffer.data();
  burst.bytes[at] = static_cast<std::uint32_t>(packet.size());
  burst.room[at] = static_cast<std::uint32_t>(buffer.size());
  burst.kind[at] =
      proto::classify(packet) == proto::PacketKind::kRtcp ? proto::PacketKind::kRtcp : proto::PacketKind::kRtp;
  burst.flow_index[at] = flow;
  burst.flow[at] = &flows.flow(flow);
  burst.status[at] = &flows.status(flow);
  burst.notes[at] = 0;
  burst.verdict[at] = proto::DropReason::kNone;
  burst.push_media(at, burst.flow[at]->transforms);
  if ((flows.flow(flow).marks & dataplane::kMarkRewrites) != 0) burst.rewrites.push(at);
  return at;
}

void PacketBurst::clear() {
  burst_->count = 0;
  burst_->dropped = false;
  burst_->clear_media();
  burst_->rewrites.clear();
  burst_->noted.clear();
}

void PacketBurst::unprotect(MediaFlows& flows) {
  dataplane::unprotect(*burst_, flows.cipher());
}
void PacketBurst::rewrite() {
  dataplane::rewrite(*burst_);
}
void PacketBurst::protect(MediaFlows& flows) {
  dataplane::protect(*burst_, flows.cipher());
}

std::vector<std::uint8_t> PacketBurst::packet(std::uint32_t packet) const {
  return {burst_->data[packet], burst_->data[packet] + burst_->bytes[packet]};
}

}  // namespace weir::tests
