#include "sip/status_line.h"

#include "sip/text.h"

namespace weir::sip {

std::optional<StatusLine> parse_status_line(std::string_view line) {
  constexpr std::string_view kVersion = "SIP/2.0 ";
  constexpr std::size_t kHeadBytes = kVersion.size() + 3;
  if (line.size() < kHeadBytes || !equals_without_case(line.substr(0, kVersion.size()), kVersion)) return std::nullopt;
  const std::optional<std::uint32_t> status = parse_number<std::uint32_t>(line.substr(kVersion.size(), 3), 699);
  const std::string_view rest = line.substr(kHeadBytes);
  if (!status || *status < 100 || (!rest.empty() && rest.front() != ' ')) return std::nullopt;
  return StatusLine{static_cast<std::uint16_t>(*status), rest.empty() ? rest : rest.substr(1)};
}

void append(std::string& out, const StatusLine& line) {
  out.append("SIP/2.0 ").append(std::to_string(line.status)).append(" ").append(line.reason);
}

}  // namespace weir::sip
