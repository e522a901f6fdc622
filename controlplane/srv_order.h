// In which order the servers of a service are tried. RFC 2782, "Usage rules".
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "controlplane/dns_answer.h"

namespace weir::controlplane {

/// A number from 0 to `max`, both possible, all as likely.
using Draw = std::function<std::uint32_t(std::uint32_t max)>;

/// The lowest priority first; of one priority, drawn one after the other, each as likely as its weight is large.
std::vector<SrvRecord> order_srv(std::vector<SrvRecord> records, const Draw& draw);

}  // namespace weir::controlplane
