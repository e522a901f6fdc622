#include "dataplane/protect.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "dataplane/burst.h"
#include "dataplane/cipher.h"
#include "dataplane/continuation.h"
#include "dataplane/flow_table.h"
#include "dataplane/mki.h"
#include "dataplane/send_recorder.h"
#include "dataplane/srtp_iv.h"
#include "dataplane/ssrc_states.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;

void note_near_limit(Burst& burst, std::uint32_t packet) {
  FlowEntry& flow = *burst.flow[packet];
  if ((flow.marks & kMarkNearLimit) != 0) return;
  flow.marks |= kMarkNearLimit;
  burst.note(packet, kNoteIndexNearLimit);
}

/// Takes the packet's index from its sequence number and this side's own rollover counter, and records it: from here
/// on it counts as used, whatever becomes of the packet.
[[gnu::always_inline]] inline DropReason take_index_as_it_came(Burst& burst, std::uint32_t packet) {
  FlowEntry& flow = *burst.flow[packet];
  const std::uint16_t sequence = proto::load_be16(burst.data[packet] + 2);
  SsrcState* state = find_or_add_ssrc(flow.send_rtp, burst.ssrc[packet]);
  if (state == nullptr) [[unlikely]]
    state = find_or_add_more_ssrc(burst, packet, SsrcKind::kSendRtp);
  if (state == nullptr) return DropReason::kSsrcUnknown;
  std::optional<std::uint64_t> index = std::uint64_t{flow.send_rtp_roc} << 16 | sequence;
  if (!state->window.empty()) index = estimate_index(state->window.highest, sequence);
  if (!index) return DropReason::kSendReplayed;
  if (*index > kRtpIndexMax) return DropReason::kKeyExhausted;
  if (state->window.commit(*index) != IndexVerdict::kFresh) return DropReason::kSendReplayed;
  if (*index >= kRtpIndexNearLimit) note_near_limit(burst, packet);
  burst.index[packet] = *index;
  return DropReason::kNone;
}

/// A packet that was refused an index may get one as the continuation of what came before.
[[gnu::cold, gnu::noinline]] DropReason take_next_index(Burst& burst, std::uint32_t packet, DropReason refused) {
  const bool may_go_on = refused == DropReason::kSsrcUnknown || refused == DropReason::kSendReplayed;
  return may_go_on && continue_stream(burst, packet) ? take_index_as_it_came(burst, packet) : refused;
}

DropReason take_rtp_index(Burst& burst, std::uint32_t packet) {
  const DropReason reason = take_index_as_it_came(burst, packet);
  return reason == DropReason::kNone ? reason : take_next_index(burst, packet, reason);
}

/// One counter for all SSRCs of the flow: no (SSRC, index) comes twice (RFC 3711 section 3.4).
DropReason take_rtcp_index(Burst& burst, std::uint32_t packet) {
  if (burst.bytes[packet] < kSrtcpHeaderBytes) [[unlikely]]
    return DropReason::kRtcpMalformed;  // else what is encrypted would have no end
  FlowEntry& flow = *burst.flow[packet];
  if (flow.send_rtcp_next > kRtcpIndexMax) return DropReason::kKeyExhausted;
  burst.index[packet] = flow.send_rtcp_next++;
  if (burst.index[packet] >= kRtcpIndexNearLimit) note_near_limit(burst, packet);
  return DropReason::kNone;
}

/// Near its end is the last sixteenth of a lifetime that was commanded.
constexpr unsigned kNearShareLog2 = 4;

/// Under a key whose lifetime was commanded (RFC 3711 section 9.2, RFC 4568 section 6.1): SRTP packets of all SSRCs are
/// counted; SRTCP's index is its count.
DropReason take_index_of_limited_key(Burst& burst, std::uint32_t packet) {
  FlowEntry& flow = *burst.flow[packet];
  const std::uint64_t lifetime = std::uint64_t{1} << flow.send_lifetime_log2;
  if (is_rtcp(burst, packet)) {
    if (flow.send_rtcp_next >= lifetime) return DropReason::kKeyExhausted;
    if (flow.send_rtcp_next >= lifetime - (lifetime >> kNearShareLog2)) note_near_limit(burst, packet);
    return take_rtcp_index(burst, packet);
  }
  if (flow.send_rtp_left == 0) return DropReason::kKeyExhausted;
  const DropReason reason = take_rtp_index(burst, packet);
  if (reason != DropReason::kNone) return reason;
  --flow.send_rtp_left;
  if (flow.send_rtp_left <= lifetime >> kNearShareLog2) note_near_limit(burst, packet);
  return DropReason::kNone;
}

/// Room first, so that a packet that cannot leave uses no index.
template <Mix kMix>
DropReason take_index(Burst& burst, std::uint32_t packet, std::size_t trailer_bytes) {
  if (burst.bytes[packet] + trailer_bytes > burst.room[packet]) return DropReason::kTooLong;
  if constexpr (kMix == Mix::kAny) {
    const FlowEntry& flow = *burst.flow[packet];
    if ((flow.transforms & kDetourSend) != 0 && flow.send_lifetime_log2 != 0) {
      return take_index_of_limited_key(burst, packet);
    }
  }
  return is_rtcp<kMix>(burst, packet) ? take_rtcp_index(burst, packet) : take_rtp_index(burst, packet);
}

