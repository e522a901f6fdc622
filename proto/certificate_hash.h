// Hash functions that certificates are named by. RFC 8122 section 5.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace weir::proto {

/// Those that may still be used, weakest first. md5 and md2 may not.
enum class CertificateHash : std::uint8_t { kSha1, kSha224, kSha256, kSha384, kSha512 };
inline constexpr std::size_t kCertificateHashCount = 5;

struct CertificateHashRow {
  CertificateHash hash;
  std::string_view name;  ///< as SDP says it, and OpenSSL without its dash
  std::size_t bytes;      ///< of a digest
};
inline constexpr std::array<CertificateHashRow, kCertificateHashCount> kCertificateHashes{{
    {CertificateHash::kSha1, "sha-1", 20},
    {CertificateHash::kSha224, "sha-224", 28},
    {CertificateHash::kSha256, "sha-256", 32},
    {CertificateHash::kSha384, "sha-384", 48},
    {CertificateHash::kSha512, "sha-512", 64},
}};

constexpr const CertificateHashRow& certificate_hash(CertificateHash hash) {
  return kCertificateHashes[static_cast<std::size_t>(hash)];
}

/// By its name in lower case; nullopt: there is none, or none that may be used.
constexpr std::optional<CertificateHash> certificate_hash_by_name(std::string_view name) {
  for (const CertificateHashRow& row : kCertificateHashes) {
    if (row.name == name) return row.hash;
  }
  return std::nullopt;
}

}  // namespace weir::proto
