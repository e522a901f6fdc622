// Datagrams of strangers into a DTLS port: the first byte of the input chooses the role, then each datagram is a length
// (two bytes), a source (one byte) and its bytes. The upper bits of the source ask for what chance would hardly find: a
// whole handshake message around the bytes, of the type of a ClientHello, with a valid cookie. Media as application
// data is wanted, and nobody gets as far.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "controlplane/client_hello.h"
#include "controlplane/dtls.h"
#include "controlplane/dtls_filter.h"
#include "proto/assert.h"
#include "proto/dtls_record.h"

namespace {

using namespace weir;

controlplane::DtlsContext& context() {
  static const std::unique_ptr<controlplane::DtlsContext> made = [] {
    auto result = controlplane::DtlsContext::create({});
    WEIR_ASSERT(result.ok());
    return std::move(result).value();
  }();
  return *made;
}

proto::Endpoint source_of(std::uint8_t number) {
  return {.address = proto::IpAddress::from_ipv4(0xc6120100u + (number & 7u)), .port = 5004};
}

constexpr std::uint8_t kFramed = 0x40;
constexpr std::uint8_t kClientHello = 0x20;
constexpr std::uint8_t kCookie = 0x80;

/// One unfragmented handshake message, the second of its sender, in a record of its own.
std::vector<std::uint8_t> framed(const std::vector<std::uint8_t>& body, std::uint8_t type) {
  std::vector<std::uint8_t> datagram(25);
  const auto bytes = static_cast<std::uint16_t>(body.size());
  datagram[0] = 22;
  proto::store_be16(datagram.data() + 1, 0xfefd);
  proto::store_be16(datagram.data() + 11, static_cast<std::uint16_t>(12 + bytes));
  datagram[13] = type;
  proto::store_be16(datagram.data() + 15, bytes);
  datagram[18] = 1;
  proto::store_be16(datagram.data() + 23, bytes);
  datagram.insert(datagram.end(), body.begin(), body.end());
  if (type == 1 && datagram.size() > 26) {
    datagram[25] = 0xfe;
    datagram[26] = 0xfd;
  }
  return datagram;
}

/// Puts a valid cookie where a ClientHello without session ID has room for it.
void give_cookie(std::vector<std::uint8_t>& datagram, const proto::Endpoint& source, std::uint64_t now_ns) {
  constexpr std::size_t kCookieAt = 25 + 2 + 32 + 1;
  if (datagram.size() < kCookieAt + 1 + controlplane::kDtlsCookieBytes) return;
  const controlplane::DtlsCookie cookie = context().cookies().make(source, now_ns);
  datagram[kCookieAt - 1] = 0;
  datagram[kCookieAt] = controlplane::kDtlsCookieBytes;
  std::copy(cookie.begin(), cookie.end(), datagram.begin() + kCookieAt + 1);
}

/// Once media is carried nothing of epoch 0 passes any more, and application data does that has an epoch's key.
void check_filter(proto::Bytes datagram, sip::DtlsRole role) {
  std::vector<std::uint8_t> kept(datagram.size());
  std::uint64_t sequence = 0;
  kept.resize(controlplane::filter_dtls_records(datagram, role, controlplane::DtlsStage::kCarrying, sequence, kept));
  for (proto::Bytes rest(kept); !rest.empty();) {
    const auto record = proto::parse_dtls_record(rest);
    WEIR_ASSERT(record && record->epoch == 1);
    rest = rest.subspan(record->record_bytes);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  std::size_t bytes_in = 0;
  std::size_t verify_bytes_out = 0;
  controlplane::DtlsEndpoint endpoint(context(),
                                      {.send =
                                           [&](const proto::Endpoint&, proto::Bytes datagram) {
                                             if (datagram.size() == controlplane::kHelloVerifyRequestBytes)
                                               verify_bytes_out += datagram.size();
                                           },
                                       .secured = [](const controlplane::DtlsSecured&, std::uint64_t) { std::abort(); },
                                       .failed = [](const std::string&, std::uint64_t) {},
                                       .media = [](proto::Bytes) { std::abort(); }});
  const bool client = (data[0] & 1) != 0;
  std::uint64_t now_ns = 1'000'000'000;
  endpoint.listen();
  if (client || (data[0] & 2) != 0) {
    endpoint.start(client ? sip::DtlsRole::kClient : sip::DtlsRole::kServer, source_of(0), {}, now_ns);
  }
  for (std::size_t at = 1; at + 3 <= size;) {
    const std::size_t wanted = proto::load_be16(data + at) % 1500u;
    const std::uint8_t sender = data[at + 2];
    at += 3;
    const std::size_t bytes = std::min(wanted, size - at);
    std::vector<std::uint8_t> datagram(data + at, data + at + bytes);
    at += bytes;
    if ((sender & kFramed) != 0) {
      const std::uint8_t type = datagram.empty() ? std::uint8_t{0} : datagram[0];
      datagram = framed(datagram, (sender & kClientHello) != 0 ? std::uint8_t{1} : type);
    }
    if ((sender & kCookie) != 0) give_cookie(datagram, source_of(sender), now_ns);
    bytes_in += datagram.size();
    check_filter(datagram, client ? sip::DtlsRole::kClient : sip::DtlsRole::kServer);
    endpoint.receive(source_of(sender), datagram, now_ns);
    now_ns += 100'000'000;
    endpoint.advance(now_ns);
    WEIR_ASSERT(endpoint.candidates() <= controlplane::DtlsEndpoint::kCandidatesMax);
  }
  WEIR_ASSERT(client || verify_bytes_out <= bytes_in);
  return 0;
}
