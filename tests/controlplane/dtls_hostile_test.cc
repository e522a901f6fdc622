// What forgers may send to a DTLS port, and that none of it stops the real peer or makes more noise than it is worth.
#include <gtest/gtest.h>
#include <malloc.h>

#include <random>
#include <vector>

#include "controlplane/client_hello.h"
#include "controlplane/dtls.h"
#include "proto/dtls_record.h"
#include "tests/support/chromium_client_hello.h"
#include "tests/support/dtls_bench.h"
#include "tests/support/hex.h"

namespace weir::controlplane {
namespace {

using tests::Datagram;
using tests::DtlsBench;
using tests::DtlsPeer;
using tests::endpoint_of;
using tests::kPeerPlace;

Datagram chromium_first() {
  return tests::from_hex(tests::kChromiumClientHelloFirst);
}

/// A record of epoch 0 or 1 around `fragment`.
Datagram record(std::uint8_t type, std::uint16_t epoch, const Datagram& fragment) {
  Datagram datagram(13);
  datagram[0] = type;
  proto::store_be16(datagram.data() + 1, 0xfefd);
  proto::store_be16(datagram.data() + 3, epoch);
  proto::store_be64(datagram.data() + 3, std::uint64_t{epoch} << 48 | 500);
  proto::store_be16(datagram.data() + 11, static_cast<std::uint16_t>(fragment.size()));
  datagram.insert(datagram.end(), fragment.begin(), fragment.end());
  return datagram;
}

/// What a forger without any secret can think of.
std::vector<Datagram> noise(std::mt19937& random) {
  std::vector<Datagram> all;
  all.push_back(record(21, 0, {2, 40}));  // handshake_failure
  all.push_back(record(21, 0, {1, 0}));   // close_notify
  all.push_back(record(21, 1, Datagram(26, 0x55)));
  all.push_back(record(23, 1, Datagram(40, 0x55)));
  all.push_back(record(22, 1, Datagram(40, 0x55)));
  all.push_back(record(22, 2, Datagram(40, 0x55)));
  all.push_back(record(20, 0, {1}));           // ChangeCipherSpec: OpenSSL drops it where it is not expected
  all.push_back(record(22, 0, Datagram(12)));  // HelloRequest
  all.push_back(chromium_first());
  Datagram with_cookie = chromium_first();
  with_cookie[18] = 1;  // message sequence 1: claims a cookie that is not there
  all.push_back(with_cookie);
  Datagram second = tests::from_hex(tests::kChromiumClientHelloSecond);
  all.push_back(second);
  second[18] = 1;
  all.push_back(second);
  for (int i = 0; i < 8; ++i) {
    Datagram garbage(random() % 200 + 1);
    for (std::uint8_t& byte : garbage) byte = static_cast<std::uint8_t>(random());
    garbage[0] = static_cast<std::uint8_t>(20 + random() % 44);
    all.push_back(garbage);
  }
  return all;
}

TEST(DtlsHostile, ClientHellosFromAHundredThousandSourcesLeaveNothingBehindAndGetLessThanTheySend) {
  auto context = tests::make_dtls_context();
  std::size_t bytes_out = 0;
  DtlsEndpoint endpoint(*context,
                        {.send = [&](const proto::Endpoint&, proto::Bytes bytes) { bytes_out += bytes.size(); },
                         .secured = {},
                         .failed = {}});
  endpoint.listen();
  const Datagram hello = chromium_first();
  const auto flood = [&](std::uint32_t first, std::uint32_t sources) {
    for (std::uint32_t i = first; i < first + sources; ++i) {
      endpoint.receive(endpoint_of(0x0a000000 + i, static_cast<std::uint16_t>(1024 + i % 60000)), hello, 1'000'000'000);
    }
  };
  flood(0, 100);
  const std::size_t before = mallinfo2().uordblks;
  flood(100, 100'000);
  EXPECT_LE(mallinfo2().uordblks, before + 4096);
  EXPECT_EQ(endpoint.candidates(), 0u);
  EXPECT_GT(bytes_out, 0u);
  EXPECT_LE(bytes_out, 100'100 * hello.size());
}

TEST(DtlsHostile, TheShortestClientHelloGetsNoMoreThanItSends) {
  DtlsBench bench;
  bench.endpoint.listen();
  Datagram shortest(kClientHelloStartBytesMin);
  shortest[0] = 22;
  proto::store_be16(shortest.data() + 1, 0xfefd);
  proto::store_be16(shortest.data() + 11, static_cast<std::uint16_t>(shortest.size() - 13));
  shortest[13] = 1;
  shortest[16] = static_cast<std::uint8_t>(shortest.size() - 25);
  shortest[24] = static_cast<std::uint8_t>(shortest.size() - 25);
  shortest[25] = 0xfe;
  bench.receive(kPeerPlace, shortest);
  ASSERT_EQ(bench.sent.size(), 1u);
  EXPECT_LE(bench.sent.front().second.size(), shortest.size());
}

TEST(DtlsHostile, NoiseFromThePeersOwnAddressBeforeEveryDatagramDoesNotStopTheServersHandshake) {
  std::mt19937 random(1);
  for (int round = 0; round < 20; ++round) {
    DtlsBench bench;
    DtlsPeer peer({.mtu = 400});
    bench.endpoint.start(sip::DtlsRole::kServer, kPeerPlace, {peer.fingerprint()}, bench.now_ns);
    bench.wire = [&](bool to_endpoint, std::size_t, Datagram datagram) {
      std::vector<Datagram> delivered = to_endpoint ? noise(random) : std::vector<Datagram>();
      delivered.push_back(std::move(datagram));
      return delivered;
    };
    peer.step();
    bench.run(peer);
    ASSERT_TRUE(bench.secured) << bench.failure.value_or("nothing happened") << " in round " << round;
    EXPECT_TRUE(peer.connected());
  }
}

TEST(DtlsHostile, RecordsTooShortForATagBetweenAnyTwoOfThePeersDoNotStopItsHandshake) {
  for (const bool client : {true, false}) {
    for (const std::size_t bytes : {1u, 12u, 23u}) {
      SCOPED_TRACE((client ? "a client, " : "a server, ") + std::to_string(bytes));
      DtlsBench bench;
      DtlsPeer peer({.client = client});
      bench.endpoint.start(client ? sip::DtlsRole::kServer : sip::DtlsRole::kClient, kPeerPlace, {peer.fingerprint()},
                           bench.now_ns);
      bench.wire = [&](bool to_endpoint, std::size_t, Datagram datagram) {
        if (!to_endpoint) return std::vector<Datagram>{std::move(datagram)};
        std::vector<Datagram> delivered;
        proto::Bytes rest(datagram);
        while (const auto next = proto::parse_dtls_record(rest)) {
          delivered.push_back(record(21, 1, Datagram(bytes, 0x55)));
          delivered.push_back(record(22, 1, Datagram(bytes, 0x55)));
          delivered.emplace_back(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(next->record_bytes));
          rest = rest.subspan(next->record_bytes);
        }
        return delivered;
      };
      if (client) peer.step();
      bench.run(peer);
      EXPECT_TRUE(bench.secured) << bench.failure.value_or("nothing happened");
    }
  }
}

TEST(DtlsHostile, NoiseFromThePeersOwnAddressDoesNotStopTheClientsHandshake) {
  std::mt19937 random(2);
  for (int round = 0; round < 20; ++round) {
    DtlsBench bench;
    DtlsPeer peer({.client = false});
    bench.endpoint.start(sip::DtlsRole::kClient, kPeerPlace, {peer.fingerprint()}, bench.now_ns);
    bench.wire = [&](bool to_endpoint, std::size_t, Datagram datagram) {
      std::vector<Datagram> delivered = to_endpoint ? noise(random) : std::vector<Datagram>();
      delivered.push_back(std::move(datagram));
      return delivered;
    };
    bench.run(peer);
    ASSERT_TRUE(bench.secured) << bench.failure.value_or("nothing happened") << " in round " << round;
  }
}

TEST(DtlsHostile, NothingUnauthenticatedIsHeardOrAnsweredOnceThePeerIsSecured) {
  std::mt19937 random(3);
  DtlsBench bench;
  DtlsPeer peer({});
  bench.endpoint.start(sip::DtlsRole::kServer, kPeerPlace, {peer.fingerprint()}, bench.now_ns);
  peer.step();
  bench.run(peer);
  ASSERT_TRUE(bench.secured);
  bench.sent.clear();
  bench.secured.reset();
  for (const proto::Endpoint& place : {kPeerPlace, endpoint_of(0xc6120199, 6000)}) {
    for (int i = 0; i < 50; ++i) {
      for (const Datagram& datagram : noise(random)) bench.receive(place, datagram);
    }
  }
  EXPECT_TRUE(bench.sent.empty());
  EXPECT_FALSE(bench.secured);
  EXPECT_FALSE(bench.failure);
}

/// A ClientHello with a valid cookie for `place`, and a random of its own: what only someone who reads the datagrams
/// sent to `place` can make.
Datagram hello_with_cookie(DtlsBench& bench, const proto::Endpoint& place, std::uint8_t mark) {
  Datagram body = tests::from_hex(std::string(tests::kChromiumClientHelloFirst).substr(50));
  const Datagram rest = tests::from_hex(std::string(tests::kChromiumClientHelloSecond).substr(50));
  body.insert(body.end(), rest.begin(), rest.end());
  body[10] = mark;
  const DtlsCookie cookie = bench.context->cookies().make(place, bench.now_ns);
  const std::ptrdiff_t cookie_at = 2 + 32 + 1 + body[34];
  body[static_cast<std::size_t>(cookie_at)] = kDtlsCookieBytes;
  body.insert(body.begin() + cookie_at + 1, cookie.begin(), cookie.end());
  Datagram datagram(12);
  datagram[0] = 1;
  proto::store_be16(datagram.data() + 2, static_cast<std::uint16_t>(body.size()));
  datagram[5] = 1;
  proto::store_be16(datagram.data() + 10, static_cast<std::uint16_t>(body.size()));
  datagram.insert(datagram.end(), body.begin(), body.end());
  return record(22, 0, datagram);
}

TEST(DtlsHostile, AnotherHelloWithAValidCookieFromThePeersAddressDoesNotDisturbAHandshakeThatMoves) {
  DtlsBench bench;
  DtlsPeer peer({.mtu = 400});
  bench.endpoint.start(sip::DtlsRole::kServer, kPeerPlace, {peer.fingerprint()}, bench.now_ns);
  bench.wire = [&](bool to_endpoint, std::size_t number, Datagram datagram) {
    std::vector<Datagram> delivered = {std::move(datagram)};
    // From the first fragment of the real hello on.
    if (to_endpoint && number >= 1) delivered.push_back(hello_with_cookie(bench, kPeerPlace, 0x77));
    return delivered;
  };
  peer.step();
  bench.run(peer);
  ASSERT_TRUE(bench.secured) << bench.failure.value_or("nothing happened");
}

TEST(DtlsHostile, APeerThatBeginsAgainReplacesItsOwnStalledHandshake) {
  DtlsBench bench;
  DtlsPeer first({});
  DtlsPeer second({});
  bench.endpoint.start(sip::DtlsRole::kServer, kPeerPlace, {second.fingerprint()}, bench.now_ns);
  bench.receive(kPeerPlace, hello_with_cookie(bench, kPeerPlace, 0x01));
  EXPECT_EQ(bench.endpoint.candidates(), 1u);
  bench.sent.clear();
  bench.now_ns += DtlsEndpoint::kStallNs;
  second.step();
  bench.run(second);
  ASSERT_TRUE(bench.secured);
}

TEST(DtlsHostile, StrangersWithCookiesTakeNoPlaceFromTheSignalledPeer) {
  DtlsBench bench;
  DtlsPeer peer({});
  bench.endpoint.start(sip::DtlsRole::kServer, kPeerPlace, {peer.fingerprint()}, bench.now_ns);
  for (std::uint16_t port = 7000; port < 7100; ++port) {
    const proto::Endpoint stranger = endpoint_of(0xc6120199, port);
    bench.receive(stranger, hello_with_cookie(bench, stranger, 0x01));
  }
  EXPECT_EQ(bench.endpoint.candidates(), DtlsEndpoint::kCandidatesMax);
  bench.sent.clear();
  peer.step();
  bench.run(peer);
  ASSERT_TRUE(bench.secured);
}

TEST(DtlsHostile, StrangersWithCookiesHoldUpAPeerBehindNatForNoLongerThanTheirStall) {
  DtlsBench bench;
  DtlsPeer peer({.retransmit_us = 300'000});
  bench.endpoint.start(sip::DtlsRole::kServer, kPeerPlace, {peer.fingerprint()}, bench.now_ns);
  for (std::uint16_t port = 7000; port < 7004; ++port) {
    const proto::Endpoint stranger = endpoint_of(0xc6120199, port);
    bench.receive(stranger, hello_with_cookie(bench, stranger, 0x01));
  }
  bench.sent.clear();
  const proto::Endpoint behind_nat = endpoint_of(0xc6120142, 40000);
  peer.step();
  bench.run(peer, behind_nat);
  ASSERT_TRUE(bench.secured);
  EXPECT_EQ(bench.secured->peer, behind_nat);
}

TEST(DtlsHostile, AsClientOnlyTheSignalledPeerIsHeard) {
  DtlsBench bench;
  DtlsPeer real({.client = false});
  DtlsPeer stranger({.client = false});
  bench.endpoint.start(sip::DtlsRole::kClient, kPeerPlace, {real.fingerprint()}, bench.now_ns);
  ASSERT_EQ(bench.sent.size(), 1u);
  stranger.receive(bench.sent.front().second);
  for (const Datagram& datagram : stranger.take_sent()) bench.receive(endpoint_of(0xc6120199, 6000), datagram);
  bench.run(real);
  ASSERT_TRUE(bench.secured);
}

TEST(DtlsHostile, AClientWhoseHandshakeWasSpoiltBeginsAgain) {
  DtlsBench bench;
  bench.endpoint.start(sip::DtlsRole::kClient, kPeerPlace, {}, bench.now_ns);
  bench.sent.clear();
  // A ServerHello that says nonsense, from the right address: DTLS 1.2 cannot tell it from a real one.
  Datagram nonsense(12 + 40, 0x11);
  const Datagram header = tests::from_hex("02 000028 0000 000000 000028");
  std::copy(header.begin(), header.end(), nonsense.begin());
  bench.receive(kPeerPlace, record(22, 0, nonsense));
  EXPECT_FALSE(bench.failure);
  EXPECT_EQ(bench.endpoint.candidates(), 0u);
  EXPECT_TRUE(bench.sent.empty()) << "an alert would end the real server's handshake";
  bench.now_ns += DtlsEndpoint::kRestartNs;
  bench.endpoint.advance(bench.now_ns);
  EXPECT_EQ(bench.sent.size(), 1u);
  EXPECT_EQ(bench.endpoint.candidates(), 1u);
}

}  // namespace
}  // namespace weir::controlplane
