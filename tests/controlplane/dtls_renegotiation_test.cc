// The peer redoes its handshake inside the association: both ends have the new keys, the certificate is judged again,
// and whoever has no keys can do nothing about it. The peer is OpenSSL alone. RFC 5763 section 6.7, RFC 5746.
#include <gtest/gtest.h>

#include <algorithm>

#include "controlplane/dtls.h"
#include "controlplane/dtls_filter.h"
#include "tests/support/dtls_bench.h"

namespace weir::controlplane {
namespace {

using tests::Datagram;
using tests::DtlsBench;
using tests::DtlsPeer;
using tests::kPeerPlace;

/// A bench whose first handshake is over, and long enough ago.
struct Settled {
  explicit Settled(bool client, bool renegotiates = true)
      : bench({}, {.renegotiations = renegotiates, .media = false}), peer({.client = client}) {
    if (client) bench.endpoint.listen();
    bench.endpoint.start(client ? sip::DtlsRole::kServer : sip::DtlsRole::kClient, kPeerPlace, {peer.fingerprint()},
                         bench.now_ns);
    if (client) peer.step();
    bench.run(peer);
    WEIR_ASSERT(bench.secured && peer.connected());
    bench.now_ns += DtlsEndpoint::kRenegotiationNs;
  }

  /// Turns, with timers, for at most so many milliseconds.
  void run(int ms) {
    for (int passed = 0; passed < ms && (bench.renegotiated.empty() || !peer.connected()); passed += 5) {
      bench.run_quietly(peer);
      usleep(5000);
      bench.now_ns += 5'000'000;
      peer.advance();
      bench.endpoint.advance(bench.now_ns);
    }
    bench.run_quietly(peer);
  }

