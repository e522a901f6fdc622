// GRUUs: URIs that reach one instance of a user, whoever knows them. RFC 5627; temporary ones as in its appendix A.2.
// Weir's own Contacts are none: it is the border's address that its peers reach it by.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "controlplane/secret.h"
#include "sip/uri.h"

namespace weir::controlplane {

/// One user agent of a user, as its registrations name it.
struct Instance {
  std::uint32_t realm = 0;  ///< index in Settings::realms
  std::string user;         ///< of the address of record, unescaped
  std::string instance;     ///< +sip.instance, with its quotes
};

/// An instance's URN, in bytes: one with more has no GRUU. A UUID's has 45.
inline constexpr std::size_t kGruuUrnBytesMax = 128;

/// The URI for `gr` (section 4.1): of `+sip.instance`, with its quotes; nullopt if that is no URN, or none that can
/// stand in a URI as it is.
std::optional<sip::Uri> public_gruu(std::string_view user, std::string_view domain, std::string_view instance);

/// What a temporary GRUU stands for: a binding, and which of its times of one Call-ID.
struct GruuEpoch {
  std::uint64_t binding = 0;  ///< below 2^48
  std::uint32_t epoch = 0;
  bool operator==(const GruuEpoch&) const = default;
};

/// Makes and reads temporary GRUUs. Two of one instance have nothing in common that anybody else can see, and nobody
/// else can make one. Nothing is kept of them.
class TemporaryGruus {
 public:
  /// For a block cipher, and for an HMAC.
  using Keys = std::array<std::uint8_t, 48>;

  explicit TemporaryGruus(const Keys& keys) { *keys_ = keys; }

  /// The user of a new one: another each time.
  [[nodiscard]] std::string make(const GruuEpoch& what) const;
  /// nullopt: no such user was made with these keys.
  [[nodiscard]] std::optional<GruuEpoch> read(std::string_view user) const;

 private:
  using Block = std::array<std::uint8_t, 16>;
  using Mac = std::array<std::uint8_t, 10>;
  [[nodiscard]] Block cipher(const Block& block, bool encrypt) const;
  [[nodiscard]] Mac mac_of(const Block& block) const;

  Secret<Keys> keys_;
};

}  // namespace weir::controlplane
