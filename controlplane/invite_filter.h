// New INVITEs apart from all other datagrams, by programs in the kernel (classic BPF, socket(7)): so that calls in
// progress never wait, or are lost, behind calls that are still to begin. New is every INVITE whose Request-URI is not
// our Contact's: requests in dialogs go to that.
#pragma once

namespace weir::controlplane {

/// Of two UDP sockets that are bound to one address (SO_REUSEPORT), of which this is either, the one that was bound
/// second gets new INVITEs from now on, and the first everything else. False: the kernel does not do it.
bool part_invites(int socket);

}  // namespace weir::controlplane
