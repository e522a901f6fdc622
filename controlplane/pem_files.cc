#include "controlplane/pem_files.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "controlplane/log.h"
#include "proto/bytes.h"

namespace weir::controlplane {
namespace {

/// More than a hundred certificates.
constexpr std::size_t kFileBytesMax = 1 << 20;

/// A file's bytes, wiped when they go: they may be a key.
struct FileText {
  std::string text;
  ~FileText() { proto::wipe(text.data(), text.size()); }
  [[nodiscard]] BioHandle bio() const { return BioHandle(BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))); }
};

/// 0, or errno.
int read_file(const std::string& path, FileText& into) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "re"), &std::fclose);
  if (file == nullptr) return errno;
  std::setbuf(file.get(), nullptr);  // no copy of a key in stdio's memory
  into.text.resize(kFileBytesMax + 1);
  const std::size_t bytes = std::fread(into.text.data(), 1, into.text.size(), file.get());
  if (std::ferror(file.get()) != 0) return errno;
  if (bytes > kFileBytesMax) return EFBIG;
  into.text.resize(bytes);
  return 0;
}

void warn_of_readers(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0 || (status.st_mode & S_IROTH) == 0) return;
  log_event(LogLevel::kWarning, "tls", {{"event", "everybody on this host can read a key"}, {"file", path}});
}

int no_passphrase(char*, int, int, void*) {
  return -1;
}

}  // namespace

proto::Result<std::vector<CertificateHandle>> parse_certificates(std::string_view pem) {
  const BioHandle bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::vector<CertificateHandle> certificates;
  for (;;) {
    CertificateHandle certificate(PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr));
    if (certificate == nullptr) break;
    certificates.push_back(std::move(certificate));
  }
  const unsigned long error = ERR_peek_last_error();
  const bool at_end = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
  const std::string reason = openssl_error("nothing is in it");
  if (certificates.empty()) return proto::Error{"holds no certificate in PEM form: " + reason};
  if (!at_end) return proto::Error{"has a certificate that cannot be read: " + reason};
  return certificates;
}

proto::Result<std::vector<CertificateHandle>> read_certificates(const std::string& path) {
  FileText file;
  if (const int error = read_file(path, file); error != 0) {
    return proto::Error{"cannot read the certificate file " + path + ": " + std::strerror(error)};
  }
  proto::Result<std::vector<CertificateHandle>> certificates = parse_certificates(file.text);
  if (!certificates) return proto::Error{path + " " + certificates.error()};
  return certificates;
}

proto::Result<KeyHandle> read_key(const std::string& path, const std::string& user) {
  FileText file;
  if (const int error = read_file(path, file); error != 0) {
    std::string reason = "cannot read the key file " + path + ": " + std::strerror(error);
    if (error == EACCES) {
      reason += ": user '" + user + "' must be able to read it, at start and at every reload (chgrp " + user +
                " and chmod 640 the file; chmod +x its folders)";
    }
    return proto::Error{reason};
  }
  warn_of_readers(path);
  KeyHandle key(PEM_read_bio_PrivateKey(file.bio().get(), nullptr, no_passphrase, nullptr));
  if (key != nullptr) return key;
  const bool encrypted = file.text.find("ENCRYPTED") != std::string::npos;
  const std::string reason = openssl_error("nothing is in it");
  if (encrypted) {
    return proto::Error{path + ": the key has a passphrase, which nobody is there to type: store it without"};
  }
  return proto::Error{path + " holds no private key in PEM form: " + reason};
}

}  // namespace weir::controlplane
