#include "bench/probes/probe.h"

#include <algorithm>

namespace weir::bench {

Row at_least(const std::string& name, double value, const std::string& unit, double mark) {
  return {
      .name = name, .value = value, .unit = unit, .baseline = "mark", .baseline_value = mark, .ratio = value / mark};
}

Row at_most(const std::string& name, double value, const std::string& unit, double mark) {
  return {
      .name = name, .value = value, .unit = unit, .baseline = "mark", .baseline_value = mark, .ratio = mark / value};
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace weir::bench
