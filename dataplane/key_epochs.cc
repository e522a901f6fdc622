#include "dataplane/key_epochs.h"

#include <algorithm>
#include <optional>

#include "dataplane/burst.h"
#include "dataplane/mki.h"
#include "dataplane/srtp_check.h"
#include "dataplane/srtp_iv.h"
#include "dataplane/ssrc_states.h"
#include "dataplane/trial.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;
using proto::SrtpProfile;

constexpr std::uint64_t kMsNs = 1'000'000;

/// The states of a kind, those in the entry first.
template <typename All, typename Near, typename Far>
void gather(All& to, const Near& near, const Far* more) {
  std::copy(near.begin(), near.end(), to.begin());
  if (more != nullptr) std::copy(more->begin(), more->end(), to.begin() + near.size());
}

/// The windows of a flow's keys in force.
void gather_rtp(KeyEpoch& epoch, const FlowEntry& flow, const MoreSsrcs* more) {
  gather(epoch.receive_rtp, flow.receive_rtp, more != nullptr ? &more->receive_rtp : nullptr);
}
void gather_rtcp(KeyEpoch& epoch, const FlowEntry& flow, const MoreSsrcs* more) {
  gather(epoch.receive_rtcp, flow.receive_rtcp, more != nullptr ? &more->receive_rtcp : nullptr);
}

/// What gather has gathered. A place for more is taken if there are more by now.
template <typename All, typename Near, typename Far>
void scatter(const All& from, FlowTable& table, std::uint32_t index, Near& near, Far MoreSsrcs::*more) {
  FlowEntry& flow = table.entry(index);
  const auto rest = from.begin() + near.size();
  std::copy(from.begin(), rest, near.begin());
  if (flow.more_ssrcs == 0 && rest->is_used()) flow.more_ssrcs = table.more_ssrcs().claim(index);
  if (flow.more_ssrcs == 0) return;
  std::copy(rest, from.end(), (table.more_ssrcs().at(flow.more_ssrcs).*more).begin());
}

/// The flow's older keys, if they still receive packets of this kind.
KeyEpoch* epoch_of(Burst& burst, std::uint32_t packet) {
  const FlowEntry& flow = *burst.flow[packet];
  if ((flow.transforms & kDetourEpoch) == 0) return nullptr;
  KeyEpoch& epoch = burst.table->epochs().at(flow.epoch);
  const bool stays = is_rtcp(burst, packet) ? epoch.rtcp_stays : epoch.rtp_stays;
  return burst.now_ns < epoch.until_ns && !stays ? &epoch : nullptr;
}

/// Estimate and check (RFC 3711 section 3.3), as unprotect does for the keys in force. Writes header_bytes, ssrc,
/// index.
bool may_be_srtp(Burst& burst, std::uint32_t packet, KeyEpoch& epoch) {
  if (parse_srtp(burst, packet, tag_bytes_of(epoch.receive_profile, false)) != DropReason::kNone) return false;
  const std::uint16_t sequence = proto::load_be16(burst.data[packet] + 2);
  const SsrcState* state = find_ssrc(epoch.receive_rtp, burst.ssrc[packet]);
  burst.index[packet] = std::uint64_t{epoch.rtp_roc} << 16 | sequence;
  return state == nullptr || check_index(burst, packet, state->window, sequence) == DropReason::kNone;
}

bool may_be_srtcp(Burst& burst, std::uint32_t packet, KeyEpoch& epoch) {
  const std::size_t tag_bytes = tag_bytes_of(epoch.receive_profile, true);
  if (parse_srtcp(burst, packet, kSrtcpIndexBytes + tag_bytes) != DropReason::kNone) return false;
  const bool aead = proto::srtp_profile(epoch.receive_profile).aead;
  const std::uint8_t* end = burst.data[packet] + burst.bytes[packet];
  const std::uint32_t word = proto::load_be32(end - kSrtcpIndexBytes - (aead ? 0 : tag_bytes));
  if ((word & kSrtcpEncryptedBit) != srtcp_e_bit(epoch.receive_profile)) return false;
  burst.index[packet] = word & ~kSrtcpEncryptedBit;
  const SrtcpState* state = find_ssrc(epoch.receive_rtcp, burst.ssrc[packet]);
  return state == nullptr || state->window.check(burst.index[packet]) == IndexVerdict::kFresh;
}