void record(const Burst& burst, std::uint32_t packet, Cipher& cipher) {
  record_sent(cipher, send_side(*burst.flow[packet]), burst.ssrc[packet], burst.index[packet], is_rtcp(burst, packet));
}

// AES-CM or the NULL cipher with HMAC-SHA1, in batches.

template <Mix kMix>
std::size_t hmac_tag_bytes(const Burst& burst, std::uint32_t packet) {
  if (is_rtcp<kMix>(burst, packet)) return kSrtcpHmacTagBytes;
  return srtp_hmac_tag_bytes(burst.flow[packet]->send_profile);
}

template <Mix kMix>
const HmacKeys& hmac_keys(const Burst& burst, std::uint32_t packet) {
  const AesCmSide& keys = send_aes_cm(*burst.flow[packet]);
  return is_rtcp<kMix>(burst, packet) ? keys.rtcp : keys.rtp.hmac;
}

template <Mix kMix>
void add_to_counter(Burst& burst, std::uint32_t packet, Cipher& cipher) {
  const FlowEntry& flow = *burst.flow[packet];
  if (proto::is_null_cipher(flow.send_profile)) return;
  std::uint8_t* text = burst.data[packet] + burst.header_bytes[packet];
  const std::uint32_t text_bytes = burst.bytes[packet] - burst.header_bytes[packet];
  std::uint8_t* iv = is_rtcp<kMix>(burst, packet)
                         ? cipher.counter_add_rare(flow.send_profile, flow.send_srtcp_key.encryption, text, text_bytes)
                         : cipher.counter_add(flow.send_profile, send_aes_cm(flow).rtp, text, text_bytes);
  write_counter_iv(iv, hmac_keys<kMix>(burst, packet).salt, burst.ssrc[packet], burst.index[packet]);
}

/// Appends what is signed with the packet: SRTCP's index stays, SRTP's ROC gives way to the tag.
template <Mix kMix>
void add_to_hmac(Burst& burst, std::uint32_t packet, Cipher& cipher) {
  std::uint8_t* end = burst.data[packet] + burst.bytes[packet];
  if (is_rtcp<kMix>(burst, packet)) {
    const std::uint32_t e_bit = srtcp_e_bit(burst.flow[packet]->send_profile);
    proto::store_be32(end, e_bit | static_cast<std::uint32_t>(burst.index[packet]));
    burst.bytes[packet] += static_cast<std::uint32_t>(kSrtcpIndexBytes);
    return cipher.hmac_add(hmac_keys<kMix>(burst, packet), burst.data[packet], burst.bytes[packet]);
  }
  proto::store_be32(end, static_cast<std::uint32_t>(burst.index[packet] >> 16));
  cipher.hmac_add(hmac_keys<kMix>(burst, packet), burst.data[packet], burst.bytes[packet] + kRolloverBytes);
}

template <Mix kMix>
void protect_hmac(Burst& burst, Cipher& cipher, const PacketList& packets) {
  PacketList going;
  for (std::uint32_t k = 0; k < packets.count; ++k) {
    const std::uint32_t packet = packets.at[k];
    const std::size_t index_bytes = is_rtcp<kMix>(burst, packet) ? kSrtcpIndexBytes : 0;
    const DropReason reason = take_index<kMix>(burst, packet, hmac_tag_bytes<kMix>(burst, packet) + index_bytes);
    if (reason != DropReason::kNone) {
      burst.drop(packet, reason);
      continue;
    }
    going.push(packet);
    record(burst, packet, cipher);
    add_to_counter<kMix>(burst, packet, cipher);
  }
  cipher.counter_run();
  for (std::uint32_t k = 0; k < going.count; ++k) add_to_hmac<kMix>(burst, going.at[k], cipher);
  cipher.hmac_run();
  for (std::uint32_t k = 0; k < going.count; ++k) {
    const std::uint32_t packet = going.at[k];
    const std::size_t tag_bytes = hmac_tag_bytes<kMix>(burst, packet);
    copy_tag(burst.data[packet] + burst.bytes[packet], cipher.digest(k).data(), tag_bytes);
    burst.bytes[packet] += static_cast<std::uint32_t>(tag_bytes);
  }
}

// GCM: encrypting and computing the tag are one pass, packet by packet.

void seal_srtp(Burst& burst, std::uint32_t packet, Cipher& cipher, const GcmNonce& nonce) {
  const FlowEntry& flow = *burst.flow[packet];
  std::uint8_t* data = burst.data[packet];
  const std::uint16_t header_bytes = burst.header_bytes[packet];
  cipher.gcm_encrypt(flow.send_profile, send_gcm(flow),
                     {.nonce = nonce.data(),
                      .aad = data,
                      .aad_bytes = header_bytes,
                      .text = data + header_bytes,
                      .text_bytes = burst.bytes[packet] - header_bytes,
                      .tag = data + burst.bytes[packet]});
  burst.bytes[packet] += static_cast<std::uint32_t>(kGcmTagBytes);
}

