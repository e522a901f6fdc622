#include "sip/cseq.h"

#include "sip/limits.h"
#include "sip/scan.h"

namespace weir::sip {

CSeq make_cseq(std::uint32_t number, Method method) {
  return {number, method, std::string{to_string(method)}};
}

std::optional<CSeq> parse_cseq(std::string_view text) {
  scan::Scanner scanner(trimmed(text));
  const std::optional<std::uint32_t> number = parse_number<std::uint32_t>(scanner.run(scan::kDigit), kCSeqMax);
  if (!number || !scanner.space()) return std::nullopt;
  const std::string_view name = scanner.run(scan::kToken);
  if (name.empty() || !scanner.done()) return std::nullopt;
  return CSeq{*number, method_by_name(name), std::string{name}};
}

std::string write(const CSeq& cseq) {
  std::string out;
  append(out, cseq);
  return out;
}

void append(std::string& out, const CSeq& cseq) {
  out += std::to_string(cseq.number);
  out += ' ';
  out += cseq.method_name;
}

}  // namespace weir::sip
