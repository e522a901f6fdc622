#include "controlplane/left_flows.h"

namespace weir::controlplane {

void LeftFlows::add(const FlowName& flow, const sip::Hop& hop, std::uint64_t expires_ns) {
  (void)take(flow);
  by_name_.emplace(flow, Left{hop, expires_ns});
  by_expiry_.emplace(expires_ns, flow);
  if (by_name_.size() > kFlowsMax) forget_first();
}

std::optional<sip::Hop> LeftFlows::take(const FlowName& flow) {
  const auto found = by_name_.find(flow);
  if (found == by_name_.end()) return std::nullopt;
  const Left left = found->second;
  by_expiry_.erase({left.expires_ns, flow});
  by_name_.erase(found);
  return left.hop;
}

void LeftFlows::expire(std::uint64_t now_ns) {
  while (!by_expiry_.empty() && by_expiry_.begin()->first <= now_ns) forget_first();
}

void LeftFlows::forget_first() {
  by_name_.erase(by_expiry_.begin()->second);
  by_expiry_.erase(by_expiry_.begin());
}

}  // namespace weir::controlplane
