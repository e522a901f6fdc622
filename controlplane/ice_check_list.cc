#include "controlplane/ice_check_list.h"

#include <algorithm>

namespace weir::controlplane {
namespace {

bool is_open(const IcePair& pair) {
  return pair.state == IcePairState::kFrozen || pair.state == IcePairState::kWaiting;
}

bool share_foundation(const IcePair& one, const IcePair& other) {
  return one.local == other.local && one.foundation == other.foundation;
}

}  // namespace

std::uint64_t pair_priority(const IcePair& pair, proto::IceRole ours) {
  const bool controls = ours == proto::IceRole::kControlling;
  const std::uint64_t controlling = controls ? pair.local_priority : pair.remote_priority;
  const std::uint64_t controlled = controls ? pair.remote_priority : pair.local_priority;
  return (std::min(controlling, controlled) << 32) + 2 * std::max(controlling, controlled) +
         (controlling > controlled ? 1 : 0);
}

void IceCheckList::add(const sip::IceCandidate& remote) {
  if (remote.endpoint.port == 0) return;
  for (std::size_t i = 0; i < locals_.size(); ++i) {
    const sip::IceCandidate& local = locals_[i];
    const auto place = static_cast<std::uint8_t>(i);
    if (local.component != remote.component || local.endpoint.address.family != remote.endpoint.address.family)
      continue;
    if (find(place, remote.endpoint) != nullptr || !has_room_for(remote.endpoint.address)) continue;
    IcePair& pair = pairs_.emplace_back();
    pair.local = place;
    pair.component = local.component;
    pair.remote = remote.endpoint;
    pair.foundation = remote.foundation;
    pair.local_priority = local.priority;
    pair.remote_priority = remote.priority;
  }
}

bool IceCheckList::has_room_for(const proto::IpAddress& address) const {
  const auto same =
      std::count_if(pairs_.begin(), pairs_.end(), [&](const IcePair& one) { return one.remote.address == address; });
  return pairs_.size() < kPairsMax && static_cast<std::size_t>(same) < kPairsPerAddressMax;
}

IcePair* IceCheckList::heard(std::uint8_t local, const proto::Endpoint& source, std::uint32_t priority) {
  IcePair* pair = find(local, source);
  if (pair == nullptr && local < locals_.size()) {
    if (pairs_.size() >= kPairsMax) {
      // Who is heard takes the place of one that is only talked of.
      const auto silent =
          std::find_if(pairs_.rbegin(), pairs_.rend(), [](const IcePair& one) { return !one.heard && !one.has_shown; });
      if (silent == pairs_.rend()) return nullptr;
      pairs_.erase(std::next(silent).base());
    }
    pair = &pairs_.emplace_back();
    pair->local = local;
    pair->component = locals_[local].component;
    pair->remote = source;
    pair->foundation = "learned " + std::to_string(learned_++);  // like no other: no ice-char is a space
    pair->local_priority = locals_[local].priority;
    pair->remote_priority = priority;
  }
  return pair;
}

IcePair* IceCheckList::find(std::uint8_t local, const proto::Endpoint& remote) {
  const auto found = std::find_if(pairs_.begin(), pairs_.end(),
                                  [&](const IcePair& one) { return one.local == local && one.remote == remote; });
  return found == pairs_.end() ? nullptr : &*found;
}

bool IceCheckList::is_busy(const IcePair& like) const {
  return std::any_of(pairs_.begin(), pairs_.end(), [&](const IcePair& one) {
    return share_foundation(one, like) &&
           (one.state == IcePairState::kWaiting || one.state == IcePairState::kInProgress);
  });
}

IcePair* IceCheckList::next(proto::IceRole ours) {
  const auto best = [&](auto&& fits) {
    IcePair* chosen = nullptr;
    for (IcePair& one : pairs_) {
      if (!fits(one)) continue;
      if (chosen == nullptr || pair_priority(one, ours) > pair_priority(*chosen, ours)) chosen = &one;
    }
    return chosen;
  };
  if (IcePair* pair = best([](const IcePair& one) { return one.triggered; })) return pair;
  if (IcePair* pair = best([](const IcePair& one) { return one.state == IcePairState::kWaiting; })) return pair;
  IcePair* pair = best([&](const IcePair& one) { return one.state == IcePairState::kFrozen && !is_busy(one); });
  if (pair != nullptr) pair->state = IcePairState::kWaiting;
  return pair;
}

void IceCheckList::thaw(const IcePair& pair) {
  for (IcePair& one : pairs_) {
    if (one.state == IcePairState::kFrozen && share_foundation(one, pair)) one.state = IcePairState::kWaiting;
  }
}

void IceCheckList::stop(std::uint8_t component, const IcePair& but) {
  for (IcePair& one : pairs_) {
    if (one.component != component || &one == &but || one.triggered) continue;
    if (is_open(one) || one.state == IcePairState::kInProgress) one.state = IcePairState::kFailed;
  }
}

}  // namespace weir::controlplane