/// Where indexes go on under the new keys, what came under the old ones counts for both.
void commit_for_both(Burst& burst, std::uint32_t packet) {
  const auto record = [&](auto* state) {
    if (state != nullptr) state->window.commit(burst.index[packet]);
  };
  if (is_rtcp(burst, packet)) return record(find_or_add_srtcp_ssrc(burst, packet));
  SsrcState* state = find_or_add_ssrc(burst.flow[packet]->receive_rtp, burst.ssrc[packet]);
  record(state != nullptr ? state : find_or_add_more_ssrc(burst, packet, SsrcKind::kReceiveRtp));
}

DropReason commit(Burst& burst, std::uint32_t packet, KeyEpoch& epoch) {
  const auto record = [&](auto* state) {
    if (state == nullptr) return DropReason::kSsrcUnknown;
    state->window.commit(burst.index[packet]);  // fresh: checked just before, packet by packet
    if (epoch.shares_indexes) commit_for_both(burst, packet);
    return DropReason::kNone;
  };
  const std::uint32_t ssrc = burst.ssrc[packet];
  if (is_rtcp(burst, packet)) return record(find_or_add_ssrc(epoch.receive_rtcp, ssrc));
  return record(find_or_add_ssrc(epoch.receive_rtp, ssrc));
}

/// Takes a packet that these keys protected, as far as it is to be taken. False: they did not, and it is as it came.
bool try_older(Burst& burst, std::uint32_t packet, KeyEpoch& epoch, Cipher& cipher, Accept accept) {
  if (!(is_rtcp(burst, packet) ? may_be_srtcp(burst, packet, epoch) : may_be_srtp(burst, packet, epoch))) return false;
  const SideKeys keys = receive_side(epoch);
  if (!authenticates(burst, packet, keys, cipher)) return false;
  DropReason reason = commit(burst, packet, epoch);
  if (reason == DropReason::kNone) reason = accept(burst, packet, burst.bytes[packet]);
  if (reason != DropReason::kNone) {
    burst.drop(packet, reason);
    return true;
  }
  burst.note(packet, kNoteOlderKeys);
  decrypt(burst, packet, keys, cipher);
  return true;
}

/// True: the packet is for the keys in force, and has no MKI any more.
bool is_for_keys_in_force(Burst& burst, std::uint32_t packet, Cipher& cipher, Accept accept) {
  const FlowEntry& flow = *burst.flow[packet];
  KeyEpoch* epoch = epoch_of(burst, packet);
  const bool names_older = epoch != nullptr && has_room_for_mki(burst, packet, epoch->receive_profile, epoch->mki) &&
                           names_key(burst, packet, epoch->receive_profile, epoch->mki);
  if (names_older) {
    take_off_mki(burst, packet, epoch->receive_profile, epoch->mki);
    if (try_older(burst, packet, *epoch, cipher, accept)) return false;
    put_on_mki(burst, packet, epoch->receive_profile, epoch->mki);
  }
  if (!has_room_for_mki(burst, packet, flow.receive_profile, flow.receive_mki)) {
    burst.drop(packet, DropReason::kSrtpTooShort);
  } else if (!names_key(burst, packet, flow.receive_profile, flow.receive_mki)) {
    burst.drop(packet, names_older ? DropReason::kAuthFailed : DropReason::kMkiUnknown);
  } else {
    take_off_mki(burst, packet, flow.receive_profile, flow.receive_mki);
    return true;
  }
  return false;
}

bool replaces_receive_keys(FlowEntry& flow, const proto::FlowSpec& update, Cipher& cipher) {
  const SameKeys same = same_keys(cipher, receive_side(flow), update.receive);
  return !same.rtp || !same.rtcp;
}

}  // namespace

