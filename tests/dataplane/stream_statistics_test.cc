// Loss and jitter against RFC 3550's own algorithms, written here as its appendix A has them, and against rows that
// were computed by hand.
#include "dataplane/stream_statistics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <thread>
#include <vector>

#include "proto/stream_reading.h"

namespace weir::dataplane {
namespace {

constexpr std::uint32_t kClockHz = 8000;
constexpr std::uint64_t kStartNs = 1'000'000'000'000;
constexpr std::uint32_t kBytes = 172;

/// A flow as unprotect drives it: plain, or secured with indexes that are already whole.
struct Flow {
  explicit Flow(std::uint32_t clock_hz = kClockHz, proto::SrtpProfile profile = proto::SrtpProfile::kNone) {
    status.receive_profile = profile;
    start_streams(status, proto::rtp_ticks_of(clock_hz));
  }
  void take_index(std::uint32_t ssrc, std::uint64_t index, std::uint32_t timestamp, std::uint64_t now_ns) {
    count_rtp(status, {.ssrc = ssrc, .timestamp = timestamp, .index = index, .now_ns = now_ns});
    ++status.rtp_packets_in;
    status.rtp_bytes_in += kBytes;
  }
  void take(std::uint32_t ssrc, std::uint16_t sequence, std::uint32_t timestamp = 0, std::uint64_t now_ns = kStartNs) {
    take_index(ssrc, extend_sequence(status, ssrc, sequence), timestamp, now_ns);
  }
  [[nodiscard]] proto::StreamReading stream(std::uint32_t ssrc) const {
    for (const proto::StreamReading& reading : proto::read_streams(status)) {
      if (reading.ssrc == ssrc) return reading;
    }
    ADD_FAILURE() << "no stream " << ssrc;
    return {};
  }
  proto::FlowStatus status{};
};

/// RFC 3550 appendices A.1, A.3 and A.8, to the letter but for what the comments say.
struct NaiveSource {
  std::uint16_t max_seq = 0;
  std::uint32_t cycles = 0;
  std::uint32_t base_seq = 0;
  std::uint32_t received = 0;
  std::uint32_t transit = 0;
  std::uint32_t jitter = 0;
  bool begun = false;

