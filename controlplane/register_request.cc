#include "controlplane/register_request.h"

#include <algorithm>
#include <optional>

#include "sip/hop.h"
#include "sip/text.h"

namespace weir::controlplane {

using sip::HeaderId;
using sip::Message;

namespace {

/// What an expires that is no number counts as (RFC 3261 section 10.2.1.1).
constexpr std::uint32_t kMalformedExpiresSeconds = 3600;

std::string lowered(std::string text) {
  for (char& c : text) c = sip::lowered(c);
  return text;
}

/// "0.5" as thousandths; nullopt if it is no qvalue (RFC 3261 section 25.1).
std::optional<std::uint16_t> read_q(std::string_view text) {
  const std::string_view whole = sip::take_until(text, '.');
  std::string digits(text);
  if ((whole != "0" && whole != "1") || digits.size() > 3) return std::nullopt;
  digits.resize(3, '0');
  const auto fraction = sip::parse_number<std::uint16_t>(digits);
  if (!fraction) return std::nullopt;
  const int q = (whole == "1" ? kQMax : 0) + *fraction;
  return q > kQMax ? std::nullopt : std::optional(static_cast<std::uint16_t>(q));
}

/// One REGISTER being read. The first fault decides.
class RegisterReader {
 public:
  RegisterReader(const Message& request, const RegisterRules& rules) : request_(request), rules_(rules) {}

  std::variant<RegisterRequest, RegisterRefusal> read() {
    read_options();
    read_address_of_record();
    read_path();
    read_contacts();
    if (refusal_) return *std::move(refusal_);
    return std::move(into_);
  }

 private:
  void refuse(std::uint16_t status, std::string reason, sip::HeaderList headers = {}) {
    if (!refusal_) refusal_ = RegisterRefusal{status, std::move(reason), std::move(headers)};
  }

  void read_options();
  void read_address_of_record();
  void read_path();
  void read_contacts();
  void read_contact(const sip::NameAddr& contact);
  void check_outbound();
  [[nodiscard]] std::uint32_t expires_of(const sip::NameAddr& contact);
  [[nodiscard]] bool is_our_domain(const sip::Uri& uri) const;
  [[nodiscard]] bool may_be_called(const sip::Uri& uri) const;