  DtlsBench bench;
  DtlsPeer peer;
};

/// What the peer exports is what we were told.
void expect_same_keys(const DtlsSecured& ours, const DtlsPeer& peer, bool peer_is_client) {
  const MasterKeyPair theirs = split_exporter(ours.profile, peer.exporter(exporter_bytes(ours.profile)));
  EXPECT_TRUE(*ours.receive_key == (peer_is_client ? *theirs.client_write : *theirs.server_write));
  EXPECT_TRUE(*ours.send_key == (peer_is_client ? *theirs.server_write : *theirs.client_write));
}

Datagram record(std::uint8_t type, std::uint16_t epoch, std::size_t bytes) {
  Datagram datagram(13 + bytes, 0x55);
  datagram[0] = type;
  proto::store_be16(datagram.data() + 1, 0xfefd);
  proto::store_be64(datagram.data() + 3, std::uint64_t{epoch} << 48 | 60);
  proto::store_be16(datagram.data() + 11, static_cast<std::uint16_t>(bytes));
  return datagram;
}

/// What a forger without any secret can think of, of every length that matters.
void forge(DtlsBench& bench) {
  for (std::uint8_t type = 20; type < 24; ++type) {
    for (std::uint16_t epoch = 0; epoch < 5; ++epoch) {
      for (const std::size_t bytes : {1u, 12u, 17u, 23u, 24u, 25u, 28u, 36u, 40u, 48u, 150u, 1'000u}) {
        bench.receive(kPeerPlace, record(type, epoch, bytes));
      }
    }
  }
}

class DtlsRenegotiation : public testing::TestWithParam<bool> {};

TEST_P(DtlsRenegotiation, GivesBothEndsOtherKeysAndTheSameCertificateMatchesAgain) {
  Settled lab(GetParam());
  const DtlsSecured before = *lab.bench.secured;
  for (std::size_t times = 1; times <= 3; ++times) {
    lab.peer.renegotiate();
    lab.bench.run_quietly(lab.peer);
    ASSERT_EQ(lab.bench.renegotiated.size(), times);
    ASSERT_TRUE(lab.peer.connected());
    const DtlsSecured& now = lab.bench.renegotiated.back();
    expect_same_keys(now, lab.peer, GetParam());
    EXPECT_FALSE(*now.receive_key == *before.receive_key);
    EXPECT_EQ(now.fingerprint, before.fingerprint);
    EXPECT_EQ(now.verdict, before.verdict);
    EXPECT_EQ(now.short_authentication, lab.peer.short_authentication());
    EXPECT_FALSE(lab.bench.endpoint.renegotiates());
    lab.bench.now_ns += DtlsEndpoint::kRenegotiationNs;
  }
  EXPECT_TRUE(lab.bench.given_up.empty());
}

TEST_P(DtlsRenegotiation, IsHeardOnlySoOftenAndThenTakenUpWhenThePeerRepeatsItself) {
  Settled lab(GetParam());
  lab.bench.now_ns -= DtlsEndpoint::kRenegotiationNs / 2;
  lab.peer.renegotiate();
  lab.bench.run_quietly(lab.peer);
  lab.run(200);
  EXPECT_TRUE(lab.bench.renegotiated.empty());
  EXPECT_TRUE(lab.bench.given_up.empty());
  EXPECT_TRUE(lab.bench.endpoint.is_renegotiable());
  lab.bench.now_ns += DtlsEndpoint::kRenegotiationNs;
  if (!GetParam()) return;  // who asks does not repeat it (RFC 6347 section 4.2.4)
  lab.run(2'000);
  ASSERT_EQ(lab.bench.renegotiated.size(), 1u);
  expect_same_keys(lab.bench.renegotiated.back(), lab.peer, GetParam());
}

TEST_P(DtlsRenegotiation, NeverBeginsWithoutThePolicy) {
  Settled lab(GetParam(), false);
  EXPECT_FALSE(lab.bench.endpoint.is_renegotiable());
  lab.peer.renegotiate();
  lab.run(200);
  EXPECT_TRUE(lab.bench.renegotiated.empty());
  EXPECT_EQ(lab.bench.endpoint.candidates(), 1u);
}

TEST_P(DtlsRenegotiation, WithAnotherCertificateHasNoEffectAndIsTheLast) {
  Settled lab(GetParam());
  lab.peer.change_certificate();
  lab.peer.renegotiate();
  lab.bench.run_quietly(lab.peer);
  EXPECT_TRUE(lab.bench.renegotiated.empty());
  ASSERT_EQ(lab.bench.given_up.size(), 1u);
  EXPECT_NE(lab.bench.given_up[0].find("certificate does not match"), std::string::npos) << lab.bench.given_up[0];
  EXPECT_FALSE(lab.bench.failure) << "what was secured is";
  EXPECT_FALSE(lab.bench.endpoint.is_renegotiable());
  EXPECT_EQ(lab.bench.endpoint.candidates(), 0u) << "nothing is kept of it";
  EXPECT_FALSE(lab.bench.endpoint.carries_media()) << "a record of application data may still come";
  lab.bench.endpoint.follow(kPeerPlace);
}

TEST_P(DtlsRenegotiation, LivesThroughTheLossOfAnyDatagram) {
  for (const bool to_endpoint : {true, false}) {
    for (std::size_t lost = 0; lost < 4; ++lost) {
      if (!GetParam() && to_endpoint && lost == 0) continue;  // a HelloRequest, which nobody repeats
      SCOPED_TRACE((to_endpoint ? "to us " : "to the peer ") + std::to_string(lost));
      Settled lab(GetParam());
      std::size_t seen = 0;
      lab.bench.wire = [&](bool direction, std::size_t, Datagram datagram) {
        if (direction == to_endpoint && seen++ == lost) return std::vector<Datagram>{};
        return std::vector<Datagram>{std::move(datagram)};
      };
      lab.peer.renegotiate();
      lab.run(3'000);
      ASSERT_EQ(lab.bench.renegotiated.size(), 1u);
      ASSERT_TRUE(lab.peer.connected());
      expect_same_keys(lab.bench.renegotiated.back(), lab.peer, GetParam());
    }
  }
}

TEST_P(DtlsRenegotiation, IsNeitherBegunNorDisturbedByWhoHasNoKeys) {
  Settled lab(GetParam());
  forge(lab.bench);
  EXPECT_FALSE(lab.bench.endpoint.renegotiates());
  EXPECT_TRUE(lab.bench.sent.empty()) << "nor do we make any noise";
  std::vector<Datagram> heard;
  lab.bench.wire = [&](bool to_endpoint, std::size_t, Datagram datagram) {
    if (to_endpoint) forge(lab.bench);
    if (to_endpoint) heard.push_back(datagram);
    return std::vector<Datagram>{std::move(datagram)};
  };
  lab.peer.renegotiate();
  lab.run(3'000);
  ASSERT_EQ(lab.bench.renegotiated.size(), 1u);
  expect_same_keys(lab.bench.renegotiated.back(), lab.peer, GetParam());
  // What was recorded of it is good for nothing.
  lab.bench.now_ns += DtlsEndpoint::kRenegotiationNs;
  lab.bench.sent.clear();
  for (const Datagram& datagram : heard) lab.bench.receive(kPeerPlace, datagram);
  EXPECT_TRUE(lab.bench.sent.empty());
  EXPECT_FALSE(lab.bench.endpoint.renegotiates());
  EXPECT_EQ(lab.bench.renegotiated.size(), 1u);
  lab.peer.renegotiate();
  lab.bench.run_quietly(lab.peer);
  EXPECT_EQ(lab.bench.renegotiated.size(), 2u) << "and the peer's next one is followed";
}

TEST_P(DtlsRenegotiation, ThatComesToNoEndIsGivenUp) {
  Settled lab(GetParam());
  std::size_t heard = 0;
  lab.bench.wire = [&](bool to_endpoint, std::size_t, Datagram datagram) {
    if (to_endpoint && heard++ > 0) return std::vector<Datagram>{};
    return std::vector<Datagram>{std::move(datagram)};
  };
  lab.peer.renegotiate();
  lab.bench.run_quietly(lab.peer);
  EXPECT_TRUE(lab.bench.endpoint.renegotiates());
  lab.bench.now_ns += DtlsOptions{}.timeout_ns;
  lab.bench.endpoint.advance(lab.bench.now_ns);
  EXPECT_EQ(lab.bench.given_up.size(), 1u);
  EXPECT_EQ(lab.bench.endpoint.candidates(), 0u);
}

TEST_P(DtlsRenegotiation, GoesOnWhereThePeerIsNow) {
  Settled lab(GetParam());
  const proto::Endpoint other = tests::endpoint_of(0xc6120102, 5010);
  lab.bench.endpoint.follow(other);
  lab.peer.renegotiate();
  while (lab.bench.turn(lab.peer, other)) {
  }
  EXPECT_EQ(lab.bench.renegotiated.size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Peers, DtlsRenegotiation, testing::Bool(),
                         [](const testing::TestParamInfo<bool>& row) { return row.param ? "AsClient" : "AsServer"; });

TEST(LaterRecords, AreThoseOfTheEpochInForceAndWhileAHandshakeRunsOfTheNext) {
  struct Row {
    const char* description;
    std::uint8_t type;
    std::uint16_t epoch;
    std::size_t bytes;
    bool quiet, welcome, running, last;
  };
  constexpr Row kRows[] = {
      {"a ClientHello", 22, 2, 180, false, true, true, false},
      {"a HelloRequest under GCM", 22, 2, 36, false, true, true, false},
      {"a Finished under GCM", 22, 2, 48, true, true, true, false},
      {"a fragment of a message", 22, 2, 40, false, true, true, false},
      {"too short for its cipher", 22, 2, 35, false, false, false, false},
      {"too short by far", 22, 2, 1, false, false, false, false},
      {"the Finished to come under ChaCha20", 22, 3, 40, false, false, false, true},
      {"too short for any", 22, 3, 23, false, false, false, false},
      {"a ChangeCipherSpec under another cipher", 20, 2, 17, false, false, false, false},
      {"the Finished to come", 22, 3, 48, false, false, false, true},
      {"a ChangeCipherSpec", 20, 2, 25, false, false, true, false},
      {"a ChangeCipherSpec to come", 20, 3, 25, false, false, false, false},
      {"an alert", 21, 2, 26, false, false, false, false},
      {"application data", 23, 2, 48, false, false, false, false},
      {"in the clear", 22, 0, 48, false, false, false, false},
      {"of before", 22, 1, 48, false, false, false, false},
      {"too early", 22, 4, 48, false, false, false, false},
  };
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.description);
    const Datagram datagram = record(row.type, row.epoch, row.bytes);
    const auto read = proto::parse_dtls_record(datagram);
    ASSERT_TRUE(read);
    EXPECT_EQ(is_taken(*read, {.epoch = 2}), row.quiet);
    EXPECT_EQ(is_taken(*read, {.epoch = 2, .may_begin = true}), row.welcome);
    EXPECT_EQ(is_taken(*read, {.epoch = 2, .runs = true}), row.running);
    EXPECT_EQ(is_taken(*read, {.epoch = 2, .runs = true, .has_next = true}), row.last);
  }
}

}  // namespace
}  // namespace weir::controlplane
