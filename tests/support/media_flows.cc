#include "tests/support/media_flows.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "dataplane/protect.h"
#include "dataplane/rewrite.h"
#include "dataplane/unprotect.h"
#include "proto/assert.h"

namespace weir::tests {

using dataplane::FlowTable;
using dataplane::KeyRoom;

namespace {

std::unique_ptr<dataplane::Cipher> make_cipher() {
  auto cipher = dataplane::Cipher::create();
  WEIR_ASSERT(cipher.ok());
  return std::move(cipher).value();
}

/// The table's memory, then the statuses.
std::size_t table_bytes(std::uint32_t flows_max, std::uint32_t networks, KeyRoom room) {
  return (FlowTable::private_bytes(flows_max, networks, room) + 63) & ~std::size_t{63};
}

std::size_t all_bytes(std::uint32_t flows_max, std::uint32_t networks, KeyRoom room) {
  return table_bytes(flows_max, networks, room) + std::size_t{flows_max} * sizeof(proto::FlowStatus);
}

void* status_at(void* memory, std::uint32_t flows_max, std::uint32_t networks, KeyRoom room) {
  return static_cast<std::uint8_t*>(memory) + table_bytes(flows_max, networks, room);
}

}  // namespace

AlignedMemory::AlignedMemory(std::size_t bytes) : bytes_((bytes + 63) & ~std::size_t{63}) {
  memory_.reset(static_cast<std::uint8_t*>(std::aligned_alloc(64, bytes_)));
  WEIR_ASSERT(memory_ != nullptr);
  std::memset(memory_.get(), 0, bytes_);
}

void AlignedMemory::Free::operator()(std::uint8_t* memory) const {
  std::free(memory);
}

MediaFlows::MediaFlows(std::uint32_t flows_max, std::uint32_t networks, KeyRoom room)
    : cipher_(make_cipher()),
      flows_max_(flows_max),
      networks_(networks),
      room_(room),
      own_(all_bytes(flows_max, networks, room)),
      memory_(own_.data()),
      status_(status_at(memory_, flows_max, networks, room)),
      table_(restarted()) {}

MediaFlows::MediaFlows(std::uint32_t flows_max, void* memory)
    : cipher_(make_cipher()),
      flows_max_(flows_max),
      networks_(1),
      room_(KeyRoom::kGcm),
      own_(0),
      memory_(memory),
      status_(status_at(memory, flows_max, 1, room_)),
      table_(restarted()) {}

std::size_t MediaFlows::memory_bytes(std::uint32_t flows_max) {
  return all_bytes(flows_max, 1, KeyRoom::kGcm);
}

FlowTable MediaFlows::restarted() {
  return FlowTable(memory_, flows_max_, networks_, room_, static_cast<proto::FlowStatus*>(status_));
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

void MediaFlows::install(std::uint32_t index, const proto::FlowSpec& spec, std::uint32_t generation) {
  WEIR_ASSERT(table_.claim(index, 0));
  table_.install({.index = index, .generation = generation}, spec, 0, *cipher_);
}

void MediaFlows::update_keys(std::uint32_t index, const proto::TransformSpec& receive,
                             const proto::TransformSpec& send) {
  proto::FlowSpec update{};
  update.receive = receive;
  update.send = send;
  WEIR_ASSERT(table_.update_keys(index, update, 0, *cipher_));
}

std::vector<std::uint8_t> bytes_with_keys(const FlowTable& table, std::uint32_t index) {
  const auto* entry = reinterpret_cast<const std::uint8_t*>(&table.entry(index));
  const std::uint32_t room = dataplane::bytes_of(table.key_room());
  return {entry - room, entry - room + dataplane::entry_bytes(table.key_room())};
}

void spoil_hash_keys(const dataplane::SideKeys& keys) {
  if (keys.gcm == nullptr) return;
  const std::uint8_t key_bytes = proto::srtp_profile(keys.profile).key_bytes;
  std::fill(keys.gcm->expanded.begin() + key_bytes, keys.gcm->expanded.end(), std::uint8_t{0xee});
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
  burst.table = &flows.table();
  burst.flow_index[at] = flow;
  burst.flow[at] = &flows.flow(flow);
  burst.status[at] = &flows.status(flow);
  burst.notes[at] = 0;
  burst.verdict[at] = proto::DropReason::kNone;
  burst.push_media(at, burst.flow[at]->transforms);
  if (dataplane::rewrites(flows.flow(flow), dataplane::is_rtcp(burst, at))) burst.rewrites.push(at);
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
