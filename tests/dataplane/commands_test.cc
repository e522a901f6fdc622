#include "dataplane/commands.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <functional>
#include <random>
#include <string_view>
#include <vector>

#include "dataplane/cipher.h"
#include "tests/support/media_flows.h"
#include "tests/support/stun_peer.h"

namespace weir::dataplane {
namespace {

using proto::Command;
using proto::CommandKind;
using proto::Event;
using proto::EventKind;
using proto::FlowState;
using proto::Refusal;

constexpr std::uint32_t kFlows = 16;
constexpr std::uint64_t kNowNs = 1'000'000'000;
constexpr std::uint16_t kPort = 20000;  // worker_of_port(20000, 2) is 0

proto::Endpoint endpoint(std::uint16_t port) {
  return {proto::IpAddress::from_ipv4(0xc6120102), 0, port};
}

constexpr std::string_view kPassword = "VOkJxbRl1RmTxUk/WvJxBt";  // of RFC 5769 section 2

using tests::ice_credentials;

class CommandsTest : public testing::Test {
 protected:
  CommandsTest()
      : memory_(FlowTable::private_bytes(kFlows, 2, KeyRoom::kGcm) / 64 + 1),
        status_(kFlows),
        table_(memory_.data(), kFlows, 2, KeyRoom::kGcm, status_.data()) {
    auto cipher = Cipher::create();
    EXPECT_TRUE(cipher.ok());
    cipher_ = std::move(cipher).value();
  }

  static Command valid(CommandKind kind, std::uint32_t index = 3, std::uint32_t generation = 1) {
    Command command{};
    command.kind = kind;
    command.request = 77;
    command.flow = {index, generation};
    command.spec.cookie = 0xc00c1e;
    command.spec.peer = endpoint(4000);
    command.spec.local_port = kPort;
    command.spec.accepts = proto::kAcceptRtp | proto::kAcceptRtcp;
    command.spec.punts = proto::kPuntDtls;
    command.spec.rtp = {.peer = endpoint(5000), .local_port = 20002, .network = 1, .dscp = 46};
    command.spec.rtcp = {.peer = endpoint(5001), .local_port = 20003, .network = 1, .dscp = 46};
    command.spec.receive.profile = proto::SrtpProfile::kAeadAes128Gcm;
    command.spec.receive.rtp.encryption[0] = 1;
    return command;
  }

  Event run(Command command) { return execute(command, scope_, table_, *cipher_, kNowNs); }
  Refusal refusal(const Command& command) {
    const Event answer = run(command);
    EXPECT_EQ(answer.kind == EventKind::kRefused, answer.refusal != Refusal::kNone);
    return answer.refusal;
  }
  std::vector<std::uint8_t> bytes_of(std::uint32_t index) const { return tests::bytes_with_keys(table_, index); }

