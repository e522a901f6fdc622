// The JSON objects inside tokens: RFC 7515 section 4, RFC 7519 section 4, and the one way to write them that both ends
// of a signature agree on: RFC 8225 section 9.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <string>
#include <string_view>

#include "proto/result.h"

namespace weir::controlplane {

/// The object that base64url text holds. Errors, for people: it is no base64url, no JSON object, one that nests more
/// than eight deep, or one that has a name twice, of which two readers would see different values.
proto::Result<boost::json::object> read_token_object(std::string_view base64url);

/// RFC 8225 section 9: names in the order of their code points, no white space; arrays as they are.
std::string write_canonical(const boost::json::value& value);

}  // namespace weir::controlplane
