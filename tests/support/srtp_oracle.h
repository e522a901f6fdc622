// libsrtp2 as an oracle: one session of one direction, with a 128-packet window.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "proto/flow.h"
#include "proto/srtp_profile.h"

namespace weir::tests {

class SrtpOracle {
 public:
  enum class Direction { kSend, kReceive };
  /// master is the master key followed by the master salt, as the profile sizes them. Takes any SSRC.
  SrtpOracle(proto::SrtpProfile profile, const std::vector<std::uint8_t>& master, Direction direction);
  /// One session with several master keys, each with its MKI of the same length: packets carry it.
  struct NamedKey {
    std::vector<std::uint8_t> master;
    std::vector<std::uint8_t> mki;
  };
  SrtpOracle(proto::SrtpProfile profile, const std::vector<NamedKey>& keys, Direction direction);
  /// Which of the named keys protects from now on; the first until then.
  void send_under(unsigned key);
  ~SrtpOracle();
  SrtpOracle(SrtpOracle&&) noexcept;
  SrtpOracle& operator=(SrtpOracle&&) noexcept;

  /// The session keys that libsrtp2 makes of `master`, for Weir. RFC 3711's and RFC 6188's derivation, but for AES-192:
  /// libsrtp2 2.5 has no AES-192 PRF and runs AES-256's over the key and eight bytes of the salt.
  static proto::TransformSpec transform(proto::SrtpProfile profile, const std::vector<std::uint8_t>& master);

  // In place; false if libsrtp2 refuses, and the packet's content is then of no use.
  bool protect_rtp(std::vector<std::uint8_t>& packet);
  bool protect_rtcp(std::vector<std::uint8_t>& packet);
  bool unprotect_rtp(std::vector<std::uint8_t>& packet);
  bool unprotect_rtcp(std::vector<std::uint8_t>& packet);

  /// The rollover counter an SSRC goes on with.
  void set_roc(std::uint32_t ssrc, std::uint32_t roc);

 private:
  struct Session;
  std::unique_ptr<Session> session_;
};

}  // namespace weir::tests
