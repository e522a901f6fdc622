// No (key, SSRC, index) is ever used twice for sending (RFC 3711 section 9.1): a media plane that is killed again and
// again goes on over the same memory, through calls with hold, SSRC changes, rekeys and whatever the far side repeats.
// Built with the send recorder; the child processes are killed with SIGKILL at any moment.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <functional>

#include "dataplane/lookup.h"
#include "tests/support/media_flows.h"
#include "tests/support/random_media.h"
#include "tests/support/secured_profiles.h"
#include "tests/support/send_records.h"
#include "tests/support/srtp_kdf.h"
#include "tests/support/temporary_directory.h"

namespace weir::dataplane {
namespace {

using tests::below;
using tests::MediaFlows;
using tests::PacketBurst;
using tests::Random;
using Packet = std::vector<std::uint8_t>;

constexpr std::uint32_t kFlows = 40;
constexpr std::uint32_t kCallsWanted = 3000;
constexpr std::uint32_t kKillsWanted = 30;

/// What the far side of a call does next. Survives a kill, so that it goes on, and repeats itself.
struct Party {
  std::uint32_t ssrc;
  std::uint16_t sequence;
  std::uint64_t keys;  ///< the number of those it has, or shall have
};

/// In memory that all the processes share.
struct Script {
  std::atomic<std::uint32_t> calls;
  std::atomic<std::uint32_t> rekeys;
  std::atomic<std::uint64_t> keys_made;  ///< counted before the key is used: no two calls have the same
  std::array<Party, kFlows> parties;
};

class SharedMemory {
 public:
  explicit SharedMemory(std::size_t bytes)
      : bytes_(bytes), data_(mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    WEIR_ASSERT(data_ != MAP_FAILED);
  }
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  ~SharedMemory() { munmap(data_, bytes_); }
  [[nodiscard]] void* data() const { return data_; }

 private:
  std::size_t bytes_;
  void* data_;
};

/// One life of the media plane.
class Life {
 public:
  Life(Script& script, MediaFlows& flows, std::uint64_t seed) : script_(script), flows_(flows), random_(seed) {
    flows_.table().resume(flows_.cipher());
  }

  [[noreturn]] void run() {
    for (;;) act(below(random_, kFlows));
  }

  void act(std::uint32_t index) {
    const std::uint32_t what = below(random_, 100);
    if (flows_.flow(index).state != proto::FlowState::kInstalled || what < 2) return call_anew(index);
    Party& party = script_.parties[index];
    if (what < 5) return rekey(index);
    if (what < 7) return flows_.update_keys(index, {}, keys_of(party.keys));  // an answer that changes nothing
    if (what < 10) party.ssrc = below(random_, 12);                           // a change, or a return
    if (what < 12) party.sequence = static_cast<std::uint16_t>(random_());    // after hold, or another source
    if (what < 15) party.sequence = static_cast<std::uint16_t>(party.sequence - below(random_, 300));
    send_burst(index, party);
  }

 private:
  proto::TransformSpec fresh_keys(std::uint32_t index) {
    script_.parties[index].keys = script_.keys_made.fetch_add(1) + 1;
    return keys_of(script_.parties[index].keys);
  }

  static proto::TransformSpec keys_of(std::uint64_t number) {
    const auto profiles = tests::secured_profiles();
    Random choice{number};
    const proto::SrtpProfileInfo& info = proto::srtp_profile(profiles[below(choice, profiles.size() & 0xff)]);
    Packet key(info.key_bytes, 0x5a);
    proto::store_be32(key.data(), static_cast<std::uint32_t>(number));
    return tests::derive_transform(info.profile, key, Packet(info.salt_bytes, 0xa5));
  }

  void call_anew(std::uint32_t index) {
    const std::uint32_t generation = flows_.flow(index).generation + 1;
    if (flows_.flow(index).owner != 0) flows_.table().remove(index);
    proto::FlowSpec spec = MediaFlows::spec(index, {}, fresh_keys(index));
    if (below(random_, 2) == 0) spec.rewrite.ssrc_to = 0x1000 + index;
    flows_.install(index, spec, generation);
    script_.calls.fetch_add(1);
  }

  void rekey(std::uint32_t index) {
    proto::TransformSpec keys = fresh_keys(index);
    keys.keeps_indexes = static_cast<std::uint8_t>(below(random_, 2));
    flows_.update_keys(index, {}, keys);
    script_.rekeys.fetch_add(1);
  }

