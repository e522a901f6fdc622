// OpenSSL's objects as owning pointers, and its error queue as text.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstdint>
#include <memory>
#include <string>

namespace weir::controlplane {

struct OpensslDeleter {
  void operator()(BIO* bio) const { BIO_free(bio); }
  void operator()(BIO_METHOD* method) const { BIO_meth_free(method); }
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(X509* certificate) const { X509_free(certificate); }
  void operator()(X509_STORE* store) const { X509_STORE_free(store); }
  void operator()(X509_STORE_CTX* context) const { X509_STORE_CTX_free(context); }
};

using BioHandle = std::unique_ptr<BIO, OpensslDeleter>;
using BioMethodHandle = std::unique_ptr<BIO_METHOD, OpensslDeleter>;
using CipherContextHandle = std::unique_ptr<EVP_CIPHER_CTX, OpensslDeleter>;
using DigestContextHandle = std::unique_ptr<EVP_MD_CTX, OpensslDeleter>;
using KeyContextHandle = std::unique_ptr<EVP_PKEY_CTX, OpensslDeleter>;
using KeyHandle = std::unique_ptr<EVP_PKEY, OpensslDeleter>;
using SslHandle = std::unique_ptr<SSL, OpensslDeleter>;
using SslContextHandle = std::unique_ptr<SSL_CTX, OpensslDeleter>;
using CertificateHandle = std::unique_ptr<X509, OpensslDeleter>;
using CertificateStoreHandle = std::unique_ptr<X509_STORE, OpensslDeleter>;
using StoreContextHandle = std::unique_ptr<X509_STORE_CTX, OpensslDeleter>;

/// s since 1970; 0, when nothing was good, if it cannot be read.
std::int64_t unix_time_of(const ASN1_TIME* time);

/// Takes this thread's OpenSSL errors off their queue: the reason of the first one, or `otherwise` if there is none.
std::string openssl_error(const char* otherwise);

}  // namespace weir::controlplane
