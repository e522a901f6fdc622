// The ClientHello as a stateless server sees it: the fields before the cookie, the HelloVerifyRequest that answers it,
// and its fragments put together. RFC 6347 sections 4.2.1 to 4.2.3, RFC 5246 section 7.4.1.2.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "controlplane/dtls_cookie.h"
#include "proto/bytes.h"
#include "proto/dtls_record.h"

namespace weir::controlplane {

inline constexpr std::size_t kClientRandomBytes = 32;
using ClientRandom = std::array<std::uint8_t, kClientRandomBytes>;

/// The longest ClientHello put together here, in bytes. Browsers send 1,500 with a post-quantum key share.
inline constexpr std::uint32_t kClientHelloBytesMax = 4096;

/// What lies in front of the cipher suites; all of it has to be in the message's first fragment.
struct ClientHelloStart {
  ClientRandom random;
  proto::Bytes cookie;  ///< empty in a client's first ClientHello
  std::uint32_t message_bytes;
  std::uint16_t message_sequence;
  std::uint64_t record_sequence;
};

/// The start of a ClientHello, if `record` is an unencrypted handshake record with its first fragment.
std::optional<ClientHelloStart> parse_client_hello_start(const proto::DtlsRecordView& record);

/// Record header, handshake header, server_version, cookie length, cookie.
inline constexpr std::size_t kHelloVerifyRequestBytes =
    proto::kDtlsRecordHeaderBytes + proto::kDtlsHandshakeHeaderBytes + 2 + 1 + kDtlsCookieBytes;
/// The shortest datagram that parse_client_hello_start takes: headers, version, random, two empty vectors.
inline constexpr std::size_t kClientHelloStartBytesMin =
    proto::kDtlsRecordHeaderBytes + proto::kDtlsHandshakeHeaderBytes + 2 + kClientRandomBytes + 1 + 1;
static_assert(kHelloVerifyRequestBytes <= kClientHelloStartBytesMin, "never more bytes out than came in");

/// A HelloVerifyRequest. `record_sequence` is the ClientHello's (RFC 6347 section 4.2.1).
std::array<std::uint8_t, kHelloVerifyRequestBytes> write_hello_verify_request(const DtlsCookie& cookie,
                                                                              std::uint64_t record_sequence);

/// Puts one ClientHello together from fragments in any order and any overlap. The first byte to arrive at a place
/// stays: what comes later cannot change it.
class ClientHelloAssembly {
 public:
  /// For the message `start` begins. Its length must be at most kClientHelloBytesMax (fits()).
  explicit ClientHelloAssembly(const ClientHelloStart& start);
  static bool fits(const ClientHelloStart& start) { return start.message_bytes <= kClientHelloBytesMax; }

  /// Takes the fragments of this message that `record` holds; everything else is ignored.
  void add(const proto::DtlsRecordView& record);

  [[nodiscard]] bool complete() const { return missing_bytes_ == 0; }
  /// The whole message as one unfragmented DTLS record, for OpenSSL. complete() only.
  [[nodiscard]] std::vector<std::uint8_t> record() const;

 private:
  std::uint16_t message_sequence_;
  std::uint64_t record_sequence_;
  std::uint32_t missing_bytes_;
  std::vector<std::uint8_t> body_;
  std::vector<bool> present_;
};

}  // namespace weir::controlplane