bool keep_old_keys(FlowTable& table, std::uint32_t index, const proto::FlowSpec& update, std::uint64_t now_ns,
                   Cipher& cipher) {
  FlowEntry& flow = table.entry(index);
  end_old_keys(table, index, now_ns);
  const bool secured = proto::is_srtp(flow.receive_profile) && proto::is_srtp(update.receive.profile);
  if (update.key_grace_ms == 0 || !secured) {
    table.end_epoch(index);
    return true;
  }
  if (!replaces_receive_keys(flow, update, cipher)) return true;
  const std::uint64_t until_ns = now_ns + update.key_grace_ms * kMsNs;
  const MoreSsrcs* more = flow.more_ssrcs != 0 ? &table.more_ssrcs().at(flow.more_ssrcs) : nullptr;
  const bool had_epoch = (flow.transforms & kDetourEpoch) != 0;
  if (had_epoch && !table.epochs().at(flow.epoch).confirmed) {
    KeyEpoch& epoch = table.epochs().at(flow.epoch);
    epoch.until_ns = until_ns;
    epoch.shares_indexes = epoch.shares_indexes && update.receive.keeps_indexes != 0;
    if (epoch.rtp_stays) gather_rtp(epoch, flow, more);
    if (epoch.rtcp_stays) gather_rtcp(epoch, flow, more);
    return true;
  }
  const Place place = flow.epoch != 0 ? flow.epoch : table.epochs().claim(index);
  if (place == 0) return false;
  KeyEpoch& epoch = table.epochs().at(place);
  table.copy_receive_keys(flow, epoch);
  epoch.rtp_roc = flow.receive_rtp_roc;
  epoch.receive_profile = flow.receive_profile;
  epoch.mki = flow.receive_mki;
  gather_rtp(epoch, flow, more);
  gather_rtcp(epoch, flow, more);
  epoch.rtp_stays = false;
  epoch.rtcp_stays = false;
  epoch.confirmed = false;
  epoch.shares_indexes = update.receive.keeps_indexes != 0;
  epoch.until_ns = until_ns;
  flow.epoch = place;
  flow.transforms |= kDetourEpoch;
  return true;
}

void keep_one_window(FlowTable& table, std::uint32_t index, const proto::FlowSpec& update, Cipher& cipher) {
  FlowEntry& flow = table.entry(index);
  if ((flow.transforms & kDetourEpoch) == 0) return;
  KeyEpoch& epoch = table.epochs().at(flow.epoch);
  const SameKeys same = same_keys(cipher, receive_side(epoch), update.receive);
  if (same.rtp && !epoch.rtp_stays) {
    scatter(epoch.receive_rtp, table, index, flow.receive_rtp, &MoreSsrcs::receive_rtp);
  }
  if (same.rtcp && !epoch.rtcp_stays) {
    scatter(epoch.receive_rtcp, table, index, flow.receive_rtcp, &MoreSsrcs::receive_rtcp);
  }
  epoch.rtp_stays = same.rtp;
  epoch.rtcp_stays = same.rtcp;
}

void take_older(Burst& burst, Cipher& cipher, PacketList& packets, Accept accept) {
  std::uint32_t kept = 0;
  for (std::uint32_t k = 0; k < packets.count; ++k) {
    const std::uint8_t packet = packets.at[k];
    if (is_for_keys_in_force(burst, packet, cipher, accept)) packets.at[kept++] = packet;
  }
  packets.count = kept;
}

void confirm_keys(Burst& burst, const PacketList& packets) {
  for (std::uint32_t k = 0; k < packets.count; ++k) {
    const std::uint32_t packet = packets.at[k];
    if (burst.verdict[packet] != DropReason::kNone) continue;
    KeyEpoch* epoch = epoch_of(burst, packet);
    if (epoch == nullptr || epoch->confirmed) continue;
    epoch->confirmed = true;
    epoch->until_ns = std::min(epoch->until_ns, burst.now_ns + kLateNs);
    burst.note(packet, kNoteKeysConfirmed);
  }
}

void end_old_keys(FlowTable& table, std::uint32_t index, std::uint64_t now_ns) {
  const FlowEntry& flow = table.entry(index);
  if ((flow.transforms & kDetourEpoch) != 0 && now_ns >= table.epochs().at(flow.epoch).until_ns) table.end_epoch(index);
}

}  // namespace weir::dataplane
