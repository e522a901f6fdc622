#include "proto/stun.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/frames.h"
#include "tests/support/guarded_bytes.h"

namespace weir::proto {
namespace {

// The first 20 bytes and the length of RFC 5769 section 2.1's sample request; its attributes are zeroed here.
std::vector<std::uint8_t> sample_request() {
  std::vector<std::uint8_t> packet = {0x00, 0x01, 0x00, 0x58, 0x21, 0x12, 0xa4, 0x42, 0xb7, 0xe7,
                                      0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae};
  packet.resize(20 + 0x58);
  return packet;
}

TEST(Stun, ReadsTheHeader) {
  const std::vector<std::uint8_t> packet = sample_request();
  const std::optional<StunView> view = parse_stun(packet);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->type, kStunBindingRequest);
  EXPECT_EQ(view->transaction_id[0], 0xb7);
  EXPECT_EQ(view->transaction_id[11], 0xae);
  EXPECT_EQ(view->attributes.size(), 0x58u);
}

TEST(Stun, RefusesEveryLengthButItsOwn) {
  tests::GuardedBytes guarded;
  std::vector<std::uint8_t> packet = sample_request();
  for (std::size_t bytes = 0; bytes < packet.size(); ++bytes) {
    EXPECT_FALSE(parse_stun(guarded.copy(Bytes(packet).first(bytes)))) << bytes;
  }
  packet.push_back(0);
  EXPECT_FALSE(parse_stun(guarded.copy(packet)));
}

TEST(Stun, RefusesAnotherCookieAnUnevenLengthAndTheTwoTopBits) {
  std::vector<std::uint8_t> cookie = sample_request();
  cookie[4] ^= 1;
  EXPECT_FALSE(parse_stun(cookie));
  std::vector<std::uint8_t> uneven = sample_request();
  uneven.pop_back();
  store_be16(&uneven[2], 0x57);
  EXPECT_FALSE(parse_stun(uneven));
  std::vector<std::uint8_t> top = sample_request();
  top[0] = 0x80;
  EXPECT_FALSE(parse_stun(top));
}

using tests::Packet;

/// A message of these attributes, as they lie in memory.
Packet message_of(std::initializer_list<Packet> attributes) {
  Packet message = sample_request();
  message.resize(kStunHeaderBytes);
  for (const Packet& attribute : attributes) message.insert(message.end(), attribute.begin(), attribute.end());
  store_be16(&message[2], static_cast<std::uint16_t>(message.size() - kStunHeaderBytes));
  return message;
}

const Packet kPriorityOne = {0, 0x24, 0, 4, 0, 0, 0, 1};
const Packet kPriorityTwo = {0, 0x24, 0, 4, 0, 0, 0, 2};

Packet attribute(std::uint16_t type, std::size_t bytes) {
  Packet made(4 + bytes);
  store_be16(made.data(), type);
  store_be16(made.data() + 2, static_cast<std::uint16_t>(bytes));
  return made;
}

TEST(StunAttributes, OfOneThatComesTwiceTheFirstCounts) {
  const Packet user = {0, 6, 0, 4, 'a', ':', 'b', 'c'};
  const Packet another = {0, 6, 0, 4, 'x', ':', 'y', 'z'};
  const Packet message = message_of({kPriorityOne, user, kPriorityTwo, another});
  const std::optional<StunAttributes> attributes = read_stun_attributes(*parse_stun(message));
  ASSERT_TRUE(attributes);
  EXPECT_EQ(attributes->priority, 1u);
  EXPECT_EQ(attributes->username[0], 'a');
}

TEST(StunAttributes, WhatFollowsTheIntegrityIsIgnoredButForTheFingerprint) {
  const Packet message = message_of({attribute(0x0008, 20), kPriorityOne, attribute(0x0025, 0), attribute(0x7777, 8),
                                     attribute(0x0008, 20), attribute(0x8028, 4)});
  const std::optional<StunAttributes> attributes = read_stun_attributes(*parse_stun(message));
  ASSERT_TRUE(attributes);
  EXPECT_EQ(attributes->integrity_offset, kStunHeaderBytes);
  EXPECT_EQ(attributes->priority, 0u);
  EXPECT_FALSE(attributes->use_candidate);
  EXPECT_EQ(attributes->unknown_count, 0);
  EXPECT_EQ(attributes->fingerprint_offset, message.size() - 8);
}

TEST(StunAttributes, WhatHasToBeUnderstoodAndIsNotIsNamedUpToALimit) {
  const Packet message = message_of({attribute(0x7001, 0), attribute(0xc057, 4), attribute(0x7002, 4)});
  const std::optional<StunAttributes> attributes = read_stun_attributes(*parse_stun(message));
  ASSERT_TRUE(attributes);
  ASSERT_EQ(attributes->unknown_count, 2);
  EXPECT_EQ(attributes->unknown[0], 0x7001);
  EXPECT_EQ(attributes->unknown[1], 0x7002);
  Packet all;
  for (std::size_t i = 0; i < kStunUnknownMax + 3; ++i) {
    const Packet one = attribute(0x7003, 0);
    all.insert(all.end(), one.begin(), one.end());
  }
  EXPECT_EQ(read_stun_attributes(*parse_stun(message_of({all})))->unknown_count, kStunUnknownMax);
}

TEST(StunAttributes, LengthsAndValuesThatCannotBeAreRefused) {
  const struct {
    const char* what;
    Packet attribute;
  } rows[] = {
      {"reaches beyond the message", {0, 6, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8}},
      {"reaches far beyond it", {0, 6, 0xff, 0xff, 0, 0, 0, 0}},
      {"three bytes of priority", {0, 0x24, 0, 3, 0, 0, 0, 0}},
      {"USE-CANDIDATE with a value", attribute(0x0025, 4)},
      {"a short tie-breaker", attribute(0x802a, 4)},
      {"a short integrity", attribute(0x0008, 16)},
      {"a long fingerprint", attribute(0x8028, 8)},
      {"a mapped address of no family", attribute(0x0020, 8)},
      {"a mapped IPv6 address that is short", {0, 0x20, 0, 8, 0, 2, 0, 0, 0, 0, 0, 0}},
      {"error 200", {0, 9, 0, 4, 0, 0, 2, 0}},
      {"error 4:100", {0, 9, 0, 4, 0, 0, 4, 100}},
  };
  tests::GuardedBytes guarded;
  for (const auto& row : rows) {
    EXPECT_FALSE(read_stun_attributes(*parse_stun(guarded.copy(message_of({row.attribute}))))) << row.what;
  }
  EXPECT_FALSE(read_stun_attributes(*parse_stun(message_of({attribute(0x8028, 4), kPriorityOne}))))
      << "FINGERPRINT is the last";
}

TEST(StunAttributes, AFingerprintOfAnyOtherMessageDoesNotHold) {
  Packet room(64);
  StunWriter writer(room, kStunBindingRequest, {1, 2, 3});
  writer.fingerprint();
  Packet message(writer.message().begin(), writer.message().end());
  EXPECT_TRUE(stun_fingerprint_holds(message, kStunHeaderBytes));
  for (std::size_t bit = 0; bit < 8 * message.size(); ++bit) {
    Packet other = message;
    other[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
    EXPECT_TRUE(!stun_fingerprint_holds(other, kStunHeaderBytes) || (bit / 8 >= 20 && bit / 8 < 24)) << bit;
  }
}

TEST(StunWriter, WritesErrorsThatTheReaderFinds) {
  Packet room(128, 0xee);
  StunWriter writer(room, kStunBindingError, {});
  writer.error_code(420, "Unknown Attribute");
  const std::uint16_t unknown[] = {0x7001, 0x7002, 0x7003};
  writer.unknown_attributes(unknown);
  const std::optional<StunView> view = parse_stun(writer.message());
  ASSERT_TRUE(view);
  EXPECT_EQ(view->type, kStunBindingError);
  EXPECT_EQ(read_stun_attributes(*view)->error_code, 420);
  EXPECT_EQ(writer.message().size(), kStunHeaderBytes + 4 + 4 + 20 + 4 + 8);
}

}  // namespace
}  // namespace weir::proto
