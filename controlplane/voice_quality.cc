#include "controlplane/voice_quality.h"

#include <algorithm>
#include <cmath>

#include "sip/text.h"

namespace weir::controlplane {
namespace {

constexpr double kRatingBest = 93.2;  // G.107 clause 3.6: Ro - Is with all defaults
constexpr CodecImpairment kG711{0, 25.1};

struct Row {
  std::string_view name;
  CodecImpairment impairment;
};
// G.113 appendix I, tables I.1 and I.4.
constexpr Row kCodecs[] = {{"G729", {11, 19}}, {"G723", {15, 16.1}}, {"GSM-EFR", {5, 10}}};

/// Idd of G.107 equations 7-27 and 7-28.
double delay_impairment(double delay_ms) {
  if (delay_ms <= 100) return 0;
  const double x = std::log2(delay_ms / 100);
  return 25 * (std::pow(1 + std::pow(x, 6), 1.0 / 6) - 3 * std::pow(1 + std::pow(x / 3, 6), 1.0 / 6) + 2);
}

/// Ie,eff of G.107 equation 7-29 with BurstR 1.
double equipment_impairment(double loss_percent, const CodecImpairment& codec) {
  return codec.impairment + (95 - codec.impairment) * loss_percent / (loss_percent + codec.robustness);
}

}  // namespace

CodecImpairment codec_impairment(std::string_view codec) {
  for (const Row& row : kCodecs) {
    if (sip::equals_without_case(codec, row.name)) return row.impairment;
  }
  return kG711;
}

double rating(const StreamQuality& quality, const CodecImpairment& codec) {
  const double loss = std::clamp(quality.loss_percent, 0.0, 100.0);
  const double delay_ms = quality.delay_ms + 2 * quality.jitter_ms;
  const double rating = kRatingBest - delay_impairment(delay_ms) - equipment_impairment(loss, codec);
  return std::clamp(rating, 0.0, kRatingBest);
}

double mean_opinion_score(double rating) {
  if (rating <= 0) return 1;
  if (rating >= 100) return 4.5;
  return std::max(1.0, 1 + 0.035 * rating + rating * (rating - 60) * (100 - rating) * 7e-6);
}

}  // namespace weir::controlplane
