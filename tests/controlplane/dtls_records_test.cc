// Media as application data of DTLS, against OpenSSL's own client and server without use_srtp. RFC 5764 section 4.1.1,
// RFC 6347 section 4.1.
#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "controlplane/dtls.h"
#include "tests/support/dtls_bench.h"
#include "tests/support/hex.h"

namespace weir::controlplane {
namespace {

using tests::Datagram;
using tests::DtlsBench;
using tests::DtlsPeer;
using tests::from_hex;
using tests::kPeerPlace;

const Datagram kRtp = from_hex("80080001 00000100 aaaaaaaa 01020304");
const Datagram kReport = from_hex("80c90001 aaaaaaaa");

/// A bench whose endpoint takes such media, and a peer that knows nothing else.
struct Carried {
  explicit Carried(sip::DtlsRole role = sip::DtlsRole::kServer, bool use_srtp = false)
      : bench({}, {.renegotiations = false, .media = true}), peer(options(role, use_srtp)) {
    bench.endpoint.start(role, kPeerPlace, {peer.fingerprint()}, bench.now_ns);
    if (role == sip::DtlsRole::kServer) peer.step();
    bench.run(peer);
  }
  static DtlsPeer::Options options(sip::DtlsRole role, bool use_srtp) {
    DtlsPeer::Options options{.client = role == sip::DtlsRole::kServer};
    if (!use_srtp) options.profiles.clear();
    return options;
  }
  /// The peer's next record, on the wire.
  Datagram written(const Datagram& packet) {
    peer.write(packet);
    return peer.take_sent().at(0);
  }

