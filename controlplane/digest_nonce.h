// Nonces of the digest server: unforgeable and without state until one has proved a password. RFC 7616
// sections 3.3, 5.4.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "controlplane/secret.h"
#include "controlplane/source.h"

namespace weir::controlplane {

/// Makes and reads nonces: time and serial number under an HMAC-SHA-256, cut to 128 bits, of both, the domain and the
/// source's address, with a secret of this process. They cost nothing to hand out, and serve nobody elsewhere.
class DigestNonces {
 public:
  explicit DigestNonces(std::uint64_t lifetime_ns);

  std::string make(std::uint64_t now_ns, std::string_view domain, const Source& source);
  /// The serial number of a nonce made here for that domain and source that is not too old; nullopt otherwise.
  [[nodiscard]] std::optional<std::uint64_t> read(std::uint64_t now_ns, std::string_view nonce, std::string_view domain,
                                                  const Source& source) const;

 private:
  /// A nonce's bytes: time, serial number, HMAC.
  using Stamp = std::array<std::uint8_t, 16>;
  using Mac = std::array<std::uint8_t, 16>;
  [[nodiscard]] Mac mac_of(const Stamp& stamp, std::string_view domain, const Source& source) const;

  Secret<std::array<std::uint8_t, 32>> secret_;
  std::uint64_t lifetime_ns_;
  std::uint64_t serial_last_ = 0;
};

/// Which counts of which nonces have been used: each serves once. Only requests that proved a password come here, so
/// only users can fill it; its oldest entry makes room, and what is older than that is taken for used.
class NonceCounts {
 public:
  /// Nonces at once: a nonce is a session of one phone.
  static constexpr std::size_t kNoncesMax = 65'536;

  explicit NonceCounts(std::size_t nonces_max = kNoncesMax) : nonces_max_(nonces_max) {}

  /// True, and it is used now, if this count of this nonce was not used before. Counts may overtake each other by up to
  /// 63, as datagrams do.
  bool use(std::uint64_t serial, std::uint32_t count);
  [[nodiscard]] std::size_t size() const { return windows_.size(); }

 private:
  struct Window {
    std::uint32_t highest = 0;
    std::uint64_t used = 0;  ///< bit i: highest - i
  };

  std::size_t nonces_max_;
  std::map<std::uint64_t, Window> windows_;  ///< by serial number
  std::uint64_t forgotten_to_ = 0;           ///< serial numbers up to it are used
};

}  // namespace weir::controlplane
