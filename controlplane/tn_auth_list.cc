#include "controlplane/tn_auth_list.h"

#include <openssl/asn1.h>

#include <algorithm>
#include <optional>

#include "controlplane/openssl_handles.h"
#include "sip/text.h"

namespace weir::controlplane {
namespace {

/// One value in DER: its tag and content.
struct Element {
  int tag = 0;
  int tag_class = 0;
  bool constructed = false;
  proto::Bytes content;

  [[nodiscard]] bool is(int wanted, bool wanted_constructed, int wanted_class = V_ASN1_UNIVERSAL) const {
    return tag == wanted && constructed == wanted_constructed && tag_class == wanted_class;
  }
};

/// Bytes of identifier and length, as short as DER wants them, for tags below 31.
std::size_t header_bytes(std::size_t content) {
  std::size_t bytes = 2;
  if (content < 128) return bytes;
  for (; content != 0; content >>= 8) ++bytes;
  return bytes;
}

/// Takes the first value off `rest`; nullopt if there is none, or BER that is no DER.
std::optional<Element> take(proto::Bytes& rest) {
  const unsigned char* at = rest.data();
  long length = 0;
  Element element;
  if (rest.empty()) return std::nullopt;
  const int flags = ASN1_get_object(&at, &length, &element.tag, &element.tag_class, static_cast<long>(rest.size()));
  const auto before = static_cast<std::size_t>(at - rest.data());
  // 0x80: an error; 0x01: of indefinite length.
  if ((flags & 0x81) != 0 || before != header_bytes(static_cast<std::size_t>(length))) {
    (void)openssl_error("");
    return std::nullopt;
  }
  element.constructed = (flags & V_ASN1_CONSTRUCTED) != 0;
  element.content = {at, static_cast<std::size_t>(length)};
  rest = rest.subspan(before + element.content.size());
  return element;
}

/// One value that is all of `bytes`.
std::optional<Element> only(proto::Bytes bytes) {
  std::optional<Element> element = take(bytes);
  return bytes.empty() ? element : std::nullopt;
}

std::string_view text_of(const Element& element) {
  return {reinterpret_cast<const char*>(element.content.data()), element.content.size()};
}

/// IA5String (SIZE (1..15)) (FROM ("0123456789#*")).
std::optional<std::string> number_of(const std::optional<Element>& element) {
  if (!element || !element->is(V_ASN1_IA5STRING, false)) return std::nullopt;
  const std::string_view text = text_of(*element);
  const bool well_formed =
      std::all_of(text.begin(), text.end(), [](char c) { return sip::is_digit(c) || c == '#' || c == '*'; });
  if (text.empty() || text.size() > kTnDigitsMax || !well_formed) return std::nullopt;
  return std::string(text);
}

/// INTEGER (2..MAX), as far as numbers go.
std::optional<std::uint64_t> count_of(const std::optional<Element>& element) {
  if (!element || !element->is(V_ASN1_INTEGER, false)) return std::nullopt;
  const proto::Bytes bytes = element->content;
  const bool minimal = bytes.size() == 1 || (bytes.size() > 1 && (bytes[0] != 0 || (bytes[1] & 0x80) != 0));
  if (!minimal || bytes.size() > 8 || (bytes[0] & 0x80) != 0) return std::nullopt;
  std::uint64_t count = 0;
  for (const std::uint8_t byte : bytes) count = count << 8 | byte;
  return count < 2 ? std::nullopt : std::optional(count);
}

std::optional<std::string> code_of(const std::optional<Element>& element) {
  if (!element || !element->is(V_ASN1_IA5STRING, false)) return std::nullopt;
  const std::string_view text = text_of(*element);
  const bool printable = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (text.empty() || text.size() > kProviderCodeBytesMax || !printable) return std::nullopt;
  return std::string(text);
}

/// TelephoneNumberRange. What may follow in a later version of it is not known here, and refused.
std::optional<NumberRange> range_of(const std::optional<Element>& element) {
  if (!element || !element->is(V_ASN1_SEQUENCE, true)) return std::nullopt;
  proto::Bytes rest = element->content;
  const std::optional<std::string> first = number_of(take(rest));
  const std::optional<std::uint64_t> count = count_of(take(rest));
  if (!first || !count || !rest.empty()) return std::nullopt;
  return NumberRange{*first, *count};
}

/// Digits as a number: they are 15 at most.
std::optional<std::uint64_t> value_of(std::string_view digits) {
  return sip::parse_number<std::uint64_t>(digits);
}

bool covers_number(const NumberRange& range, std::string_view number) {
  if (range.first.size() != number.size()) return false;
  if (range.count == 1) return range.first == number;
  const std::optional<std::uint64_t> first = value_of(range.first);
  const std::optional<std::uint64_t> asked = value_of(number);
  return first && asked && *asked >= *first && *asked - *first < range.count;
}

}  // namespace

proto::Result<TnAuthList> TnAuthList::parse(proto::Bytes der) {
  const std::optional<Element> sequence = only(der);
  if (!sequence || !sequence->is(V_ASN1_SEQUENCE, true)) return proto::Error{"the TNAuthList is no DER sequence"};
  TnAuthList list;
  proto::Bytes rest = sequence->content;
  for (std::size_t entries = 0; !rest.empty(); ++entries) {
    const std::optional<Element> entry = take(rest);
    if (!entry || !entry->constructed || entry->tag_class != V_ASN1_CONTEXT_SPECIFIC || entries == kTnEntriesMax) {
      return proto::Error{"the TNAuthList has a malformed entry, or too many"};
    }
    const std::optional<Element> value = only(entry->content);
    if (const auto code = entry->tag == 0 ? code_of(value) : std::nullopt) {
      list.providers_.push_back({*code});
    } else if (const auto range = entry->tag == 1 ? range_of(value) : std::nullopt) {
      list.ranges_.push_back(*range);
    } else if (const auto one = entry->tag == 2 ? number_of(value) : std::nullopt) {
      list.ranges_.push_back({*one, 1});
    } else {
      return proto::Error{"the TNAuthList has an entry that is malformed, or of an unknown kind"};
    }
  }
  if (list.providers_.empty() && list.ranges_.empty()) return proto::Error{"the TNAuthList is empty"};
  return list;
}

bool TnAuthList::covers(std::string_view number) const {
  return std::any_of(ranges_.begin(), ranges_.end(),
                     [number](const NumberRange& range) { return covers_number(range, number); });
}

}  // namespace weir::controlplane
