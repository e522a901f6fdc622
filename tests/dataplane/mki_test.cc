// MKIs of one and four bytes against libsrtp2: the MKI chooses the key, and what names none is dropped by that name.
#include "dataplane/mki.h"

#include <gtest/gtest.h>

#include "tests/support/media_flows.h"
#include "tests/support/random_media.h"
#include "tests/support/secured_profiles.h"
#include "tests/support/srtp_oracle.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;
using proto::SrtpProfile;
using tests::MediaFlows;
using tests::PacketBurst;
using tests::Random;
using tests::SrtpOracle;
using Packet = std::vector<std::uint8_t>;

class Mki : public testing::TestWithParam<SrtpProfile> {
 protected:
  std::vector<SrtpOracle::NamedKey> two_keys(std::size_t mki_bytes) {
    const proto::SrtpProfileInfo& info = proto::srtp_profile(GetParam());
    std::vector<SrtpOracle::NamedKey> keys;
    for (const std::uint8_t name : {std::uint8_t{1}, std::uint8_t{2}}) {
      Packet mki(mki_bytes, 0);
      mki.back() = name;
      keys.push_back({tests::random_bytes(random_, std::size_t{info.key_bytes} + info.salt_bytes), mki});
    }
    return keys;
  }
  static proto::TransformSpec transform(const SrtpOracle::NamedKey& key) {
    proto::TransformSpec spec = SrtpOracle::transform(GetParam(), key.master);
    spec.mki_bytes = static_cast<std::uint8_t>(key.mki.size());
    std::copy(key.mki.begin(), key.mki.end(), spec.mki.begin());
    return spec;
  }
  Packet clear(bool rtcp, int sequence) {
    return rtcp ? tests::random_rtcp(random_, 7, 5)
                : tests::random_rtp(random_, 7, static_cast<std::uint16_t>(sequence), 40);
  }
  DropReason take(const Packet& packet) {
    burst_.clear();
    burst_.add(flows_, 0, packet);
    burst_.unprotect(flows_);
    return burst_.verdict(0);
  }

  Random random_{11};
  MediaFlows flows_{1};
  PacketBurst burst_;
};

TEST_P(Mki, WhatLibsrtpSendsUnderEitherKeyIsTaken) {
  for (const std::size_t mki_bytes : {std::size_t{1}, std::size_t{4}}) {
    const auto keys = two_keys(mki_bytes);
    SrtpOracle sender(GetParam(), keys, SrtpOracle::Direction::kSend);
    flows_.install(0, MediaFlows::spec(0, transform(keys[0]), {}));
    proto::FlowSpec update{};
    update.receive = transform(keys[1]);
    update.key_grace_ms = 60'000;
    for (int sequence = 1; sequence < 60; ++sequence) {
      if (sequence == 20) {
        ASSERT_TRUE(flows_.table().update_keys(0, update, 0, flows_.cipher()));
      }
      sender.send_under(sequence < 20 ? 0 : tests::below(random_, 2));
      const bool rtcp = sequence % 5 == 0;
      const Packet meant = clear(rtcp, sequence);
      Packet packet = meant;
      ASSERT_TRUE(rtcp ? sender.protect_rtcp(packet) : sender.protect_rtp(packet));
      ASSERT_EQ(take(packet), DropReason::kNone) << sequence;
      ASSERT_EQ(burst_.packet(0), meant) << sequence;
      ASSERT_NE(take(packet), DropReason::kNone) << "replayed, " << sequence;
    }
  }
}

