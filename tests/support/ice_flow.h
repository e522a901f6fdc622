// A media plane with one flow that speaks ICE, and the peer's connectivity checks to it.
#pragma once

#include <optional>
#include <vector>

#include "tests/support/accounting.h"
#include "tests/support/media_plane.h"
#include "tests/support/stun_peer.h"

namespace weir::tests {

class IceFlow {
 public:
  static constexpr std::uint16_t kPort = 20000;
  static constexpr std::uint32_t kIndex = 1;
  static constexpr std::uint32_t kPeer = MediaPlane::peer_address(0);

  explicit IceFlow(proto::CommandKind kind = proto::CommandKind::kInstall) {
    command_ = MediaPlane::install(kIndex, 0, kPort, 20002);
    command_.kind = kind;
    command_.spec.peer = {};
    command_.spec.source_policy = proto::SourcePolicy::kIce;
    command_.spec.punts = proto::kPuntDtls;
    command_.spec.ice[0] = ice_credentials("abcd", Check().password);
    const bool opens = kind == proto::CommandKind::kOpen;
    EXPECT_EQ(plane.command(command_).kind, opens ? proto::EventKind::kOpened : proto::EventKind::kInstalled);
  }

  MediaPlane plane;

  /// The command that made it, of another kind.
  [[nodiscard]] proto::Command command(proto::CommandKind kind) const {
    proto::Command command = command_;
    command.kind = kind;
    return command;
  }
  /// A datagram from a port of the peer, or of another address of its network.
  void arrive(const Packet& payload, std::uint16_t from = 4000, std::uint32_t address = kPeer) {
    plane.arrive(0, udp_frame({.from = MediaPlane::kPeerMac,
                               .source = address,
                               .destination = MediaPlane::our_address(0),
                               .source_port = from,
                               .destination_port = kPort,
                               .payload = payload}));
    plane.run(1);
  }
  /// What the check is answered; nullopt: nothing.
  std::optional<StunAnswer> check(const Check& check, std::uint16_t from = 4000, std::uint32_t address = kPeer) {
    arrive(stun_check(check), from, address);
    const std::vector<Packet> frames = plane.departed(0);
    EXPECT_LE(frames.size(), 1u);
    if (frames.empty()) return std::nullopt;
    answered_ = frames[0];
    return read_stun_answer(udp_payload(frames[0]), check.password);
  }
  /// A check with USE-CANDIDATE, answered.
  void nominate(std::uint16_t from, std::uint32_t transaction) {
    EXPECT_TRUE(check({.transaction = transaction, .nominates = true}, from));
  }
  /// Whether media from there leaves on the other side.
  bool passes(std::uint16_t from) {
    arrive(rtp_packet(++sequence_, 1, 20), from);
    return !plane.departed(1).empty();
  }
  bool punts_dtls(std::uint16_t from) {
    arrive({22, 254, 253, 0, 0}, from);
    return !plane.punts().empty();
  }
  [[nodiscard]] std::uint64_t dropped(proto::DropReason reason) const { return plane.dropped(reason); }
  /// The last answer's whole frame.
  [[nodiscard]] const Packet& frame() const { return answered_; }

 private:
  proto::Command command_;
  Packet answered_;
  std::uint16_t sequence_ = 0;
};

}  // namespace weir::tests
