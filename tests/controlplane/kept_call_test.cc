#include "controlplane/kept_call.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "controlplane/call_journal.h"
#include "controlplane/certificate.h"

namespace weir::controlplane {
namespace {

KeptLeg a_leg() {
  KeptLeg leg;
  leg.realm = "callers";
  leg.transport = proto::settings::SipTransport::kTls;
  leg.remote = {proto::parse_ip_address("198.18.1.2").value(), 0, 5061};
  leg.dialog.id = {"id@host", "ours", "theirs"};
  leg.dialog.state = sip::DialogState::kConfirmed;
  leg.dialog.local = "<sip:weir@198.18.1.1>;tag=ours";
  leg.dialog.remote = "\"Bob \\\"B\\\"\" <sip:bob@198.18.1.2>;tag=theirs";
  leg.dialog.local_contact = "<sip:weir@198.18.1.1>";
  leg.dialog.remote_target = "sip:bob@198.18.1.2:5062";
  leg.dialog.route_set = {"<sip:198.18.1.7;lr>", "<sip:198.18.1.8;lr>"};
  leg.dialog.local_cseq = 3;
  leg.dialog.remote_cseq = 7;
  leg.peer.update = true;
  leg.session_s = 1800;
  leg.session_due_ns = 1'234'567'890'123;
  leg.connection = 1ull << 40;
  leg.flows = {{"a", "alice", "\"<urn:uuid:1>\"", 2}};
  leg.session_id = 99;
  leg.hides = {.name = true, .media = true};
  leg.previous.emplace();
  leg.local = "v=0\r\n";
  leg.remote_description = "v=0\r\no=x\r\n";
  leg.agreed.active = true;
  leg.agreed.protocol = sip::RtpProtocol::kDtlsSavp;
  leg.agreed.keying = sip::Keying::kDtls;
  leg.agreed.role = sip::DtlsRole::kServer;
  leg.agreed.remote_dtls.fingerprints.resize(1);
  leg.agreed.remote_dtls.tls_id = "0123456789012345678901234567";
  leg.agreed.ice.emplace();
  leg.agreed.ice->credentials = {"theirs", "theirstheirstheirstheirs"};
  leg.agreed.ice->candidates.push_back({"1", 1, 7, leg.remote, "host"});
  leg.agreed.local_ice = sip::LocalIce{{"ours", "oursoursoursoursoursours"}, leg.agreed.ice->candidates, false};
  leg.previous->mids = {"audio", ""};
  leg.agreed.sdes.emplace();
  leg.agreed.sdes->local.keys.resize(1);
  leg.agreed.sdes->remote.keys.resize(2);
  leg.agreed.sdes->remote.keys[1]->lifetime_log2 = 31;
  return leg;
}

/// A leg's own, of a call that is not to be known again; always the same one.
std::shared_ptr<const Certificate> its_certificate() {
  static const auto made = std::make_shared<const Certificate>(Certificate::make().value());
  return made;
}

KeptCall a_call() {
  KeptCall call;
  call.number = 17;
  call.origin = {"\"A\" <sip:alice@198.18.1.2>;tag=a", "<sip:bob@198.18.1.1>", "sip:bob@198.18.1.1", 1234};
  call.callee_realm = "callees";
  call.callee_profile = proto::settings::MediaProfile::kSdes;
  call.identity = {"From", "<sip:alice@198.18.1.2>;tag=a"};
  call.sections = 2;
  call.section = 1;
  call.legs = {a_leg(), a_leg()};
  call.media.emplace();
  call.media->cookie = 5;
  call.media->ssrcs_used = {1, 2, 3};
  call.media->legs[1].rtp_port = 20'002;
  call.media->legs[1].also_network = 2;
  call.media->legs[1].security.suites = {proto::SrtpProfile::kAeadAes256Gcm};
  call.media->legs[1].keys.profile = proto::SrtpProfile::kAeadAes256Gcm;
  call.media->legs[1].keys.send->rtp.key[3] = 42;
  call.media->legs[1].secured.short_authentication = "K3F7Q";
  call.media->legs[1].unlinkable = true;
  call.media->legs[1].keys_age = {.since_ns = 42, .packets_before = 43};
  call.media->legs[1].sends_before = true;
  call.media->legs[1].security.rekey_packets = 1'000;
  call.media->legs[1].security.rtp_over_dtls = true;
  call.media->legs[1].certificate = its_certificate();
  call.media->legs[1].association.emplace();
  call.media->legs[1].association->their_tls_id = "theirs";
  return call;
}

std::vector<std::uint8_t> write(const KeptCall& call) {
  std::vector<std::uint8_t> bytes(kJournalRecordBytesMax);
  bytes.resize(write_kept_call(call, bytes));
  return bytes;
}

TEST(KeptCall, IsReadAsItWasWritten) {
  const std::vector<std::uint8_t> bytes = write(a_call());
  ASSERT_FALSE(bytes.empty());
  const auto read = read_kept_call(bytes);
  ASSERT_TRUE(read);
  EXPECT_EQ(write(*read), bytes);  // every field, once more
  EXPECT_EQ(read->number, 17u);
  EXPECT_EQ(read->legs[0].dialog.remote, a_leg().dialog.remote);
  EXPECT_EQ(read->legs[0].dialog.route_set, a_leg().dialog.route_set);
  EXPECT_EQ(read->legs[1].dialog.remote_cseq, 7u);
  EXPECT_EQ(read->legs[1].remote, a_leg().remote);
  EXPECT_EQ(read->legs[1].hides, (sip::HiddenParts{.name = true, .media = true}));
  EXPECT_EQ(read->legs[1].agreed.remote_dtls, a_leg().agreed.remote_dtls);
  EXPECT_EQ(read->legs[1].agreed.sdes->remote.keys[1]->lifetime_log2, 31);
  EXPECT_EQ(read->legs[1].agreed.ice, a_leg().agreed.ice);
  EXPECT_EQ(read->legs[1].agreed.local_ice, a_leg().agreed.local_ice);
  EXPECT_EQ(read->legs[1].previous->mids, a_leg().previous->mids);
  ASSERT_TRUE(read->media);
  EXPECT_EQ(read->media->legs[1].security, a_call().media->legs[1].security);
  EXPECT_EQ(read->media->legs[1].keys.send->rtp.key[3], 42);
  EXPECT_EQ(read->media->legs[1].secured.short_authentication, "K3F7Q");
  EXPECT_TRUE(read->media->legs[1].unlinkable);
  EXPECT_EQ(read->media->legs[1].keys_age.packets_before, 43u);
  EXPECT_TRUE(read->media->legs[1].sends_before);
  ASSERT_NE(read->media->legs[1].certificate, nullptr);
  EXPECT_EQ(read->media->legs[1].certificate->fingerprint(), its_certificate()->fingerprint());
  EXPECT_EQ(EVP_PKEY_eq(read->media->legs[1].certificate->key(), its_certificate()->key()), 1);
  EXPECT_EQ(read->media->legs[0].certificate, nullptr);
  EXPECT_EQ(read->media->legs[1].association->their_tls_id, "theirs");
  EXPECT_EQ(read->media->ssrcs_used, (std::vector<std::uint32_t>{1, 2, 3}));
}

TEST(KeptCall, ThatFindsTooLittleRoomIsNotWritten) {
  const std::size_t needed = write(a_call()).size();
  std::vector<std::uint8_t> room(needed);
  EXPECT_EQ(write_kept_call(a_call(), room), needed);
  for (std::size_t bytes = 0; bytes < needed; ++bytes) {
    EXPECT_EQ(write_kept_call(a_call(), proto::MutableBytes(room).first(bytes)), 0u);
  }
}

TEST(KeptCall, ADamagedRecordIsNoneOrAnother) {
  std::vector<std::uint8_t> bytes = write(a_call());
  for (std::size_t some = 0; some < bytes.size(); ++some) EXPECT_FALSE(read_kept_call(proto::Bytes(bytes).first(some)));
  bytes.push_back(0);
  EXPECT_FALSE(read_kept_call(bytes));
  bytes.pop_back();
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::vector<std::uint8_t> damaged = bytes;
    damaged[at] = static_cast<std::uint8_t>(~damaged[at]);
    if (const auto read = read_kept_call(damaged)) {
      EXPECT_EQ(write(*read), damaged) << at;
    }
  }
}

TEST(KeptCall, ASectionBeyondThoseThereAreIsDamage) {
  KeptCall call = a_call();
  call.section = 2;
  EXPECT_FALSE(read_kept_call(write(call)));
}

}  // namespace
}  // namespace weir::controlplane
