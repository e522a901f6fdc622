#include "controlplane/bindings.h"

#include <algorithm>

#include "controlplane/chance.h"
#include "sip/name_addr.h"

namespace weir::controlplane {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;

/// A flow is known by its instance and number, whatever its address is today (RFC 5626 section 6); any other contact by
/// its URI (RFC 3261 section 10.3, step 7).
bool is_binding_of(const Binding& binding, const ContactRequest& contact) {
  const BindingRecord& record = binding.record;
  if (contact.reg_id != 0 || record.reg_id != 0) {
    return record.reg_id == contact.reg_id && record.instance == contact.instance;
  }
  const std::optional<sip::NameAddr> known = sip::parse_name_addr(record.contact);
  return known && equivalent(known->uri, contact.uri);
}

std::size_t index_of(const std::vector<Binding>& bindings, const ContactRequest& contact) {
  const auto found = std::find_if(bindings.begin(), bindings.end(),
                                  [&](const Binding& binding) { return is_binding_of(binding, contact); });
  return static_cast<std::size_t>(found - bindings.begin());
}

/// Behind a translator of addresses, or on another host than it says; RFC 3261 knows neither, RFC 5626 calls it a flow.
bool is_elsewhere(const ContactRequest& contact, const Path& from) {
  const proto::Result<proto::IpAddress> host = proto::parse_ip_address(contact.uri.host);
  return !host || *host != from.hop.remote.address;
}

FlowName flow_of(const BindingRecord& record) {
  return {record.realm, record.user, record.instance, record.reg_id};
}

}  // namespace

std::optional<RegisterRefusal> Bindings::check(const RegisterRequest& request, const std::vector<Binding>& now) const {
  const auto outdated = [&request](const Binding& binding) {
    return binding.record.call_id == request.call_id && request.cseq <= binding.record.cseq;
  };
  if (request.remove_all && std::any_of(now.begin(), now.end(), outdated)) {
    return RegisterRefusal{500, "CSeq is not higher than before", {}};
  }
  std::size_t added = 0;
  std::map<std::size_t, bool> goes;  // by index: what the request says last of it
  for (const ContactRequest& contact : request.contacts) {
    const std::size_t index = index_of(now, contact);
    const bool known = index != now.size();
    if (known && outdated(now[index])) return RegisterRefusal{500, "CSeq is not higher than before", {}};
    added += !known && contact.expires_s != 0 ? 1 : 0;
    if (known) goes[index] = contact.expires_s == 0;
  }
  const auto removed =
      static_cast<std::size_t>(std::count_if(goes.begin(), goes.end(), [](const auto& row) { return row.second; }));
  if (added <= removed) return std::nullopt;
  added -= removed;
  if (now.size() + added > limits_.per_user_max) return RegisterRefusal{403, "too many contacts", {}};
  if (size() + added > limits_.all_max) return RegisterRefusal{503, "too many bindings", {}};
  return std::nullopt;
}

std::optional<RegisterRefusal> Bindings::apply(const RegisterRequest& request, const Arrival& arrival) {
  static const std::vector<Binding> kNone;
  const BindingOwner owner{arrival.realm, request.user};
  const auto found = by_owner_.find(owner);
  if (auto refusal = check(request, found == by_owner_.end() ? kNone : found->second)) return refusal;
  if (!request.remove_all && request.contacts.empty()) return std::nullopt;
  std::vector<Binding>& bindings = by_owner_[owner];
  while (request.remove_all && !bindings.empty()) remove(bindings, bindings.size() - 1);
  for (const ContactRequest& contact : request.contacts) put(bindings, contact, request, arrival);
  if (bindings.empty()) by_owner_.erase(owner);
  return std::nullopt;
}

