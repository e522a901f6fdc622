#include "controlplane/replay_cache.h"

#include <algorithm>
#include <string>

#include "controlplane/es256.h"
#include "controlplane/token.h"

namespace weir::controlplane {

ReplayCache::ReplayCache(std::size_t entries_max)
    : entries_max_(std::max<std::size_t>(entries_max, 1)), key_(proto::make_sip_hash_key(make_token())) {}

std::uint64_t ReplayCache::token_of(proto::Bytes signature) const {
  const std::size_t bytes = signature.size() == kEs256SignatureBytes ? kEs256SignatureBytes / 2 : signature.size();
  return proto::sip_hash(key_, {reinterpret_cast<const char*>(signature.data()), bytes});
}

std::uint64_t ReplayCache::call_of(std::string_view call_id, std::string_view from_tag) const {
  // Neither holds a line end.
  return proto::sip_hash(key_, std::string(call_id) + '\n' + std::string(from_tag));
}

bool ReplayCache::is_replay(proto::Bytes signature, std::string_view call_id, std::string_view from_tag,
                            std::int64_t now_s) const {
  const auto found = entries_.find(token_of(signature));
  return found != entries_.end() && now_s <= found->second.expires_s &&
         found->second.call != call_of(call_id, from_tag);
}

void ReplayCache::commit(proto::Bytes signature, std::string_view call_id, std::string_view from_tag,
                         std::int64_t expires_s, std::int64_t now_s) {
  while (!by_expiry_.empty() && by_expiry_.begin()->first < now_s) drop_first();
  const std::uint64_t token = token_of(signature);
  if (expires_s < now_s || entries_.contains(token)) return;
  if (entries_.size() >= entries_max_) drop_first();
  entries_.emplace(token, Entry{call_of(call_id, from_tag), expires_s});
  by_expiry_.emplace(expires_s, token);
}

void ReplayCache::drop_first() {
  entries_.erase(by_expiry_.begin()->second);
  by_expiry_.erase(by_expiry_.begin());
}

}  // namespace weir::controlplane
