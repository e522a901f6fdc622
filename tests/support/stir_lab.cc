#include "tests/support/stir_lab.h"

#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <chrono>

#include "controlplane/tn_auth_list.h"
#include "proto/assert.h"

namespace weir::tests {

using controlplane::BioHandle;
using controlplane::CertificateHandle;
using controlplane::KeyHandle;

namespace {

std::string element(int tag, const std::string& content) {
  std::string out(1, static_cast<char>(tag));
  if (content.size() > 255) {
    out += static_cast<char>(0x82);
    out += static_cast<char>(content.size() >> 8);
  } else if (content.size() > 127) {
    out += static_cast<char>(0x81);
  }
  return out + static_cast<char>(content.size() & 0xff) + content;
}

void add_der(X509* certificate, const char* oid, const std::string& der, bool critical) {
  ASN1_OBJECT* const object = OBJ_txt2obj(oid, 1);
  ASN1_OCTET_STRING* const value = ASN1_OCTET_STRING_new();
  ASN1_OCTET_STRING_set(value, reinterpret_cast<const unsigned char*>(der.data()), static_cast<int>(der.size()));
  X509_EXTENSION* const extension = X509_EXTENSION_create_by_OBJ(nullptr, object, critical ? 1 : 0, value);
  WEIR_ASSERT(X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
  ASN1_OCTET_STRING_free(value);
  ASN1_OBJECT_free(object);
}

void add_text(X509* certificate, int nid, const std::string& text) {
  if (text.empty()) return;
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, text.c_str());
  WEIR_ASSERT(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

/// Unsigned, and without extensions.
CertificateHandle blank(EVP_PKEY* key, const std::string& name, const X509* issuer, long from_s, long to_s) {
  static long serial = 0;
  CertificateHandle made(X509_new());
  X509_set_version(made.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(made.get()), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(made.get()), from_s);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), to_s);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(made.get(), X509_get_subject_name(issuer == nullptr ? made.get() : issuer));
  X509_set_pubkey(made.get(), key);
  return made;
}

void sign(X509* certificate, EVP_PKEY* key) {
  WEIR_ASSERT(X509_sign(certificate, key, EVP_sha256()) > 0);
}

std::string text_in(BIO* bio) {
  char* data = nullptr;
  const long bytes = BIO_get_mem_data(bio, &data);
  return {data, static_cast<std::size_t>(bytes)};
}

std::string pem(X509* certificate) {
  const BioHandle bio(BIO_new(BIO_s_mem()));
  WEIR_ASSERT(PEM_write_bio_X509(bio.get(), certificate) == 1);
  return text_in(bio.get());
}

std::string pem(EVP_PKEY* key) {
  const BioHandle bio(BIO_new(BIO_s_mem()));
  WEIR_ASSERT(PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
  return text_in(bio.get());
}

constexpr long kYearSeconds = 365L * 86'400;

CertificateHandle authority(EVP_PKEY* key, const std::string& name, const X509* issuer, EVP_PKEY* issuer_key) {
  CertificateHandle made = blank(key, name, issuer, -kYearSeconds, kYearSeconds);
  add_text(made.get(), NID_basic_constraints, "critical,CA:TRUE");
  add_text(made.get(), NID_key_usage, "critical,keyCertSign");
  sign(made.get(), issuer_key);
  return made;
}

}  // namespace

std::string tn_list(const std::string& entries) {
  return element(0x30, entries);
}

std::string tn_code(std::string_view code) {
  return element(0xa0, element(0x16, std::string(code)));
}

std::string tn_range(std::string_view first, unsigned count) {
  std::string number;
  for (unsigned rest = count; rest != 0; rest >>= 8) number.insert(number.begin(), static_cast<char>(rest & 0xff));
  if (number.empty() || (number.front() & 0x80) != 0) number.insert(number.begin(), '\0');
  return element(0xa1, element(0x30, element(0x16, std::string(first)) + element(0x02, number)));
}

std::string tn_one(std::string_view number) {
  return element(0xa2, element(0x16, std::string(number)));
}

controlplane::SigningKey StirCredential::signing_key() const {
  return controlplane::SigningKey::parse(key).value();
}

std::shared_ptr<const controlplane::IdentityCertificate> StirCredential::chain() const {
  return controlplane::IdentityCertificate::read_chain(certificate).value();
}

StirLab::StirLab() : root_key_(EVP_EC_gen("P-256")), middle_key_(EVP_EC_gen("P-256")) {
  root_ = authority(root_key_.get(), "test root", nullptr, root_key_.get());
  middle_ = authority(middle_key_.get(), "test intermediate", root_.get(), root_key_.get());
  anchor_ = pem(root_.get());
}

StirCredential StirLab::issue(const StirTerms& terms) const {
  const KeyHandle key(terms.curve == "RSA" ? EVP_RSA_gen(2048) : EVP_EC_gen(terms.curve.c_str()));
  const CertificateHandle leaf = blank(key.get(), "SHAKEN 1234", middle_.get(), terms.valid_from_s, terms.valid_to_s);
  add_text(leaf.get(), NID_basic_constraints, "CA:FALSE");
  add_text(leaf.get(), NID_key_usage, terms.key_usage);
  add_text(leaf.get(), NID_subject_alt_name, terms.alternative_names);
  if (!terms.tn_auth_list.empty()) {
    add_der(leaf.get(), controlplane::kTnAuthListOid, terms.tn_auth_list, terms.critical);
  }
  if (!terms.other_extension.empty()) add_der(leaf.get(), terms.other_extension.c_str(), "\x05", true);
  if (terms.constrained) add_der(leaf.get(), "1.3.6.1.5.5.7.1.27", element(0x30, ""), false);
  sign(leaf.get(), middle_key_.get());
  return {pem(leaf.get()) + pem(middle_.get()), pem(key.get())};
}

std::shared_ptr<const controlplane::TrustAnchors> StirLab::anchors() const {
  return controlplane::TrustAnchors::parse(anchor_).value();
}

std::int64_t unix_now_s() {
  using namespace std::chrono;
  return duration_cast<seconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace weir::tests
