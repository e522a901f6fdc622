// Media control in INFO: a party asks for a whole picture, or says that it could not give one. RFC 5168.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

namespace weir::sip {

inline constexpr std::string_view kMediaControlType = "application/media_control+xml";

/// The longest body that is read: a request has some 200 bytes, and an error may quote what it is about.
inline constexpr std::size_t kMediaControlBytesMax = 4'096;

/// What a body of that type says. Which streams it means (stream_id) is passed over: all of a kind.
enum class MediaControl : std::uint8_t {
  kPictureFastUpdate,  ///< asks for whole pictures, and nothing else
  kGeneralError,       ///< errors, and nothing else: of what this side has asked for (RFC 5168 section 6)
  kOther,              ///< of the schema's root, and with other elements in it, or none
};

/// Why a body is not read, for people: "a document type declaration".
struct MediaControlRefusal {
  std::string_view reason;
};

/// Not read: what is longer than kMediaControlBytesMax, no XML, more of XML than XmlScanner takes, or of another root.
std::variant<MediaControl, MediaControlRefusal> read_media_control(std::string_view body);

/// The body that asks for a whole picture of every stream.
inline constexpr std::string_view kPictureFastUpdate =
    "<?xml version=\"1.0\" encoding=\"utf-8\" ?>\r\n"
    "<media_control>\r\n"
    "  <vc_primitive>\r\n"
    "    <to_encoder>\r\n"
    "      <picture_fast_update/>\r\n"
    "    </to_encoder>\r\n"
    "  </vc_primitive>\r\n"
    "</media_control>\r\n";

}  // namespace weir::sip
