// Published vectors: RFC 3711 appendix B.2 and B.3, RFC 6188 section 7, RFC 7714 sections 16 and 17.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/hex.h"
#include "tests/support/media_flows.h"
#include "tests/support/srtp_kdf.h"

namespace weir::dataplane {
namespace {

using proto::DropReason;
using proto::SrtpProfile;
using tests::from_hex;
using tests::MediaFlows;
using tests::PacketBurst;
using tests::to_hex;

constexpr char kKey[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
constexpr char kSalt[] = "517569642070726f2071756f";
constexpr std::uint32_t kSrtcpIndex = 0x5d4;

/// RFC 7714 states its vectors with session keys.
proto::TransformSpec gcm_transform(SrtpProfile profile) {
  proto::TransformSpec transform{};
  transform.profile = profile;
  for (proto::SessionKeys* keys : {&transform.rtp, &transform.rtcp}) {
    const auto key = from_hex(kKey);
    std::copy_n(key.begin(), proto::srtp_profile(profile).key_bytes, keys->encryption.begin());
    const auto salt = from_hex(kSalt);
    std::copy(salt.begin(), salt.end(), keys->salt.begin());
  }
  return transform;
}

struct Vector {
  const char* section;
  SrtpProfile profile;
  const char* clear;
  const char* secured;
};

constexpr char kRtp[] =
    "8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070 61727465 73207472 6573";
constexpr char kRtcp[] =
    "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef deadbeef deadbeef deadbeef "
    "deadbeef";

const Vector kVectors[] = {
    {"16.1.1", SrtpProfile::kAeadAes128Gcm, kRtp,
     "8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a 51c7d19b 36de3adf "
     "8833899d 7f27beb1 6a9152cf 765ee439 0cce"},
    {"16.2.1", SrtpProfile::kAeadAes256Gcm, kRtp,
     "8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02 76ffae0f 1ba63799 "
     "b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13"},
    {"17.1", SrtpProfile::kAeadAes128Gcm, kRtcp,
     "81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1 730d6fda 4ce09b46 86303ded "
     "0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade 800005d4"},
    {"17.2", SrtpProfile::kAeadAes256Gcm, kRtcp,
     "81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50 a2eaa5c1 110555be 8415f658 c61de047 "
     "6f1b6fad 1d1eb30c 4446839f 57ff6f6c b26ac3be 800005d4"},
};

TEST(Rfc7714, ProtectGivesThePublishedPackets) {
  for (const Vector& vector : kVectors) {
    SCOPED_TRACE(vector.section);
    MediaFlows flows(1);
    flows.install(0, MediaFlows::spec(0, {}, gcm_transform(vector.profile)));
    flows.flow(0).send_rtcp_next = kSrtcpIndex;
    PacketBurst burst;
    const auto packet = burst.add(flows, 0, from_hex(vector.clear));
    // What unprotect would have found. It refuses the RTCP vector: that packet's length field says 56 bytes, it has 52.
    const bool rtcp = burst.burst().kind[packet] == proto::PacketKind::kRtcp;
    burst.burst().header_bytes[packet] = rtcp ? 8 : 12;
    burst.burst().ssrc[packet] = proto::load_be32(burst.burst().data[packet] + (rtcp ? 4 : 8));
    burst.protect(flows);
    ASSERT_EQ(burst.verdict(packet), DropReason::kNone);
    EXPECT_EQ(to_hex(burst.packet(packet)), to_hex(from_hex(vector.secured)));
  }
}

TEST(Rfc7714, UnprotectGivesThePublishedPackets) {
  for (const Vector& vector : kVectors) {
    SCOPED_TRACE(vector.section);
    MediaFlows flows(1);
    flows.install(0, MediaFlows::spec(0, gcm_transform(vector.profile), {}));
    PacketBurst burst;
    const auto packet = burst.add(flows, 0, from_hex(vector.secured));
    burst.unprotect(flows);
    ASSERT_EQ(burst.verdict(packet), DropReason::kNone);
    EXPECT_EQ(to_hex(burst.packet(packet)), to_hex(from_hex(vector.clear)));
  }
}

TEST(Rfc7714, PacketsThatAreOnlyTaggedAreRefused) {
  // Section 17.3: authentic, but the E bit is clear. Policy is to take encrypted SRTCP only.
  MediaFlows flows(1);
  flows.install(0, MediaFlows::spec(0, gcm_transform(SrtpProfile::kAeadAes128Gcm), {}));
  PacketBurst burst;
  const auto packet =
      burst.add(flows, 0, from_hex(std::string(kRtcp) + "841dd968 3dd78ec9 2ae58790 125f62b3 000005d4"));
  burst.unprotect(flows);
  EXPECT_EQ(burst.verdict(packet), DropReason::kSrtcpEBitWrong);
}

struct KeystreamVector {
  const char* section;
  SrtpProfile profile;
  const char* key;
  const char* first;  ///< three blocks
  const char* last;   ///< three blocks
};

const KeystreamVector kKeystreams[] = {
    {"RFC 3711 appendix B.2", SrtpProfile::kAesCm128HmacSha1_80, "2b7e151628aed2a6abf7158809cf4f3c",
     "e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab41e95b3bb0a2e8dd477901e4fca894c0",
     "ec8cdf7398607cb0f2d21675ea9ea1e4362b7c3c6773516318a077d7fc5073ae6a2cc3787889374fbeb4c81b17ba6c44"},
    {"RFC 6188 section 7.1", SrtpProfile::kAes256CmHmacSha1_80,
     "57f82fe3613fd170a85ec93c40b1f0922ec4cb0dc025b58272147cc438944a98",
     "92bdd28a93c3f52511c677d08b5515a49da71b2378a854f67050756ded165bac63c4868b7096d88421b563b8c94c9a31",
     "cea518c90fd91ced9cbb18c078a547113dbc4814f4da5f00a08772b63c6a046d6eb246913062a16891433e97dd01a57f"},
    {"RFC 6188 section 7.3", SrtpProfile::kAes192CmHmacSha1_80, "eab234764e517b2d3d160d587d8c86219740f65f99b6bcf7",
     "35096cba4610028dc1b57503804ce37c5de986291dcce161d5165ec4568f5c9a474a40c77894bc17180202272a4c264d",
     "d108d1a31a00bad6367ec23eb044b415c8f57129fdeb970b59f917b257662d4ca5dab625811034e8cebdfeb6dc158dd3"},
};

/// One batch for all key lengths, the long messages and one that is expanded on use: none disturbs another.
TEST(AesCm, GivesThePublishedKeystreams) {
  constexpr std::size_t kStreamBytes = 1044512;
  constexpr std::size_t kRareBytes = 48;
  const auto offset = from_hex("f0f1f2f3f4f5f6f7f8f9fafbfcfd0000");
  const auto cipher = std::move(Cipher::create()).value();
  std::array<AesCmKeys, std::size(kKeystreams)> keys;
  std::vector<std::vector<std::uint8_t>> streams(std::size(kKeystreams), std::vector<std::uint8_t>(kStreamBytes));
  std::vector<std::vector<std::uint8_t>> rare(std::size(kKeystreams), std::vector<std::uint8_t>(kRareBytes));
  for (std::size_t i = 0; i < std::size(kKeystreams); ++i) {
    const SrtpProfile profile = kKeystreams[i].profile;
    proto::SessionKeys session{};
    const auto key = from_hex(kKeystreams[i].key);
    ASSERT_EQ(key.size(), proto::srtp_profile(profile).key_bytes);
    std::copy(key.begin(), key.end(), session.encryption.begin());
    cipher->expand(profile, session, keys[i]);
    std::copy(offset.begin(), offset.end(), cipher->counter_add(profile, keys[i], streams[i].data(), kStreamBytes));
    std::copy(offset.begin(), offset.end(),
              cipher->counter_add_rare(profile, session.encryption, rare[i].data(), kRareBytes));
  }
  cipher->counter_run();
  for (std::size_t i = 0; i < std::size(kKeystreams); ++i) {
    SCOPED_TRACE(kKeystreams[i].section);
    const proto::Bytes stream(streams[i]);
    EXPECT_EQ(to_hex(stream.first(48)), kKeystreams[i].first);
    EXPECT_EQ(to_hex(stream.last(48)), kKeystreams[i].last);
    EXPECT_EQ(to_hex(rare[i]), kKeystreams[i].first);
  }
}

// The derivation below is the tests' own: it stands between libsrtp2's master keys and our session keys.

TEST(Rfc3711AppendixB3, TheTestsDeriveThePublishedSessionKeys) {
  const auto key = from_hex("E1F97A0D3E018BE0D64FA32C06DE4139");
  const auto salt = from_hex("0EC675AD498AFEEBB6960B3AABE6");
  EXPECT_EQ(to_hex(tests::derive_srtp_key(key, salt, 0, 16)), "c61e7a93744f39ee10734afe3ff7a087");
  EXPECT_EQ(to_hex(tests::derive_srtp_key(key, salt, 2, 14)), "30cbbc08863d8c85d49db34a9ae1");
  EXPECT_EQ(to_hex(tests::derive_srtp_key(key, salt, 1, 94)),
            "cebe321f6ff7716b6fd4ab49af256a156d38baa48f0a0acf3c34e2359e6cdbce"
            "e049646c43d9327ad175578ef72270986371c10c9a369ac2f94a8c5fbcdddc25"
            "6d6e919a48b610ef17c2041e474035766b68642c59bbfc2f34db60dbdfb2");
}

TEST(Rfc6188Section72, TheTestsDeriveThePublishedAes256SessionKeys) {
  const auto key = from_hex("f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6");
  const auto salt = from_hex("3b04803de51ee7c96423ab5b78d2");
  EXPECT_EQ(to_hex(tests::derive_srtp_key(key, salt, 0, 32)),
            "5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4");
  EXPECT_EQ(to_hex(tests::derive_srtp_key(key, salt, 1, 20)), "fd9c32d39ed5fbb5a9dc96b30818454d1313dc05");
  EXPECT_EQ(to_hex(tests::derive_srtp_key(key, salt, 2, 14)), "fa31791685ca444a9e07c6c64e93");
}

TEST(Rfc6188Section74, TheTestsDeriveThePublishedAes192SessionKeys) {
  const auto key = from_hex("73edc66c4fa15776fb57f9505c17136550ffda71f3e8e5f1");
  const auto salt = from_hex("c8522f3acd4ce86d5add78edbb11");
  EXPECT_EQ(to_hex(tests::derive_srtp_key(key, salt, 0, 24)), "31874736a8f1143870c26e4857d8a5b2c4a354407faadabb");
  EXPECT_EQ(to_hex(tests::derive_srtp_key(key, salt, 1, 20)), "355b10973cd95b9eacf4061c7e1a7151e7cfbfcb");
  EXPECT_EQ(to_hex(tests::derive_srtp_key(key, salt, 2, 14)), "2372b82d639b6d8503a47adc0a6c");
}

}  // namespace
}  // namespace weir::dataplane
