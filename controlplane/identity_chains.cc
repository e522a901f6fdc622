#include "controlplane/identity_chains.h"

#include <algorithm>

#include "controlplane/digest_response.h"

namespace weir::controlplane {

namespace {

constexpr std::string_view kContentType = "application/pem-certificate-chain";

}  // namespace

void IdentityChains::add(const IdentityKeys& keys, std::int64_t now_s) {
  std::erase_if(chains_, [&](const auto& chain) { return chain.second.not_after_s < now_s; });
  for (const auto& key : keys.all()) {
    const std::string etag = "\"" + digest_hash(sip::DigestAlgorithm::kSha256, key->pem).substr(0, 32) + "\"";
    chains_[key->path] = {{kContentType, etag, std::make_shared<const std::string>(key->pem)}, key->not_after_s};
  }
  while (chains_.size() > kChainsMax) {
    chains_.erase(std::min_element(chains_.begin(), chains_.end(), [](const auto& a, const auto& b) {
      return a.second.not_after_s < b.second.not_after_s;
    }));
  }
}

PageAnswer IdentityChains::answer(const PageRequest& request, std::int64_t now_s) const {
  std::int64_t left_s = 0;
  const auto find = [&](std::string_view path) -> const PageFile* {
    const auto chain = chains_.find(path);
    if (chain == chains_.end() || chain->second.not_after_s < now_s) return nullptr;
    left_s = chain->second.not_after_s - now_s;
    return &chain->second.file;
  };
  return answer_file(request, find, [&](const PageFile&, PageResponse& response) {
    const std::int64_t kept_s = std::min(left_s, kKeptSecondsMax);
    response.set(boost::beast::http::field::cache_control, "public, max-age=" + std::to_string(kept_s));
  });
}

}  // namespace weir::controlplane
