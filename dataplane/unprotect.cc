#include "dataplane/unprotect.h"

#include <cstring>
#include <optional>

#include "dataplane/burst.h"
#include "dataplane/cipher.h"
#include "dataplane/flow_table.h"
#include "dataplane/srtp_iv.h"
#include "proto/rtcp.h"
#include "proto/rtp.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;
using proto::PacketKind;
using proto::SrtpProfile;

constexpr std::size_t kGcmTagBytes = 16;
constexpr std::size_t kTagBytesMax = 16;

DropReason drop_reason_of(IndexVerdict verdict) {
  switch (verdict) {
    case IndexVerdict::kFresh:
      return DropReason::kNone;
    case IndexVerdict::kReplayed:
      return DropReason::kReplayed;
    case IndexVerdict::kTooOld:
      return DropReason::kIndexTooOld;
  }
  return DropReason::kIndexTooOld;
}

bool is_rtcp(const Burst& burst, std::uint32_t packet) {
  return burst.kind[packet] == PacketKind::kRtcp;
}

SsrcStates& states_of(Burst& burst, std::uint32_t packet) {
  FlowEntry& flow = *burst.flow[packet];
  return is_rtcp(burst, packet) ? flow.receive_rtcp : flow.receive_rtp;
}

/// Header and length of an SRTP packet whose tag takes `tag_bytes`. Writes header_bytes and ssrc.
DropReason parse_srtp(Burst& burst, std::uint32_t packet, std::size_t tag_bytes) {
  const std::optional<proto::RtpView> view = proto::parse_rtp({burst.data[packet], burst.bytes[packet]});
  if (!view) return DropReason::kRtpMalformed;
  if (view->header_bytes + tag_bytes > burst.bytes[packet]) return DropReason::kSrtpTooShort;
  burst.header_bytes[packet] = view->header_bytes;
  burst.ssrc[packet] = view->ssrc;
  return DropReason::kNone;
}

/// Header and length of an SRTCP packet with `trailer_bytes` of tag and index behind the ciphertext.
DropReason parse_srtcp(Burst& burst, std::uint32_t packet, std::size_t trailer_bytes) {
  const std::optional<std::uint32_t> ssrc = proto::rtcp_sender_ssrc({burst.data[packet], burst.bytes[packet]});
  if (!ssrc) return DropReason::kRtcpMalformed;
  if (kSrtcpHeaderBytes + trailer_bytes > burst.bytes[packet]) return DropReason::kSrtpTooShort;
  burst.header_bytes[packet] = kSrtcpHeaderBytes;
  burst.ssrc[packet] = *ssrc;
  return DropReason::kNone;
}

/// Estimates the RTP index (RFC 3711 section 3.3.1) and asks the window. `state` is nullptr for an SSRC not seen yet.
DropReason check_rtp_index(Burst& burst, std::uint32_t packet, const SsrcState* state) {
  const std::uint16_t sequence = proto::load_be16(burst.data[packet] + 2);
  if (state == nullptr) {
    burst.index[packet] = std::uint64_t{burst.flow[packet]->receive.rtp_roc} << 16 | sequence;
    return DropReason::kNone;
  }
  const std::optional<std::uint64_t> index = estimate_index(state->window.highest, sequence);
  if (!index) return DropReason::kIndexTooOld;
  if (*index > kRtpIndexMax) return DropReason::kKeyExhausted;
  burst.index[packet] = *index;
  return drop_reason_of(state->window.check(*index));
}

/// The explicit SRTCP index at `at`, and what the window says of it.
DropReason check_rtcp_index(Burst& burst, std::uint32_t packet, const SsrcState* state, const std::uint8_t* at) {
  const std::uint32_t word = proto::load_be32(at);
  if ((word & kSrtcpEncryptedBit) == 0) return DropReason::kSrtcpNotEncrypted;
  burst.index[packet] = word & ~kSrtcpEncryptedBit;
  return state == nullptr ? DropReason::kNone : drop_reason_of(state->window.check(burst.index[packet]));
}

/// Counts an accepted packet, and notes the first.
void accept(Burst& burst, std::uint32_t packet, std::uint32_t bytes_received) {
  FlowEntry& flow = *burst.flow[packet];
  proto::FlowStatus& status = *burst.status[packet];
  if (is_rtcp(burst, packet)) {
    ++status.rtcp_packets_in;
  } else {
    ++status.rtp_packets_in;
    status.rtp_bytes_in += bytes_received;
    status.ssrc_last = burst.ssrc[packet];
    status.rtp_index_last = burst.index[packet];
  }
  if ((flow.marks & kMarkAuthenticated) == 0) burst.note(packet, kNoteFirstAuthenticated);
  flow.marks |= kMarkHeard | kMarkAuthenticated;
}

