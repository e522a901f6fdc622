// The stateless part of the DTLS server: cookies, HelloVerifyRequest, fragments; and the record filter.
#include "controlplane/client_hello.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "controlplane/dtls_filter.h"
#include "tests/support/chromium_client_hello.h"
#include "tests/support/hex.h"

namespace weir::controlplane {
namespace {

using tests::from_hex;
using Datagram = std::vector<std::uint8_t>;

proto::Endpoint endpoint(std::uint32_t address, std::uint16_t port) {
  return {.address = proto::IpAddress::from_ipv4(address), .port = port};
}

constexpr std::uint64_t kSecondNs = 1'000'000'000;

TEST(DtlsCookies, AreOfOneSourceAndOneProcess) {
  DtlsCookies cookies;
  DtlsCookies others;
  const proto::Endpoint source = endpoint(0xc6120102, 5004);
  const DtlsCookie cookie = cookies.make(source, kSecondNs);
  EXPECT_TRUE(cookies.valid(source, cookie, kSecondNs));
  EXPECT_FALSE(cookies.valid(endpoint(0xc6120102, 5005), cookie, kSecondNs));
  EXPECT_FALSE(cookies.valid(endpoint(0xc6120103, 5004), cookie, kSecondNs));
  EXPECT_FALSE(others.valid(source, cookie, kSecondNs));
  EXPECT_FALSE(cookies.valid(source, {}, kSecondNs));
  EXPECT_FALSE(cookies.valid(source, {cookie.data(), 15}, kSecondNs));
  for (std::size_t bit = 0; bit < 128; ++bit) {
    DtlsCookie flipped = cookie;
    flipped[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    EXPECT_FALSE(cookies.valid(source, flipped, kSecondNs));
  }
}

TEST(DtlsCookies, LiveForOnePeriodAfterTheirOwnAndNoLonger) {
  DtlsCookies cookies;
  const proto::Endpoint source = endpoint(0xc6120102, 5004);
  const std::uint64_t made_ns = 1000 * kSecondNs;
  const DtlsCookie cookie = cookies.make(source, made_ns);
  EXPECT_TRUE(cookies.valid(source, cookie, made_ns + DtlsCookies::kRotationNs + kSecondNs));
  EXPECT_FALSE(cookies.valid(source, cookie, made_ns + 2 * DtlsCookies::kRotationNs + 2 * kSecondNs));
  const DtlsCookie later = cookies.make(source, made_ns + 5 * DtlsCookies::kRotationNs);
  EXPECT_FALSE(cookies.valid(source, later, made_ns + 8 * DtlsCookies::kRotationNs));
}

TEST(ClientHello, TheStartOfAFirstFragmentIsEnough) {
  const Datagram first = from_hex(tests::kChromiumClientHelloFirst);
  const auto start = parse_client_hello_start(*proto::parse_dtls_record(first));
  ASSERT_TRUE(start);
  EXPECT_EQ(start->message_bytes, 0x585u);
  EXPECT_EQ(start->message_sequence, 0);
  EXPECT_TRUE(start->cookie.empty());
  EXPECT_EQ(tests::to_hex(start->random).substr(0, 8), "779f9180");
  const Datagram second = from_hex(tests::kChromiumClientHelloSecond);
  EXPECT_FALSE(parse_client_hello_start(*proto::parse_dtls_record(second)));
}

TEST(ClientHello, EveryTruncationIsRefusedUntilTheCookieIsThere) {
  const Datagram whole = from_hex(tests::kChromiumClientHelloFirst);
  for (std::size_t body_bytes = 0; body_bytes < 36 + 40; ++body_bytes) {
    Datagram cut(whole.begin(), whole.begin() + 25 + static_cast<std::ptrdiff_t>(body_bytes));
    proto::store_be16(cut.data() + 11, static_cast<std::uint16_t>(12 + body_bytes));
    cut[23] = 0;
    cut[24] = static_cast<std::uint8_t>(body_bytes);
    const auto record = proto::parse_dtls_record(cut);
    ASSERT_TRUE(record);
    const std::size_t needed = 2 + 32 + 1 + whole[25 + 34] + 1;
    EXPECT_EQ(parse_client_hello_start(*record).has_value(), body_bytes >= needed) << body_bytes;
  }
}

TEST(ClientHello, AHelloVerifyRequestIsWellFormedAndSmallerThanAnyClientHello) {
  DtlsCookie cookie;
  cookie.fill(0x5a);
  const auto datagram = write_hello_verify_request(cookie, 7);
  const auto record = proto::parse_dtls_record(datagram);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->record_bytes, datagram.size());
  EXPECT_EQ(record->version, 0xfeff);
  EXPECT_EQ(record->epoch, 0);
  EXPECT_EQ(record->sequence, 7u);
  const auto handshake = proto::parse_dtls_handshake(record->fragment);
  ASSERT_TRUE(handshake);
  EXPECT_EQ(handshake->type, 3);
  EXPECT_EQ(handshake->message_sequence, 0);
  EXPECT_EQ(tests::to_hex(handshake->fragment), "feff105a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a");
}

/// A fragment of a message, as a record of its own.
Datagram fragment(const Datagram& body, std::size_t offset, std::size_t bytes, std::uint16_t message_sequence = 1) {
  Datagram datagram(25 + bytes);
  datagram[0] = 22;
  datagram[1] = 0xfe;
  datagram[2] = 0xfd;
  proto::store_be16(datagram.data() + 11, static_cast<std::uint16_t>(12 + bytes));
  datagram[13] = 1;
  proto::store_be16(datagram.data() + 15, static_cast<std::uint16_t>(body.size()));
  proto::store_be16(datagram.data() + 17, message_sequence);
  proto::store_be16(datagram.data() + 20, static_cast<std::uint16_t>(offset));
  proto::store_be16(datagram.data() + 23, static_cast<std::uint16_t>(bytes));
  std::copy_n(body.begin() + static_cast<std::ptrdiff_t>(offset), bytes, datagram.begin() + 25);
  return datagram;
}

Datagram sample_body(std::size_t bytes) {
  Datagram body(bytes);
  for (std::size_t i = 0; i < bytes; ++i) body[i] = static_cast<std::uint8_t>(i * 31 + 7);
  body[0] = 0xfe;
  body[34] = 0;
  body[35] = 0;
  return body;
}

ClientHelloStart start_of(const Datagram& body) {
  const Datagram first = fragment(body, 0, 100);
  return *parse_client_hello_start(*proto::parse_dtls_record(first));
}

TEST(ClientHelloAssembly, PutsFragmentsTogetherInAnyOrderAndOverlap) {
  const Datagram body = sample_body(1413);
  ClientHelloAssembly assembly(start_of(body));
  for (const auto& [offset, bytes] :
       {std::pair<std::size_t, std::size_t>{1175, 238}, {500, 700}, {500, 700}, {0, 100}}) {
    assembly.add(*proto::parse_dtls_record(fragment(body, offset, bytes)));
    EXPECT_FALSE(assembly.complete());
  }
  assembly.add(*proto::parse_dtls_record(fragment(body, 50, 600)));
  ASSERT_TRUE(assembly.complete());
  const Datagram whole = assembly.record();
  EXPECT_EQ(Datagram(whole.begin() + 25, whole.end()), body);
  EXPECT_EQ(proto::parse_dtls_record(whole)->record_bytes, whole.size());
}

TEST(ClientHelloAssembly, WhatCameFirstStays) {
  const Datagram body = sample_body(400);
  Datagram forged = body;
  std::fill(forged.begin() + 36, forged.end(), std::uint8_t{0});
  ClientHelloAssembly assembly(start_of(body));
  assembly.add(*proto::parse_dtls_record(fragment(body, 0, 300)));
  assembly.add(*proto::parse_dtls_record(fragment(forged, 0, 300)));
  assembly.add(*proto::parse_dtls_record(fragment(body, 300, 100)));
  const Datagram whole = assembly.record();
  EXPECT_EQ(Datagram(whole.begin() + 25, whole.end()), body);
}

TEST(ClientHelloAssembly, OtherMessagesAreNotPartOfIt) {
  const Datagram body = sample_body(400);
  ClientHelloAssembly assembly(start_of(body));
  assembly.add(*proto::parse_dtls_record(fragment(body, 0, 400, 2)));
  assembly.add(*proto::parse_dtls_record(fragment(sample_body(401), 0, 401)));
  Datagram later_epoch = fragment(body, 0, 400);
  later_epoch[4] = 1;
  assembly.add(*proto::parse_dtls_record(later_epoch));
  EXPECT_FALSE(assembly.complete());
}

// The filter: rows of one record each.

Datagram record(std::uint8_t type, std::uint16_t version, std::uint16_t epoch, const Datagram& fragment_bytes) {
  Datagram datagram(13);
  datagram[0] = type;
  proto::store_be16(datagram.data() + 1, version);
  proto::store_be16(datagram.data() + 3, epoch);
  proto::store_be16(datagram.data() + 11, static_cast<std::uint16_t>(fragment_bytes.size()));
  datagram.insert(datagram.end(), fragment_bytes.begin(), fragment_bytes.end());
  return datagram;
}

Datagram message(std::uint8_t type, std::size_t bytes = 4) {
  Datagram handshake(12 + bytes);
  handshake[0] = type;
  handshake[3] = static_cast<std::uint8_t>(bytes);
  handshake[11] = static_cast<std::uint8_t>(bytes);
  return handshake;
}

std::size_t filtered(const Datagram& datagram, sip::DtlsRole role, DtlsStage stage) {
  std::vector<std::uint8_t> out(datagram.size());
  std::uint64_t sequence = 0;
  return filter_dtls_records(datagram, role, stage, sequence, out);
}

TEST(DtlsFilter, KeepsWhatTheOtherRoleSendsAndNothingElse) {
  struct Row {
    const char* description;
    Datagram datagram;
    bool server_keeps;
    bool client_keeps;
    bool connected_keeps;
  };
  const Row rows[] = {
      {"alert, epoch 0", record(21, 0xfefd, 0, {2, 40}), false, false, false},
      {"alert, epoch 1", record(21, 0xfefd, 1, Datagram(26)), true, true, true},
      {"ClientHello", record(22, 0xfefd, 0, message(1)), false, false, false},
      {"HelloRequest", record(22, 0xfefd, 0, message(0, 0)), false, false, false},
      {"ServerHello", record(22, 0xfefd, 0, message(2)), false, true, false},
      {"HelloVerifyRequest of DTLS 1.0", record(22, 0xfeff, 0, message(3)), false, true, false},
      {"Certificate", record(22, 0xfefd, 0, message(11)), true, true, false},
      {"ClientKeyExchange", record(22, 0xfefd, 0, message(16)), true, false, false},
      {"CertificateVerify", record(22, 0xfefd, 0, message(15)), true, false, false},
      {"NewSessionTicket", record(22, 0xfefd, 0, message(4)), false, false, false},
      {"unknown message", record(22, 0xfefd, 0, message(99)), false, false, false},
      {"handshake cut short", record(22, 0xfefd, 0, Datagram(5)), false, false, false},
      {"empty handshake", record(22, 0xfefd, 0, {}), false, false, false},
      {"ChangeCipherSpec", record(20, 0xfefd, 0, {1}), true, true, false},
      {"ChangeCipherSpec of two bytes", record(20, 0xfefd, 0, {1, 1}), false, false, false},
      {"handshake, epoch 1", record(22, 0xfefd, 1, Datagram(40)), true, true, true},
      {"too short for a tag, epoch 1", record(22, 0xfefd, 1, Datagram(23)), false, false, false},
      {"alert, epoch 1", record(21, 0xfefd, 1, Datagram(26)), true, true, true},
      {"alert too short for a tag, epoch 1", record(21, 0xfefd, 1, Datagram(23)), false, false, false},
      {"handshake, epoch 2", record(22, 0xfefd, 2, Datagram(40)), false, false, false},
      {"application data, epoch 0", record(23, 0xfefd, 0, Datagram(40)), false, false, false},
      {"application data, epoch 1", record(23, 0xfefd, 1, Datagram(40)), false, false, false},
      {"TLS 1.2", record(22, 0x0303, 0, message(11)), false, false, false},
      {"garbage", Datagram(50, 0x16), false, false, false},
  };
  for (const Row& row : rows) {
    const auto kept = [&](bool keeps) { return keeps ? row.datagram.size() : 0; };
    EXPECT_EQ(filtered(row.datagram, sip::DtlsRole::kServer, DtlsStage::kHandshaking), kept(row.server_keeps))
        << row.description;
    EXPECT_EQ(filtered(row.datagram, sip::DtlsRole::kClient, DtlsStage::kHandshaking), kept(row.client_keeps))
        << row.description;
    EXPECT_EQ(filtered(row.datagram, sip::DtlsRole::kServer, DtlsStage::kConnected), kept(row.connected_keeps))
        << row.description;
    const bool media = std::string_view(row.description) == "application data, epoch 1";
    EXPECT_EQ(filtered(row.datagram, sip::DtlsRole::kClient, DtlsStage::kCarrying), kept(row.connected_keeps || media))
        << row.description;
  }
}

TEST(DtlsFilter, TakesUnfitRecordsOutOfADatagramAndKeepsTheOthersInOrder) {
  const Datagram alert = record(21, 0xfefd, 0, {2, 40});
  const Datagram certificate = record(22, 0xfefd, 0, message(11));
  const Datagram finished = record(22, 0xfefd, 1, Datagram(40));
  Datagram datagram = alert;
  for (const Datagram& part : {certificate, alert, finished, alert}) {
    datagram.insert(datagram.end(), part.begin(), part.end());
  }
  Datagram wanted = certificate;
  wanted.insert(wanted.end(), finished.begin(), finished.end());
  Datagram out(datagram.size());
  std::uint64_t sequence = 0;
  out.resize(filter_dtls_records(datagram, sip::DtlsRole::kServer, DtlsStage::kHandshaking, sequence, out));
  EXPECT_EQ(out, wanted);
}

TEST(DtlsFilter, RecordsOfEpoch0AreNumberedAnewAndOthersNot) {
  Datagram forged = record(22, 0xfefd, 0, message(11));
  proto::store_be64(forged.data() + 3, 0x7fffffffffff);
  const Datagram encrypted = record(22, 0xfefd, 1, Datagram(40));
  forged.insert(forged.end(), encrypted.begin(), encrypted.end());
  Datagram out(forged.size());
  std::uint64_t sequence = 5;
  ASSERT_EQ(filter_dtls_records(forged, sip::DtlsRole::kServer, DtlsStage::kHandshaking, sequence, out), out.size());
  EXPECT_EQ(sequence, 6u);
  EXPECT_EQ(proto::parse_dtls_record(out)->sequence, 5u);
  const auto second = proto::parse_dtls_record(proto::Bytes(out).subspan(proto::parse_dtls_record(out)->record_bytes));
  EXPECT_EQ(second->epoch, 1);
  EXPECT_EQ(second->sequence, 0u);
}

TEST(DtlsFilter, OneUnexpectedMessageSpoilsItsRecord) {
  Datagram both = message(11);
  const Datagram hello = message(1);
  both.insert(both.end(), hello.begin(), hello.end());
  EXPECT_EQ(filtered(record(22, 0xfefd, 0, both), sip::DtlsRole::kServer, DtlsStage::kHandshaking), 0u);
}

}  // namespace
}  // namespace weir::controlplane
