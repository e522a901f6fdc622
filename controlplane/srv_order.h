// In which order the servers of a service are tried. RFC 2782, "Usage rules".
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "controlplane/chance.h"
#include "controlplane/dns_answer.h"

namespace weir::controlplane {

/// The lowest priority first; of one priority, drawn one after the other, each as likely as its weight is large.
std::vector<SrvRecord> order_srv(std::vector<SrvRecord> records, const Chance& draw);

}  // namespace weir::controlplane