void seal_srtcp(Burst& burst, std::uint32_t packet, Cipher& cipher, const GcmNonce& nonce) {
  const FlowEntry& flow = *burst.flow[packet];
  std::uint8_t* data = burst.data[packet];
  std::uint8_t* tag = data + burst.bytes[packet];
  // RFC 7714 section 9.2: the header, and the word with E and index, are the associated data.
  std::uint8_t* index_at = tag + kGcmTagBytes;
  proto::store_be32(index_at, kSrtcpEncryptedBit | static_cast<std::uint32_t>(burst.index[packet]));
  std::array<std::uint8_t, kSrtcpHeaderBytes + kSrtcpIndexBytes> aad;
  std::memcpy(aad.data(), data, kSrtcpHeaderBytes);
  std::memcpy(aad.data() + kSrtcpHeaderBytes, index_at, kSrtcpIndexBytes);
  GcmKeys keys;
  cipher.expand(flow.send_profile, flow.send_srtcp_key.encryption, keys);
  cipher.gcm_encrypt(flow.send_profile, keys,
                     {.nonce = nonce.data(),
                      .aad = aad.data(),
                      .aad_bytes = aad.size(),
                      .text = data + kSrtcpHeaderBytes,
                      .text_bytes = burst.bytes[packet] - kSrtcpHeaderBytes,
                      .tag = tag});
  proto::wipe(&keys, sizeof keys);
  burst.bytes[packet] += static_cast<std::uint32_t>(kGcmTagBytes + kSrtcpIndexBytes);
}

template <Mix kMix>
void protect_gcm(Burst& burst, Cipher& cipher, const PacketList& packets) {
  PacketList going;
  Column<GcmNonce> nonces;
  for (std::uint32_t k = 0; k < packets.count; ++k) {
    const std::uint32_t packet = packets.at[k];
    const bool rtcp = is_rtcp<kMix>(burst, packet);
    const DropReason reason = take_index<kMix>(burst, packet, kGcmTagBytes + (rtcp ? kSrtcpIndexBytes : 0));
    if (reason != DropReason::kNone) {
      burst.drop(packet, reason);
      continue;
    }
    const FlowEntry& flow = *burst.flow[packet];
    // Long before it is used: a nonce that is loaded right after it was stored in pieces holds up the cipher.
    write_gcm_nonce(nonces[going.count], rtcp ? flow.send_srtcp_key.gcm_salt.data() : send_gcm(flow).salt.data(),
                    burst.ssrc[packet], burst.index[packet]);
    going.push(packet);
    record(burst, packet, cipher);
  }
  for (std::uint32_t k = 0; k < going.count; ++k) {
    const std::uint32_t packet = going.at[k];
    if (is_rtcp<kMix>(burst, packet)) {
      seal_srtcp(burst, packet, cipher, nonces[k]);
    } else {
      seal_srtp(burst, packet, cipher, nonces[k]);
    }
  }
}

/// The transforms leave as much room as the MKI takes.
void leave_room_for_mki(Burst& burst, std::uint32_t packet) {
  burst.room[packet] -= std::min<std::uint32_t>(burst.room[packet], burst.flow[packet]->send_mki.bytes);
}

void append_mkis(Burst& burst, const PacketList& packets) {
  for (std::uint32_t k = 0; k < packets.count; ++k) {
    const std::uint32_t packet = packets.at[k];
    if (burst.verdict[packet] != DropReason::kNone) continue;
    put_on_mki(burst, packet, burst.flow[packet]->send_profile, burst.flow[packet]->send_mki);
    burst.room[packet] += burst.flow[packet]->send_mki.bytes;
  }
}

template <Mix kMix>
void protect_each(Burst& burst, Cipher& cipher) {
  PacketList hmac;
  PacketList gcm;
  PacketList with_mki;
  for (std::uint32_t k = 0; k < burst.media.count; ++k) {
    const std::uint32_t packet = burst.media.at[k];
    const FlowEntry& flow = *burst.flow[packet];
    if ((flow.transforms & kSendsHmac) != 0) hmac.push(packet);
    if ((flow.transforms & kSendsGcm) != 0) gcm.push(packet);
    if (kMix == Mix::kAny && (flow.transforms & kDetourSend) != 0 && flow.send_mki.bytes != 0) {
      leave_room_for_mki(burst, packet);
      with_mki.push(packet);
    }
  }
  if (hmac.count != 0) protect_hmac<kMix>(burst, cipher, hmac);
  if (gcm.count != 0) protect_gcm<kMix>(burst, cipher, gcm);
  if (with_mki.count != 0) append_mkis(burst, with_mki);
}

}  // namespace

void protect(Burst& burst, Cipher& cipher) {
  if ((burst.transforms & (kSendsHmac | kSendsGcm)) == 0) return;
  if (burst.rtcp || (burst.transforms & kDetourSend) != 0) {
    protect_each<Mix::kAny>(burst, cipher);
  } else {
    protect_each<Mix::kRtp>(burst, cipher);
  }
  burst.keep_undropped_media();
}

}  // namespace weir::dataplane