TEST_P(Mki, LibsrtpTakesWhatIsSentUnderEitherKey) {
  for (const std::size_t mki_bytes : {std::size_t{1}, std::size_t{4}}) {
    // libsrtp2 2.5 looks for SRTCP's MKI before a tag as long as SRTP's: it takes no SRTCP of the SHA1_32 profiles.
    const proto::SrtpProfileInfo& info = proto::srtp_profile(GetParam());
    const bool one_tag_length = info.srtp_tag_bytes == info.srtcp_tag_bytes;
    const auto keys = two_keys(mki_bytes);
    SrtpOracle receiver(GetParam(), keys, SrtpOracle::Direction::kReceive);
    flows_.install(0, MediaFlows::spec(0, {}, transform(keys[0])));
    for (int sequence = 1; sequence < 60; ++sequence) {
      proto::FlowSpec update{};
      update.send = transform(keys[1]);
      update.send.keeps_indexes = 1;
      if (sequence == 30) {
        ASSERT_TRUE(flows_.table().update_keys(0, update, 0, flows_.cipher()));
      }
      const bool rtcp = one_tag_length && sequence % 5 == 0;
      const Packet meant = clear(rtcp, sequence);
      ASSERT_EQ(take(meant), DropReason::kNone);
      burst_.protect(flows_);
      Packet packet = burst_.packet(0);
      ASSERT_TRUE(rtcp ? receiver.unprotect_rtcp(packet) : receiver.unprotect_rtp(packet)) << sequence;
      ASSERT_EQ(packet, meant);
    }
  }
}

TEST_P(Mki, ANameThatNoKeyHasIsDroppedByThatName) {
  const auto keys = two_keys(4);
  SrtpOracle sender(GetParam(), keys, SrtpOracle::Direction::kSend);
  flows_.install(0, MediaFlows::spec(0, transform(keys[0]), {}));
  for (const bool rtcp : {false, true}) {
    Packet packet = clear(rtcp, 1);
    sender.send_under(1);
    ASSERT_TRUE(rtcp ? sender.protect_rtcp(packet) : sender.protect_rtp(packet));
    EXPECT_EQ(take(packet), DropReason::kMkiUnknown);
    sender.send_under(0);
    packet = clear(rtcp, 2);
    ASSERT_TRUE(rtcp ? sender.protect_rtcp(packet) : sender.protect_rtp(packet));
    Packet forged = packet;
    forged[10] ^= 1;  // RTP's and RTCP's alike: signed, behind what is parsed
    EXPECT_NE(take(forged), DropReason::kNone);
    EXPECT_EQ(take(packet), DropReason::kNone);
  }
}

TEST_P(Mki, NoLengthIsReadOrWrittenOutOfBounds) {
  const auto keys = two_keys(4);
  flows_.install(0, MediaFlows::spec(0, transform(keys[0]), transform(keys[1])));
  proto::FlowSpec update{};
  update.receive = transform(keys[1]);
  update.send = transform(keys[0]);
  update.key_grace_ms = 60'000;
  ASSERT_TRUE(flows_.table().update_keys(0, update, 0, flows_.cipher()));
  for (std::size_t bytes = 2; bytes < 80; ++bytes) {
    for (const std::uint8_t type : {std::uint8_t{0}, std::uint8_t{200}}) {
      Packet packet = tests::random_bytes(random_, bytes);
      packet[0] = 0x80;
      packet[1] = type;
      EXPECT_NE(take(packet), DropReason::kNone) << bytes;
    }
  }
}

TEST_P(Mki, APacketWithoutRoomForItIsTooLongAndUsesNoIndex) {
  const auto keys = two_keys(4);
  flows_.install(0, MediaFlows::spec(0, {}, transform(keys[0])));
  for (const bool rtcp : {false, true}) {
    burst_.clear();
    burst_.add(flows_, 0, clear(rtcp, 1));
    burst_.unprotect(flows_);
    const proto::SrtpProfileInfo& info = proto::srtp_profile(GetParam());
    const std::uint32_t tag_bytes = rtcp ? info.srtcp_tag_bytes + 4u : info.srtp_tag_bytes;
    burst_.burst().room[0] = burst_.burst().bytes[0] + tag_bytes + 3;
    burst_.protect(flows_);
    EXPECT_EQ(burst_.verdict(0), DropReason::kTooLong);
  }
  EXPECT_TRUE(flows_.flow(0).send_rtp[0].window.empty());
  EXPECT_EQ(flows_.flow(0).send_rtcp_next, 0u);
}

INSTANTIATE_TEST_SUITE_P(Profiles, Mki, testing::ValuesIn(tests::secured_profiles()), tests::kNameOfProfile);

}  // namespace
}  // namespace weir::dataplane
