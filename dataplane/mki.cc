#include "dataplane/mki.h"

#include <cstring>

#include "dataplane/burst.h"
#include "dataplane/srtp_iv.h"
#include "proto/rtp.h"

namespace weir::dataplane {
namespace {

/// What follows the MKI.
std::size_t bytes_behind_mki(const Burst& burst, std::uint32_t packet, proto::SrtpProfile profile) {
  return proto::srtp_profile(profile).aead ? 0 : tag_bytes_of(profile, is_rtcp(burst, packet));
}

}  // namespace

bool has_room_for_mki(const Burst& burst, std::uint32_t packet, proto::SrtpProfile profile, const Mki& mki) {
  const std::size_t header_bytes =
      is_rtcp(burst, packet) ? kSrtcpHeaderBytes + kSrtcpIndexBytes : proto::kRtpHeaderBytesMin;
  return burst.bytes[packet] >= header_bytes + mki.bytes + tag_bytes_of(profile, is_rtcp(burst, packet));
}

bool names_key(const Burst& burst, std::uint32_t packet, proto::SrtpProfile profile, const Mki& mki) {
  const std::size_t behind = bytes_behind_mki(burst, packet, profile);
  const std::uint8_t* at = burst.data[packet] + burst.bytes[packet] - behind - mki.bytes;
  return std::memcmp(at, mki.value.data(), mki.bytes) == 0;  // no secret
}

void take_off_mki(Burst& burst, std::uint32_t packet, proto::SrtpProfile profile, const Mki& mki) {
  const std::size_t behind = bytes_behind_mki(burst, packet, profile);
  std::uint8_t* tag = burst.data[packet] + burst.bytes[packet] - behind;
  std::memmove(tag - mki.bytes, tag, behind);
  burst.bytes[packet] -= mki.bytes;
}

void put_on_mki(Burst& burst, std::uint32_t packet, proto::SrtpProfile profile, const Mki& mki) {
  const std::size_t behind = bytes_behind_mki(burst, packet, profile);
  std::uint8_t* tag = burst.data[packet] + burst.bytes[packet] - behind;
  std::memmove(tag + mki.bytes, tag, behind);
  std::memcpy(tag, mki.value.data(), mki.bytes);
  burst.bytes[packet] += mki.bytes;
}

}  // namespace weir::dataplane
