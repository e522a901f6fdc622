// How good a call sounds, out of what was counted: the E-model of ITU-T G.107 with the codecs of G.113 appendix I.
#pragma once

#include <string_view>

namespace weir::controlplane {

/// What the E-model needs to know of a codec (G.107 clause 3.5).
struct CodecImpairment {
  double impairment;  ///< Ie: what the codec takes away without any loss
  double robustness;  ///< Bpl: how well it hides lost packets
};

/// By the encoding's name in SDP. G.113 appendix I has values for G.711 (with packet loss concealment, as receivers
/// have it), G.729, G.723.1 and GSM-EFR. Any other codec, Opus and the wideband ones among them, counts as G.711 does:
/// their own values are on other scales (G.107.1, G.107.2), and they hide losses no worse.
CodecImpairment codec_impairment(std::string_view codec);

/// What a stream went through.
struct StreamQuality {
  double loss_percent = 0;
  double jitter_ms = 0;
  /// One way, beyond what the jitter makes the receiver wait: packet time, codec and network. The media plane sees none
  /// of it, so it is what is usual: a packet of 20 ms, and 20 ms of network.
  double delay_ms = 40;
};

/// R, 0..93.2. G.107's defaults for all that is not given here (93.2 with nothing wrong), random loss (BurstR 1), no
/// echo, and a receiver that waits twice the jitter. What the receiver then still finds too late is not seen here.
double rating(const StreamQuality& quality, const CodecImpairment& codec);

/// The mean opinion score that R stands for, 1..4.5 (G.107 annex B).
double mean_opinion_score(double rating);

}  // namespace weir::controlplane