  void take(std::uint16_t seq, std::uint32_t timestamp, std::uint32_t arrival) {
    const int sent = static_cast<int>(arrival - timestamp);
    if (!begun) {  // without the probation of MIN_SEQUENTIAL packets
      begun = true;
      base_seq = seq;
      max_seq = seq;
      transit = static_cast<std::uint32_t>(sent);
    }
    const auto udelta = static_cast<std::uint16_t>(seq - max_seq);
    if (udelta < 3000) {
      if (seq < max_seq) cycles += 65536;
      max_seq = seq;
    }  // else a duplicate or reordered: no source of these tests jumps
    ++received;
    int d = sent - static_cast<int>(transit);
    transit = static_cast<std::uint32_t>(sent);
    if (d < 0) d = -d;
    jitter += static_cast<std::uint32_t>(d) - ((jitter + 8) >> 4);
  }
  [[nodiscard]] std::uint32_t expected() const { return cycles + max_seq - base_seq + 1; }
};

struct Sent {
  std::uint32_t number;
  std::uint64_t arrival_ns;
};

/// Packets of 20 ms whose order of arrival is up to `reorder` places off, each lost with a chance of one in `loss`.
std::vector<Sent> journey(std::uint32_t packets, std::uint32_t reorder, std::uint32_t loss, std::mt19937& random) {
  std::vector<std::pair<std::uint64_t, std::uint32_t>> order;
  for (std::uint32_t i = 0; i < packets; ++i) order.emplace_back(i * 1000ull + random() % (reorder * 1000 + 1), i);
  std::sort(order.begin() + 1, order.end());
  std::vector<Sent> arrived;
  std::uint64_t now_ns = kStartNs;
  for (const auto& [place, number] : order) {
    now_ns += random() % 40 * 1'000'000;
    if (number != 0 && loss != 0 && random() % loss == 0) continue;
    arrived.push_back({number, now_ns});
  }
  return arrived;
}

TEST(StreamStatistics, AgreeWithRfc3550OverWrapsReorderingAndLoss) {
  std::mt19937 random(1);
  for (const std::uint16_t first :
       {std::uint16_t{0}, std::uint16_t{1}, std::uint16_t{32767}, std::uint16_t{65500}, std::uint16_t{65535}}) {
    for (const std::uint32_t reorder : {0u, 2u, 10u, 99u}) {
      for (const std::uint32_t loss : {0u, 3u, 100u}) {
        Flow flow;
        NaiveSource naive;
        for (const Sent& sent : journey(200'000, reorder, loss, random)) {  // three wraps
          const auto sequence = static_cast<std::uint16_t>(first + sent.number);
          const std::uint32_t timestamp = 0xffff0000 + sent.number * 160;  // wraps too
          flow.take(7, sequence, timestamp, sent.arrival_ns);
          const auto ticks = static_cast<std::uint32_t>(sent.arrival_ns * proto::rtp_ticks_of(kClockHz) >> 32);
          naive.take(sequence, timestamp, ticks);
          ASSERT_EQ(flow.status.rtp_jitter_16, naive.jitter);
        }
        const proto::StreamReading reading = flow.stream(7);
        EXPECT_EQ(reading.packets, naive.received);
        EXPECT_EQ(reading.expected, naive.expected()) << first << " " << reorder << " " << loss;
        // The first packet is the first: none is from before it.
        EXPECT_EQ(reading.lost, naive.expected() - naive.received);
        EXPECT_EQ(reading.duplicates, 0u);
        EXPECT_EQ(reading.reordered != 0, reorder != 0);
        EXPECT_EQ(reading.bytes, std::uint64_t{naive.received} * kBytes);
      }
    }
  }
}

TEST(StreamStatistics, LossReorderingAndDuplicatesByHand) {
  struct Row {
    const char* what;
    std::vector<std::uint16_t> sequences;
    std::uint64_t expected;
    std::uint64_t lost;
    std::uint32_t reordered;
    std::uint32_t duplicates;
  };
  const Row rows[] = {
      {"one packet", {5}, 1, 0, 0, 0},
      {"in order", {1, 2, 3, 4}, 4, 0, 0, 0},
      {"two of six lost", {1, 3, 4, 6}, 6, 2, 0, 0},
      {"two changed places", {1, 3, 2, 4}, 4, 0, 1, 0},
      {"one came twice", {1, 2, 2, 3}, 3, 0, 0, 1},
      {"one came twice, one was lost: both show", {1, 2, 2, 4}, 4, 1, 0, 1},
      {"late, and then again", {1, 3, 2, 2}, 3, 0, 1, 1},
      {"over a wrap", {65534, 65535, 0, 1}, 4, 0, 0, 0},
      {"lost at a wrap", {65534, 1}, 4, 2, 0, 0},
      {"changed places at a wrap", {65534, 0, 65535, 1}, 4, 0, 1, 0},
      {"from before the first", {0, 65535, 1}, 2, 0, 1, 0},
      {"2,999 ahead is loss", {1, 3000}, 3000, 2998, 0, 0},
      {"3,000 ahead is another beginning", {1, 3001, 3002}, 3, 0, 0, 0},
      {"127 behind is late", {1, 128, 2}, 128, 125, 1, 0},
      {"a sender that starts again", {1, 2, 40000, 40001, 40003}, 6, 1, 0, 0},
      {"behind, far", {1000, 1001, 1, 2}, 4, 0, 0, 0},
  };
  for (const Row& row : rows) {
    Flow flow;
    for (const std::uint16_t sequence : row.sequences) flow.take(9, sequence);
    const proto::StreamReading reading = flow.stream(9);
    EXPECT_EQ(reading.packets, row.sequences.size()) << row.what;
    EXPECT_EQ(reading.expected, row.expected) << row.what;
    EXPECT_EQ(reading.lost, row.lost) << row.what;
    EXPECT_EQ(reading.reordered, row.reordered) << row.what;
    EXPECT_EQ(reading.duplicates, row.duplicates) << row.what;
  }
}

TEST(StreamStatistics, JitterByHand) {
  // 20 ms packets; the second is 10 ms late (80 ticks), the third in time again: |D| = 80, 80, then 0.
  //   J = 80 = 1280/16 after scaling: 0 + 80 - (0 + 8)/16 = 80; 80 + 80 - 88/16 = 155; 155 + 0 - 163/16 = 145; in 1/16.
  Flow flow;
  const std::uint32_t wanted[] = {0, 80, 155, 145};
  const std::uint32_t late_ms[] = {0, 10, 0, 0};
  for (std::uint32_t i = 0; i < 4; ++i) {
    flow.take(1, static_cast<std::uint16_t>(i), 160 * i, kStartNs + (20ull * i + late_ms[i]) * 1'000'000);
    EXPECT_NEAR(flow.status.rtp_jitter_16, wanted[i], 1) << i;
  }
  EXPECT_NEAR(flow.stream(1).jitter_ms, 145 / 16.0 / 8, 0.02);
}

TEST(StreamStatistics, SteadyJitterIsWhatItIsForEveryClock) {
  for (const std::uint32_t clock_hz : {8'000u, 16'000u, 44'100u, 48'000u, 90'000u}) {
    Flow flow(clock_hz);
    for (std::uint32_t i = 0; i < 5000; ++i) {  // every other packet 5 ms late: |D| is always 5 ms
      flow.take(1, static_cast<std::uint16_t>(i), clock_hz / 50 * i, kStartNs + i * 20'000'000ull + i % 2 * 5'000'000);
    }
    EXPECT_EQ(flow.stream(1).clock_hz, clock_hz);
    EXPECT_NEAR(flow.stream(1).jitter_ms, 5.0, 0.15) << clock_hz;
  }
}

TEST(StreamStatistics, WithoutAClockThereIsNoJitter) {
  Flow flow(0);
  for (std::uint16_t i = 0; i < 100; ++i) flow.take(1, i, i * 977u, kStartNs + i * 31'000'000ull);
  EXPECT_EQ(flow.stream(1).jitter_ms, 0);
  EXPECT_EQ(flow.stream(1).clock_hz, 0u);
  EXPECT_EQ(flow.stream(1).packets, 100u);
}

TEST(StreamStatistics, StreamsThatAlternateAreCountedApart) {
  Flow flow;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    for (std::uint32_t ssrc = 0; ssrc < 4; ++ssrc) {
      if (ssrc != 0 && i % (10 * ssrc) == 5) continue;  // every tenth, twentieth, thirtieth is lost
      flow.take(ssrc, static_cast<std::uint16_t>(65000 + 200 * ssrc + i), 160 * i,
                kStartNs + i * 20'000'000ull + (i % 2) * ssrc * 1'000'000);
    }
  }
  const std::uint64_t lost[] = {0, 100, 50, 34};
  std::uint64_t packets = 0;
  for (std::uint32_t ssrc = 0; ssrc < 4; ++ssrc) {
    const proto::StreamReading reading = flow.stream(ssrc);
    EXPECT_EQ(reading.expected, 1000u) << ssrc;
    EXPECT_EQ(reading.lost, lost[ssrc]) << ssrc;
    EXPECT_EQ(reading.reordered, 0u) << ssrc;
    EXPECT_EQ(reading.current, ssrc == 3) << ssrc;
    EXPECT_EQ(reading.bytes, reading.packets * kBytes);
    EXPECT_NEAR(reading.jitter_ms, ssrc, 0.3) << ssrc;
    packets += reading.packets;
  }
  EXPECT_EQ(packets, flow.status.rtp_packets_in);
}

TEST(StreamStatistics, AFifthStreamTakesThePlaceOfTheOneWithTheFewestPackets) {
  Flow flow;
  for (std::uint32_t ssrc = 1; ssrc <= 4; ++ssrc) {
    for (std::uint16_t i = 0; i < 10 * (ssrc == 2 ? 1 : 5); ++i) flow.take(ssrc, i);
  }
  flow.take(5, 77);
  std::vector<std::uint32_t> ssrcs;
  for (const proto::StreamReading& reading : proto::read_streams(flow.status)) ssrcs.push_back(reading.ssrc);
  EXPECT_EQ(ssrcs, (std::vector<std::uint32_t>{1, 5, 3, 4}));
  EXPECT_EQ(flow.stream(5).packets, 1u);
  EXPECT_EQ(flow.stream(4).packets, 50u);
}

TEST(StreamStatistics, AStreamWithSsrc0IsOneAsAnyOther) {
  Flow flow;
  EXPECT_TRUE(proto::read_streams(flow.status).empty());
  flow.take(0, 0);
  flow.take(0, 1);
  EXPECT_EQ(flow.stream(0).packets, 2u);
  EXPECT_EQ(flow.stream(0).expected, 2u);
}

TEST(StreamStatistics, OfASecuredFlowReplaysAreDuplicatesAndMakeUpForNoLoss) {
  Flow flow(kClockHz, proto::SrtpProfile::kAeadAes128Gcm);
  constexpr std::uint64_t kFirst = (std::uint64_t{5} << 16) - 2;
  for (const std::uint64_t index : {kFirst, kFirst + 1, kFirst + 4}) flow.take_index(3, index, 0, kStartNs);
  count_duplicate(flow.status, 3);
  count_duplicate(flow.status, 4);  // an SSRC that nobody authenticated
  const proto::StreamReading reading = flow.stream(3);
  EXPECT_EQ(reading.expected, 5u);
  EXPECT_EQ(reading.lost, 2u);
  EXPECT_EQ(reading.duplicates, 1u);
  EXPECT_EQ(flow.status.rtp_index_highest, kFirst + 4);
}

TEST(StreamStatistics, AfterARestartTheyGoOnAndWhatWasLeftHalfDoneBeginsAnew) {
  Flow flow;
  for (std::uint16_t i = 0; i < 100; ++i) flow.take(i % 2, i);
  mend_streams(flow.status);
  EXPECT_EQ(flow.stream(0).packets + flow.stream(1).packets, 100u);
  flow.status.streams[0].version |= proto::kStreamChanging;
  EXPECT_EQ(proto::read_stream(flow.status, 0), std::nullopt);
  mend_streams(flow.status);
  EXPECT_TRUE(proto::read_streams(flow.status).empty());
  flow.take(1, 7);
  EXPECT_EQ(flow.stream(1).packets, 1u);
}

TEST(StreamStatistics, AReaderNeverSeesAStreamHalfExchanged) {
  Flow flow;
  constexpr std::uint32_t kRounds = 300'000;
  std::thread writer([&flow] {
    for (std::uint32_t i = 0; i < kRounds; ++i) {
      for (std::uint32_t ssrc = 1; ssrc <= 2; ++ssrc) {
        std::atomic_signal_fence(std::memory_order_seq_cst);
        flow.take(ssrc, static_cast<std::uint16_t>(i));
      }
    }
  });
  std::vector<std::uint64_t> last(3);
  while (last[2] < kRounds) {
    for (const proto::StreamReading& reading : proto::read_streams(flow.status)) {
      ASSERT_LE(reading.packets, kRounds);
      ASSERT_GE(reading.packets + 1, last[reading.ssrc]);
      ASSERT_LE(reading.packets, reading.expected + 1) << "counted one after the other";
      ASSERT_LE(reading.expected, reading.packets + 1);
      last[reading.ssrc] = std::max(last[reading.ssrc], reading.packets);
    }
    std::this_thread::yield();
  }
  writer.join();
}

}  // namespace
}  // namespace weir::dataplane
