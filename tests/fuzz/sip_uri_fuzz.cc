// URIs, name-addrs, Vias and CSeqs from any text: the check and the parser agree, and what was read is written so that
// it reads the same again.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "proto/assert.h"
#include "sip/cseq.h"
#include "sip/limits.h"
#include "sip/name_addr.h"
#include "sip/uri.h"
#include "sip/via.h"

namespace weir::sip {
namespace {

void try_uri(std::string_view text) {
  const std::optional<Uri> uri = parse_uri(text);
  WEIR_ASSERT(uri.has_value() == is_uri(text));
  if (!uri) return;
  const std::string written = write(*uri);
  WEIR_ASSERT(written.size() <= text.size());
  const std::optional<Uri> again = parse_uri(written);
  WEIR_ASSERT(again && write(*again) == written);
  WEIR_ASSERT(equivalent(*uri, *again) == equivalent(*uri, *uri));
  const Uri user = make_sip_uri(uri->user_text() + "x", "198.18.0.1");
  WEIR_ASSERT(parse_uri(write(user)) && user.user_text() == uri->user_text() + "x");
}

void try_comparison(std::string_view text) {
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos) return;
  const std::optional<Uri> a = parse_uri(text.substr(0, space));
  const std::optional<Uri> b = parse_uri(text.substr(space + 1));
  if (a && b) WEIR_ASSERT(equivalent(*a, *b) == equivalent(*b, *a));
}

void try_name_addr(std::string_view text) {
  const std::optional<NameAddr> name_addr = parse_name_addr(text);
  WEIR_ASSERT(name_addr.has_value() == is_name_addr(text));
  if (!name_addr) return;
  WEIR_ASSERT(tag_of(text) == name_addr->tag());
  const std::optional<NameAddr> again = parse_name_addr(write(*name_addr));
  WEIR_ASSERT(again && write(*again) == write(*name_addr) && again->display_name == name_addr->display_name);
}

void try_via(std::string_view text) {
  const std::optional<Via> via = parse_via(text);
  WEIR_ASSERT(via.has_value() == is_via(text));
  const std::string_view start = well_formed_start(text);
  WEIR_ASSERT(start.empty() || is_via(start));
  if (!via) return;
  Via changed = *parse_via(write(*via));
  WEIR_ASSERT(write(changed) == write(*via));
  changed.set_source("2001:2::1", 5060);
  // One parameter more can be one too many for a parser; whoever wrote so many gets it back all the same.
  WEIR_ASSERT(is_via(write(changed)) || changed.parameters.size() > kParametersMax);
}

void try_cseq(std::string_view text) {
  const std::optional<CSeq> cseq = parse_cseq(text);
  if (cseq) WEIR_ASSERT(parse_cseq(write(*cseq)) == cseq);
}

}  // namespace
}  // namespace weir::sip

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace weir::sip;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  try_uri(text);
  try_comparison(text);
  try_name_addr(text);
  try_via(text);
  try_cseq(text);
  return 0;
}
