#include "sip/rack.h"

#include "sip/scan.h"

namespace weir::sip {

std::optional<std::uint32_t> parse_rseq(std::string_view text) {
  const std::optional<std::uint32_t> number = parse_number<std::uint32_t>(trimmed(text));
  return number == 0 ? std::nullopt : number;
}

std::optional<RAck> parse_rack(std::string_view text) {
  scan::Scanner scanner(trimmed(text));
  const std::optional<std::uint32_t> rseq = parse_rseq(scanner.run(scan::kDigit));
  if (!rseq || !scanner.space()) return std::nullopt;
  std::optional<CSeq> cseq = parse_cseq(scanner.rest());
  if (!cseq) return std::nullopt;
  return RAck{*rseq, *std::move(cseq)};
}

std::string write(const RAck& rack) {
  return std::to_string(rack.rseq) + ' ' + write(rack.cseq);
}

}  // namespace weir::sip
