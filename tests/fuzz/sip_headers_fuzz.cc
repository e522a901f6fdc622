// The structured headers from any text: what was read is written so that it reads the same again, and so that it stays
// one line. The first byte says which header; the rest is its value.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "proto/assert.h"
#include "sip/contact.h"
#include "sip/content_type.h"
#include "sip/date.h"
#include "sip/event.h"
#include "sip/identity.h"
#include "sip/info_package.h"
#include "sip/privacy.h"
#include "sip/rack.h"
#include "sip/reason.h"
#include "sip/refer_sub.h"
#include "sip/refer_to.h"
#include "sip/referred_by.h"
#include "sip/replaces.h"
#include "sip/retry_after.h"
#include "sip/session_expires.h"
#include "sip/subscription_state.h"
#include "sip/telephone.h"
#include "sip/warning.h"

namespace weir::sip {
namespace {

/// Of a value that compares: the same value again.
template <typename Parse>
void try_value(std::string_view text, Parse parse) {
  const auto value = parse(text);
  if (!value) return;
  const std::string written = write(*value);
  WEIR_ASSERT(written.find_first_of("\r\n") == std::string::npos);
  WEIR_ASSERT(parse(written) == value);
}

/// Of a value with a URI in it: the same text again.
template <typename Parse>
void try_text(std::string_view text, Parse parse) {
  const auto value = parse(text);
  if (!value) return;
  const std::string written = write(*value);
  WEIR_ASSERT(written.find_first_of("\r\n") == std::string::npos);
  const auto again = parse(written);
  WEIR_ASSERT(again && write(*again) == written);
}

void try_numbers(std::string_view text) {
  const std::optional<std::uint32_t> rseq = parse_rseq(text);
  if (rseq) WEIR_ASSERT(parse_rseq(std::to_string(*rseq)) == rseq);
  const std::optional<bool> subscribes = parse_refer_sub(text);
  if (subscribes) WEIR_ASSERT(parse_refer_sub(write_refer_sub(*subscribes)) == subscribes);
  const std::optional<std::int64_t> date = parse_date(text);
  if (date) WEIR_ASSERT(parse_date(write_date(*date)) == date);
}

Message with(HeaderId header, std::string_view value) {
  Message message = Message::request("INVITE", "sip:a@h");
  message.add_header(header, value);
  return message;
}

void try_lists(std::string_view text) {
  const Privacy privacy = privacy_of(with(HeaderId::kPrivacy, text));
  WEIR_ASSERT(privacy_of(with(HeaderId::kPrivacy, write(privacy))) == privacy);
  const std::string identity =
      write(identity_of(with(HeaderId::kPAssertedIdentity, text), HeaderId::kPAssertedIdentity));
  const Message again = with(HeaderId::kPAssertedIdentity, identity);
  WEIR_ASSERT(write(identity_of(again, HeaderId::kPAssertedIdentity)) == identity);
  static_cast<void>(reasons(with(HeaderId::kReason, text)));
}

void try_contact(std::string_view text) {
  const std::optional<NameAddr> contact = parse_name_addr(text);
  if (!contact) return;
  WEIR_ASSERT(contact_q_milli(*contact).value_or(0) <= 1000);
  WEIR_ASSERT(contact_reg_id(*contact).value_or(1) != 0);
  static_cast<void>(contact_expires_s(*contact));
  static_cast<void>(contact_instance(*contact));
}

void try_telephone(std::string_view text) {
  const std::optional<Uri> uri = parse_uri(text);
  const std::optional<Telephone> telephone = uri ? telephone_of(*uri) : std::nullopt;
  if (!telephone) return;
  const std::optional<Uri> again = parse_uri(write(make_tel_uri(*telephone)));
  WEIR_ASSERT(again && telephone_of(*again) == telephone);
}

void try_uri_headers(std::string_view text) {
  const auto headers = parse_uri_headers(text);
  if (headers) WEIR_ASSERT(parse_uri_headers(write(*headers)) == headers);
}

void try_header(std::uint8_t kind, std::string_view text) {
  switch (kind % 20) {
    case 0:
      return try_value(text, parse_rack);
    case 1:
      return try_value(text, parse_session_expires);
    case 2:
      return try_value(text, parse_replaces);
    case 3:
      return try_value(text, parse_target_dialog);
    case 4:
      return try_text(text, parse_refer_to);
    case 5:
      return try_text(text, parse_referred_by);
    case 6:
      return try_value(text, parse_event);
    case 7:
      return try_value(text, parse_subscription_state);
    case 8:
      return try_value(text, parse_reason);
    case 9:
      return try_value(text, parse_content_type);
    case 10:
      return try_value(text, parse_content_disposition);
    case 11:
      return try_value(text, parse_warning);
    case 12:
      return try_value(text, parse_retry_after);
    case 13:
      return try_value(text, parse_info_package);
    case 14:
      return try_numbers(text);
    case 15:
      return try_lists(text);
    case 16:
      return try_contact(text);
    case 17:
      return try_telephone(text);
    case 18:
      return try_uri_headers(text);
    default:
      // Every reader sees every text, too.
      for (std::uint8_t other = 0; other < 19; ++other) try_header(other, text);
      return;
  }
}

}  // namespace
}  // namespace weir::sip

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  weir::sip::try_header(data[0], {reinterpret_cast<const char*>(data) + 1, size - 1});
  return 0;
}
