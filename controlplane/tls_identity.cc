#include "controlplane/tls_identity.h"

#include <openssl/x509v3.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "sip/uri.h"

namespace weir::controlplane {
namespace {

struct NamesDeleter {
  void operator()(GENERAL_NAMES* names) const { GENERAL_NAMES_free(names); }
};

/// A DNS name's characters, and no others: a NUL in a name, or a wildcard, makes it no name at all.
bool is_host_name(std::string_view text) {
  return !text.empty() && text.front() != '.' && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  });
}

std::string_view text_of(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<std::size_t>(ASN1_STRING_length(string))};
}

/// "sip:example.com": RFC 5922 section 7.1 wants the scheme sip and no user part.
std::optional<std::string> domain_of_uri(std::string_view text) {
  const std::optional<sip::Uri> uri = sip::parse_uri(text);
  if (!uri || uri->scheme != sip::Scheme::kSip || !uri->user.empty() || uri->password) return std::nullopt;
  std::string host = normal_host(uri->host);
  if (!is_host_name(host)) return std::nullopt;
  return host;
}

std::optional<proto::IpAddress> address_of(const ASN1_STRING* string) {
  const std::string_view bytes = text_of(string);
  proto::IpAddress address;
  if (bytes.size() != 4 && bytes.size() != 16) return std::nullopt;
  address.family = bytes.size() == 4 ? proto::Family::kIpv4 : proto::Family::kIpv6;
  std::copy(bytes.begin(), bytes.end(), address.bytes.begin());
  return address;
}

}  // namespace

std::string normal_host(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  std::string normal(host);
  for (char& c : normal) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return normal;
}

bool TlsIdentity::proves(std::string_view host) const {
  if (const proto::Result<proto::IpAddress> address = proto::parse_ip_address(host)) {
    return std::find(addresses.begin(), addresses.end(), *address) != addresses.end();
  }
  return std::find(domains.begin(), domains.end(), normal_host(host)) != domains.end();
}

TlsIdentity identity_of(const X509& certificate) {
  TlsIdentity identity;
  const std::unique_ptr<GENERAL_NAMES, NamesDeleter> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(&certificate, NID_subject_alt_name, nullptr, nullptr)));
  if (names == nullptr) return identity;
  std::vector<std::string> dns;
  const int count = std::min(sk_GENERAL_NAME_num(names.get()), static_cast<int>(TlsIdentity::kNamesMax));
  for (int i = 0; i < count; ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_URI) {
      if (auto domain = domain_of_uri(text_of(name->d.uniformResourceIdentifier))) identity.domains.push_back(*domain);
    } else if (name->type == GEN_DNS) {
      if (std::string host = normal_host(text_of(name->d.dNSName)); is_host_name(host)) dns.push_back(std::move(host));
    } else if (name->type == GEN_IPADD) {
      if (const auto address = address_of(name->d.iPAddress)) identity.addresses.push_back(*address);
    }
  }
  if (identity.domains.empty()) identity.domains = std::move(dns);
  return identity;
}

}  // namespace weir::controlplane