void Bindings::put(std::vector<Binding>& into, const ContactRequest& contact, const RegisterRequest& request,
                   const Arrival& arrival) {
  const std::size_t index = index_of(into, contact);
  if (contact.expires_s == 0) {
    if (index != into.size()) remove(into, index);
    return;
  }
  Binding binding;
  BindingRecord& record = binding.record;
  std::optional<sip::Hop> before;
  if (index != into.size()) {
    before = into[index].hop;
    if (into[index].record.call_id == request.call_id) record.epoch = into[index].record.epoch;
    record.number = into[index].record.number;
    remove_indexes(into[index]);
  } else {
    record.number = ++number_last_;
  }
  if (record.epoch == 0) record.epoch = 1 + draw_by_chance(0xffff'fffe);
  record.realm = arrival.realm;
  record.user = request.user;
  record.contact = contact.text;
  record.instance = contact.instance;
  record.reg_id = contact.reg_id;
  record.q = contact.q;
  record.expires_at_s = arrival.now_s + contact.expires_s;
  record.call_id = request.call_id;
  record.cseq = request.cseq;
  record.path = request.path;
  record.user_agent = request.user_agent;
  record.transport = arrival.from.transport;
  record.source = arrival.from.hop.remote;
  const bool flow = contact.reg_id != 0 || (arrival.by_source && is_elsewhere(contact, arrival.from));
  const bool web = is_websocket(record.transport);
  // A browser has no address at which it could be called (RFC 7118 section 5): its connection is all there is.
  record.by_source = request.direct && (flow || web);
  binding.expires_ns = arrival.now_ns + contact.expires_s * kSecondNs;
  binding.hop = arrival.from.hop;
  by_expiry_.emplace(Expiry{binding.expires_ns, record.number}, BindingOwner{record.realm, record.user});
  by_number_.emplace(record.number, &by_owner_.find({record.realm, record.user})->first);
  if (web) by_flow_.emplace(std::pair(binding.hop->handle, record.number), BindingOwner{record.realm, record.user});
  follow(binding, before);
  if (keeper_ != nullptr && web) keeper_->forget(record.number);
  if (keeper_ != nullptr && !web) keeper_->keep(record);
  if (index != into.size()) {
    into[index] = std::move(binding);
  } else {
    into.push_back(std::move(binding));
  }
}

/// Who registers anew by another connection has left the one before, and the one whose end has been seen.
void Bindings::follow(const Binding& binding, const std::optional<sip::Hop>& before) {
  if (before) tell(*before, *binding.hop);
  if (binding.record.reg_id == 0) return;
  if (const std::optional<sip::Hop> left = left_.take(flow_of(binding.record))) tell(*left, *binding.hop);
}

/// It may come again; until then another flow of the instance stands for it (RFC 5626 section 5.3).
void Bindings::leave(const Binding& binding) {
  const BindingRecord& record = binding.record;
  if (record.reg_id == 0) return;
  left_.add(flow_of(record), *binding.hop, binding.expires_ns);
  for (const Binding& other : by_owner_.at({record.realm, record.user})) {
    const bool same = other.record.reg_id != 0 && other.record.instance == record.instance;
    if (same && other.hop && other.record.number != record.number) return tell(*binding.hop, *other.hop);
  }
}

void Bindings::tell(const sip::Hop& gone, const sip::Hop& now) const {
  const bool connections =
      gone.reliability == sip::Reliability::kReliable && now.reliability == sip::Reliability::kReliable;
  if (moved_ && connections && gone != now) moved_(gone, now);
}

void Bindings::remove_indexes(const Binding& binding) {
  by_expiry_.erase({binding.expires_ns, binding.record.number});
  by_number_.erase(binding.record.number);
  if (binding.hop) by_flow_.erase({binding.hop->handle, binding.record.number});
}

void Bindings::remove(std::vector<Binding>& from, std::size_t index) {
  remove_indexes(from[index]);
  if (keeper_ != nullptr) keeper_->forget(from[index].record.number);
  from.erase(from.begin() + static_cast<std::ptrdiff_t>(index));
}

void Bindings::restore(Binding binding) {
  const BindingRecord& record = binding.record;
  number_last_ = std::max(number_last_, record.number);
  const BindingOwner owner{record.realm, record.user};
  const auto found = by_owner_.find(owner);
  if (size() >= limits_.all_max || (found != by_owner_.end() && found->second.size() >= limits_.per_user_max)) return;
  if (!by_expiry_.emplace(Expiry{binding.expires_ns, record.number}, owner).second) return;
  const auto bindings = by_owner_.try_emplace(owner).first;
  by_number_.emplace(record.number, &bindings->first);
  bindings->second.push_back(std::move(binding));
}

void Bindings::expire(std::uint64_t now_ns) {
  while (!by_expiry_.empty() && by_expiry_.begin()->first.first <= now_ns) {
    const auto [expiry, owner] = *by_expiry_.begin();
    remove(owner, expiry.second);
  }
  left_.expire(now_ns);
}

std::vector<FlowName> Bindings::flows_over(std::uint64_t handle) const {
  std::vector<FlowName> flows;
  for (auto next = by_flow_.lower_bound({handle, 0}); next != by_flow_.end() && next->first.first == handle; ++next) {
    const Binding* const binding = find(next->first.second);
    if (binding != nullptr && binding->record.reg_id != 0) flows.push_back(flow_of(binding->record));
  }
  return flows;
}

std::size_t Bindings::forget_flow(std::uint64_t handle) {
  std::size_t gone = 0;
  for (auto next = by_flow_.lower_bound({handle, 0}); next != by_flow_.end() && next->first.first == handle; ++gone) {
    const auto [flow, owner] = *next++;
    for (const Binding& binding : by_owner_.at(owner)) {
      if (binding.record.number == flow.second) leave(binding);
    }
    remove(owner, flow.second);
  }
  return gone;
}

void Bindings::remove(const BindingOwner& owner, std::uint64_t number) {
  std::vector<Binding>& bindings = by_owner_.at(owner);
  const auto found = std::find_if(bindings.begin(), bindings.end(),
                                  [number](const Binding& binding) { return binding.record.number == number; });
  remove(bindings, static_cast<std::size_t>(found - bindings.begin()));
  if (bindings.empty()) by_owner_.erase(owner);
}

const Binding* Bindings::find(std::uint64_t number) const {
  const auto owner = by_number_.find(number);
  if (owner == by_number_.end()) return nullptr;
  for (const Binding& binding : by_owner_.at(*owner->second)) {
    if (binding.record.number == number) return &binding;
  }
  return nullptr;
}

const std::vector<Binding>* Bindings::find(const BindingOwner& owner) const {
  const auto found = by_owner_.find(owner);
  return found == by_owner_.end() ? nullptr : &found->second;
}

}  // namespace weir::controlplane
