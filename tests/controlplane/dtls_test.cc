// DtlsEndpoint against OpenSSL's own client and server: handshakes, losses, roles, verdicts.
#include "controlplane/dtls.h"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tests/support/chromium_client_hello.h"
#include "tests/support/dtls_bench.h"
#include "tests/support/hex.h"

namespace weir::controlplane {
namespace {

using proto::SrtpProfile;
using tests::Datagram;
using tests::DtlsBench;
using tests::DtlsPeer;
using tests::kPeerPlace;

/// Both ends hold the same keys, the right way round.
void expect_same_keys(const DtlsSecured& ours, const DtlsPeer& peer) {
  const MasterKeyPair pair = split_exporter(ours.profile, peer.exporter(exporter_bytes(ours.profile)));
  const bool server = ours.role == sip::DtlsRole::kServer;
  const MasterKey& peer_writes = server ? *pair.client_write : *pair.server_write;
  const MasterKey& peer_reads = server ? *pair.server_write : *pair.client_write;
  EXPECT_EQ(ours.receive_key->key, peer_writes.key);
  EXPECT_EQ(ours.receive_key->salt, peer_writes.salt);
  EXPECT_EQ(ours.send_key->key, peer_reads.key);
  EXPECT_EQ(ours.send_key->salt, peer_reads.salt);
}

void start(DtlsBench& bench, DtlsPeer& peer, sip::DtlsRole role) {
  bench.endpoint.start(role, kPeerPlace, {peer.fingerprint()}, bench.now_ns);
  if (role == sip::DtlsRole::kServer) peer.step();
}

void expect_handshake(sip::DtlsRole role, const DtlsPeer::Options& options, DtlsBench::Wire wire = {}) {
  DtlsBench bench;
  bench.wire = std::move(wire);
  DtlsPeer peer(options);
  start(bench, peer, role);
  bench.run(peer);
  ASSERT_TRUE(bench.secured) << bench.failure.value_or("nothing happened");
  EXPECT_TRUE(peer.connected());
  EXPECT_EQ(bench.secured->role, role);
  EXPECT_EQ(bench.secured->version, "DTLSv1.2");
  EXPECT_EQ(bench.secured->peer, kPeerPlace);
  EXPECT_EQ(bench.secured->fingerprint, sip::write_fingerprint(peer.fingerprint()));
  EXPECT_EQ(peer.seen_fingerprint(), bench.context->certificate().fingerprint());
  expect_same_keys(*bench.secured, peer);
  EXPECT_EQ(bench.secured->short_authentication, peer.short_authentication());
}

TEST(Dtls, AsServerItSecuresAClientAfterAHelloVerifyRequest) {
  bool verified = false;
  expect_handshake(sip::DtlsRole::kServer, {}, [&](bool to_endpoint, std::size_t number, Datagram datagram) {
    if (!to_endpoint && number == 0) verified = datagram.at(13) == 3;
    return std::vector<Datagram>{std::move(datagram)};
  });
  EXPECT_TRUE(verified);
}

TEST(Dtls, AsClientItSecuresAServerWithAndWithoutCookie) {
  expect_handshake(sip::DtlsRole::kClient, {.client = false});
  expect_handshake(sip::DtlsRole::kClient, {.client = false, .cookie = true});
}

TEST(Dtls, PeersWithRsaKeysAreTaken) {
  for (const unsigned bits : {1024u, 2048u}) {
    expect_handshake(sip::DtlsRole::kServer, {.rsa_bits = bits});
    expect_handshake(sip::DtlsRole::kClient, {.client = false, .rsa_bits = bits});
  }
}

TEST(Dtls, ClientHellosInSmallFragmentsArePutTogether) {
  for (const long mtu : {256L, 400L, 700L}) expect_handshake(sip::DtlsRole::kServer, {.mtu = mtu});
}

TEST(Dtls, EveryHandshakeDatagramFitsTheMtu) {
  for (const bool client : {true, false}) {
    expect_handshake(client ? sip::DtlsRole::kServer : sip::DtlsRole::kClient, {.client = client},
                     [](bool to_endpoint, std::size_t, Datagram datagram) {
                       EXPECT_TRUE(to_endpoint || datagram.size() <= 1200) << datagram.size();
                       return std::vector<Datagram>{std::move(datagram)};
                     });
  }
}

TEST(Dtls, OurPreferenceDecidesTheProfileAsServer) {
  for (const SrtpProfile profile : {SrtpProfile::kAesCm128HmacSha1_80, SrtpProfile::kAesCm128HmacSha1_32,
                                    SrtpProfile::kAeadAes128Gcm, SrtpProfile::kAeadAes256Gcm}) {
    DtlsBench bench(DtlsOptions{.profiles = {profile}});
    DtlsPeer peer({.profiles = "SRTP_AES128_CM_SHA1_80:SRTP_AES128_CM_SHA1_32:SRTP_AEAD_AES_128_GCM:"
                               "SRTP_AEAD_AES_256_GCM"});
    start(bench, peer, sip::DtlsRole::kServer);
    bench.run(peer);
    ASSERT_TRUE(bench.secured);
    EXPECT_EQ(bench.secured->profile, profile);
    EXPECT_EQ(peer.profile(), proto::srtp_profile(profile).openssl_name);
    expect_same_keys(*bench.secured, peer);
  }
}

// Loss, repetition and reordering of each single datagram, both directions, both roles.

enum class Mishap { kLost, kRepeated, kLate };

struct MishapRow {
  Mishap mishap;
  sip::DtlsRole role;
  bool to_endpoint;
  std::size_t number;
};

class DtlsMishap : public testing::TestWithParam<MishapRow> {};

TEST_P(DtlsMishap, TheHandshakeCompletesAllTheSame) {
  const MishapRow row = GetParam();
  std::optional<Datagram> held;
  const DtlsBench::Wire wire = [&](bool to_endpoint, std::size_t number, Datagram datagram) -> std::vector<Datagram> {
    if (to_endpoint == row.to_endpoint && number == row.number) {
      if (row.mishap == Mishap::kLost) return {};
      if (row.mishap == Mishap::kRepeated) return {datagram, datagram};
      held = std::move(datagram);
      return {};
    }
    if (to_endpoint == row.to_endpoint && held) {
      std::vector<Datagram> both = {std::move(datagram), std::move(*held)};
      held.reset();
      return both;
    }
    return {std::move(datagram)};
  };
  expect_handshake(row.role, {.client = row.role == sip::DtlsRole::kServer, .cookie = true, .mtu = 500}, wire);
}

std::vector<MishapRow> mishap_rows() {
  std::vector<MishapRow> rows;
  for (const Mishap mishap : {Mishap::kLost, Mishap::kRepeated, Mishap::kLate}) {
    for (const sip::DtlsRole role : {sip::DtlsRole::kServer, sip::DtlsRole::kClient}) {
      for (const bool to_endpoint : {true, false}) {
        for (std::size_t number = 0; number < 5; ++number) rows.push_back({mishap, role, to_endpoint, number});
      }
    }
  }
  return rows;
}

INSTANTIATE_TEST_SUITE_P(EveryDatagram, DtlsMishap, testing::ValuesIn(mishap_rows()));

// A browser's ClientHello, captured, in fragments.

/// The body of the captured ClientHello, with a cookie put in if there is one.
Datagram chromium_hello(proto::Bytes cookie) {
  Datagram body = tests::from_hex(std::string(tests::kChromiumClientHelloFirst).substr(50));
  const Datagram rest = tests::from_hex(std::string(tests::kChromiumClientHelloSecond).substr(50));
  body.insert(body.end(), rest.begin(), rest.end());
  const std::size_t cookie_at = 2 + 32 + 1 + body[34];
  body[cookie_at] = static_cast<std::uint8_t>(cookie.size());
  body.insert(body.begin() + static_cast<std::ptrdiff_t>(cookie_at) + 1, cookie.begin(), cookie.end());
  return body;
}

std::vector<Datagram> in_fragments(const Datagram& body, std::size_t bytes_max, std::uint16_t message_sequence) {
  std::vector<Datagram> fragments;
  for (std::size_t at = 0; at < body.size(); at += bytes_max) {
    const std::size_t bytes = std::min(bytes_max, body.size() - at);
    Datagram datagram(25 + bytes);
    datagram[0] = 22;
    proto::store_be16(datagram.data() + 1, 0xfeff);
    proto::store_be64(datagram.data() + 3, message_sequence * 100u + fragments.size());
    proto::store_be16(datagram.data() + 11, static_cast<std::uint16_t>(12 + bytes));
    datagram[13] = 1;
    proto::store_be16(datagram.data() + 15, static_cast<std::uint16_t>(body.size()));
    proto::store_be16(datagram.data() + 17, message_sequence);
    proto::store_be16(datagram.data() + 20, static_cast<std::uint16_t>(at));
    proto::store_be16(datagram.data() + 23, static_cast<std::uint16_t>(bytes));
    std::copy_n(body.begin() + static_cast<std::ptrdiff_t>(at), bytes, datagram.begin() + 25);
    fragments.push_back(std::move(datagram));
  }
  return fragments;
}

/// The handshake type of each datagram's first record.
std::vector<int> handshake_types(const std::vector<Datagram>& datagrams) {
  std::vector<int> types;
  for (const Datagram& datagram : datagrams) types.push_back(datagram.at(13));
  return types;
}

TEST(DtlsChromium, TheCapturedHelloIsAnsweredWithACookieAndThenAServerHello) {
  for (const std::size_t bytes_max : {1175u, 600u, 100u}) {
    for (const bool reversed : {false, true}) {
      DtlsBench bench;
      bench.endpoint.listen();
      for (const Datagram& datagram : in_fragments(chromium_hello({}), bytes_max, 0))
        bench.receive(kPeerPlace, datagram);
      const std::vector<Datagram> verify = bench.take_sent_to(kPeerPlace);
      ASSERT_EQ(handshake_types(verify), std::vector{3});
      EXPECT_EQ(bench.endpoint.candidates(), 0u);

      const proto::Bytes cookie(verify[0].data() + 28, verify[0][27]);
      std::vector<Datagram> hello = in_fragments(chromium_hello(cookie), bytes_max, 1);
      if (reversed) std::reverse(hello.begin(), hello.end());
      // Twice: what came before the first fragment was dropped, and its sender repeats the whole flight.
      for (int flight = 0; flight < 2; ++flight) {
        for (const Datagram& datagram : hello) {
          bench.receive(kPeerPlace, datagram);
          bench.receive(kPeerPlace, datagram);
        }
      }
      const std::vector<Datagram> flight = bench.take_sent_to(kPeerPlace);
      ASSERT_FALSE(flight.empty());
      EXPECT_EQ(flight[0].at(13), 2);
      EXPECT_EQ(bench.endpoint.candidates(), 1u);
    }
  }
}

// Verdicts.

TEST(DtlsVerdict, TheSignalledPeerWithAnotherCertificateIsTheEnd) {
  for (const bool client : {true, false}) {
    DtlsBench bench;
    DtlsPeer peer({.client = client});
    DtlsPeer somebody({});
    const sip::DtlsRole role = client ? sip::DtlsRole::kServer : sip::DtlsRole::kClient;
    bench.endpoint.start(role, kPeerPlace, {somebody.fingerprint()}, bench.now_ns);
    if (client) peer.step();
    bench.run(peer);
    EXPECT_FALSE(bench.secured);
    EXPECT_EQ(bench.failure.value_or(""), "the peer's certificate does not match the SDP (sha-256)");
  }
}

TEST(DtlsVerdict, AStrangerWithACookieAndAnotherCertificateChangesNothing) {
  DtlsBench bench;
  DtlsPeer real({});
  DtlsPeer stranger({});
  start(bench, real, sip::DtlsRole::kServer);
  const proto::Endpoint elsewhere = tests::endpoint_of(0xc6120199, 6000);
  stranger.step();
  bench.run_quietly(stranger, elsewhere);
  EXPECT_TRUE(stranger.connected());
  EXPECT_FALSE(bench.failure);
  EXPECT_FALSE(bench.secured);
  bench.run(real);
  ASSERT_TRUE(bench.secured);
  EXPECT_EQ(bench.secured->peer, kPeerPlace);
}

TEST(DtlsVerdict, ThePeerMayComeFromAnotherPlaceThanSignalled) {
  DtlsBench bench;
  DtlsPeer peer({});
  start(bench, peer, sip::DtlsRole::kServer);
  const proto::Endpoint behind_nat = tests::endpoint_of(0xc6120142, 40000);
  bench.run(peer, behind_nat);
  ASSERT_TRUE(bench.secured);
  EXPECT_EQ(bench.secured->peer, behind_nat);
}

TEST(DtlsVerdict, AsClientItGoesOnWhereThePeerMovesToAndHearsItThere) {
  DtlsBench bench;
  DtlsPeer peer({.client = false});
  start(bench, peer, sip::DtlsRole::kClient);
  bench.turn(peer, kPeerPlace);  // the ClientHello has arrived, its answer has not
  const proto::Endpoint elsewhere = tests::endpoint_of(0xc6120142, 40000);
  bench.endpoint.follow(elsewhere);
  bench.run(peer, elsewhere);
  ASSERT_TRUE(bench.secured) << bench.failure.value_or("nothing happened");
  EXPECT_EQ(bench.secured->peer, elsewhere);
  expect_same_keys(*bench.secured, peer);
}

TEST(DtlsVerdict, AHandshakeThatOvertookTheSdpWaitsForIt) {
  DtlsBench bench;
  DtlsPeer peer({});
  bench.endpoint.listen();
  peer.step();
  bench.run_quietly(peer);
  EXPECT_TRUE(peer.connected());
  EXPECT_FALSE(bench.secured);
  bench.endpoint.start(sip::DtlsRole::kServer, kPeerPlace, {peer.fingerprint()}, bench.now_ns);
  ASSERT_TRUE(bench.secured);
  expect_same_keys(*bench.secured, peer);
}

TEST(DtlsVerdict, AHandshakeThatOvertookTheSdpIsNothingWithoutItsFingerprint) {
  DtlsBench bench;
  DtlsPeer stranger({});
  DtlsPeer real({});
  bench.endpoint.listen();
  stranger.step();
  bench.run_quietly(stranger, tests::endpoint_of(0xc6120199, 6000));
  start(bench, real, sip::DtlsRole::kServer);
  EXPECT_FALSE(bench.secured);
  EXPECT_FALSE(bench.failure);
  bench.run(real);
  ASSERT_TRUE(bench.secured);
}

TEST(DtlsVerdict, IfTheSdpMakesUsClientTheEarlyServerIsForgotten) {
  DtlsBench bench;
  DtlsPeer early({});
  bench.endpoint.listen();
  early.step();
  bench.run_quietly(early);
  DtlsPeer peer({.client = false});
  start(bench, peer, sip::DtlsRole::kClient);
  bench.run(peer);
  ASSERT_TRUE(bench.secured);
  EXPECT_EQ(bench.secured->role, sip::DtlsRole::kClient);
}

TEST(DtlsVerdict, EveryHashOfTheSdpServes) {
  for (const sip::FingerprintHash hash : {sip::FingerprintHash::kSha1, sip::FingerprintHash::kSha224,
                                          sip::FingerprintHash::kSha384, sip::FingerprintHash::kSha512}) {
    DtlsBench bench;
    DtlsPeer peer({});
    bench.endpoint.start(sip::DtlsRole::kServer, kPeerPlace, {peer.fingerprint(hash)}, bench.now_ns);
    peer.step();
    bench.run(peer);
    EXPECT_TRUE(bench.secured);
  }
}

/// Runs until the endpoint's own time is up, in virtual time.
std::string failure_at_timeout(DtlsBench& bench) {
  bench.now_ns += 11'000'000'000;
  bench.endpoint.advance(bench.now_ns);
  return bench.failure.value_or("no failure");
}

TEST(DtlsVerdict, SilenceEndsInATimeout) {
  DtlsBench bench;
  bench.endpoint.start(sip::DtlsRole::kServer, kPeerPlace, {DtlsPeer({}).fingerprint()}, bench.now_ns);
  bench.now_ns += 9'000'000'000;
  bench.endpoint.advance(bench.now_ns);
  EXPECT_FALSE(bench.failure);
  EXPECT_EQ(failure_at_timeout(bench), "no DTLS handshake within 10 s");
}

TEST(DtlsVerdict, APeerWithoutSrtpOrCertificateNeverPasses) {
  const std::map<std::string, DtlsPeer::Options> rows = {{"SRTP profile", {.profiles = ""}},
                                                         {"peer did not return a certificate", {.certificate = false}}};
  for (const auto& [wanted, options] : rows) {
    DtlsBench bench;
    DtlsPeer peer(options);
    bench.endpoint.start(sip::DtlsRole::kServer, kPeerPlace, {DtlsPeer({}).fingerprint()}, bench.now_ns);
    peer.step();
    bench.run_quietly(peer);
    EXPECT_FALSE(bench.secured);
    EXPECT_FALSE(bench.failure);
    const std::string failure = failure_at_timeout(bench);
    EXPECT_NE(failure.find(wanted), std::string::npos) << failure;
  }
}

}  // namespace
}  // namespace weir::controlplane
