#include "sip/info_package.h"

#include "sip/scan.h"

namespace weir::sip {

std::optional<InfoPackage> parse_info_package(std::string_view text) {
  scan::Scanner scanner(trimmed(text));
  const std::string_view name = scanner.run(scan::kToken);
  std::optional<Parameters> parameters = scan::rest_as_parameters(scanner);
  if (name.empty() || !parameters) return std::nullopt;
  return InfoPackage{std::string{name}, *std::move(parameters)};
}

std::string write(const InfoPackage& package) {
  std::string out = package.name;
  append(out, package.parameters);
  return out;
}

}  // namespace weir::sip
