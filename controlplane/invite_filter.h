// A filter on a UDP socket that drops a share of new INVITEs in the kernel, unread (classic BPF, socket(7)
// SO_ATTACH_FILTER). New is every INVITE whose Request-URI is not our Contact's: requests in dialogs go to that.
#pragma once

namespace weir::controlplane {

/// From now on the socket hands over this share of new INVITEs, chosen at random, and everything else. 1: all of them.
/// What waits in it already stays. Nothing happens if the kernel does not take the filter.
void let_in_invites(int socket, double share);

}  // namespace weir::controlplane
