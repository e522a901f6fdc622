// Any user is a temporary GRUU that was made here, or none; any instance has a GRUU that reads as itself, or none.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "controlplane/gruu.h"
#include "proto/assert.h"
#include "proto/bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir;
  static const controlplane::TemporaryGruus gruus({1, 2, 3});
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  WEIR_ASSERT(!gruus.read(text));  // nobody guesses 80 bits
  if (const auto uri = controlplane::public_gruu("alice", "example.com", text)) {
    const auto again = sip::parse_uri(sip::write(*uri));
    WEIR_ASSERT(again && again->parameters.value("gr") == text.substr(2, size - 4));
  }
  if (size < 12) return 0;
  const controlplane::GruuEpoch what{proto::load_be64(data) >> 16, proto::load_be32(data + 8)};
  WEIR_ASSERT(gruus.read(gruus.make(what)) == what);
  return 0;
}
