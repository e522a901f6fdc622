#include "controlplane/identity_headers.h"

#include <algorithm>
#include <array>
#include <string>

#include "controlplane/passed_identity.h"
#include "sip/identity.h"
#include "sip/privacy.h"
#include "sip/telephone.h"
#include "sip/telephone_number.h"
#include "sip/text.h"
#include "sip/uri_headers.h"

namespace weir::controlplane {

namespace settings = proto::settings;
using sip::HeaderId;
using sip::Message;

namespace {

enum class Crossing : std::uint8_t {
  kAlways,          ///< says nothing of anybody's network
  kUnlessPrivate,   ///< says who the user is: not towards an untrusted realm if the user wants privacy
  kBetweenTrusted,  ///< an assertion: from a trusted realm to a trusted one
  kNotHidden,       ///< holds addresses or identifiers: only towards a realm without topology hiding
  kWhereWanted,     ///< says who the user is: towards a realm with [realm.identity] pass
};

struct Rule {
  HeaderId id;
  Crossing crossing;
};

/// Every header that may cross. All others stay behind; those that make a message work are the call's own.
constexpr std::array kRules{
    Rule{HeaderId::kAcceptContact, Crossing::kAlways},              // RFC 3841
    Rule{HeaderId::kAcceptLanguage, Crossing::kAlways},             //
    Rule{HeaderId::kDate, Crossing::kAlways},                       //
    Rule{HeaderId::kPriority, Crossing::kAlways},                   //
    Rule{HeaderId::kPrivacy, Crossing::kAlways},                    // RFC 3323
    Rule{HeaderId::kRejectContact, Crossing::kAlways},              // RFC 3841
    Rule{HeaderId::kRequestDisposition, Crossing::kAlways},         // RFC 3841
    Rule{HeaderId::kResourcePriority, Crossing::kBetweenTrusted},   // RFC 4412
    Rule{HeaderId::kSubject, Crossing::kUnlessPrivate},             //
    Rule{HeaderId::kDiversion, Crossing::kBetweenTrusted},          // RFC 5806
    Rule{HeaderId::kHistoryInfo, Crossing::kBetweenTrusted},        // RFC 7044
    Rule{HeaderId::kPAssertedIdentity, Crossing::kBetweenTrusted},  // RFC 3325
    Rule{HeaderId::kIdentity, Crossing::kWhereWanted},              // RFC 8224
    Rule{HeaderId::kAlertInfo, Crossing::kNotHidden},               // a URI to be fetched
    Rule{HeaderId::kCallInfo, Crossing::kNotHidden},                // the same
    Rule{HeaderId::kInReplyTo, Crossing::kNotHidden},               // Call-IDs
    Rule{HeaderId::kOrganization, Crossing::kNotHidden},            //
    Rule{HeaderId::kReplyTo, Crossing::kNotHidden},                 //
};

bool may_cross(Crossing crossing, const Message& in, const settings::RealmSettings& from,
               const settings::RealmSettings& to) {
  const bool may_be_known = to.policy.trusted || !sip::hidden_parts(in).name;
  switch (crossing) {
    case Crossing::kAlways:
      return true;
    case Crossing::kUnlessPrivate:
      return may_be_known;
    case Crossing::kBetweenTrusted:
      return from.policy.trusted && to.policy.trusted;
    case Crossing::kNotHidden:
      return !to.policy.topology_hiding && may_be_known;
    case Crossing::kWhereWanted:
      return to.identity.pass && may_be_known;
  }
  return false;
}

/// Of the URI's parameters and headers only those that name no place.
void hide(sip::Uri& uri, std::string_view our_host) {
  if (!uri.is_sip()) return;
  uri.host = our_host;
  uri.port.reset();
  uri.password.reset();
  sip::Parameters kept;
  for (const sip::Parameter& parameter : uri.parameters) {
    if (parameter.name == "user" || parameter.name == "cause")
      kept.append(parameter.name, parameter.value);  // cause: RFC 4458, RFC 7044
  }
  uri.parameters = std::move(kept);
  const std::vector<sip::UriHeader> all = sip::parse_uri_headers(uri.headers).value_or(std::vector<sip::UriHeader>{});
  std::vector<sip::UriHeader> headers;
  std::copy_if(all.begin(), all.end(), std::back_inserter(headers), [](const sip::UriHeader& header) {
    const HeaderId id = sip::header_by_name(header.name);
    return id == HeaderId::kReason || id == HeaderId::kPrivacy;
  });
  uri.headers = sip::write(headers);
}

/// What a caller says itself of its number's validation is nobody's word.
void drop_verstat(sip::Uri& uri) {
  if (uri.scheme == sip::Scheme::kTel) {
    std::optional<sip::Telephone> telephone = sip::telephone_of(uri);
    if (telephone && telephone->parameters.take("verstat")) uri = sip::make_tel_uri(*telephone);
    return;
  }
  constexpr std::string_view kVerstat = ";verstat";
  const std::string user = uri.user_text();
  for (std::size_t at = user.find(';'); at != std::string::npos; at = user.find(';', at + 1)) {
    if (!sip::equals_without_case(std::string_view(user).substr(at, kVerstat.size()), kVerstat)) continue;
    uri.user = sip::escape_user(user.substr(0, user.find(';')));
    return;
  }
}

/// A MESSAGE has no Contact (RFC 3428 section 4); its Via is ours.
std::string our_host_in(const Message& out) {
  if (const std::optional<sip::NameAddr> contact = out.contact()) return contact->uri.host;
  const std::optional<sip::Via> via = out.is_request() ? out.top_via() : std::nullopt;
  return via ? via->host : std::string(sip::kAnonymousHost);
}

void pass_identity(const Message& in, bool hides, Message& out) {
  sip::Identity identity = sip::identity_of(in, HeaderId::kPAssertedIdentity);
  if (identity.empty()) return;
  if (hides && identity.sip) hide(identity.sip->uri, our_host_in(out));
  out.add_header(HeaderId::kPAssertedIdentity, sip::write(identity));
}

/// Headers whose values are name-addrs.
void pass_addresses(const Message& in, HeaderId id, bool hides, Message& out) {
  const std::size_t values = in.values(id).size();
  std::vector<sip::NameAddr> addresses = in.name_addrs(id);
  if (addresses.size() != values) return;  // a list with a gap would tell another story
  for (sip::NameAddr& address : addresses) {
    if (hides) hide(address.uri, our_host_in(out));
    out.add_header(id, sip::write(address));
  }
}

void pass(const Message& in, HeaderId id, bool hides, Message& out) {
  if (out.has(id)) return;
  if (id == HeaderId::kPAssertedIdentity) return pass_identity(in, hides, out);
  if (id == HeaderId::kDiversion || id == HeaderId::kHistoryInfo) return pass_addresses(in, id, hides, out);
  if (id == HeaderId::kIdentity) return pass_identities(in, out);
  for (std::size_t i = 0; i < in.header_count(); ++i) {
    const sip::HeaderView header = in.header_at(i);
    if (header.id == id) out.add_header(id, header.value);
  }
}

}  // namespace

sip::NameAddr nobody() {
  sip::NameAddr nobody;
  nobody.display_name = "Anonymous";
  nobody.uri = sip::make_sip_uri("anonymous", sip::kAnonymousHost);
  return nobody;
}

sip::NameAddr shown_caller(const Message& in, const settings::RealmSettings& to, std::string_view our_host) {
  sip::NameAddr shown;
  const std::optional<sip::NameAddr> caller = in.from();
  if (!caller || (!to.policy.trusted && sip::hidden_parts(in).name)) return nobody();
  shown.display_name = caller->display_name;
  shown.uri = caller->uri;
  drop_verstat(shown.uri);
  if (!to.policy.topology_hiding) return shown;
  shown.uri = sip::make_sip_uri(shown.uri.user_text(), our_host);
  return shown;
}

void pass_headers(const Message& in, const settings::RealmSettings& from, const settings::RealmSettings& to,
                  Message& out) {
  for (const Rule& rule : kRules) {
    const bool crosses = in.has(rule.id) && may_cross(rule.crossing, in, from, to);
    if (crosses) pass(in, rule.id, to.policy.topology_hiding, out);
  }
}

namespace {

std::string_view verstat_of(IdentityOutcome outcome) {
  switch (outcome) {
    case IdentityOutcome::kNone:
      return "No-TN-Validation";
    case IdentityOutcome::kPassed:
      return "TN-Validation-Passed";
    case IdentityOutcome::kFailed:
      return "TN-Validation-Failed";
  }
  return "";
}

/// In a tel URI, or the user part of a SIP URI that is a number. False: the URI is of no number.
bool set_verstat(sip::Uri& uri, std::string_view verstat) {
  std::optional<sip::Telephone> telephone = sip::telephone_of(uri);
  if (!telephone) return false;
  telephone->parameters.set("verstat", verstat);
  const sip::Uri tel = sip::make_tel_uri(*telephone);
  (uri.is_sip() ? uri.user : uri.opaque) = tel.opaque;
  return true;
}

void assert_signed(const JudgedIdentity& verdict, sip::Identity& identity) {
  sip::NameAddr name;
  if (verdict.is_number) {
    name.uri = sip::make_tel_uri({.number = "+" + verdict.orig, .context = {}, .parameters = {}});
    identity.tel = std::move(name);
  } else if (std::optional<sip::Uri> uri = sip::parse_uri(verdict.orig); uri && uri->is_sip()) {
    // RFC 4474 vouches for no number, and signs for who is nobody.
    const bool number = sip::canonical_identity(*uri).kind == sip::CanonicalIdentity::Kind::kNumber;
    if (number || uri->user == nobody().uri.user) return;
    name.uri = *std::move(uri);
    identity.sip = std::move(name);
  }
}

}  // namespace

void say_verdict(const JudgedIdentity& verdict, const settings::RealmSettings& to, Message& out) {
  if (!to.policy.trusted) return;
  // A number beside the one that was signed is nobody's word.
  const auto say = [&verdict](sip::Uri& uri) {
    const bool other = verdict.outcome == IdentityOutcome::kPassed && sip::canonical_identity(uri).text != verdict.orig;
    return set_verstat(uri, verstat_of(other ? IdentityOutcome::kNone : verdict.outcome));
  };
  sip::Identity identity = sip::identity_of(out, HeaderId::kPAssertedIdentity);
  if (identity.empty() && verdict.outcome == IdentityOutcome::kPassed) assert_signed(verdict, identity);
  if (identity.sip) (void)say(identity.sip->uri);
  if (identity.tel) (void)say(identity.tel->uri);
  if (!identity.empty()) return out.set_header(HeaderId::kPAssertedIdentity, sip::write(identity));
  std::optional<sip::NameAddr> from = out.from();
  if (from && say(from->uri)) out.set_header(HeaderId::kFrom, sip::write(*from));
}

}  // namespace weir::controlplane
