#include "sip/crossing.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sip/remote_section.h"
#include "sip/text.h"

namespace weir::sip {
namespace {

constexpr std::string_view kMidExtension = "urn:ietf:params:rtp-hdrext:sdes:mid";
constexpr std::string_view kRidExtensions = "urn:ietf:params:rtp-hdrext:sdes:r";  // rtp-stream-id, repaired-...
constexpr std::string_view kEncrypted = "urn:ietf:params:rtp-hdrext:encrypt";
/// RFC 8285 section 5: what a packet can carry. Numbers of 4096 and more are for answers to choose from.
constexpr std::uint16_t kExtensionIdMax = 255;
/// What a section needs; browsers offer some 15. A line is as long as its sender likes.
constexpr std::size_t kLinesMax = 64;
constexpr std::array<std::string_view, 2> kPictureRequests{"nack pli", "ccm fir"};

struct Extension {
  std::uint16_t id = 0;
  std::string_view name;
};

/// "3/sendonly urn:ietf:params:rtp-hdrext:sdes:mid"
std::optional<Extension> parse_extension(std::string_view value) {
  std::string_view number = take_word(value);
  const auto id = parse_number<std::uint16_t>(take_until(number, '/'));
  const std::string_view name = take_word(value);
  if (!id || *id == 0 || *id > kExtensionIdMax || name.empty()) return std::nullopt;
  return Extension{*id, name};
}

using Limits = std::initializer_list<const MediaSection*>;

bool has_extension(const MediaSection& section, const Extension& wanted) {
  for (const std::string_view value : attribute_values(section.attributes, "extmap")) {
    const std::optional<Extension> one = parse_extension(value);
    if (one && one->id == wanted.id && one->name == wanted.name) return true;
  }
  return false;
}

bool may_cross(const Extension& extension, const Crossing& crossing) {
  if (extension.name == kEncrypted) return false;
  if (extension.name == kMidExtension) return crossing.same_mid;
  return crossing.simulcast || !extension.name.starts_with(kRidExtensions);
}

void copy_extensions(const MediaSection& from, Limits limits, const Crossing& crossing, MediaSection& to) {
  std::vector<Extension> seen;
  for (const SdpAttribute& attribute : from.attributes) {
    if (attribute.name != "extmap" || !attribute.value || seen.size() == kLinesMax) continue;
    const std::optional<Extension> extension = parse_extension(*attribute.value);
    if (!extension || !may_cross(*extension, crossing)) continue;
    const auto has_it = [&](const MediaSection* limit) { return has_extension(*limit, *extension); };
    if (!std::all_of(limits.begin(), limits.end(), has_it)) continue;
    const bool clashes = std::any_of(seen.begin(), seen.end(), [&](const Extension& before) {
      return before.id == extension->id || before.name == extension->name;
    });
    if (clashes) continue;
    seen.push_back(*extension);
    to.attributes.push_back(attribute);
  }
  if (crossing.mixed && !seen.empty()) to.attributes.push_back({"extmap-allow-mixed", std::nullopt});
}

/// Which MediaStream an SSRC belongs to is each leg's own: see append_stream in offer_answer.
bool names_a_stream(std::string_view value) {
  take_word(value);
  const std::string_view name = take_until(value, ':');
  return name == "msid" || name == "mslabel" || name == "label";
}

void copy_sources(const MediaSection& from, MediaSection& to) {
  std::size_t lines = 0;
  for (const SdpAttribute& attribute : from.attributes) {
    if ((attribute.name != "ssrc" && attribute.name != "ssrc-group") || !attribute.value) continue;
    if (attribute.name == "ssrc" && names_a_stream(*attribute.value)) continue;
    if (++lines > kLinesMax) return;
    to.attributes.push_back(attribute);
  }
}

void copy_simulcast(const MediaSection& from, Limits limits, MediaSection& to) {
  const auto has_it = [](const MediaSection* limit) { return find_attribute(limit->attributes, "simulcast"); };
  if (!std::all_of(limits.begin(), limits.end(), has_it)) return;
  std::size_t lines = 0;
  for (const SdpAttribute& attribute : from.attributes) {
    if ((attribute.name != "rid" && attribute.name != "simulcast") || !attribute.value) continue;
    if (++lines > kLinesMax) return;
    to.attributes.push_back(attribute);
  }
}

bool has_line(const MediaSection& section, std::string_view format, std::string_view what) {
  for (std::string_view value : attribute_values(section.attributes, "rtcp-fb")) {
    const std::string_view of = take_word(value);
    if ((of == format || of == "*") && trimmed(value) == what) return true;
  }
  return false;
}

bool is_picture_request(std::string_view what) {
  return std::find(kPictureRequests.begin(), kPictureRequests.end(), what) != kPictureRequests.end();
}

bool has_picture_request(const MediaSection& section, std::string_view format) {
  return std::any_of(kPictureRequests.begin(), kPictureRequests.end(),
                     [&](std::string_view one) { return has_line(section, format, one); });
}

/// The picture requests that a section lacks: the one where it has the other, and both where it has none.
void add_picture_requests(const MediaSection& from, const MediaSection& offered, bool is_offer, MediaSection& to) {
  if (to.media != "video") return;
  const auto add = [&to](const std::string& format, std::string_view request) {
    to.attributes.push_back({"rtcp-fb", format + " " + std::string(request)});
  };
  const bool none = std::none_of(to.formats.begin(), to.formats.end(),
                                 [&](const std::string& format) { return has_picture_request(from, format); });
  for (const std::string_view request : kPictureRequests) {
    if (is_offer && none) add("*", request);
    for (const std::string& format : to.formats) {
      const bool may = is_offer ? has_picture_request(from, format) : has_line(offered, format, request);
      if (may && !has_line(from, format, request)) add(format, request);
    }
  }
}

}  // namespace

void copy_feedback(const MediaSection& from, const MediaSection& offered, bool is_offer, MediaSection& to) {
  const std::optional<RtpProtocol> one = rtp_protocol(from.protocol);
  const std::optional<RtpProtocol> other = rtp_protocol(to.protocol);
  if (!one || !other || !has_feedback(*one) || !has_feedback(*other)) return;
  for (const SdpAttribute& attribute : from.attributes) {
    if (attribute.name != "rtcp-fb" || !attribute.value) continue;
    std::string_view rest = *attribute.value;
    const std::string format(take_word(rest));
    const bool crossed = std::find(to.formats.begin(), to.formats.end(), format) != to.formats.end();
    const bool is_new = !is_offer && is_picture_request(trimmed(rest)) && !has_line(offered, format, trimmed(rest));
    if ((format == "*" || crossed) && !is_new) to.attributes.push_back(attribute);
  }
  add_picture_requests(from, offered, is_offer, to);
  const bool rsize = find_attribute(from.attributes, "rtcp-rsize") && find_attribute(offered.attributes, "rtcp-rsize");
  if (rsize) to.attributes.push_back({"rtcp-rsize", std::nullopt});
}

void copy_crossing(const MediaSection& from, Limits limits, const Crossing& crossing, MediaSection& to) {
  if (crossing.extensions) copy_extensions(from, limits, crossing, to);
  if (crossing.extensions && crossing.simulcast) copy_simulcast(from, limits, to);
  if (crossing.sources) copy_sources(from, to);
}

bool has_extensions(const MediaSection& section) {
  return find_attribute(section.attributes, "extmap") != nullptr;
}

}  // namespace weir::sip
