#include "sip/dtls_attributes.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "proto/assert.h"
#include "sip/media_security.h"
#include "sip/text.h"

namespace weir::sip {
namespace {

constexpr std::array<std::string_view, 4> kSetups{"active", "passive", "actpass", "holdconn"};
constexpr std::array<std::string_view, 2> kConnections{"new", "existing"};

/// A token of RFC 8122's hash-func; the list of names is open.
bool is_hash_name(std::string_view name) {
  return !name.empty() &&
         std::all_of(name.begin(), name.end(), [](char c) { return is_alpha(c) || is_digit(c) || c == '-'; });
}

/// "4A:AD:B9": pairs of hexadecimal digits between colons. nullopt if the text is anything else.
struct Digest {
  std::array<std::uint8_t, kFingerprintBytesMax> octets{};
  std::size_t count = 0;  ///< may exceed what `octets` holds; the rest was checked and left out
};
std::optional<Digest> parse_digest(std::string_view text) {
  if (text.size() % 3 != 2) return std::nullopt;
  Digest digest;
  for (std::size_t at = 0; at < text.size(); at += 3) {
    const auto high = hex_value(text[at]);
    const auto low = hex_value(text[at + 1]);
    const bool separated = at + 2 == text.size() || text[at + 2] == ':';
    if (!high || !low || !separated) return std::nullopt;
    if (digest.count < digest.octets.size()) {
      digest.octets[digest.count] = static_cast<std::uint8_t>(*high << 4 | *low);
    }
    ++digest.count;
  }
  return digest;
}

/// The section's first attribute of that name, or the session's.
const SdpAttribute* find_at_either_level(const SessionDescription& session, const MediaSection& section,
                                         std::string_view name) {
  const SdpAttribute* own = find_attribute(section.attributes, name);
  return own != nullptr ? own : find_attribute(session.attributes, name);
}

/// Reads an attribute whose value is one of `words`; false if it is there and is none of them.
template <typename Enum, std::size_t kCount>
bool read_word(const SdpAttribute* attribute, const std::array<std::string_view, kCount>& words,
               std::optional<Enum>& out) {
  if (attribute == nullptr) return true;
  const std::string_view value = attribute->value ? trimmed(*attribute->value) : "";
  for (std::size_t i = 0; i < kCount; ++i) {
    if (equals_without_case(value, words[i])) {
      out = static_cast<Enum>(i);
      return true;
    }
  }
  return false;
}

std::optional<SdpRefusal> read_fingerprints(const SessionDescription& session, const MediaSection& section,
                                            std::span<const FingerprintHash> accepted, std::vector<Fingerprint>& out) {
  // A section's own fingerprints replace the session's (RFC 8122 section 5).
  std::vector<std::string_view> values = attribute_values(section.attributes, "fingerprint");
  if (values.empty()) values = attribute_values(session.attributes, "fingerprint");
  std::string reason;
  for (const std::string_view value : values) {
    auto parsed = parse_fingerprint(value);
    if (const auto* fingerprint = std::get_if<Fingerprint>(&parsed)) {
      if (std::find(accepted.begin(), accepted.end(), fingerprint->hash) != accepted.end()) {
        out.push_back(*fingerprint);
      } else {
        reason = "the fingerprint's hash function " + std::string(to_string(fingerprint->hash)) + " is not accepted";
      }
      continue;
    }
    FingerprintFault& fault = std::get<FingerprintFault>(parsed);
    if (fault.kind == FingerprintFault::Kind::kSyntax) return SdpRefusal{400, std::move(fault.reason)};
    if (fault.kind == FingerprintFault::Kind::kWrongLength) return SdpRefusal{488, std::move(fault.reason)};
    reason = std::move(fault.reason);
  }
  // Hash functions that are unknown or not accepted are passed over as long as one is (RFC 8122 section 5.1).
  if (out.empty() && !values.empty()) return SdpRefusal{488, std::move(reason)};
  return std::nullopt;
}

bool is_same_set(const std::vector<Fingerprint>& a, const std::vector<Fingerprint>& b) {
  const auto holds = [](const std::vector<Fingerprint>& set, const Fingerprint& one) {
    return std::find(set.begin(), set.end(), one) != set.end();
  };
  return std::all_of(a.begin(), a.end(), [&](const Fingerprint& one) { return holds(b, one); }) &&
         std::all_of(b.begin(), b.end(), [&](const Fingerprint& one) { return holds(a, one); });
}

}  // namespace

std::string_view to_string(DtlsSetup setup) {
  return kSetups[static_cast<std::size_t>(setup)];
}

std::string_view to_string(DtlsRole role) {
  return role == DtlsRole::kClient ? "client" : "server";
}

std::string_view to_string(FingerprintHash hash) {
  return proto::certificate_hash(hash).name;
}

std::size_t digest_bytes(FingerprintHash hash) {
  return proto::certificate_hash(hash).bytes;
}

Fingerprint make_fingerprint(FingerprintHash hash, proto::Bytes digest) {
  WEIR_ASSERT(digest.size() == digest_bytes(hash));
  Fingerprint fingerprint;
  fingerprint.hash = hash;
  std::memcpy(fingerprint.digest.data(), digest.data(), digest.size());
  return fingerprint;
}

std::variant<Fingerprint, FingerprintFault> parse_fingerprint(std::string_view value) {
  using Kind = FingerprintFault::Kind;
  const std::string_view name = take_word(value);
  const std::optional<Digest> digest = parse_digest(trimmed(value));
  if (!is_hash_name(name) || !digest) {
    return FingerprintFault{Kind::kSyntax, "the fingerprint is not a hash name and pairs of hexadecimal digits"};
  }
  for (const proto::CertificateHashRow& row : proto::kCertificateHashes) {
    if (!equals_without_case(name, row.name)) continue;
    if (digest->count != row.bytes) {
      return FingerprintFault{Kind::kWrongLength, "a " + std::string(row.name) + " fingerprint has " +
                                                      std::to_string(row.bytes) + " bytes, not " +
                                                      std::to_string(digest->count)};
    }
    return Fingerprint{row.hash, digest->octets};
  }
  return FingerprintFault{Kind::kNotUsable,
                          "the fingerprint's hash function " + std::string(name.substr(0, 20)) + " is not usable"};
}

std::string write_fingerprint(const Fingerprint& fingerprint) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out(to_string(fingerprint.hash));
  char separator = ' ';
  for (const std::uint8_t octet : fingerprint.bytes()) {
    out += std::exchange(separator, ':');
    out += kDigits[octet >> 4];
    out += kDigits[octet & 15];
  }
  return out;
}

