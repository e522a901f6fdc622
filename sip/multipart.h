// Multipart bodies: several bodies in one message. RFC 2046 section 5.1, RFC 5621 sections 3 and 5.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sip/content_type.h"
#include "sip/message.h"

namespace weir::sip {

/// Bounds on one multipart body. What uses them in SIP has two or three parts, and a multipart/alternative in a
/// multipart/mixed (RFC 5621 section 3.3); a message itself is at most kMessageBytesMax.
inline constexpr std::size_t kBodyPartsMax = 16;
inline constexpr std::size_t kBodyDepthMax = 4;

/// One part. The header values are unfolded.
struct BodyPart {
  std::string content_type;  ///< "" means text/plain (RFC 2046 section 5.1)
  std::string disposition;   ///< Content-Disposition; "" if there is none
  std::string id;            ///< Content-ID; "" if there is none
  std::string encoding;      ///< Content-Transfer-Encoding; "" if there is none
  std::string_view body;     ///< of the body that the part was cut from
};

/// The parts of one level, in order. nullopt if the type is no multipart one, it names no usable boundary, the last
/// boundary is missing, a part's headers are malformed or there twice, or there are more than kBodyPartsMax.
std::optional<std::vector<BodyPart>> split_multipart(std::string_view content_type, std::string_view body);

/// The body of these parts: `boundary` must stand in none of them (RFC 2046 section 5.1.1). Line ends in header values
/// become spaces.
std::string write_multipart(const std::vector<BodyPart>& parts, std::string_view boundary);

/// The session description of a message: its body, or the part of it, that is application/sdp, for a session (which is
/// what it is for if it does not say), and not encoded; of the parts of a multipart/alternative the last that has one.
/// Empty if there is none. Lives as long as the message is not changed.
std::string_view sdp_body(const Message& message);

}  // namespace weir::sip
