// Return routability without state: the cookie of a HelloVerifyRequest. RFC 6347 section 4.2.1.
#pragma once

#include <array>
#include <cstdint>

#include "controlplane/secret.h"
#include "proto/bytes.h"
#include "proto/inet.h"

namespace weir::controlplane {

inline constexpr std::size_t kDtlsCookieBytes = 16;
using DtlsCookie = std::array<std::uint8_t, kDtlsCookieBytes>;

/// Makes and checks cookies: HMAC-SHA-256 over the source's address and port, cut to 128 bits, with a secret that
/// rotates; the one before stays valid for one more period.
///
/// The cookie is of the source alone and not of the client's random. RFC 6347 leaves that open, and it matters here: a
/// ClientHello forged with the real peer's source makes us send that peer a HelloVerifyRequest it never asked for, and
/// a client takes the first one it sees. Its cookie has to serve the peer's own ClientHello too, or the forgery would
/// have broken the handshake.
class DtlsCookies {
 public:
  static constexpr std::uint64_t kRotationNs = 60'000'000'000;

  DtlsCookies();

  DtlsCookie make(const proto::Endpoint& source, std::uint64_t now_ns);
  bool valid(const proto::Endpoint& source, proto::Bytes cookie, std::uint64_t now_ns);

 private:
  using Key = std::array<std::uint8_t, 32>;

  void rotate(std::uint64_t now_ns);
  static DtlsCookie compute(const Key& key, const proto::Endpoint& source);

  Secret<Key> current_;
  Secret<Key> previous_;
  std::uint64_t rotated_ns_ = 0;
};

}  // namespace weir::controlplane
