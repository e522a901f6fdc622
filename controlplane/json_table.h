// JSON for people: an array of objects becomes a table, an object a list of names and values, whatever is in them.
#pragma once

#include <boost/json/value.hpp>
#include <string>

namespace weir::controlplane {

/// Text that ends with a line's end. Columns are the first object's members; numbers are set right. Nested objects and
/// arrays follow under their name, indented. Control characters in strings are shown as '?'.
std::string json_table(const boost::json::value& value);

}  // namespace weir::controlplane