std::vector<Fingerprint> fingerprints_to_match(const std::vector<Fingerprint>& fingerprints) {
  std::vector<Fingerprint> strongest;
  for (const Fingerprint& fingerprint : fingerprints) {
    if (!strongest.empty() && fingerprint.hash < strongest.front().hash) continue;
    if (!strongest.empty() && fingerprint.hash > strongest.front().hash) strongest.clear();
    strongest.push_back(fingerprint);
  }
  return strongest;
}

bool is_tls_id(std::string_view value) {
  if (value.size() < kTlsIdBytesMin || value.size() > kTlsIdBytesMax) return false;
  return std::all_of(value.begin(), value.end(),
                     [](char c) { return is_alpha(c) || is_digit(c) || c == '+' || c == '/' || c == '-' || c == '_'; });
}

std::variant<DtlsAttributes, SdpRefusal> read_dtls_attributes(const SessionDescription& session,
                                                              const MediaSection& section) {
  return read_dtls_attributes(session, section, kAllFingerprintHashes);
}

std::variant<DtlsAttributes, SdpRefusal> read_dtls_attributes(const SessionDescription& session,
                                                              const MediaSection& section,
                                                              std::span<const FingerprintHash> accepted) {
  DtlsAttributes dtls;
  if (!read_word(find_at_either_level(session, section, "setup"), kSetups, dtls.setup)) {
    return SdpRefusal{488, "the setup attribute is none of active, passive, actpass and holdconn"};
  }
  if (!read_word(find_at_either_level(session, section, "connection"), kConnections, dtls.connection)) {
    return SdpRefusal{488, "the connection attribute is neither new nor existing"};
  }
  if (auto refusal = read_fingerprints(session, section, accepted, dtls.fingerprints)) return std::move(*refusal);
  // tls-id exists at media level only (RFC 8842 section 4).
  if (const SdpAttribute* tls_id = find_attribute(section.attributes, "tls-id")) {
    if (!tls_id->value || !is_tls_id(*tls_id->value)) return SdpRefusal{488, "the tls-id is malformed"};
    dtls.tls_id = tls_id->value;
  }
  return dtls;
}

