// Base64 as key material is written in SDP: RFC 4648 section 4. Read with or without padding, written with it.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "proto/bytes.h"

namespace weir::sip {

/// Decodes all of `text` into `out`; the number of bytes, or nullopt: a character outside the alphabet, a length that
/// no encoding has, padding that is not at the end or of the wrong length, or more bytes than `out` holds.
std::optional<std::size_t> decode_base64(std::string_view text, proto::MutableBytes out);

/// With padding.
std::string encode_base64(proto::Bytes bytes);

}  // namespace weir::sip
