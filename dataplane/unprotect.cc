#include "dataplane/unprotect.h"

#include <cstring>
#include <optional>

#include "dataplane/burst.h"
#include "dataplane/cipher.h"
#include "dataplane/constant_time.h"
#include "dataplane/flow_table.h"
#include "dataplane/key_epochs.h"
#include "dataplane/srtp_check.h"
#include "dataplane/srtp_iv.h"
#include "dataplane/ssrc_states.h"
#include "dataplane/stream_statistics.h"
#include "proto/rtcp.h"
#include "proto/rtp.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;

constexpr std::size_t kTagBytesMax = 16;

/// Counts a packet that was found good, and notes the first. Not if the flow is over its rate.
template <Mix kMix>
[[gnu::always_inline]] inline DropReason accept(Burst& burst, std::uint32_t packet, std::uint32_t bytes_received) {
  FlowEntry& flow = *burst.flow[packet];
  if (!take_room(flow.rate, bytes_received, burst.now_ns)) [[unlikely]]
    return DropReason::kPoliced;
  proto::FlowStatus& status = *burst.status[packet];
  if (is_rtcp<kMix>(burst, packet)) {
    ++status.rtcp_packets_in;
  } else {
    count_rtp(status, {.ssrc = burst.ssrc[packet],
                       .timestamp = proto::load_be32(burst.data[packet] + 4),
                       .index = burst.index[packet],
                       .now_ns = burst.now_ns});
    ++status.rtp_packets_in;
    status.rtp_bytes_in += bytes_received;
  }
  constexpr std::uint8_t kBoth = kMarkHeard | kMarkAuthenticated;
  if ((flow.marks & kBoth) == kBoth) [[likely]]
    return DropReason::kNone;
  if ((flow.marks & kMarkAuthenticated) == 0) burst.note(packet, kNoteFirstAuthenticated);
  flow.marks |= kBoth;
  return DropReason::kNone;
}

void note_near_limit(Burst& burst, std::uint32_t packet) {
  FlowEntry& flow = *burst.flow[packet];
  if ((flow.marks & kMarkNearLimit) == 0) burst.note(packet, kNoteIndexNearLimit);
  flow.marks |= kMarkNearLimit;
}

DropReason commit_srtcp(Burst& burst, std::uint32_t packet) {
  SrtcpState* state = find_or_add_srtcp_ssrc(burst, packet);
  if (state == nullptr) return DropReason::kSsrcUnknown;
  const DropReason reason = drop_reason_of(state->window.commit(burst.index[packet]));
  if (reason == DropReason::kNone && burst.index[packet] >= kRtcpIndexNearLimit) note_near_limit(burst, packet);
  return reason;
}

/// Records the index of an authenticated packet. Checks again: an earlier packet of this burst may have been the same
/// one, or have taken the last free SSRC state.
template <Mix kMix>
[[gnu::always_inline]] inline DropReason commit(Burst& burst, std::uint32_t packet) {
  if (is_rtcp<kMix>(burst, packet)) return commit_srtcp(burst, packet);
  SsrcState* state = burst.state[packet];
  if (state == nullptr) [[unlikely]] {
    state = find_or_add_ssrc(burst.flow[packet]->receive_rtp, burst.ssrc[packet]);
    if (state == nullptr) state = find_or_add_more_ssrc(burst, packet, SsrcKind::kReceiveRtp);
    if (state == nullptr) return DropReason::kSsrcUnknown;
  }
  const DropReason reason = drop_reason_of(state->window.commit(burst.index[packet]));
  if (reason != DropReason::kNone) return reason;
  if (burst.index[packet] >= kRtpIndexNearLimit) [[unlikely]]
    note_near_limit(burst, packet);
  return DropReason::kNone;
}

// Plain flows.

