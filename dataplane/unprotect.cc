#include "dataplane/unprotect.h"

#include <cstring>
#include <optional>

#include "dataplane/burst.h"
#include "dataplane/cipher.h"
#include "dataplane/constant_time.h"
#include "dataplane/flow_table.h"
#include "dataplane/key_epochs.h"
#include "dataplane/srtp_iv.h"
#include "dataplane/ssrc_states.h"
#include "dataplane/stream_statistics.h"
#include "dataplane/trial.h"
#include "proto/rtcp.h"
#include "proto/rtp.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;
using proto::PacketKind;
using proto::SrtpProfile;

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
[[gnu::always_inline]] inline DropReason parse_srtp(Burst& burst, std::uint32_t packet, std::size_t tag_bytes) {
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

/// May this SRTP packet be legitimate? Estimates its index (RFC 3711 section 3.3.1) and asks the window. Writes the
/// columns of parse_srtp, `state` and `index`.
inline DropReason check_srtp(Burst& burst, std::uint32_t packet, std::size_t tag_bytes, Cipher& cipher) {
  const DropReason reason = parse_srtp(burst, packet, tag_bytes);
  if (reason != DropReason::kNone) return reason;
  FlowEntry& flow = *burst.flow[packet];
  SsrcState* state = find_ssrc(flow.receive_rtp, burst.ssrc[packet]);
  if (state == nullptr) [[unlikely]]
    state = find_more_ssrc(burst, packet, SsrcKind::kReceiveRtp);
  burst.state[packet] = state;
  const std::uint16_t sequence = proto::load_be16(burst.data[packet] + 2);
  if (state == nullptr) [[unlikely]] {
    burst.index[packet] = std::uint64_t{flow.receive.rtp_roc} << 16 | sequence;
    if (sequence < kMissedPacketsMax) look_for_missed_wrap(burst, packet, cipher);
    return DropReason::kNone;
  }
  const std::optional<std::uint64_t> index = estimate_index(state->window.highest, sequence);
  if (!index) return DropReason::kIndexTooOld;
  if (*index > kRtpIndexMax) return DropReason::kKeyExhausted;
  burst.index[packet] = *index;
  return drop_reason_of(state->window.check(*index));
}

/// The same for SRTCP, whose index is explicit: it stands in front of a tag of `tag_bytes` if `before_tag`, else behind
/// it.
DropReason check_srtcp(Burst& burst, std::uint32_t packet, std::size_t tag_bytes, bool before_tag) {
  const DropReason reason = parse_srtcp(burst, packet, tag_bytes + kSrtcpIndexBytes);
  if (reason != DropReason::kNone) return reason;
  SsrcState* state = find_ssrc(burst.flow[packet]->receive_rtcp, burst.ssrc[packet]);
  if (state == nullptr) state = find_more_ssrc(burst, packet, SsrcKind::kReceiveRtcp);
  burst.state[packet] = state;
  const std::uint8_t* end = burst.data[packet] + burst.bytes[packet];
  const std::uint32_t word = proto::load_be32(end - kSrtcpIndexBytes - (before_tag ? tag_bytes : 0));
  const std::uint32_t e_bit = srtcp_e_bit(burst.flow[packet]->receive_profile);
  if ((word & kSrtcpEncryptedBit) != e_bit) return DropReason::kSrtcpEBitWrong;
  burst.index[packet] = word & ~kSrtcpEncryptedBit;
  return state == nullptr ? DropReason::kNone : drop_reason_of(state->window.check(burst.index[packet]));
}

/// Counts a packet that was found good, and notes the first. Not if the flow is over its rate.
[[gnu::always_inline]] inline DropReason accept(Burst& burst, std::uint32_t packet, std::uint32_t bytes_received) {
  FlowEntry& flow = *burst.flow[packet];
  if (!take_room(flow.rate, bytes_received, burst.now_ns)) [[unlikely]]
    return DropReason::kPoliced;
  proto::FlowStatus& status = *burst.status[packet];
  if (is_rtcp(burst, packet)) {
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

/// Records the index of an authenticated packet. Checks again: an earlier packet of this burst may have been the same
/// one, or have taken the last free SSRC state.
[[gnu::always_inline]] inline DropReason commit(Burst& burst, std::uint32_t packet) {
  SsrcState* state = burst.state[packet];
  if (state == nullptr) [[unlikely]] {
    const SsrcKind kind = is_rtcp(burst, packet) ? SsrcKind::kReceiveRtcp : SsrcKind::kReceiveRtp;
    state = find_or_add_ssrc(states_of(burst, packet), burst.ssrc[packet]);
    if (state == nullptr) state = find_or_add_more_ssrc(burst, packet, kind);
    if (state == nullptr) return DropReason::kSsrcUnknown;
  }
  const DropReason reason = drop_reason_of(state->window.commit(burst.index[packet]));
  if (reason != DropReason::kNone) return reason;
  const std::uint64_t near_limit = is_rtcp(burst, packet) ? kRtcpIndexNearLimit : kRtpIndexNearLimit;
  if (burst.index[packet] >= near_limit) [[unlikely]] {
    FlowEntry& flow = *burst.flow[packet];
    if ((flow.marks & kMarkNearLimit) == 0) burst.note(packet, kNoteIndexNearLimit);
    flow.marks |= kMarkNearLimit;
  }
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

void take_plain(Burst& burst, std::uint32_t packet) {
  DropReason reason = is_rtcp(burst, packet) ? validate_rtcp(burst, packet) : validate_rtp(burst, packet);
  if (reason == DropReason::kNone) reason = accept(burst, packet, burst.bytes[packet]);
  if (reason != DropReason::kNone) burst.drop(packet, reason);
}

// Secured flows, in batches: check all, then the transform, then verify and commit each.

/// Packets on their way through one transform, and the tags they came with.
struct Batch {
  PacketList packets;
  Column<std::array<std::uint8_t, kTagBytesMax>> tags;
};

// AES-CM or the NULL cipher with HMAC-SHA1.

std::size_t hmac_tag_bytes(const Burst& burst, std::uint32_t packet) {
  if (is_rtcp(burst, packet)) return kSrtcpHmacTagBytes;
  return srtp_hmac_tag_bytes(burst.flow[packet]->receive_profile);
}

[[gnu::always_inline]] inline DropReason check_hmac(Burst& burst, std::uint32_t packet, Cipher& cipher) {
  const std::size_t tag_bytes = hmac_tag_bytes(burst, packet);
  return is_rtcp(burst, packet) ? check_srtcp(burst, packet, tag_bytes, true)
                                : check_srtp(burst, packet, tag_bytes, cipher);
}

const HmacKeys& hmac_keys(const Burst& burst, std::uint32_t packet) {
  const auto& keys = burst.flow[packet]->receive_keys.aes_cm;
  return is_rtcp(burst, packet) ? keys.rtcp : keys.rtp.hmac;
}

/// Lays the message of RFC 3711 section 4.2 out and adds it to the HMAC batch: the packet and its ROC for SRTP, the
/// packet with its index for SRTCP. The ROC takes the tag's place behind the packet: the tag is kept.
void add_to_hmac(Burst& burst, std::uint32_t packet, Cipher& cipher, std::array<std::uint8_t, kTagBytesMax>& kept) {
  const std::size_t tag_bytes = hmac_tag_bytes(burst, packet);
  const std::size_t signed_bytes = burst.bytes[packet] - tag_bytes;
  std::uint8_t* tag = burst.data[packet] + signed_bytes;
  copy_tag(kept.data(), tag, tag_bytes);
  const HmacKeys& keys = hmac_keys(burst, packet);
  if (is_rtcp(burst, packet)) return cipher.hmac_add(keys, burst.data[packet], signed_bytes);
  proto::store_be32(tag, static_cast<std::uint32_t>(burst.index[packet] >> 16));
  cipher.hmac_add(keys, burst.data[packet], signed_bytes + kRolloverBytes);
}

/// Sets an accepted packet's clear length and adds it to the decryption batch if there is a cipher.
void add_to_counter(Burst& burst, std::uint32_t packet, Cipher& cipher) {
  const FlowEntry& flow = *burst.flow[packet];
  const std::size_t trailer_bytes = hmac_tag_bytes(burst, packet) + (is_rtcp(burst, packet) ? kSrtcpIndexBytes : 0);
  burst.bytes[packet] = static_cast<std::uint32_t>(burst.bytes[packet] - trailer_bytes);
  if (proto::is_null_cipher(flow.receive_profile)) return;
  std::uint8_t* text = burst.data[packet] + burst.header_bytes[packet];
  const std::uint32_t text_bytes = burst.bytes[packet] - burst.header_bytes[packet];
  std::uint8_t* iv = is_rtcp(burst, packet)
                         ? cipher.counter_add_rare(flow.receive_profile, flow.receive.rtcp, text, text_bytes)
                         : cipher.counter_add(flow.receive_profile, flow.receive_keys.aes_cm.rtp, text, text_bytes);
  write_counter_iv(iv, hmac_keys(burst, packet).salt, burst.ssrc[packet], burst.index[packet]);
}

void open_hmac(Burst& burst, Cipher& cipher, Batch& batch) {
  for (std::uint32_t k = 0; k < batch.packets.count; ++k) {
    add_to_hmac(burst, batch.packets.at[k], cipher, batch.tags[k]);
  }
  cipher.hmac_run();
  for (std::uint32_t k = 0; k < batch.packets.count; ++k) {
    const std::uint32_t packet = batch.packets.at[k];
    const std::size_t tag_bytes = hmac_tag_bytes(burst, packet);
    DropReason reason = DropReason::kAuthFailed;
    if (equal_constant_time(cipher.digest(k).data(), batch.tags[k].data(), tag_bytes)) reason = commit(burst, packet);
    if (reason == DropReason::kNone) reason = accept(burst, packet, burst.bytes[packet]);
    if (reason != DropReason::kNone) {
      burst.drop(packet, reason);
    } else {
      add_to_counter(burst, packet, cipher);
    }
  }
  cipher.counter_run();
}

// GCM: decrypting and computing the tag are one pass, packet by packet.

/// Writes the nonce too, long before it is used: one that is loaded right after it was stored in pieces holds up the
/// cipher.
[[gnu::always_inline]] inline DropReason check_gcm(Burst& burst, std::uint32_t packet, Column<GcmNonce>& nonces,
                                                   Cipher& cipher) {
  const bool rtcp = is_rtcp(burst, packet);
  const DropReason reason =
      rtcp ? check_srtcp(burst, packet, kGcmTagBytes, false) : check_srtp(burst, packet, kGcmTagBytes, cipher);
  if (reason != DropReason::kNone) return reason;
  const FlowEntry& flow = *burst.flow[packet];
  write_gcm_nonce(nonces[packet], rtcp ? flow.receive.rtcp.salt.data() : flow.receive_keys.gcm.salt.data(),
                  burst.ssrc[packet], burst.index[packet]);
  return DropReason::kNone;
}

void decrypt_srtp(Burst& burst, std::uint32_t packet, Cipher& cipher, const GcmNonce& nonce, std::uint8_t* tag) {
  const FlowEntry& flow = *burst.flow[packet];
  const std::uint16_t header_bytes = burst.header_bytes[packet];
  cipher.gcm_decrypt(flow.receive_profile, flow.receive_keys.gcm,
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
  cipher.expand(flow.receive_profile, flow.receive.rtcp, keys);
  cipher.gcm_decrypt(flow.receive_profile, keys,
                     {.nonce = nonce.data(),
                      .aad = aad.data(),
                      .aad_bytes = aad.size(),
                      .text = data + kSrtcpHeaderBytes,
                      .text_bytes = clear_bytes - kSrtcpHeaderBytes,
                      .tag = tag});
  proto::wipe(&keys, sizeof keys);
}

void open_gcm(Burst& burst, Cipher& cipher, const Column<GcmNonce>& nonces, Batch& batch) {
  for (std::uint32_t k = 0; k < batch.packets.count; ++k) {
    const std::uint32_t packet = batch.packets.at[k];
    if (is_rtcp(burst, packet)) {
      decrypt_srtcp(burst, packet, cipher, nonces[packet], batch.tags[k].data());
    } else {
      decrypt_srtp(burst, packet, cipher, nonces[packet], batch.tags[k].data());
    }
  }
  for (std::uint32_t k = 0; k < batch.packets.count; ++k) {
    const std::uint32_t packet = batch.packets.at[k];
    const std::uint32_t bytes_received = burst.bytes[packet];
    const std::size_t clear_bytes = bytes_received - kGcmTagBytes - (is_rtcp(burst, packet) ? kSrtcpIndexBytes : 0);
    const std::uint8_t* tag = burst.data[packet] + clear_bytes;
    DropReason reason = DropReason::kAuthFailed;
    if (equal_constant_time(batch.tags[k].data(), tag, kGcmTagBytes)) reason = commit(burst, packet);
    if (reason == DropReason::kNone) reason = accept(burst, packet, bytes_received);
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
template <typename Check, typename Open>
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
      if (burst.state[packet] == nullptr && round == &packets && !is_rtcp(burst, packet)) [[unlikely]] {
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

}  // namespace

void unprotect(Burst& burst, Cipher& cipher) {
  PacketList hmac;
  PacketList gcm;
  PacketList detoured;
  const auto sort = [&](std::uint32_t packet) {
    switch (burst.flow[packet]->receive_profile) {
      case SrtpProfile::kNone:
        take_plain(burst, packet);
        break;
      case SrtpProfile::kAesCm128HmacSha1_80:
      case SrtpProfile::kAesCm128HmacSha1_32:
      case SrtpProfile::kAes192CmHmacSha1_80:
      case SrtpProfile::kAes192CmHmacSha1_32:
      case SrtpProfile::kAes256CmHmacSha1_80:
      case SrtpProfile::kAes256CmHmacSha1_32:
      case SrtpProfile::kNullHmacSha1_80:
      case SrtpProfile::kNullHmacSha1_32:
        hmac.push(packet);
        break;
      case SrtpProfile::kAeadAes128Gcm:
      case SrtpProfile::kAeadAes256Gcm:
        gcm.push(packet);
        break;
    }
  };
  for (std::uint32_t k = 0; k < burst.media.count; ++k) {
    const std::uint32_t packet = burst.media.at[k];
    if ((burst.flow[packet]->detours & kDetoursReceiving) != 0) [[unlikely]] {
      detoured.push(packet);
    } else {
      sort(packet);
    }
  }
  if (detoured.count != 0) [[unlikely]] {
    take_older(burst, cipher, detoured, accept);
    for (std::uint32_t k = 0; k < detoured.count; ++k) sort(detoured.at[k]);
  }
  if (hmac.count != 0) {
    unprotect_in_rounds(
        burst, hmac, [&](std::uint32_t packet) { return check_hmac(burst, packet, cipher); },
        [&](Batch& batch) { open_hmac(burst, cipher, batch); });
  }
  if (gcm.count != 0) {
    Column<GcmNonce> nonces;
    unprotect_in_rounds(
        burst, gcm, [&](std::uint32_t packet) { return check_gcm(burst, packet, nonces, cipher); },
        [&](Batch& batch) { open_gcm(burst, cipher, nonces, batch); });
  }
  if (detoured.count != 0) [[unlikely]]
    confirm_keys(burst, detoured);
  burst.keep_undropped_media();
}

}  // namespace weir::dataplane