  const Message& request_;
  const RegisterRules& rules_;
  RegisterRequest into_;
  std::optional<RegisterRefusal> refusal_;
};

/// Section 8.2.2.3: what is required and not known here.
void RegisterReader::read_options() {
  std::string unknown;
  for (const std::string_view tag : request_.values(HeaderId::kRequire)) {
    if (sip::equals_without_case(tag, "path") || sip::equals_without_case(tag, "outbound")) continue;
    if (sip::equals_without_case(tag, "gruu")) continue;
    unknown += (unknown.empty() ? "" : ", ") + std::string(tag);
  }
  if (!unknown.empty()) refuse(420, "an extension is required that is not here", {{HeaderId::kUnsupported, unknown}});
}

bool RegisterReader::is_our_domain(const sip::Uri& uri) const {
  const auto& domains = rules_.realm.domains;
  return uri.is_sip() && std::find(domains.begin(), domains.end(), lowered(uri.host)) != domains.end();
}

/// Section 10.3, steps 1 and 5. The address of record is the To's user; its parameters and port do not count.
void RegisterReader::read_address_of_record() {
  const std::optional<sip::Uri> domain = request_.request_uri();
  if (!domain || !is_our_domain(*domain)) return refuse(404, "the Request-URI names no domain of this realm");
  const std::optional<sip::NameAddr> to = request_.to();
  if (!to || !is_our_domain(to->uri)) return refuse(404, "the To names no domain of this realm");
  into_.user = to->uri.user_text();
  const bool control = std::any_of(into_.user.begin(), into_.user.end(),
                                   [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (into_.user.empty() || control) return refuse(404, "the To names no user");
  if (into_.user.size() > kAorUserBytesMax) return refuse(404, "the To's user is too long");
  into_.call_id = request_.call_id();
  if (into_.call_id.size() > kRegisterCallIdBytesMax) return refuse(400, "the Call-ID is too long");
  const std::optional<sip::CSeq> cseq = request_.cseq();
  into_.cseq = cseq ? cseq->number : 0;
  into_.gruu = request_.lists(HeaderId::kSupported, "gruu") || request_.lists(HeaderId::kRequire, "gruu");
  into_.user_agent = request_.header(HeaderId::kUserAgent).value_or("").substr(0, kUserAgentBytesMax);
}

/// RFC 3327 section 5.3: a Path that the phone does not know of is refused, as recommended there.
void RegisterReader::read_path() {
  const std::vector<std::string_view> values = request_.values(HeaderId::kPath);
  into_.direct = values.empty() && request_.values(HeaderId::kVia).size() == 1;
  if (values.empty()) return;
  if (!request_.lists(HeaderId::kSupported, "path") && !request_.lists(HeaderId::kRequire, "path")) {
    return refuse(420, "a Path and no support for it", {{HeaderId::kUnsupported, "path"}});
  }
  for (const std::string_view value : values) {
    const std::optional<sip::NameAddr> hop = sip::parse_name_addr(value);
    if (!hop || !hop->uri.is_sip()) return refuse(400, "malformed Path");
    if (!may_be_called(hop->uri)) return refuse(403, "a Path that nothing may be sent to");
    into_.path += (into_.path.empty() ? "" : ", ") + write(*hop);
  }
  if (into_.path.size() > kPathBytesMax) refuse(400, "the Path is too long");
}

/// Names are looked up when they are called, and what they give is checked then.
bool RegisterReader::may_be_called(const sip::Uri& uri) const {
  const proto::Result<proto::IpAddress> address = proto::parse_ip_address(uri.host);
  if (!address) return !sip::equals_without_case(uri.host, "localhost");
  return rules_.may_be_sent_to({*address, 0, uri.port.value_or(sip::kSipPort)});
}

/// Step 7: the contact's own expires, or the request's, or the default; 423 if it is too brief.
std::uint32_t RegisterReader::expires_of(const sip::NameAddr& contact) {
  const auto seconds = [](std::string_view text) {
    return sip::parse_number<std::uint32_t>(text).value_or(kMalformedExpiresSeconds);
  };
  std::uint32_t expires_s = rules_.registrar.expires_default_s;
  if (const auto own = contact.parameters.value("expires")) {
    expires_s = seconds(*own);
  } else if (request_.has(HeaderId::kExpires)) {
    expires_s = request_.number(HeaderId::kExpires).value_or(kMalformedExpiresSeconds);
  }
  if (expires_s != 0 && expires_s < rules_.registrar.expires_min_s) {
    refuse(423, "expires too soon", {{HeaderId::kMinExpires, std::to_string(rules_.registrar.expires_min_s)}});
  }
  return std::min(expires_s, rules_.registrar.expires_max_s);
}

void RegisterReader::read_contact(const sip::NameAddr& contact) {
  if (!contact.uri.is_sip()) return refuse(400, "a Contact that is no SIP URI");
  if (!contact.uri.headers.empty()) return refuse(400, "a Contact with headers");
  // RFC 5627 section 5.1: it would lead to itself.
  if (contact.uri.parameters.has("gr") && is_our_domain(contact.uri)) return refuse(403, "a GRUU as a Contact");
  ContactRequest read;
  read.expires_s = expires_of(contact);
  // What is forbidden now may have been registered before: it can be removed.
  if (read.expires_s != 0 && !may_be_called(contact.uri)) return refuse(403, "a Contact that nothing may be sent to");
  read.uri = contact.uri;
  sip::NameAddr kept{"", contact.uri, contact.parameters};
  for (const std::string_view ours : {"expires", "pub-gruu", "temp-gruu"}) kept.parameters.remove(ours);
  read.text = write(kept);
  if (read.text.size() > kContactBytesMax) return refuse(400, "a Contact that is too long");
  if (const auto q = contact.parameters.value("q")) {
    const std::optional<std::uint16_t> value = read_q(*q);
    if (!value) return refuse(400, "a malformed q");
    read.q = *value;
  }
  read.instance = contact.parameters.value("+sip.instance").value_or("");
  if (request_.lists(HeaderId::kSupported, "outbound") && !read.instance.empty()) {
    const auto reg_id = sip::parse_number<std::uint32_t>(contact.parameters.value("reg-id").value_or(""));
    read.reg_id = reg_id.value_or(0);
    into_.outbound |= read.reg_id != 0;
  }
  into_.contacts.push_back(std::move(read));
}

/// Step 6: `*` stands alone, with Expires: 0.
void RegisterReader::read_contacts() {
  std::size_t count = 0;
  for (const std::string_view value : request_.values(HeaderId::kContact)) {
    if (value == "*") {
      into_.remove_all = true;
    } else if (++count > rules_.registrar.contacts_per_user_max) {
      return refuse(403, "too many contacts");
    } else if (const auto contact = sip::parse_name_addr(value)) {
      read_contact(*contact);
    } else {
      return refuse(400, "malformed Contact");
    }
  }
  if (into_.remove_all && (count != 0 || request_.number(HeaderId::kExpires) != 0)) {
    return refuse(400, "Contact: * with another contact or without Expires: 0");
  }
  if (into_.outbound) check_outbound();
}

/// RFC 5626 section 6: the first proxy has to know of flows.
void RegisterReader::check_outbound() {
  if (into_.direct) return;
  const std::vector<std::string_view> path = request_.values(HeaderId::kPath);
  // The Path nearest to the phone was written first, and so stands last (RFC 3327 section 5.2).
  const auto nearest = path.empty() ? std::nullopt : sip::parse_name_addr(path.back());
  if (!nearest || !nearest->uri.parameters.has("ob")) refuse(439, "outbound by a proxy that has it not");
}

}  // namespace

std::variant<RegisterRequest, RegisterRefusal> read_register(const Message& request, const RegisterRules& rules) {
  return RegisterReader(request, rules).read();
}

}  // namespace weir::controlplane
