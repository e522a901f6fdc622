#include "sip/digest_string.h"

#include "sip/text.h"

namespace weir::sip {
namespace {

std::string_view addr_spec_of(const Message& request, HeaderId header) {
  return addr_spec_text(request.header(header).value_or(""));
}

/// `1*DIGIT SP Method`, whatever white space was between them. Empty if malformed.
std::string cseq_text(const Message& request) {
  std::string_view rest = request.header(HeaderId::kCSeq).value_or("");
  if (!parse_cseq(rest)) return {};
  const std::size_t digits = rest.find_first_not_of("0123456789");
  return std::string(rest.substr(0, digits)) + ' ' + std::string(trimmed(rest.substr(digits)));
}

std::string_view contact_of(const Message& request) {
  const std::vector<std::string_view> contacts = request.values(HeaderId::kContact);
  return contacts.empty() ? std::string_view{} : addr_spec_text(contacts.front());
}

}  // namespace

std::optional<std::string> digest_string(const Message& request) {
  const std::string_view from = addr_spec_of(request, HeaderId::kFrom);
  const std::string_view to = addr_spec_of(request, HeaderId::kTo);
  const std::string cseq = cseq_text(request);
  const std::string_view date = request.header(HeaderId::kDate).value_or("");
  if (from.empty() || to.empty() || request.call_id().empty() || cseq.empty() || date.empty()) return std::nullopt;
  std::string text;
  for (const std::string_view part : {from, to, request.call_id(), std::string_view(cseq), date, contact_of(request)}) {
    text.append(part).append("|");
  }
  return text.append(request.body());
}

}  // namespace weir::sip
