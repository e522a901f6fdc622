// How telephone numbers that are not written as E.164 become so: RFC 8224 section 8.3 steps 2 and 3.
#pragma once

#include <cstdint>
#include <string>

namespace weir::proto {

/// By default numbers stay as they are. A value type.
struct NumberPlan {
  std::string country_code;          ///< "49": put before national numbers
  std::string national_prefix;       ///< "0": what national numbers begin with, and lose
  std::uint8_t national_digits = 0;  ///< 10: numbers of so many digits are national ones without prefix; 0: none are
  std::string international_prefix;  ///< "00": what stands for "+"
  bool digits_are_numbers = false;   ///< of a sip URI without user=phone, too, if its user is five digits or more

  bool operator==(const NumberPlan&) const = default;
};

}  // namespace weir::proto