DropReason validate_rtp(Burst& burst, std::uint32_t packet) {
  const DropReason reason = parse_srtp(burst, packet, 0);
  if (reason != DropReason::kNone) return reason;
  const std::uint16_t sequence = proto::load_be16(burst.data[packet] + 2);
  burst.index[packet] = extend_sequence(*burst.status[packet], burst.ssrc[packet], sequence);
  return DropReason::kNone;
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

template <Mix kMix>
void take_plain(Burst& burst, std::uint32_t packet) {
  DropReason reason = is_rtcp<kMix>(burst, packet) ? validate_rtcp(burst, packet) : validate_rtp(burst, packet);
  if (reason == DropReason::kNone) reason = accept<kMix>(burst, packet, burst.bytes[packet]);
  if (reason != DropReason::kNone) burst.drop(packet, reason);
}

// Secured flows, in batches: check all, then the transform, then verify and commit each.

/// Packets on their way through one transform, and the tags they came with.
struct Batch {
  PacketList packets;
  Column<std::array<std::uint8_t, kTagBytesMax>> tags;
};

// AES-CM or the NULL cipher with HMAC-SHA1.

template <Mix kMix>
std::size_t hmac_tag_bytes(const Burst& burst, std::uint32_t packet) {
  if (is_rtcp<kMix>(burst, packet)) return kSrtcpHmacTagBytes;
  return srtp_hmac_tag_bytes(burst.flow[packet]->receive_profile);
}

template <Mix kMix>
[[gnu::always_inline]] inline DropReason check_hmac(Burst& burst, std::uint32_t packet, Cipher& cipher) {
  const std::size_t tag_bytes = hmac_tag_bytes<kMix>(burst, packet);
  return is_rtcp<kMix>(burst, packet) ? check_srtcp(burst, packet, tag_bytes, true)
                                      : check_srtp(burst, packet, tag_bytes, cipher);
}

template <Mix kMix>
const HmacKeys& hmac_keys(const Burst& burst, std::uint32_t packet) {
  const AesCmSide& keys = receive_aes_cm(*burst.flow[packet]);
  return is_rtcp<kMix>(burst, packet) ? keys.rtcp : keys.rtp.hmac;
}

/// Lays the message of RFC 3711 section 4.2 out and adds it to the HMAC batch: the packet and its ROC for SRTP, the
/// packet with its index for SRTCP. The ROC takes the tag's place behind the packet: the tag is kept.
template <Mix kMix>
void add_to_hmac(Burst& burst, std::uint32_t packet, Cipher& cipher, std::array<std::uint8_t, kTagBytesMax>& kept) {
  const std::size_t tag_bytes = hmac_tag_bytes<kMix>(burst, packet);
  const std::size_t signed_bytes = burst.bytes[packet] - tag_bytes;
  std::uint8_t* tag = burst.data[packet] + signed_bytes;
  copy_tag(kept.data(), tag, tag_bytes);
  const HmacKeys& keys = hmac_keys<kMix>(burst, packet);
  if (is_rtcp<kMix>(burst, packet)) return cipher.hmac_add(keys, burst.data[packet], signed_bytes);
  proto::store_be32(tag, static_cast<std::uint32_t>(burst.index[packet] >> 16));
  cipher.hmac_add(keys, burst.data[packet], signed_bytes + kRolloverBytes);
}

/// Sets an accepted packet's clear length and adds it to the decryption batch if there is a cipher.
template <Mix kMix>
void add_to_counter(Burst& burst, std::uint32_t packet, Cipher& cipher) {
  const FlowEntry& flow = *burst.flow[packet];
  const std::size_t trailer_bytes =
      hmac_tag_bytes<kMix>(burst, packet) + (is_rtcp<kMix>(burst, packet) ? kSrtcpIndexBytes : 0);
  burst.bytes[packet] = static_cast<std::uint32_t>(burst.bytes[packet] - trailer_bytes);
  if (proto::is_null_cipher(flow.receive_profile)) return;
  std::uint8_t* text = burst.data[packet] + burst.header_bytes[packet];
  const std::uint32_t text_bytes = burst.bytes[packet] - burst.header_bytes[packet];
  std::uint8_t* iv =
      is_rtcp<kMix>(burst, packet)
          ? cipher.counter_add_rare(flow.receive_profile, flow.receive_srtcp_key.encryption, text, text_bytes)
          : cipher.counter_add(flow.receive_profile, receive_aes_cm(flow).rtp, text, text_bytes);
  write_counter_iv(iv, hmac_keys<kMix>(burst, packet).salt, burst.ssrc[packet], burst.index[packet]);
}

template <Mix kMix>
void open_hmac(Burst& burst, Cipher& cipher, Batch& batch) {
  for (std::uint32_t k = 0; k < batch.packets.count; ++k) {
    add_to_hmac<kMix>(burst, batch.packets.at[k], cipher, batch.tags[k]);
  }
  cipher.hmac_run();
  for (std::uint32_t k = 0; k < batch.packets.count; ++k) {
    const std::uint32_t packet = batch.packets.at[k];
    const std::size_t tag_bytes = hmac_tag_bytes<kMix>(burst, packet);
    DropReason reason = DropReason::kAuthFailed;
    if (equal_constant_time(cipher.digest(k).data(), batch.tags[k].data(), tag_bytes))
      reason = commit<kMix>(burst, packet);
    if (reason == DropReason::kNone) reason = accept<kMix>(burst, packet, burst.bytes[packet]);
    if (reason != DropReason::kNone) {
      burst.drop(packet, reason);
    } else {
      add_to_counter<kMix>(burst, packet, cipher);
    }
  }
  cipher.counter_run();
}

// GCM: decrypting and computing the tag are one pass, packet by packet.

/// Writes the nonce too, long before it is used: one that is loaded right after it was stored in pieces holds up the
/// cipher.
template <Mix kMix>
[[gnu::always_inline]] inline DropReason check_gcm(Burst& burst, std::uint32_t packet, Column<GcmNonce>& nonces,
                                                   Cipher& cipher) {
  const bool rtcp = is_rtcp<kMix>(burst, packet);
  const DropReason reason =
      rtcp ? check_srtcp(burst, packet, kGcmTagBytes, false) : check_srtp(burst, packet, kGcmTagBytes, cipher);
  if (reason != DropReason::kNone) return reason;
  const FlowEntry& flow = *burst.flow[packet];
  write_gcm_nonce(nonces[packet], rtcp ? flow.receive_srtcp_key.gcm_salt.data() : receive_gcm(flow).salt.data(),
                  burst.ssrc[packet], burst.index[packet]);
  return DropReason::kNone;
}

void decrypt_srtp(Burst& burst, std::uint32_t packet, Cipher& cipher, const GcmNonce& nonce, std::uint8_t* tag) {
  const FlowEntry& flow = *burst.flow[packet];
  const std::uint16_t header_bytes = burst.header_bytes[packet];
  cipher.gcm_decrypt(flow.receive_profile, receive_gcm(flow),
                     {.nonce = nonce.data(),
                      .aad = burst.data[packet],
                      .aad_bytes = header_bytes,
                      .text = burst.data[packet] + header_bytes,
                      .text_bytes = burst.bytes[packet] - header_bytes - kGcmTagBytes,
                      .tag = tag});
}

/// RFC 7714 section 9.2: the header, and the word with E and index behind the tag, are the associated data.
void decrypt_srtcp(Burst& burst, std::uint32_t packet, Cipher& cipher, const GcmNonce& nonce, std::uint8_t* tag) {
  const FlowEntry& flow = *burst.flow[packet];
  std::uint8_t* data = burst.data[packet];
  const std::size_t clear_bytes = burst.bytes[packet] - kGcmTagBytes - kSrtcpIndexBytes;
  std::array<std::uint8_t, kSrtcpHeaderBytes + kSrtcpIndexBytes> aad;
  std::memcpy(aad.data(), data, kSrtcpHeaderBytes);
  std::memcpy(aad.data() + kSrtcpHeaderBytes, data + clear_bytes + kGcmTagBytes, kSrtcpIndexBytes);
  GcmKeys keys;
  cipher.expand(flow.receive_profile, flow.receive_srtcp_key.encryption, keys);
  cipher.gcm_decrypt(flow.receive_profile, keys,
                     {.nonce = nonce.data(),
                      .aad = aad.data(),
                      .aad_bytes = aad.size(),
                      .text = data + kSrtcpHeaderBytes,
                      .text_bytes = clear_bytes - kSrtcpHeaderBytes,
                      .tag = tag});
  proto::wipe(&keys, sizeof keys);
}

template <Mix kMix>
void open_gcm(Burst& burst, Cipher& cipher, const Column<GcmNonce>& nonces, Batch& batch) {
  for (std::uint32_t k = 0; k < batch.packets.count; ++k) {
    const std::uint32_t packet = batch.packets.at[k];
    if (is_rtcp<kMix>(burst, packet)) {
      decrypt_srtcp(burst, packet, cipher, nonces[packet], batch.tags[k].data());
    } else {
      decrypt_srtp(burst, packet, cipher, nonces[packet], batch.tags[k].data());
    }
  }
  for (std::uint32_t k = 0; k < batch.packets.count; ++k) {
    const std::uint32_t packet = batch.packets.at[k];
    const std::uint32_t bytes_received = burst.bytes[packet];
    const std::size_t clear_bytes =
        bytes_received - kGcmTagBytes - (is_rtcp<kMix>(burst, packet) ? kSrtcpIndexBytes : 0);
    const std::uint8_t* tag = burst.data[packet] + clear_bytes;
    DropReason reason = DropReason::kAuthFailed;
    if (equal_constant_time(batch.tags[k].data(), tag, kGcmTagBytes)) reason = commit<kMix>(burst, packet);
    if (reason == DropReason::kNone) reason = accept<kMix>(burst, packet, bytes_received);
    if (reason != DropReason::kNone) {
      burst.drop(packet, reason);
      continue;
    }
    burst.bytes[packet] = static_cast<std::uint32_t>(clear_bytes);
  }
}

// Both.

bool holds_same_stream(const Burst& burst, const PacketList& packets, std::uint32_t packet) {
  for (std::uint32_t k = 0; k < packets.count; ++k) {
    const std::uint32_t other = packets.at[k];
    if (burst.flow[other] == burst.flow[packet] && burst.ssrc[other] == burst.ssrc[packet]) return true;
  }
  return false;
}

/// Two rounds: the rollover counter of a stream's second packet is known only once its first has authenticated, so
/// packets behind a new stream's first in the same burst wait for the second round. There is no third: forged packets
/// would otherwise turn batches into single jobs.
template <Mix kMix, typename Check, typename Open>
void unprotect_in_rounds(Burst& burst, const PacketList& packets, Check check, Open open) {
  Batch batch;
  PacketList newcomers;
  PacketList waiting;
  const PacketList* round = &packets;
  do {
    batch.packets.clear();
    for (std::uint32_t k = 0; k < round->count; ++k) {
      const std::uint32_t packet = round->at[k];
      const DropReason reason = check(packet);
      if (reason != DropReason::kNone) {
        burst.drop(packet, reason);
        continue;
      }
      if (!is_rtcp<kMix>(burst, packet) && burst.state[packet] == nullptr && round == &packets) [[unlikely]] {
        if (holds_same_stream(burst, newcomers, packet)) {
          waiting.push(packet);
          continue;
        }
        newcomers.push(packet);
      }
      batch.packets.push(packet);
    }
    open(batch);
    round = round == &packets && waiting.count != 0 ? &waiting : nullptr;
  } while (round != nullptr);
}

template <Mix kMix>
void unprotect_hmac(Burst& burst, Cipher& cipher, const PacketList& packets) {
  unprotect_in_rounds<kMix>(
      burst, packets, [&](std::uint32_t packet) { return check_hmac<kMix>(burst, packet, cipher); },
      [&](Batch& batch) { open_hmac<kMix>(burst, cipher, batch); });
}

template <Mix kMix>
void unprotect_gcm(Burst& burst, Cipher& cipher, const PacketList& packets) {
  Column<GcmNonce> nonces;
  unprotect_in_rounds<kMix>(
      burst, packets, [&](std::uint32_t packet) { return check_gcm<kMix>(burst, packet, nonces, cipher); },
      [&](Batch& batch) { open_gcm<kMix>(burst, cipher, nonces, batch); });
}

template <Mix kMix>
void take_plain(Burst& burst, const PacketList& packets) {
  for (std::uint32_t k = 0; k < packets.count; ++k) take_plain<kMix>(burst, packets.at[k]);
}

/// Transforms differ from flow to flow: each gets its own list.
template <Mix kMix>
void unprotect_each(Burst& burst, Cipher& cipher, const PacketList& packets) {
  PacketList plain;
  PacketList hmac;
  PacketList gcm;
  for (std::uint32_t k = 0; k < packets.count; ++k) {
    const std::uint32_t packet = packets.at[k];
    const std::uint8_t transforms = burst.flow[packet]->transforms;
    ((transforms & kReceivesHmac) != 0 ? hmac : (transforms & kReceivesGcm) != 0 ? gcm : plain).push(packet);
  }
  take_plain<kMix>(burst, plain);
  if (hmac.count != 0) unprotect_hmac<kMix>(burst, cipher, hmac);
  if (gcm.count != 0) unprotect_gcm<kMix>(burst, cipher, gcm);
}

/// Packets of flows with detours first: what their older keys protected is taken there.
void unprotect_detoured(Burst& burst, Cipher& cipher) {
  PacketList detoured;
  PacketList rest;
  for (std::uint32_t k = 0; k < burst.media.count; ++k) {
    const std::uint32_t packet = burst.media.at[k];
    ((burst.flow[packet]->transforms & kDetoursReceiving) != 0 ? detoured : rest).push(packet);
  }
  take_older(burst, cipher, detoured, accept<Mix::kAny>);
  for (std::uint32_t k = 0; k < detoured.count; ++k) rest.push(detoured.at[k]);
  unprotect_each<Mix::kAny>(burst, cipher, rest);
  confirm_keys(burst, detoured);
}

template <Mix kMix>
void unprotect_as(Burst& burst, Cipher& cipher) {
  switch (burst.transforms & (kReceivesPlain | kReceivesHmac | kReceivesGcm)) {
    case 0:
      return;
    case kReceivesPlain:
      return take_plain<kMix>(burst, burst.media);
    case kReceivesHmac:
      return unprotect_hmac<kMix>(burst, cipher, burst.media);
    case kReceivesGcm:
      return unprotect_gcm<kMix>(burst, cipher, burst.media);
    default:
      return unprotect_each<kMix>(burst, cipher, burst.media);
  }
}

}  // namespace

void take_returned(Burst& burst, std::uint32_t packet) {
  take_plain<Mix::kAny>(burst, packet);
}

void unprotect(Burst& burst, Cipher& cipher) {
  if ((burst.transforms & kDetoursReceiving) != 0) [[unlikely]] {
    unprotect_detoured(burst, cipher);
  } else if (burst.rtcp) {
    unprotect_as<Mix::kAny>(burst, cipher);
  } else {
    unprotect_as<Mix::kRtp>(burst, cipher);
  }
  burst.keep_undropped_media();
}

}  // namespace weir::dataplane