  struct alignas(64) Line {
    std::uint8_t bytes[64];
  };
  std::vector<Line> memory_;
  std::vector<proto::FlowStatus> status_;
  FlowTable table_;
  std::unique_ptr<Cipher> cipher_;
  const proto::Family families_[2] = {proto::Family::kIpv4, proto::Family::kIpv4};
  CommandScope scope_{0, 2, families_};
};

TEST_F(CommandsTest, WithoutRoomForGcmItsProfilesAreRefusedByThatName) {
  std::vector<Line> memory(FlowTable::private_bytes(kFlows, 2, KeyRoom::kAesCm) / 64 + 1);
  FlowTable table(memory.data(), kFlows, 2, KeyRoom::kAesCm, status_.data());
  const auto aes_cm = [](CommandKind kind) {
    Command command = valid(kind);
    command.spec.receive.profile = proto::SrtpProfile::kAesCm128HmacSha1_80;
    return command;
  };
  const auto refusal_of = [&](Command command) { return execute(command, scope_, table, *cipher_, 0).refusal; };
  for (const auto side : {&proto::FlowSpec::receive, &proto::FlowSpec::send}) {
    for (const auto profile : {proto::SrtpProfile::kAeadAes128Gcm, proto::SrtpProfile::kAeadAes256Gcm}) {
      Command install = aes_cm(CommandKind::kInstall);
      (install.spec.*side).profile = profile;
      EXPECT_EQ(refusal_of(install), Refusal::kAeadNotAllowed);
      EXPECT_EQ(table.entry(install.flow.index).state, FlowState::kFree);
    }
  }
  EXPECT_EQ(refusal_of(aes_cm(CommandKind::kInstall)), Refusal::kNone);
  Command rekey = aes_cm(CommandKind::kUpdateKeys);
  rekey.spec.send.profile = proto::SrtpProfile::kAeadAes128Gcm;
  EXPECT_EQ(refusal_of(rekey), Refusal::kAeadNotAllowed);
  EXPECT_STREQ(proto::to_string(Refusal::kAeadNotAllowed), "weir-media runs without AES-GCM ([srtp] aead)");
}

TEST_F(CommandsTest, AFlowsLifeFromOpenToRemovedIsAnsweredStepByStep) {
  const struct {
    CommandKind kind;
    EventKind answer;
    FlowState state;
  } steps[] = {
      {CommandKind::kOpen, EventKind::kOpened, FlowState::kOpen},
      {CommandKind::kInstall, EventKind::kInstalled, FlowState::kInstalled},
      {CommandKind::kUpdateKeys, EventKind::kKeysUpdated, FlowState::kInstalled},
      {CommandKind::kSetPeer, EventKind::kPeerSet, FlowState::kInstalled},
      {CommandKind::kDrain, EventKind::kDrained, FlowState::kDraining},
      {CommandKind::kRemove, EventKind::kRemoved, FlowState::kFree},
      {CommandKind::kRemove, EventKind::kRemoved, FlowState::kFree},
  };
  for (const auto& step : steps) {
    const Event answer = run(valid(step.kind));
    EXPECT_EQ(answer.kind, step.answer) << proto::to_string(answer.refusal);
    EXPECT_EQ(answer.request, 77u);
    EXPECT_EQ(answer.flow.index, 3u);
    EXPECT_EQ(table_.entry(3).state, step.state);
    EXPECT_EQ(table_.status(3).state, step.state);
  }
  EXPECT_EQ(table_.flow_at(0, kPort), kNoFlow);
}

TEST_F(CommandsTest, ARekeyWhoseGraceIsTooLongOrHasNoRoomIsRefusedAndChangesNothing) {
  ASSERT_EQ(refusal(valid(CommandKind::kInstall)), Refusal::kNone);
  Command rekey = valid(CommandKind::kUpdateKeys);
  rekey.spec.receive.rtp.encryption[0] = 2;
  rekey.spec.key_grace_ms = proto::kKeyGraceMsMax + 1;
  const std::vector<std::uint8_t> before = bytes_of(3);
  EXPECT_EQ(refusal(rekey), Refusal::kEnumOutOfRange);
  rekey.spec.key_grace_ms = proto::kKeyGraceMsMax;
  std::vector<Place> taken;
  for (Place place = table_.epochs().claim(3); place != 0; place = table_.epochs().claim(3)) taken.push_back(place);
  EXPECT_EQ(refusal(rekey), Refusal::kNoRoom);
  EXPECT_EQ(bytes_of(3), before);
  table_.epochs().release(taken.back());
  EXPECT_EQ(refusal(rekey), Refusal::kNone);
}

TEST_F(CommandsTest, AFlowThatRelatchesOnAuthenticationNeverBecomesPlain) {
  Command install = valid(CommandKind::kInstall);
  install.spec.source_policy = proto::SourcePolicy::kRelatch;
  ASSERT_EQ(refusal(install), Refusal::kNone);
  Command update = valid(CommandKind::kUpdateKeys);
  update.spec.receive.profile = proto::SrtpProfile::kNone;
  const std::vector<std::uint8_t> before = bytes_of(3);
  EXPECT_EQ(refusal(update), Refusal::kEnumOutOfRange);
  EXPECT_EQ(bytes_of(3), before);
}

TEST_F(CommandsTest, ANewPeerBringsTheTermsOfALaterDescriptionToAnInstalledFlow) {
  ASSERT_EQ(refusal(valid(CommandKind::kInstall)), Refusal::kNone);
  Command move = valid(CommandKind::kSetPeer);
  move.spec.punts = proto::kPuntStun;
  move.spec.source_policy = proto::SourcePolicy::kLatch;
  move.spec.latch_prefix_bits = 24;
  move.spec.packets_per_s_max = 100;
  move.spec.bytes_per_s_max = 20'000;
  move.spec.rtp_clock_hz = 48'000;
  ASSERT_EQ(refusal(move), Refusal::kNone);
  const FlowEntry& flow = table_.entry(3);
  EXPECT_EQ(flow.punts, proto::kPuntStun);
  EXPECT_EQ(flow.source_policy, proto::SourcePolicy::kLatch);
  EXPECT_EQ(flow.latch_prefix_bits, 24);
  EXPECT_EQ(flow.rate.packet_ns, make_rate_meter(100, 20'000).packet_ns);
  EXPECT_EQ(flow.rate.byte_ns_256, make_rate_meter(100, 20'000).byte_ns_256);
  EXPECT_EQ(proto::rtp_clock_hz_of(table_.status(3).rtp_ticks), 48'000u);
  EXPECT_EQ(flow.receive_profile, proto::SrtpProfile::kAeadAes128Gcm) << "its keys are another command's";
}

TEST_F(CommandsTest, TermsThatMeanNothingAreRefusedAndChangeNothing) {
  ASSERT_EQ(refusal(valid(CommandKind::kInstall)), Refusal::kNone);
  const std::vector<std::uint8_t> before = bytes_of(3);
  using Change = std::function<void(proto::FlowSpec&)>;
  const Change rows[] = {
      [](proto::FlowSpec& spec) { spec.punts = 0x80; },
      [](proto::FlowSpec& spec) { spec.source_policy = proto::SourcePolicy{4}; },
      [](proto::FlowSpec& spec) { spec.latch_prefix_bits = 129; },
      [](proto::FlowSpec& spec) { spec.rtp_clock_hz = proto::kRtpClockHzMax + 1; },
  };
  for (const Change& change : rows) {
    Command move = valid(CommandKind::kSetPeer);
    change(move.spec);
    EXPECT_EQ(refusal(move), Refusal::kEnumOutOfRange);
    EXPECT_EQ(bytes_of(3), before);
  }
  Command plain = valid(CommandKind::kUpdateKeys);
  plain.spec.receive.profile = proto::SrtpProfile::kNone;
  ASSERT_EQ(refusal(plain), Refusal::kNone);
  Command relatch = valid(CommandKind::kSetPeer);
  relatch.spec.source_policy = proto::SourcePolicy::kRelatch;
  EXPECT_EQ(refusal(relatch), Refusal::kEnumOutOfRange) << "a plain flow never relatches";
}

TEST_F(CommandsTest, OfAnOpenFlowANewPeerChangesNoTerms) {
  ASSERT_EQ(refusal(valid(CommandKind::kOpen)), Refusal::kNone);
  Command move = valid(CommandKind::kSetPeer);
  move.spec.punts = 0;
  ASSERT_EQ(refusal(move), Refusal::kNone);
  EXPECT_EQ(table_.entry(3).punts, proto::kPuntDtls);
}

TEST_F(CommandsTest, AFreeIndexIsUsedAgainOnlyUnderAHigherGeneration) {
  ASSERT_EQ(refusal(valid(CommandKind::kOpen, 3, 5)), Refusal::kNone);
  ASSERT_EQ(refusal(valid(CommandKind::kRemove, 3, 5)), Refusal::kNone);
  EXPECT_EQ(refusal(valid(CommandKind::kOpen, 3, 5)), Refusal::kGenerationStale);
  EXPECT_EQ(refusal(valid(CommandKind::kInstall, 3, 4)), Refusal::kGenerationStale);
  EXPECT_EQ(refusal(valid(CommandKind::kInstall, 3, 6)), Refusal::kNone);
}

TEST_F(CommandsTest, RemovingOneUseOfAnIndexLeavesTheNextAlone) {
  ASSERT_EQ(refusal(valid(CommandKind::kInstall, 3, 2)), Refusal::kNone);
  EXPECT_EQ(refusal(valid(CommandKind::kRemove, 3, 1)), Refusal::kGenerationStale);
  EXPECT_EQ(table_.entry(3).state, FlowState::kInstalled);
}

TEST_F(CommandsTest, EveryFieldThatMeansNothingIsRefused) {
  using Change = std::function<void(Command&)>;
  const struct {
    const char* what;
    Refusal refusal;
    Change change;
  } rows[] = {
      {"kind 0", Refusal::kKindUnknown, [](Command& c) { c.kind = CommandKind{0}; }},
      {"kind 7", Refusal::kKindUnknown, [](Command& c) { c.kind = CommandKind{7}; }},
      {"index", Refusal::kIndexOutOfRange, [](Command& c) { c.flow.index = kFlows; }},
      {"index, largest", Refusal::kIndexOutOfRange, [](Command& c) { c.flow.index = 0xffffffff; }},
      {"generation 0", Refusal::kGenerationStale, [](Command& c) { c.flow.generation = 0; }},
      {"network", Refusal::kNetworkUnknown, [](Command& c) { c.spec.network = 2; }},
      {"port 0", Refusal::kEnumOutOfRange, [](Command& c) { c.spec.local_port = 0; }},
      {"port of worker 1", Refusal::kPortNotOurs, [](Command& c) { c.spec.local_port = kPort + 2; }},
      {"accepts", Refusal::kEnumOutOfRange, [](Command& c) { c.spec.accepts = 4; }},
      {"punts", Refusal::kEnumOutOfRange, [](Command& c) { c.spec.punts = 0x80; }},
      {"source policy", Refusal::kEnumOutOfRange, [](Command& c) { c.spec.source_policy = proto::SourcePolicy{4}; }},
      {"latch mask", Refusal::kEnumOutOfRange, [](Command& c) { c.spec.latch_prefix_bits = 129; }},
      {"latch window", Refusal::kEnumOutOfRange, [](Command& c) { c.spec.latch_window_ms = 60'001; }},
      {"receive MKI", Refusal::kEnumOutOfRange, [](Command& c) { c.spec.receive.mki_bytes = 5; }},
      {"send MKI", Refusal::kEnumOutOfRange, [](Command& c) { c.spec.send.mki_bytes = 255; }},
      {"lifetime", Refusal::kEnumOutOfRange, [](Command& c) { c.spec.send.lifetime_log2 = 49; }},
      {"indexes kept", Refusal::kEnumOutOfRange, [](Command& c) { c.spec.receive.keeps_indexes = 2; }},
      {"receive profile", Refusal::kEnumOutOfRange,
       [](Command& c) { c.spec.receive.profile = proto::SrtpProfile{proto::kSrtpProfileCount}; }},
      {"send profile", Refusal::kEnumOutOfRange, [](Command& c) { c.spec.send.profile = proto::SrtpProfile{255}; }},
      {"payload types", Refusal::kEnumOutOfRange, [](Command& c) { c.spec.rewrite.payload_types = 9; }},
      {"payload type 128", Refusal::kEnumOutOfRange,
       [](Command& c) {
         c.spec.rewrite.payload_types = 1;
         c.spec.rewrite.payload_type_map[0] = {0, 128};
       }},
      {"relatch on a plain leg", Refusal::kEnumOutOfRange,
       [](Command& c) {
         c.spec.receive.profile = proto::SrtpProfile::kNone;
         c.spec.source_policy = proto::SourcePolicy::kRelatch;
       }},
      {"RTP exit's network", Refusal::kNetworkUnknown, [](Command& c) { c.spec.rtp.network = 9; }},
      {"RTCP exit's network", Refusal::kNetworkUnknown, [](Command& c) { c.spec.rtcp.network = 255; }},
      {"DSCP 64", Refusal::kEnumOutOfRange, [](Command& c) { c.spec.rtp.dscp = 64; }},
      {"exit's local port 0", Refusal::kEnumOutOfRange, [](Command& c) { c.spec.rtcp.local_port = 0; }},
      {"peer's family", Refusal::kAddressFamily, [](Command& c) { c.spec.peer.address.family = proto::Family::kIpv6; }},
      {"exit's family", Refusal::kAddressFamily, [](Command& c) { c.spec.rtp.peer.address.family = proto::Family{9}; }},
  };
  for (const auto& row : rows) {
    Command command = valid(CommandKind::kInstall);
    row.change(command);
    EXPECT_EQ(refusal(command), row.refusal) << row.what;
  }
  for (std::uint32_t index = 0; index < kFlows; ++index) EXPECT_EQ(table_.entry(index).state, FlowState::kFree);
}

TEST_F(CommandsTest, IceCredentialsThatCannotBeOursAreRefused) {
  const struct {
    const char* what;
    Refusal refusal;
    std::function<void(Command&)> change;
  } rows[] = {
      {"ICE without credentials", Refusal::kEnumOutOfRange,
       [](Command& c) { c.spec.source_policy = proto::SourcePolicy::kIce; }},
      {"a short ufrag", Refusal::kEnumOutOfRange,
       [](Command& c) { c.spec.ice[0] = ice_credentials("abc", kPassword); }},
      {"ufrag_bytes beyond", Refusal::kEnumOutOfRange,
       [](Command& c) {
         c.spec.ice[0] = ice_credentials("abcd", kPassword);
         c.spec.ice[0].ufrag_bytes = proto::kIceUfragBytesMax + 1;
       }},
      {"a colon in the ufrag", Refusal::kEnumOutOfRange,
       [](Command& c) { c.spec.ice[0] = ice_credentials("ab:d", kPassword); }},
      {"a short password", Refusal::kEnumOutOfRange,
       [](Command& c) { c.spec.ice[0] = ice_credentials("abcd", "123456789012345678901"); }},
      {"password_bytes beyond", Refusal::kEnumOutOfRange,
       [](Command& c) {
         c.spec.ice[0] = ice_credentials("abcd", kPassword);
         c.spec.ice[0].password_bytes = 255;
       }},
      {"a space in the password", Refusal::kEnumOutOfRange,
       [](Command& c) { c.spec.ice[0] = ice_credentials("abcd", "12345678901234567890 2"); }},
      {"a password of no ufrag", Refusal::kEnumOutOfRange, [](Command& c) { c.spec.ice[0].password_bytes = 22; }},
      {"the next credentials alone", Refusal::kEnumOutOfRange,
       [](Command& c) { c.spec.ice[1] = ice_credentials("abcd", kPassword); }},
      {"two passwords of one ufrag", Refusal::kEnumOutOfRange,
       [](Command& c) {
         c.spec.ice = {ice_credentials("abcd", kPassword), ice_credentials("abcd", "1234567890123456789012")};
       }},
  };
  for (const CommandKind kind : {CommandKind::kOpen, CommandKind::kInstall, CommandKind::kSetPeer}) {
    if (kind == CommandKind::kSetPeer) {
      ASSERT_EQ(refusal(valid(CommandKind::kInstall)), Refusal::kNone);
    }
    const std::vector<std::uint8_t> before = bytes_of(3);
    for (const auto& row : rows) {
      Command command = valid(kind);
      row.change(command);
      EXPECT_EQ(refusal(command), row.refusal) << row.what;
    }
    EXPECT_EQ(bytes_of(3), before);
  }
}

TEST_F(CommandsTest, EveryFlowOfASmallTableMaySpeakIce) {
  Command install = valid(CommandKind::kInstall);
  install.spec.source_policy = proto::SourcePolicy::kIce;
  install.spec.ice[0] = ice_credentials("abcd", kPassword);
  for (std::uint32_t index = 0; index < kFlows; ++index) {
    if (index == 3) continue;
    Command other = install;
    other.flow.index = index;
    other.spec.local_port = static_cast<std::uint16_t>(kPort + 4 * index + 4);
    ASSERT_EQ(refusal(other), Refusal::kNone);
  }
  EXPECT_EQ(refusal(install), Refusal::kNone) << "there is one for each";
}

TEST_F(CommandsTest, WhatTheStateDoesNotAllowIsRefused) {
  for (const CommandKind kind : {CommandKind::kUpdateKeys, CommandKind::kSetPeer, CommandKind::kDrain}) {
    EXPECT_EQ(refusal(valid(kind)), Refusal::kStateWrong) << "free " << static_cast<int>(kind);
  }
  ASSERT_EQ(refusal(valid(CommandKind::kOpen)), Refusal::kNone);
  for (const CommandKind kind : {CommandKind::kOpen, CommandKind::kUpdateKeys, CommandKind::kDrain}) {
    EXPECT_EQ(refusal(valid(kind)), Refusal::kStateWrong) << "open " << static_cast<int>(kind);
  }
  Command moved = valid(CommandKind::kInstall);
  moved.spec.local_port = kPort + 4;
  EXPECT_EQ(refusal(moved), Refusal::kStateWrong);
  ASSERT_EQ(refusal(valid(CommandKind::kInstall)), Refusal::kNone);
  EXPECT_EQ(refusal(valid(CommandKind::kInstall)), Refusal::kStateWrong);
  ASSERT_EQ(refusal(valid(CommandKind::kDrain)), Refusal::kNone);
  for (const CommandKind kind : {CommandKind::kSetPeer, CommandKind::kDrain, CommandKind::kUpdateKeys}) {
    EXPECT_EQ(refusal(valid(kind)), Refusal::kStateWrong) << "draining " << static_cast<int>(kind);
  }
}

TEST_F(CommandsTest, APortThatAnotherFlowHoldsIsInUse) {
  ASSERT_EQ(refusal(valid(CommandKind::kInstall, 3)), Refusal::kNone);
  EXPECT_EQ(refusal(valid(CommandKind::kInstall, 4)), Refusal::kPortInUse);
  EXPECT_EQ(refusal(valid(CommandKind::kOpen, 4)), Refusal::kPortInUse);
  Command other_network = valid(CommandKind::kOpen, 4);
  other_network.spec.network = 1;
  EXPECT_EQ(refusal(other_network), Refusal::kNone);
}

TEST_F(CommandsTest, AnotherWorkersFlowIsOutOfReach) {
  ASSERT_EQ(refusal(valid(CommandKind::kInstall)), Refusal::kNone);
  const std::vector<std::uint8_t> before = bytes_of(3);
  const CommandScope other{1, 2, families_};
  for (int kind = 1; kind <= 6; ++kind) {
    Command command = valid(static_cast<CommandKind>(kind));
    command.spec.local_port = kPort + 2;
    EXPECT_EQ(execute(command, other, table_, *cipher_, kNowNs).refusal, Refusal::kPortNotOurs) << kind;
  }
  EXPECT_EQ(bytes_of(3), before);
}

TEST_F(CommandsTest, TheWorkersCopyOfTheKeysIsWiped) {
  for (const std::uint8_t kind : {std::uint8_t{2}, std::uint8_t{99}}) {
    Command command = valid(CommandKind{kind});
    (void)execute(command, scope_, table_, *cipher_, kNowNs);
    const proto::FlowSpec zero{};
    EXPECT_EQ(std::memcmp(&command.spec, &zero, sizeof zero), 0);
  }
}

TEST_F(CommandsTest, MutatedCommandsNeverTouchAFlowTheyDoNotName) {
  std::mt19937_64 random(7);
  for (std::uint32_t index : {1u, 9u}) {
    Command command = valid(CommandKind::kInstall, index, 1);
    command.spec.local_port = static_cast<std::uint16_t>(kPort + 4 * index);
    ASSERT_EQ(refusal(command), Refusal::kNone);
  }
  std::uint64_t refused = 0;
  for (int round = 0; round < 100'000; ++round) {
    Command command = valid(static_cast<CommandKind>(1 + random() % 6), static_cast<std::uint32_t>(random() % kFlows),
                            static_cast<std::uint32_t>(random() % 4));
    auto* bytes = reinterpret_cast<std::uint8_t*>(&command);
    for (std::uint64_t flips = random() % 6; flips > 0; --flips) {
      bytes[random() % sizeof command] = static_cast<std::uint8_t>(random());
    }
    std::vector<std::vector<std::uint8_t>> before;
    for (std::uint32_t index : {1u, 9u}) before.push_back(bytes_of(index));
    const std::uint32_t named = command.flow.index;
    const Event answer = run(command);
    refused += answer.kind == EventKind::kRefused ? 1 : 0;
    EXPECT_EQ(answer.flow.index, named);
    std::size_t which = 0;
    for (std::uint32_t index : {1u, 9u}) {
      const bool untouched = bytes_of(index) == before[which++];
      ASSERT_TRUE(untouched || named == index) << round;
      ASSERT_TRUE(untouched || answer.refusal == Refusal::kNone) << round;
    }
  }
  EXPECT_GT(refused, 0u);
  EXPECT_LT(refused, 100'000u);
}

}  // namespace
}  // namespace weir::dataplane
