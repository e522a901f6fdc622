#include "proto/dtls_record.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "tests/support/guarded_bytes.h"

namespace weir::proto {
namespace {

// One handshake record of epoch 0: a ClientHello fragment of 3 bytes out of 100, at offset 7.
std::vector<std::uint8_t> fragment_record() {
  return {22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 5, 0, 15, 1, 0, 0, 100, 0, 1, 0, 0, 7, 0, 0, 3, 0xaa, 0xbb, 0xcc};
}

TEST(DtlsRecord, ReadsRecordAndHandshakeHeaders) {
  const std::vector<std::uint8_t> packet = fragment_record();
  const std::optional<DtlsRecordView> record = parse_dtls_record(packet);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->content_type, 22);
  EXPECT_EQ(record->version, 0xfeff);
  EXPECT_EQ(record->epoch, 0);
  EXPECT_EQ(record->sequence, 5u);
  EXPECT_EQ(record->record_bytes, packet.size());
  const std::optional<DtlsHandshakeView> handshake = parse_dtls_handshake(record->fragment);
  ASSERT_TRUE(handshake);
  EXPECT_EQ(handshake->type, 1);
  EXPECT_EQ(handshake->message_bytes, 100u);
  EXPECT_EQ(handshake->message_sequence, 1);
  EXPECT_EQ(handshake->fragment_offset, 7u);
  EXPECT_EQ(handshake->fragment.size(), 3u);
}

TEST(DtlsRecord, RefusesEveryCut) {
  tests::GuardedBytes guarded;
  const std::vector<std::uint8_t> packet = fragment_record();
  for (std::size_t bytes = 0; bytes < packet.size(); ++bytes) {
    EXPECT_FALSE(parse_dtls_record(guarded.copy(Bytes(packet).first(bytes)))) << bytes;
  }
  const Bytes body = Bytes(packet).subspan(kDtlsRecordHeaderBytes);
  for (std::size_t bytes = 0; bytes < body.size(); ++bytes) {
    EXPECT_FALSE(parse_dtls_handshake(guarded.copy(body.first(bytes)))) << bytes;
  }
}

TEST(DtlsRecord, RefusesAFragmentThatReachesBeyondItsMessage) {
  std::vector<std::uint8_t> packet = fragment_record();
  packet[13 + 8] = 98;
  EXPECT_FALSE(parse_dtls_handshake(Bytes(packet).subspan(kDtlsRecordHeaderBytes)));
}

TEST(DtlsRecord, NeverReadsBeyondRandomBytes) {
  tests::GuardedBytes guarded;
  std::mt19937 random(2);
  for (int round = 0; round < 100'000; ++round) {
    std::vector<std::uint8_t> packet(random() % 64);
    for (std::uint8_t& byte : packet) byte = static_cast<std::uint8_t>(random() % 40);
    const MutableBytes bytes = guarded.copy(packet);
    if (const std::optional<DtlsRecordView> record = parse_dtls_record(bytes)) {
      EXPECT_LE(record->record_bytes, bytes.size());
    }
    (void)parse_dtls_handshake(bytes);
  }
}

}  // namespace
}  // namespace weir::proto