/// Records the index of an authenticated packet. Looks and checks again: an earlier packet of this burst may have been
/// the same one, or have taken the last free SSRC state.
DropReason commit(Burst& burst, std::uint32_t packet) {
  SsrcState* state = find_or_add_ssrc(states_of(burst, packet), burst.ssrc[packet]);
  if (state == nullptr) return DropReason::kSsrcUnknown;
  const DropReason reason = drop_reason_of(state->window.commit(burst.index[packet]));
  if (reason != DropReason::kNone) return reason;
  FlowEntry& flow = *burst.flow[packet];
  const std::uint64_t near_limit = is_rtcp(burst, packet) ? kRtcpIndexNearLimit : kRtpIndexNearLimit;
  if (burst.index[packet] >= near_limit && (flow.marks & kMarkNearLimit) == 0) {
    flow.marks |= kMarkNearLimit;
    burst.note(packet, kNoteIndexNearLimit);
  }
  return DropReason::kNone;
}

// Plain flows.

DropReason validate_rtp(Burst& burst, std::uint32_t packet) {
  const DropReason reason = parse_srtp(burst, packet, 0);
  if (reason == DropReason::kNone) burst.index[packet] = proto::load_be16(burst.data[packet] + 2);
  return reason;
}

/// Every packet of the compound has a length that fits (RFC 3550 appendix A.2, as far as RFC 5506 leaves it).
DropReason validate_rtcp(Burst& burst, std::uint32_t packet) {
  const DropReason reason = parse_srtcp(burst, packet, 0);
  if (reason != DropReason::kNone) return reason;
  proto::Bytes rest{burst.data[packet], burst.bytes[packet]};
  while (!rest.empty()) {
    const std::optional<proto::RtcpView> view = proto::parse_rtcp(rest);
    if (!view) return DropReason::kRtcpMalformed;
    rest = rest.subspan(view->packet_bytes);
  }
  return DropReason::kNone;
}

void take_plain(Burst& burst, std::uint32_t packet) {
  const DropReason reason = is_rtcp(burst, packet) ? validate_rtcp(burst, packet) : validate_rtp(burst, packet);
  if (reason != DropReason::kNone) return burst.drop(packet, reason);
  accept(burst, packet, burst.bytes[packet]);
}

// AES-CM with HMAC-SHA1, in batches.

/// What is kept of a packet while its HMAC is computed: the ROC takes the tag's place behind the packet meanwhile.
struct AwaitedTag {
  std::array<std::uint8_t, kTagBytesMax> tag;
  std::uint8_t bytes;
};

struct HmacBatch {
  PacketList packets;
  Column<AwaitedTag> awaited;
};

std::size_t srtp_tag_bytes(const FlowEntry& flow) {
  return flow.receive_profile == SrtpProfile::kAesCm128HmacSha1_32 ? 4 : 10;
}
constexpr std::size_t kSrtcpTagBytes = 10;

/// The index as far as check and state allow. `newcomer` says that the SSRC has no state yet.
DropReason check_aes_cm(Burst& burst, std::uint32_t packet, bool& newcomer) {
  FlowEntry& flow = *burst.flow[packet];
  if (is_rtcp(burst, packet)) {
    const DropReason reason = parse_srtcp(burst, packet, kSrtcpIndexBytes + kSrtcpTagBytes);
    if (reason != DropReason::kNone) return reason;
    const SsrcState* state = find_ssrc(flow.receive_rtcp, burst.ssrc[packet]);
    return check_rtcp_index(burst, packet, state,
                            burst.data[packet] + burst.bytes[packet] - kSrtcpTagBytes - kSrtcpIndexBytes);
  }
  const DropReason reason = parse_srtp(burst, packet, srtp_tag_bytes(flow));
  if (reason != DropReason::kNone) return reason;
  const SsrcState* state = find_ssrc(flow.receive_rtp, burst.ssrc[packet]);
  newcomer = state == nullptr;
  return check_rtp_index(burst, packet, state);
}

/// Lays the message of RFC 3711 section 4.2 out and adds it to the batch: the packet and its ROC for SRTP, the packet
/// with its index for SRTCP.
void add_to_hmac(Burst& burst, std::uint32_t packet, Cipher& cipher, HmacBatch& batch) {
  const FlowEntry& flow = *burst.flow[packet];
  const bool rtcp = is_rtcp(burst, packet);
  const std::size_t tag_bytes = rtcp ? kSrtcpTagBytes : srtp_tag_bytes(flow);
  const std::size_t signed_bytes = burst.bytes[packet] - tag_bytes;
  std::uint8_t* tag = burst.data[packet] + signed_bytes;
  AwaitedTag& awaited = batch.awaited[batch.packets.count];
  awaited.bytes = static_cast<std::uint8_t>(tag_bytes);
  std::memcpy(awaited.tag.data(), tag, tag_bytes);
  batch.packets.push(packet);
  if (rtcp) return cipher.hmac_add(flow.receive_keys.aes_cm.rtcp, burst.data[packet], signed_bytes);
  proto::store_be32(tag, static_cast<std::uint32_t>(burst.index[packet] >> 16));
  cipher.hmac_add(flow.receive_keys.aes_cm.rtp, burst.data[packet], signed_bytes + kRolloverBytes);
}

