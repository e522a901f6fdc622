// Any Cookie header: one cookie of a name, several, or none, and what is found lies within it.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "controlplane/web_cookie.h"
#include "proto/assert.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string_view value;
  const controlplane::CookieCount count = controlplane::find_cookie(text, "weir", value);
  if (count == controlplane::CookieCount::kOne) {
    WEIR_ASSERT(text.find("weir=") != text.npos && text.find(value) != text.npos);
    WEIR_ASSERT(value.find(';') == value.npos);
  }
  return 0;
}