void append_dtls_attributes(const DtlsAttributes& dtls, MediaSection& section) {
  if (dtls.setup) section.attributes.push_back({"setup", std::string(to_string(*dtls.setup))});
  if (dtls.connection) {
    section.attributes.push_back({"connection", std::string(kConnections[static_cast<std::size_t>(*dtls.connection)])});
  }
  for (const Fingerprint& fingerprint : dtls.fingerprints) {
    section.attributes.push_back({"fingerprint", write_fingerprint(fingerprint)});
  }
  if (dtls.tls_id) section.attributes.push_back({"tls-id", *dtls.tls_id});
}

DtlsSetup setup_to_answer(DtlsSetup offered, std::optional<DtlsRole> current) {
  switch (offered) {
    case DtlsSetup::kActive:
      return DtlsSetup::kPassive;
    case DtlsSetup::kPassive:
      return DtlsSetup::kActive;
    case DtlsSetup::kActpass:
      return current == DtlsRole::kClient ? DtlsSetup::kActive : DtlsSetup::kPassive;
    case DtlsSetup::kHoldconn:
      break;
  }
  return DtlsSetup::kHoldconn;
}

bool is_setup_answer(DtlsSetup offered, DtlsSetup answered) {
  if (answered == DtlsSetup::kHoldconn) return true;
  switch (offered) {
    case DtlsSetup::kActive:
      return answered == DtlsSetup::kPassive;
    case DtlsSetup::kPassive:
      return answered == DtlsSetup::kActive;
    case DtlsSetup::kActpass:
      return answered != DtlsSetup::kActpass;
    case DtlsSetup::kHoldconn:
      break;
  }
  return false;
}

std::optional<DtlsRole> our_dtls_role(DtlsSetup ours, DtlsSetup theirs) {
  const auto may_be = [](DtlsSetup setup, DtlsSetup role) { return setup == role || setup == DtlsSetup::kActpass; };
  if (ours == theirs) return std::nullopt;
  if (may_be(ours, DtlsSetup::kActive) && may_be(theirs, DtlsSetup::kPassive)) return DtlsRole::kClient;
  if (may_be(ours, DtlsSetup::kPassive) && may_be(theirs, DtlsSetup::kActive)) return DtlsRole::kServer;
  return std::nullopt;
}

bool needs_new_association(const DtlsAssociationTerms& before, const DtlsAssociationTerms& now) {
  if (before.our_role != now.our_role) return true;
  if (before.our_tls_id != now.our_tls_id || before.their_tls_id != now.their_tls_id) return true;
  if (!is_same_set(before.our_fingerprints, now.our_fingerprints)) return true;
  if (!is_same_set(before.their_fingerprints, now.their_fingerprints)) return true;
  const bool has_tls_ids = !now.our_tls_id.empty() && !now.their_tls_id.empty();
  if (has_tls_ids || now.ice) return false;
  return before.our_transport != now.our_transport || before.their_transport != now.their_transport;
}

}  // namespace weir::sip