/// Adds an accepted packet to the decryption batch and sets its clear length.
void add_to_counter(Burst& burst, std::uint32_t packet, Cipher& cipher, std::size_t tag_bytes) {
  const FlowEntry& flow = *burst.flow[packet];
  const bool rtcp = is_rtcp(burst, packet);
  const AesCmKeys& keys = rtcp ? flow.receive_keys.aes_cm.rtcp : flow.receive_keys.aes_cm.rtp;
  const std::size_t trailer_bytes = tag_bytes + (rtcp ? kSrtcpIndexBytes : 0);
  const std::uint32_t bytes_received = burst.bytes[packet];
  burst.bytes[packet] = static_cast<std::uint32_t>(bytes_received - trailer_bytes);
  const std::uint16_t header_bytes = burst.header_bytes[packet];
  cipher.counter_add(keys, burst.data[packet] + header_bytes, burst.bytes[packet] - header_bytes,
                     counter_iv(keys.salt, burst.ssrc[packet], burst.index[packet]));
  accept(burst, packet, bytes_received);
}

void verify_and_decrypt(Burst& burst, Cipher& cipher, const HmacBatch& batch) {
  cipher.hmac_run();
  for (std::uint32_t k = 0; k < batch.packets.count; ++k) {
    const std::uint32_t packet = batch.packets.at[k];
    const AwaitedTag& awaited = batch.awaited[k];
    if (!equal_constant_time(cipher.digest(k).data(), awaited.tag.data(), awaited.bytes)) {
      burst.drop(packet, DropReason::kAuthFailed);
      continue;
    }
    const DropReason reason = commit(burst, packet);
    if (reason == DropReason::kNone) {
      add_to_counter(burst, packet, cipher, awaited.bytes);
    } else {
      burst.drop(packet, reason);
    }
  }
  cipher.counter_run();
}

bool holds_same_stream(const Burst& burst, const PacketList& packets, std::uint32_t packet) {
  for (std::uint32_t k = 0; k < packets.count; ++k) {
    const std::uint32_t other = packets.at[k];
    if (burst.flow[other] == burst.flow[packet] && burst.ssrc[other] == burst.ssrc[packet]) return true;
  }
  return false;
}

/// Two rounds: the rollover counter of a stream's second packet is known only once its first has authenticated, so
/// packets behind a stream's first in the same burst wait for the second round. There is no third: forged packets would
/// otherwise turn batches into single jobs.
void unprotect_aes_cm(Burst& burst, Cipher& cipher, const PacketList& packets) {
  HmacBatch batch;
  PacketList newcomers;
  PacketList waiting;
  for (std::uint32_t k = 0; k < packets.count; ++k) {
    const std::uint32_t packet = packets.at[k];
    bool newcomer = false;
    const DropReason reason = check_aes_cm(burst, packet, newcomer);
    if (reason != DropReason::kNone) {
      burst.drop(packet, reason);
    } else if (newcomer && holds_same_stream(burst, newcomers, packet)) {
      waiting.push(packet);
    } else {
      if (newcomer) newcomers.push(packet);
      add_to_hmac(burst, packet, cipher, batch);
    }
  }
  verify_and_decrypt(burst, cipher, batch);
  if (waiting.count == 0) return;
  batch.packets.clear();
  for (std::uint32_t k = 0; k < waiting.count; ++k) {
    const std::uint32_t packet = waiting.at[k];
    bool newcomer = false;
    const DropReason reason = check_aes_cm(burst, packet, newcomer);
    if (reason == DropReason::kNone) {
      add_to_hmac(burst, packet, cipher, batch);
    } else {
      burst.drop(packet, reason);
    }
  }
  verify_and_decrypt(burst, cipher, batch);
}

// GCM, packet by packet: decrypting and verifying are one pass.

