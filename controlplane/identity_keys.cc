#include "controlplane/identity_keys.h"

#include <openssl/bio.h>
#include <openssl/pem.h>
#include <time.h>

#include <algorithm>
#include <array>

#include "controlplane/es256.h"
#include "controlplane/hex.h"
#include "controlplane/pem_files.h"
#include "controlplane/stored_key.h"
#include "sip/date.h"

namespace weir::controlplane {

namespace settings = proto::settings;
using proto::Error;
using proto::Result;

namespace {

constexpr std::size_t kPathHashBytes = 8;
constexpr int kRsaBitsMin = 2048;

std::string pem_of(const std::vector<CertificateHandle>& chain) {
  const std::unique_ptr<BIO, int (*)(BIO*)> bio(BIO_new(BIO_s_mem()), &BIO_free);
  for (const CertificateHandle& certificate : chain) PEM_write_bio_X509(bio.get(), certificate.get());
  const char* text = nullptr;
  const long bytes = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(bytes)};
}

proto::Status check_dates(const X509& leaf, const std::string& path, std::int64_t now_s) {
  const std::int64_t begins_s = unix_time_of(X509_get0_notBefore(&leaf));
  const std::int64_t ends_s = unix_time_of(X509_get0_notAfter(&leaf));
  if (now_s < begins_s)
    return Error{"the certificate in " + path + " is not valid before " + sip::write_date(begins_s)};
  if (now_s > ends_s) return Error{"the certificate in " + path + " has expired: " + sip::write_date(ends_s)};
  return proto::success();
}

/// `made` has its chain and key.
proto::Status check(IdentityKey& made, const settings::IdentityKeySettings& files, std::int64_t now_s) {
  X509* leaf = made.chain.front().get();
  if (made.chain.size() > IdentityKeys::kChainMax) return Error{files.chain + " holds too many certificates"};
  if (X509_check_private_key(leaf, made.key.get()) != 1) {
    (void)openssl_error("");
    return Error{"the private key is not the one of the first certificate in " + files.chain};
  }
  EVP_PKEY* key = X509_get0_pubkey(leaf);
  made.is_rsa = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA;
  if (made.is_rsa && EVP_PKEY_get_bits(key) < kRsaBitsMin)
    return Error{files.chain + ": an RSA key of less than 2,048 bits"};
  if (!made.is_rsa && !is_p256(key)) {
    return Error{files.chain + ": its key is neither on the curve P-256 (RFC 8225) nor RSA (RFC 4474)"};
  }
  return check_dates(*leaf, files.chain, now_s);
}

Result<std::shared_ptr<const IdentityKey>> load_key(const settings::IdentityKeySettings& files,
                                                    const std::string& served_at, const std::string& user,
                                                    std::int64_t now_s) {
  Result<std::vector<CertificateHandle>> chain = read_certificates(files.chain);
  if (!chain) return Error{chain.error()};
  Result<KeyHandle> key = is_key_uri(files.key) ? read_stored_key(files.key) : read_key(files.key, user);
  if (!key) return Error{key.error()};
  const auto made = std::make_shared<IdentityKey>();
  made->name = files.name;
  made->chain = std::move(chain).value();
  made->key = std::move(key).value();
  if (proto::Status status = check(*made, files, now_s); !status) return Error{status.error()};
  const X509& leaf = *made->chain.front();
  made->not_after_s = unix_time_of(X509_get0_notAfter(&leaf));
  made->pem = pem_of(made->chain);
  made->path = identity_path(leaf);
  made->url = !files.url.empty() ? files.url : served_at.empty() ? "" : served_at + made->path;
  return std::shared_ptr<const IdentityKey>(made);
}

}  // namespace

std::string identity_path(const X509& certificate) {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> hash{};
  unsigned int bytes = 0;
  X509_digest(&certificate, EVP_sha256(), hash.data(), &bytes);
  return "/identity/" + to_hex(proto::Bytes(hash.data(), kPathHashBytes)) + ".pem";
}

Result<std::shared_ptr<const IdentityKeys>> IdentityKeys::load(const settings::IdentitySettings& settings,
                                                               const std::string& user, std::int64_t now_s) {
  if (proto::Status status = load_providers(settings.providers); !status) return Error{status.error()};
  const auto loaded = std::make_shared<IdentityKeys>();
  std::string mistakes;
  for (const settings::IdentityKeySettings& files : settings.keys) {
    auto key = load_key(files, settings.server.url, user, now_s);
    if (key) {
      loaded->keys_.push_back(std::move(key).value());
    } else {
      mistakes += (mistakes.empty() ? "identity key '" : "; identity key '") + files.name + "': " + key.error();
    }
  }
  if (!mistakes.empty()) return Error{mistakes};
  return std::shared_ptr<const IdentityKeys>(loaded);
}

std::shared_ptr<const IdentityKey> IdentityKeys::find(std::string_view name) const {
  const auto found = std::find_if(keys_.begin(), keys_.end(), [&](const auto& key) { return key->name == name; });
  return found == keys_.end() ? nullptr : *found;
}

}  // namespace weir::controlplane
