// URLs of strangers, where redirects of their servers lead, and how long their answers are good: whatever the text,
// what was read is written so that it reads the same again, and leads to a name or an address and nothing else.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "controlplane/dns_answer.h"
#include "controlplane/http_freshness.h"
#include "controlplane/https_url.h"
#include "proto/assert.h"

namespace weir::controlplane {
namespace {

void check(const HttpsUrl& url) {
  WEIR_ASSERT(url.address || dns_name(url.host) == url.host);
  WEIR_ASSERT(url.port != 0 && url.target.starts_with('/'));
  for (const char c : url.target) WEIR_ASSERT(c > ' ' && c < 0x7f && c != '#');
  const std::string text = to_string(url);
  const proto::Result<HttpsUrl> again = parse_https_url(text);
  WEIR_ASSERT(text.size() > kUrlBytesMax || (again && *again == url));
}

/// A space parts a URL from a reference in an answer of its server.
void try_urls(std::string_view text) {
  const std::size_t space = text.find(' ');
  const proto::Result<HttpsUrl> base = parse_https_url(text.substr(0, space));
  if (!base) return;
  check(*base);
  if (space == std::string_view::npos) return;
  const proto::Result<HttpsUrl> next = resolve_reference(*base, text.substr(space + 1));
  if (next) check(*next);
}

void try_freshness(std::string_view text) {
  boost::beast::http::fields head;
  const std::size_t half = text.size() / 2;
  const boost::beast::string_view value(text.data(), half);
  head.insert(boost::beast::http::field::cache_control, value);
  head.insert(boost::beast::http::field::expires, value);
  head.insert(boost::beast::http::field::age, {text.data() + half, text.size() - half});
  const std::optional<std::uint32_t> seconds = fresh_for_s(head, 1'700'000'000);
  WEIR_ASSERT(!seconds || *seconds <= std::uint32_t{1} << 31);
}

}  // namespace
}  // namespace weir::controlplane

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  weir::controlplane::try_urls(text);
  weir::controlplane::try_freshness(text);
  return 0;
}
