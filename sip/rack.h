// RSeq and RAck: the numbers of reliable provisional responses. RFC 3262 sections 3, 7.1 and 7.2.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sip/cseq.h"

namespace weir::sip {

/// The number of a response: 1 to 2^32-1 (the first of a transaction below 2^31). nullopt if malformed or zero.
std::optional<std::uint32_t> parse_rseq(std::string_view text);

/// Which response a PRACK acknowledges: its RSeq, and the CSeq of the request that it answers.
struct RAck {
  std::uint32_t rseq = 0;
  CSeq cseq;

  bool operator==(const RAck&) const = default;
};

/// nullopt if malformed, or one of the numbers is out of its range.
std::optional<RAck> parse_rack(std::string_view text);

std::string write(const RAck& rack);

}  // namespace weir::sip