  void send_burst(std::uint32_t index, Party& party) {
    burst_.clear();
    for (std::uint32_t count = 1 + below(random_, 12); count > 0; --count) {
      if (below(random_, 20) == 0) {
        burst_.add(flows_, index, tests::random_rtcp(random_, party.ssrc, 6));
        continue;
      }
      burst_.add(flows_, index, tests::random_rtp(random_, party.ssrc, party.sequence, 8));
      if (below(random_, 20) != 0) ++party.sequence;  // else it comes twice
    }
    burst_.unprotect(flows_);
    burst_.rewrite();
    burst_.protect(flows_);
  }

  Script& script_;
  MediaFlows& flows_;
  Random random_;
  PacketBurst burst_;
};

/// A child process that records into `folder`. The parent goes on at once.
pid_t in_a_child(const std::string& folder, const std::function<void()>& function) {
  const pid_t child = fork();
  WEIR_ASSERT(child >= 0);
  if (child == 0) {
    setenv(kSendRecordsFolder, folder.c_str(), 1);
    function();
    _exit(0);
  }
  return child;
}

int wait_for(pid_t child) {
  int status = 0;
  WEIR_ASSERT(waitpid(child, &status, 0) == child);
  return status;
}

TEST(SendSafety, NoIndexIsUsedTwiceThroughCallsThatAreKilledAtAnyMoment) {
  const tests::TemporaryDirectory folder;
  const SharedMemory script_memory(sizeof(Script));
  const SharedMemory memory(MediaFlows::memory_bytes(kFlows));
  Script& script = *new (script_memory.data()) Script{};
  Random random{2024};
  std::uint32_t kills = 0;
  while (kills < kKillsWanted || script.calls < kCallsWanted) {
    const pid_t child = in_a_child(folder.path(), [&] {
      MediaFlows flows(kFlows, memory.data());
      Life(script, flows, kills + 1).run();
    });
    const std::uint32_t calls = script.calls;
    while (script.calls == calls) usleep(1000);  // past its start
    usleep(1000 + below(random, 40'000));
    ASSERT_EQ(kill(child, SIGKILL), 0);
    ASSERT_TRUE(WIFSIGNALED(wait_for(child))) << "the child must not end by itself";
    ++kills;
  }
  const std::vector<SendRecord> records = tests::read_send_records(folder.path());
  EXPECT_GT(records.size(), 20u * kCallsWanted);
  EXPECT_GT(script.rekeys, kCallsWanted);
  EXPECT_EQ(tests::find_repetitions(records).size(), 0u) << "of " << records.size();
}

/// A flow that sends ten packets; then something happens; then the same ten come again.
std::size_t repetitions_around(const std::function<void(MediaFlows&, const proto::FlowSpec&)>& what_happens) {
  const tests::TemporaryDirectory folder;
  const int status = wait_for(in_a_child(folder.path(), [&] {
    MediaFlows flows(1);
    const proto::FlowSpec spec = MediaFlows::spec(
        0, {}, tests::derive_transform(proto::SrtpProfile::kAesCm128HmacSha1_80, Packet(16, 1), Packet(14, 2)));
    flows.install(0, spec);
    for (int round = 0; round < 2; ++round) {
      Random random{5};
      for (std::uint16_t sequence = 0; sequence < 10; ++sequence) {
        PacketBurst burst;
        burst.add(flows, 0, tests::random_rtp(random, 7, sequence, 8));
        burst.unprotect(flows);
        burst.protect(flows);
      }
      if (round == 0) what_happens(flows, spec);
    }
  }));
  WEIR_ASSERT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  const std::vector<SendRecord> records = tests::read_send_records(folder.path());
  EXPECT_GE(records.size(), 10u);
  return tests::find_repetitions(records).size();
}

TEST(SendSafety, TheRecordsShowEveryRepetition) {
  EXPECT_EQ(repetitions_around([](MediaFlows&, const proto::FlowSpec&) {}), 0u) << "refused, so not recorded";
  EXPECT_EQ(repetitions_around([](MediaFlows& flows, const proto::FlowSpec&) { flows.flow(0).send_rtp = {}; }), 10u)
      << "a media plane that forgets its indexes must be found out";
  EXPECT_EQ(repetitions_around([](MediaFlows& flows, const proto::FlowSpec& spec) {
              flows.table().remove(0);
              flows.install(0, spec);
            }),
            10u)
      << "so must a new flow with an old one's keys";
}

}  // namespace
}  // namespace weir::dataplane