DropReason open_gcm_srtp(Burst& burst, std::uint32_t packet, Cipher& cipher) {
  FlowEntry& flow = *burst.flow[packet];
  DropReason reason = parse_srtp(burst, packet, kGcmTagBytes);
  if (reason != DropReason::kNone) return reason;
  reason = check_rtp_index(burst, packet, find_ssrc(flow.receive_rtp, burst.ssrc[packet]));
  if (reason != DropReason::kNone) return reason;
  std::uint8_t* data = burst.data[packet];
  const std::uint16_t header_bytes = burst.header_bytes[packet];
  const std::size_t clear_bytes = burst.bytes[packet] - kGcmTagBytes;
  const GcmKeys& keys = flow.receive_keys.gcm;
  const auto nonce = gcm_nonce(keys.salt.data(), burst.ssrc[packet], burst.index[packet]);
  std::array<std::uint8_t, kGcmTagBytes> tag;
  cipher.gcm_decrypt(flow.receive_profile, keys,
                     {.nonce = nonce.data(),
                      .aad = data,
                      .aad_bytes = header_bytes,
                      .text = data + header_bytes,
                      .text_bytes = clear_bytes - header_bytes,
                      .tag = tag.data()});
  if (!equal_constant_time(tag.data(), data + clear_bytes, tag.size())) return DropReason::kAuthFailed;
  return commit(burst, packet);
}

DropReason open_gcm_srtcp(Burst& burst, std::uint32_t packet, Cipher& cipher) {
  FlowEntry& flow = *burst.flow[packet];
  DropReason reason = parse_srtcp(burst, packet, kGcmTagBytes + kSrtcpIndexBytes);
  if (reason != DropReason::kNone) return reason;
  std::uint8_t* data = burst.data[packet];
  const std::size_t clear_bytes = burst.bytes[packet] - kGcmTagBytes - kSrtcpIndexBytes;
  const std::uint8_t* index_at = data + clear_bytes + kGcmTagBytes;
  reason = check_rtcp_index(burst, packet, find_ssrc(flow.receive_rtcp, burst.ssrc[packet]), index_at);
  if (reason != DropReason::kNone) return reason;
  // RFC 7714 section 9.2: the header, and the word with E and index, are the associated data.
  std::array<std::uint8_t, kSrtcpHeaderBytes + kSrtcpIndexBytes> aad;
  std::memcpy(aad.data(), data, kSrtcpHeaderBytes);
  std::memcpy(aad.data() + kSrtcpHeaderBytes, index_at, kSrtcpIndexBytes);
  const auto nonce = gcm_nonce(flow.receive.rtcp.salt.data(), burst.ssrc[packet], burst.index[packet]);
  std::array<std::uint8_t, kGcmTagBytes> tag;
  GcmKeys keys;
  cipher.expand(flow.receive_profile, flow.receive.rtcp, keys);
  cipher.gcm_decrypt(flow.receive_profile, keys,
                     {.nonce = nonce.data(),
                      .aad = aad.data(),
                      .aad_bytes = aad.size(),
                      .text = data + kSrtcpHeaderBytes,
                      .text_bytes = clear_bytes - kSrtcpHeaderBytes,
                      .tag = tag.data()});
  proto::wipe(&keys, sizeof keys);
  if (!equal_constant_time(tag.data(), data + clear_bytes, tag.size())) return DropReason::kAuthFailed;
  return commit(burst, packet);
}

void unprotect_gcm(Burst& burst, std::uint32_t packet, Cipher& cipher) {
  const bool rtcp = is_rtcp(burst, packet);
  const DropReason reason = rtcp ? open_gcm_srtcp(burst, packet, cipher) : open_gcm_srtp(burst, packet, cipher);
  if (reason != DropReason::kNone) return burst.drop(packet, reason);
  const std::uint32_t bytes_received = burst.bytes[packet];
  burst.bytes[packet] -= static_cast<std::uint32_t>(kGcmTagBytes + (rtcp ? kSrtcpIndexBytes : 0));
  accept(burst, packet, bytes_received);
}

}  // namespace

void unprotect(Burst& burst, Cipher& cipher) {
  PacketList aes_cm;
  for (std::uint32_t k = 0; k < burst.media.count; ++k) {
    const std::uint32_t packet = burst.media.at[k];
    switch (burst.flow[packet]->receive_profile) {
      case SrtpProfile::kNone:
        take_plain(burst, packet);
        break;
      case SrtpProfile::kAesCm128HmacSha1_80:
      case SrtpProfile::kAesCm128HmacSha1_32:
        aes_cm.push(packet);
        break;
      case SrtpProfile::kAeadAes128Gcm:
      case SrtpProfile::kAeadAes256Gcm:
        unprotect_gcm(burst, packet, cipher);
        break;
    }
  }
  if (aes_cm.count != 0) unprotect_aes_cm(burst, cipher, aes_cm);
  burst.keep_undropped_media();
}

}  // namespace weir::dataplane
