#include "controlplane/admission.h"

#include <algorithm>

namespace weir::controlplane {
namespace {

constexpr std::uint64_t kSecondNs = 1'000'000'000;

/// Requests a second; 0: no limit.
struct Rates {
  std::uint32_t all;
  std::uint32_t each;
};

Rates rates_of(const proto::settings::LimitSettings& limits, RequestKind kind) {
  switch (kind) {
    case RequestKind::kInvite:
      return {limits.invites_per_s_max, limits.invites_per_s_per_source_max};
    case RequestKind::kRegister:
      return {limits.registers_per_s_max, limits.registers_per_s_per_source_max};
    case RequestKind::kOther:
    case RequestKind::kMalformed:
      return {limits.requests_per_s_max, limits.requests_per_s_per_source_max};
  }
  return {0, 0};
}

}  // namespace

bool RateLimit::has(std::uint64_t now_ns, std::uint32_t rate_per_s) const {
  return rate_per_s == 0 || earned_ns_ + kSecondNs / rate_per_s <= now_ns + kSecondNs;
}

void RateLimit::take(std::uint64_t now_ns, std::uint32_t rate_per_s) {
  if (rate_per_s != 0) earned_ns_ = std::max(earned_ns_, now_ns) + kSecondNs / rate_per_s;
}

std::optional<RequestKind> kind_of(const sip::Message& request) {
  if (!request.to_tag().empty()) return std::nullopt;
  if (request.method() == sip::Method::kInvite) return RequestKind::kInvite;
  return request.method() == sip::Method::kRegister ? RequestKind::kRegister : RequestKind::kOther;
}

/// `own`: the source's; null: it has none.
bool Admission::take(std::uint64_t now_ns, RequestKind kind, RateLimit Pair::*limit, Limits* own) {
  const auto index = static_cast<std::size_t>(kind);
  const Rates rates = rates_of(limits_, kind);
  if (own != nullptr && !((*own)[index].*limit).has(now_ns, rates.each)) return false;
  if (!(all_[index].*limit).has(now_ns, rates.all)) return false;
  if (own != nullptr) ((*own)[index].*limit).take(now_ns, rates.each);
  (all_[index].*limit).take(now_ns, rates.all);
  return true;
}

sip::AdmissionVerdict Admission::decide(std::uint64_t now_ns, RequestKind kind, const proto::IpAddress& source) {
  Limits* const own = rates_of(limits_, kind).each == 0 ? nullptr : limits_of(now_ns, source);
  if (take(now_ns, kind, &Pair::admitted, own)) return sip::AdmissionVerdict::kAdmitted;
  const bool answered = take(now_ns, kind, &Pair::answered, own);
  count(kind, answered);
  return answered ? sip::AdmissionVerdict::kRefused : sip::AdmissionVerdict::kIgnored;
}

bool Admission::may_answer_malformed(std::uint64_t now_ns, const proto::IpAddress& source) {
  constexpr RequestKind kKind = RequestKind::kMalformed;
  Limits* const own = rates_of(limits_, kKind).each == 0 ? nullptr : limits_of(now_ns, source);
  const bool may = take(now_ns, kKind, &Pair::answered, own);
  counters_.malformed_ignored += may ? 0 : 1;
  return may;
}

void Admission::count(RequestKind kind, bool answered) {
  if (kind == RequestKind::kInvite) {
    ++(answered ? counters_.invites_refused : counters_.invites_ignored);
  } else {
    ++(answered ? counters_.requests_refused : counters_.requests_ignored);
  }
}

/// Null: too many sources are known.
Admission::Limits* Admission::limits_of(std::uint64_t now_ns, const proto::IpAddress& address) {
  if (now_ns >= turn_ns_) {
    older_ = now_ns >= turn_ns_ + kSecondNs ? Sources{} : std::move(recent_);
    recent_.clear();
    turn_ns_ = now_ns + kSecondNs;
  }
  const Source source = source_of(address);
  if (const auto found = recent_.find(source); found != recent_.end()) return &found->second;
  if (recent_.size() >= kSourcesMax) return nullptr;
  const auto before = older_.find(source);
  return &recent_.emplace(source, before != older_.end() ? before->second : Limits{}).first->second;
}

}  // namespace weir::controlplane