  DtlsBench bench;
  DtlsPeer peer;
};

TEST(DtlsRecords, CarryMediaBothWaysInEitherRole) {
  for (const sip::DtlsRole role : {sip::DtlsRole::kServer, sip::DtlsRole::kClient}) {
    Carried carried(role);
    ASSERT_TRUE(carried.bench.secured) << carried.bench.failure.value_or("nothing happened");
    EXPECT_EQ(carried.bench.secured->profile, proto::SrtpProfile::kDtlsRecords);
    EXPECT_EQ(carried.bench.secured->short_authentication, carried.peer.short_authentication());
    EXPECT_TRUE(carried.bench.endpoint.carries_media());
    for (int i = 0; i < 100; ++i) {
      carried.peer.write(kRtp);
      carried.peer.write(kReport);
      carried.bench.endpoint.send_media(kReport);
      carried.bench.endpoint.send_media(kRtp);
      carried.bench.run_quietly(carried.peer);
      ASSERT_EQ(std::exchange(carried.bench.media, {}), (std::vector<Datagram>{kRtp, kReport}));
      ASSERT_EQ(carried.peer.take_read(), (std::vector<Datagram>{kReport, kRtp}));
    }
  }
}

TEST(DtlsRecords, EachPacketIsOneDatagramOfOneRecordThatDoesNotShowIt) {
  Carried carried;
  carried.bench.run_quietly(carried.peer);
  const Datagram packet(1'200, 0x80);
  carried.bench.endpoint.send_media(packet);
  const std::vector<Datagram> sent = carried.bench.take_sent_to(kPeerPlace);
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].at(0), 23);
  EXPECT_LE(sent[0].size(), packet.size() + 13 + 8 + 16) << "header, explicit nonce, tag";
  EXPECT_EQ(std::search(sent[0].begin(), sent[0].end(), packet.begin(), packet.begin() + 16), sent[0].end());
}

TEST(DtlsRecords, WithoutTheWishForThemTheHandshakeFailsAsEver) {
  DtlsBench bench;
  DtlsPeer peer(Carried::options(sip::DtlsRole::kServer, false));
  bench.endpoint.start(sip::DtlsRole::kServer, kPeerPlace, {peer.fingerprint()}, bench.now_ns);
  peer.step();
  bench.run_quietly(peer);
  bench.now_ns += 60'000'000'000;
  bench.endpoint.advance(bench.now_ns);
  EXPECT_FALSE(bench.secured);
  EXPECT_NE(bench.failure.value_or("").find("no SRTP profile in common (use_srtp)"), std::string::npos);
}

TEST(DtlsRecords, WhoKnowsUseSrtpGetsItAndItsApplicationDataIsNone) {
  Carried carried(sip::DtlsRole::kServer, true);
  ASSERT_TRUE(carried.bench.secured);
  EXPECT_TRUE(proto::is_srtp(carried.bench.secured->profile));
  EXPECT_FALSE(carried.bench.endpoint.carries_media());
  carried.peer.write(kRtp);
  carried.bench.endpoint.send_media(kRtp);
  carried.bench.run_quietly(carried.peer);
  EXPECT_TRUE(carried.bench.media.empty());
  EXPECT_TRUE(carried.peer.take_read().empty());
}

TEST(DtlsRecords, OfAnotherCertificateAreNeverBelieved) {
  DtlsBench bench({}, {.renegotiations = false, .media = true});
  DtlsPeer peer(Carried::options(sip::DtlsRole::kServer, false));
  bench.endpoint.listen();
  peer.step();
  bench.run_quietly(peer);
  ASSERT_TRUE(peer.connected()) << "its SDP is not here yet";
  peer.write(kRtp);
  bench.run_quietly(peer);
  EXPECT_TRUE(bench.media.empty());
  bench.endpoint.start(sip::DtlsRole::kServer, kPeerPlace, {DtlsPeer({}).fingerprint()}, bench.now_ns);
  peer.write(kRtp);
  bench.run_quietly(peer);
  EXPECT_TRUE(bench.failure);
  EXPECT_TRUE(bench.media.empty());
}

TEST(DtlsRecords, ForgedAlteredAndRepeatedOnesMoveNothing) {
  Carried carried;
  const Datagram record = carried.written(kRtp);
  for (std::size_t i = 0; i < record.size(); ++i) {
    Datagram altered = record;
    altered[i] ^= 1;
    carried.bench.receive(kPeerPlace, altered);
  }
  for (std::size_t bytes = 0; bytes < record.size(); ++bytes) {
    carried.bench.receive(kPeerPlace, Datagram(record.begin(), record.begin() + static_cast<std::ptrdiff_t>(bytes)));
  }
  carried.bench.receive(tests::endpoint_of(0xc6120199, 5004), record);
  carried.bench.receive(kPeerPlace, kRtp);
  ASSERT_TRUE(carried.bench.media.empty());
  carried.bench.receive(kPeerPlace, record);
  carried.bench.receive(kPeerPlace, record);
  EXPECT_EQ(carried.bench.media, std::vector<Datagram>{kRtp});
}

TEST(DtlsRecords, LostOnesAndThoseOutOfOrderStopNothing) {
  Carried carried;
  std::vector<Datagram> records;
  for (int i = 0; i < 5; ++i) records.push_back(carried.written(kRtp));
  for (const std::size_t i : {4u, 1u, 3u}) carried.bench.receive(kPeerPlace, records[i]);
  EXPECT_EQ(carried.bench.media.size(), 3u);
}

TEST(DtlsRecords, AClosingPeerIsHeardNoMoreAndEndsNothing) {
  Carried carried;
  SSL_shutdown(carried.peer.ssl());
  carried.bench.run_quietly(carried.peer);
  carried.bench.endpoint.send_media(kRtp);
  EXPECT_TRUE(carried.bench.endpoint.carries_media());
  EXPECT_FALSE(carried.bench.failure);
}

TEST(DtlsRecords, FollowThePartyWhereIceHasFoundIt) {
  Carried carried;
  const proto::Endpoint elsewhere = tests::endpoint_of(0xc6120103, 6000);
  carried.bench.endpoint.follow(elsewhere);
  carried.bench.receive(kPeerPlace, carried.written(kRtp));
  EXPECT_TRUE(carried.bench.media.empty());
  carried.bench.receive(elsewhere, carried.written(kRtp));
  EXPECT_EQ(carried.bench.media.size(), 1u);
  (void)carried.bench.take_sent_to(kPeerPlace);
  carried.bench.endpoint.send_media(kRtp);
  EXPECT_EQ(carried.bench.take_sent_to(elsewhere).size(), 1u);
}

}  // namespace
}  // namespace weir::controlplane
