// TNAuthorizationList: the numbers and service providers that a certificate speaks for. RFC 8226 section 9.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/bytes.h"
#include "proto/result.h"

namespace weir::controlplane {

/// id-pe-TNAuthList.
inline constexpr char kTnAuthListOid[] = "1.3.6.1.5.5.7.1.26";
/// Entries of one list that are read; a provider with more numbers has them listed by a code.
inline constexpr std::size_t kTnEntriesMax = 4096;
/// Of a number: what the grammar allows, and E.164 too.
inline constexpr std::size_t kTnDigitsMax = 15;
/// Of a service provider code, which numbering authorities make of four.
inline constexpr std::size_t kProviderCodeBytesMax = 64;

/// One entry each. Value types.
struct ProviderCode {
  std::string code;  ///< an OCN or a SPID, printable
};
struct NumberRange {
  std::string first;        ///< digits, "*", "#"
  std::uint64_t count = 1;  ///< 2 or more; 1: a single number
};

class TnAuthList {
 public:
  /// Of the extension's DER. Errors: it is not DER, not this type, empty, too long, or has what is not known here.
  static proto::Result<TnAuthList> parse(proto::Bytes der);

  /// Whether a number, canonical (without "+"), is one of the list's numbers or in one of its ranges. A code covers
  /// none by itself: whose numbers it stands for is written elsewhere.
  [[nodiscard]] bool covers(std::string_view number) const;
  [[nodiscard]] const std::vector<ProviderCode>& providers() const { return providers_; }
  [[nodiscard]] const std::vector<NumberRange>& ranges() const { return ranges_; }

 private:
  std::vector<ProviderCode> providers_;
  std::vector<NumberRange> ranges_;
};

}  // namespace weir::controlplane
