#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <array>
#include <cstring>
#include <vector>

#include "bench/support/baseline.h"
#include "proto/assert.h"
#include "proto/rtp.h"

namespace weir::bench {
namespace {

using Iv = std::array<std::uint8_t, 16>;
constexpr std::size_t kHeaderBytes = proto::kRtpHeaderBytesMin;
constexpr int kGcmTagBytes = 16;

/// What one direction of one stream keeps. The index is the sender's own; a benchmark's streams are never reordered.
struct Session {
  EVP_CIPHER_CTX* cipher = nullptr;
  EVP_MAC_CTX* mac = nullptr;
  std::uint64_t index = 0;
  std::array<std::uint8_t, 16> salt{};
};

class Openssl : public Baseline {
 public:
  explicit Openssl(const Workload& workload) : info_(proto::srtp_profile(workload.profile())) {
    for (const Stream& stream : workload.streams()) {
      senders_.push_back(make(stream, true));
      receivers_.push_back(make(stream, false));
    }
  }
  ~Openssl() override {
    for (std::vector<Session>* sessions : {&senders_, &receivers_}) {
      for (const Session& session : *sessions) {
        EVP_CIPHER_CTX_free(session.cipher);
        EVP_MAC_CTX_free(session.mac);
      }
    }
  }

  void protect(Packet& packet) override {
    Session& session = senders_[packet.stream];
    const std::uint64_t index = take_index(session, packet);
    std::uint8_t* payload = packet.data + kHeaderBytes;
    const int bytes = static_cast<int>(packet.bytes - kHeaderBytes);
    int done = 0;
    const Iv iv = make_iv(session, packet, index);
    WEIR_ASSERT(EVP_CipherInit_ex(session.cipher, nullptr, nullptr, nullptr, iv.data(), 1) == 1);
    if (info_.aead) {
      WEIR_ASSERT(EVP_EncryptUpdate(session.cipher, nullptr, &done, packet.data, kHeaderBytes) == 1);
      WEIR_ASSERT(EVP_EncryptUpdate(session.cipher, payload, &done, payload, bytes) == 1);
      WEIR_ASSERT(EVP_EncryptFinal_ex(session.cipher, payload + done, &done) == 1);
      WEIR_ASSERT(EVP_CIPHER_CTX_ctrl(session.cipher, EVP_CTRL_AEAD_GET_TAG, kGcmTagBytes, payload + bytes) == 1);
    } else {
      WEIR_ASSERT(EVP_EncryptUpdate(session.cipher, payload, &done, payload, bytes) == 1);
      std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest;
      authenticate(session, packet.data, packet.bytes, index, digest);
      std::memcpy(packet.data + packet.bytes, digest.data(), info_.srtp_tag_bytes);
    }
    packet.bytes += info_.srtp_tag_bytes;
  }

  void unprotect(Packet& packet) override {
    Session& session = receivers_[packet.stream];
    const std::uint64_t index = take_index(session, packet);
    packet.bytes -= info_.srtp_tag_bytes;
    std::uint8_t* payload = packet.data + kHeaderBytes;
    const int bytes = static_cast<int>(packet.bytes - kHeaderBytes);
    int done = 0;
    const Iv iv = make_iv(session, packet, index);
    if (!info_.aead) {
      std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest;
      authenticate(session, packet.data, packet.bytes, index, digest);
      WEIR_ASSERT(CRYPTO_memcmp(packet.data + packet.bytes, digest.data(), info_.srtp_tag_bytes) == 0);
    }
    WEIR_ASSERT(EVP_CipherInit_ex(session.cipher, nullptr, nullptr, nullptr, iv.data(), 0) == 1);
    if (info_.aead) {
      WEIR_ASSERT(EVP_CIPHER_CTX_ctrl(session.cipher, EVP_CTRL_AEAD_SET_TAG, kGcmTagBytes, payload + bytes) == 1);
      WEIR_ASSERT(EVP_DecryptUpdate(session.cipher, nullptr, &done, packet.data, kHeaderBytes) == 1);
    }
    WEIR_ASSERT(EVP_DecryptUpdate(session.cipher, payload, &done, payload, bytes) == 1);
    if (info_.aead) WEIR_ASSERT(EVP_DecryptFinal_ex(session.cipher, payload + done, &done) == 1);
  }

 private:
  Session make(const Stream& stream, bool encrypt) const {
    const proto::SessionKeys& keys = stream.transform.rtp;
    Session session;
    std::memcpy(session.salt.data(), keys.salt.data(), keys.salt.size());
    session.index = stream.next_index >> 16 << 16;
    session.cipher = EVP_CIPHER_CTX_new();
    const bool long_key = info_.key_bytes == 32;
    const EVP_CIPHER* counter = long_key ? EVP_aes_256_ctr() : EVP_aes_128_ctr();
    const EVP_CIPHER* gcm = long_key ? EVP_aes_256_gcm() : EVP_aes_128_gcm();
    const EVP_CIPHER* cipher = info_.aead ? gcm : counter;
    WEIR_ASSERT(EVP_CipherInit_ex(session.cipher, cipher, nullptr, keys.encryption.data(), nullptr, encrypt) == 1);
    if (info_.aead) return session;
    EVP_MAC* hmac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    session.mac = EVP_MAC_CTX_new(hmac);
    EVP_MAC_free(hmac);
    char digest[] = "SHA1";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                     OSSL_PARAM_construct_end()};
    WEIR_ASSERT(EVP_MAC_init(session.mac, keys.authentication.data(), keys.authentication.size(), parameters) == 1);
    return session;
  }

  /// ROC and SEQ of a packet that comes in order.
  static std::uint64_t take_index(Session& session, const Packet& packet) {
    const std::uint16_t sequence = proto::load_be16(packet.data + 2);
    if (sequence < static_cast<std::uint16_t>(session.index)) session.index += 0x10000;
    session.index = (session.index & ~std::uint64_t{0xffff}) | sequence;
    return session.index;
  }

  /// RFC 3711 section 4.1.1 and RFC 7714 section 8.1.
  [[nodiscard]] Iv make_iv(const Session& session, const Packet& packet, std::uint64_t index) const {
    Iv iv = session.salt;
    const std::size_t ssrc_at = info_.aead ? 2 : 4;
    for (std::size_t i = 0; i < 4; ++i) iv[ssrc_at + i] ^= packet.data[8 + i];
    for (std::size_t i = 0; i < 6; ++i) iv[ssrc_at + 4 + i] ^= static_cast<std::uint8_t>(index >> (40 - 8 * i));
    return iv;
  }

  static void authenticate(Session& session, const std::uint8_t* data, std::size_t bytes, std::uint64_t index,
                           std::array<std::uint8_t, EVP_MAX_MD_SIZE>& digest) {
    std::uint8_t roc[4];
    proto::store_be32(roc, static_cast<std::uint32_t>(index >> 16));
    std::size_t digest_bytes = 0;
    WEIR_ASSERT(EVP_MAC_init(session.mac, nullptr, 0, nullptr) == 1);
    WEIR_ASSERT(EVP_MAC_update(session.mac, data, bytes) == 1);
    WEIR_ASSERT(EVP_MAC_update(session.mac, roc, sizeof roc) == 1);
    WEIR_ASSERT(EVP_MAC_final(session.mac, digest.data(), &digest_bytes, digest.size()) == 1);
  }

  const proto::SrtpProfileInfo& info_;
  std::vector<Session> senders_;
  std::vector<Session> receivers_;
};

}  // namespace

std::unique_ptr<Baseline> make_openssl(const Workload& workload) {
  return std::make_unique<Openssl>(workload);
}

}  // namespace weir::bench
