#include "sip/telephone_number.h"

#include <algorithm>

#include "sip/identity.h"
#include "sip/scan.h"

namespace weir::sip {
namespace {

/// Shorter ones are more often names of extensions than numbers.
constexpr std::size_t kBareDigitsMin = 5;

/// Without anything but what a canonical number is made of.
std::string digits_only(std::string_view text) {
  std::string digits;
  std::copy_if(text.begin(), text.end(), std::back_inserter(digits),
               [](char c) { return is_digit(c) || c == '*' || c == '#'; });
  return digits;
}

/// Steps 2 and 3 of section 8.3, for a number that does not say that it is global.
std::string globalized(std::string number, const NumberPlan& plan) {
  const auto begins = [&number](const std::string& prefix) { return !prefix.empty() && number.starts_with(prefix); };
  if (begins(plan.international_prefix)) return number.substr(plan.international_prefix.size());
  if (plan.country_code.empty() || number.find_first_of("*#") != std::string::npos) return number;
  if (plan.national_digits != 0 && number.size() == plan.national_digits) return plan.country_code + number;
  if (begins(plan.national_prefix)) return plan.country_code + number.substr(plan.national_prefix.size());
  return number;
}

/// Escapes of unreserved characters decoded, the others in upper case.
std::string normal_escapes(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string decoded = text[i] == '%' ? unescape(text.substr(i, 3)) : std::string{};
    if (decoded.size() != 1) {
      out += text[i];
      continue;
    }
    const char c = decoded.front();
    if (is_alpha(c) || is_digit(c) || std::string_view{"-_.~"}.find(c) != std::string_view::npos) {
      out += c;
    } else {
      scan::append_escaped(out, c);
    }
    i += 2;
  }
  return out;
}

/// The number that a URI means, marked as one or not.
std::optional<Telephone> number_in(const Uri& uri, const NumberPlan& plan) {
  if (std::optional<Telephone> marked = telephone_of(uri)) return marked;
  if (!uri.is_sip()) return std::nullopt;
  const std::string_view user = uri.user;
  const bool bare = plan.digits_are_numbers && user.size() >= kBareDigitsMin && scan::all(user, scan::kDigit);
  if (!bare && !user.starts_with('+')) return std::nullopt;
  Uri phone = uri;
  phone.parameters.set("user", "phone");
  return telephone_of(phone);
}

std::vector<CanonicalIdentity> one_of(const std::optional<Uri>& uri, const NumberPlan& plan) {
  if (!uri) return {};
  return {canonical_identity(*uri, plan)};
}

std::optional<Uri> uri_of(const std::optional<NameAddr>& party) {
  return party ? std::optional(party->uri) : std::nullopt;
}

}  // namespace

std::string canonical_number(const Telephone& telephone, const NumberPlan& plan) {
  const std::string digits = digits_only(telephone.number);
  if (digits.size() + (telephone.global() ? 1 : 0) != telephone.number.size()) return {};
  if (telephone.global()) return digits;
  if (telephone.context.starts_with('+')) return digits_only(telephone.context) + digits;
  return globalized(digits, plan);
}

std::string canonical_uri(const Uri& uri) {
  if (!uri.is_sip()) return write(uri);
  Uri bare;
  bare.scheme = uri.scheme;
  bare.user = normal_escapes(uri.user);
  for (const char c : uri.host) bare.host += lowered(c);
  return write(bare);
}

CanonicalIdentity canonical_identity(const Uri& uri, const NumberPlan& plan) {
  using enum CanonicalIdentity::Kind;
  if (const std::optional<Telephone> telephone = number_in(uri, plan)) {
    if (std::string number = canonical_number(*telephone, plan); !number.empty()) return {kNumber, std::move(number)};
  }
  return {kUri, canonical_uri(uri)};
}

std::vector<CanonicalIdentity> calling_identities(const Message& request, bool trusted, const NumberPlan& plan) {
  const Identity asserted = trusted ? identity_of(request, HeaderId::kPAssertedIdentity) : Identity{};
  std::vector<CanonicalIdentity> callers = one_of(uri_of(asserted.tel), plan);
  for (const CanonicalIdentity& other : one_of(uri_of(asserted.sip), plan)) {
    if (std::find(callers.begin(), callers.end(), other) == callers.end()) callers.push_back(other);
  }
  return callers.empty() ? one_of(uri_of(request.from()), plan) : callers;
}

std::vector<CanonicalIdentity> called_identities(const Message& request, const NumberPlan& plan) {
  return one_of(uri_of(request.to()), plan);
}

std::vector<CanonicalIdentity> target_identities(const Message& request, const NumberPlan& plan) {
  return one_of(request.request_uri(), plan);
}

}  // namespace weir::sip
