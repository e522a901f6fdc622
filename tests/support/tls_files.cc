#include "tests/support/tls_files.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <cstdio>
#include <fstream>
#include <memory>

#include "proto/assert.h"

namespace weir::tests {

using controlplane::CertificateHandle;
using controlplane::KeyHandle;

namespace {

void add_extension(X509* certificate, const X509* signer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, const_cast<X509*>(signer), certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  WEIR_ASSERT(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

void write_certificate(const std::string& path, X509* certificate) {
  const File file(std::fopen(path.c_str(), "w"), &std::fclose);
  WEIR_ASSERT(file != nullptr && PEM_write_X509(file.get(), certificate) == 1);
}

void write_key(const std::string& path, EVP_PKEY* key) {
  const File file(std::fopen(path.c_str(), "w"), &std::fclose);
  chmod(path.c_str(), S_IRUSR | S_IWUSR);
  WEIR_ASSERT(file != nullptr && PEM_write_PrivateKey(file.get(), key, nullptr, nullptr, 0, nullptr, nullptr) == 1);
}

}  // namespace

CertificateHandle make_certificate(EVP_PKEY* key, const std::string& common_name, const std::string& alternative_names,
                                   const X509* signer, EVP_PKEY* signer_key, long valid_from_s, long valid_to_s) {
  static long serial = 0;
  CertificateHandle made(X509_new());
  X509* certificate = made.get();
  const X509* issuer = signer == nullptr ? certificate : signer;
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), valid_from_s);
  X509_gmtime_adj(X509_getm_notAfter(certificate), valid_to_s);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1, 0);
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
  X509_set_pubkey(certificate, key);
  add_extension(certificate, issuer, NID_basic_constraints, signer == nullptr ? "critical,CA:TRUE" : "CA:FALSE");
  if (!alternative_names.empty()) add_extension(certificate, issuer, NID_subject_alt_name, alternative_names);
  WEIR_ASSERT(X509_sign(certificate, signer_key, EVP_sha256()) > 0);
  return made;
}

TlsFiles::TlsFiles() : ca_key_(EVP_EC_gen("P-256")) {
  ca_ = make_certificate(ca_key_.get(), "test authority", "", nullptr, ca_key_.get());
  write_certificate(ca(), ca_.get());
}

proto::settings::CertificateFiles TlsFiles::issue(const std::string& name, const std::string& alternative_names,
                                                  long valid_to_s) {
  const proto::settings::CertificateFiles files{path(name + ".pem"), path(name + ".key")};
  const KeyHandle key(EVP_EC_gen("P-256"));
  write_certificate(
      files.chain,
      make_certificate(key.get(), name, alternative_names, ca_.get(), ca_key_.get(), -7200, valid_to_s).get());
  write_key(files.key, key.get());
  return files;
}

void TlsFiles::write(const std::string& file, const std::string& text) {
  std::ofstream(path(file)) << text;
}

}  // namespace weir::tests
