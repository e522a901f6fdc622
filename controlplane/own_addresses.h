// Addresses that belong to Weir, and those by which it would reach everybody on a network of its own.
#pragma once

#include "proto/inet.h"
#include "proto/settings/settings.h"

namespace weir::controlplane {

/// A media network's or a listener's own address, or the broadcast address of a media network, in either of its forms
/// (RFC 1122 section 3.3.6): what is sent there comes back, or goes to all.
bool is_ours_or_everybodys(const proto::settings::Settings& settings, const proto::IpAddress& address);

}  // namespace weir::controlplane
