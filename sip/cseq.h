// CSeq: RFC 3261 sections 8.1.1.5 and 20.16.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sip/method.h"

namespace weir::sip {

struct CSeq {
  std::uint32_t number = 0;  ///< at most kCSeqMax
  Method method = Method::kUnknown;
  std::string method_name;  ///< as written; says the method when `method` is kUnknown

  bool operator==(const CSeq&) const = default;
};

CSeq make_cseq(std::uint32_t number, Method method);

/// nullopt if malformed, or the number is not below 2^31 (RFC 4475 section 3.1.2.4, scalar02).
std::optional<CSeq> parse_cseq(std::string_view text);

std::string write(const CSeq& cseq);
void append(std::string& out, const CSeq& cseq);

}  // namespace weir::sip
