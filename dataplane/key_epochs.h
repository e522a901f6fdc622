// Several receive keys at once: make before break. When a flow gets new keys, the old ones go on receiving beside them
// for a bounded grace, with their own windows and rollover counters, so that no packet of the change is lost (RFC 3711
// section 8.1). The MKI chooses between them; without one the old key is tried first, and what it did not protect is
// checked under the new: a forged packet costs one trial more, and only during the grace.
#pragma once

#include <cstdint>

#include "dataplane/flow_table.h"
#include "proto/counters.h"

namespace weir::dataplane {

struct Burst;
struct PacketList;

/// Once the new keys have authenticated a packet, the old ones receive for no longer than this: for what the network
/// delivers late.
inline constexpr std::uint64_t kLateNs = 1'000'000'000;

/// Before a flow's keys are replaced: keeps the receive keys for update.key_grace_ms, or ends what was kept before.
/// Keys that were replaced before a packet came under them make way: then the peer still uses those before. False: no
/// place.
bool keep_old_keys(FlowTable& table, std::uint32_t index, const proto::FlowSpec& update, std::uint64_t now_ns,
                   Cipher& cipher);

/// After a flow's keys were replaced: a key that is the older and the newer one, because only the other kind has a new
/// one, or because a rekey was taken back, has one window: that of the keys in force. Else what came in the grace would
/// come again after it.
void keep_one_window(FlowTable& table, std::uint32_t index, const proto::FlowSpec& update, Cipher& cipher);

/// Counts a good packet of so many bytes as received, or says why it cannot be taken.
using Accept = proto::DropReason (*)(Burst& burst, std::uint32_t packet, std::uint32_t bytes_received);

/// For unprotect: packets of flows with kDetoursReceiving. Those under older keys are authenticated, committed,
/// accepted and decrypted here, or dropped; those for the keys in force stay in `packets`, without MKI.
void take_older(Burst& burst, Cipher& cipher, PacketList& packets, Accept accept);

/// For unprotect, after the keys in force: notes the first packet that they authenticated beside older ones.
void confirm_keys(Burst& burst, const PacketList& packets);

/// For housekeeping: ends what has outlived its grace.
void end_old_keys(FlowTable& table, std::uint32_t index, std::uint64_t now_ns);

}  // namespace weir::dataplane
