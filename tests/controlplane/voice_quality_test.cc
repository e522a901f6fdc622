#include "controlplane/voice_quality.h"

#include <gtest/gtest.h>

namespace weir::controlplane {
namespace {

TEST(VoiceQuality, RatingsByHand) {
  struct Row {
    const char* what;
    const char* codec;
    StreamQuality quality;
    double rating;
    double score;
  };
  const Row rows[] = {
      // 93.2; 1 + 3.262 + 93.2 * 33.2 * 6.8 * 7e-6
      {"G.711 with nothing wrong", "PCMU", {}, 93.2, 4.41},
      // Ie,eff = 95 * 1 / 26.1 = 3.640
      {"G.711, 1 % lost", "pcma", {.loss_percent = 1}, 89.56, 4.33},
      // Ie,eff = 95 * 10 / 35.1 = 27.066
      {"G.711, 10 % lost", "PCMU", {.loss_percent = 10}, 66.13, 3.41},
      {"G.729 with nothing wrong", "G729", {}, 82.2, 4.10},
      // Ie,eff = 11 + 84 * 2 / 21 = 19
      {"G.729, 2 % lost", "G729", {.loss_percent = 2}, 74.2, 3.78},
      {"no delay that matters up to 100 ms", "PCMU", {.jitter_ms = 30}, 93.2, 4.41},
      // 200 ms: x = 1; 25 * (2^(1/6) - 3 * (1 + 1/729)^(1/6) + 2) = 3.044
      {"G.711, jitter 80 ms", "PCMU", {.jitter_ms = 80}, 90.16, 4.34},
      // 400 ms: x = 2; 25 * (65^(1/6) - 3 * (1 + 64/729)^(1/6) + 2) = 24.07
      {"G.711, 400 ms", "PCMU", {.delay_ms = 400}, 69.07, 3.55},
      {"an unknown codec counts as G.711", "opus", {.loss_percent = 1}, 89.56, 4.33},
      {"everything lost", "PCMU", {.loss_percent = 100}, 17.26, 1.18},
  };
  for (const Row& row : rows) {
    const double found = rating(row.quality, codec_impairment(row.codec));
    EXPECT_NEAR(found, row.rating, 0.06) << row.what;
    EXPECT_NEAR(mean_opinion_score(found), row.score, 0.02) << row.what;
  }
}

TEST(VoiceQuality, TheScoreStaysInItsRangeAndNeverRisesWithLoss) {
  EXPECT_EQ(mean_opinion_score(-5), 1);
  EXPECT_EQ(mean_opinion_score(3), 1);
  EXPECT_EQ(mean_opinion_score(100), 4.5);
  double before = 5;
  for (double loss = 0; loss <= 100; loss += 0.5) {
    const double score =
        mean_opinion_score(rating({.loss_percent = loss, .jitter_ms = loss}, codec_impairment("PCMU")));
    EXPECT_LE(score, before);
    EXPECT_GE(score, 1);
    before = score;
  }
}

}  // namespace
}  // namespace weir::controlplane
