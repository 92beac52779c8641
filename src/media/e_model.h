// How a conversation sounds, by the E-model (ITU-T G.107, with the delay term of G.107 appendix and the loss term for
// Opus as fitted by common practice): 1.0 (bad) to 4.5 (nothing to wish for).
#pragma once
#include <algorithm>
#include <chrono>

#include "base/time.h"

namespace zvonok::media {

struct PathQuality {
  Duration round_trip{};
  Duration jitter{};
  double loss = 0;  // share of packets, 0 to 1
};

[[nodiscard]] inline double mean_opinion_score(const PathQuality& path) {
  constexpr double kBase = 93.2;          // R0 with the default values of G.107
  constexpr double kCodecDelayMs = 30;    // a frame of 20 ms, look-ahead, playout
  constexpr double kKneeMs = 177.3;       // from here on people begin to talk over each other
  constexpr double kLossRobustness = 20;  // Bpl of Opus with its concealment
  const auto in_ms = [](Duration time) { return std::chrono::duration<double, std::milli>(time).count(); };
  const double delay = in_ms(path.round_trip) / 2 + 2 * in_ms(path.jitter) + kCodecDelayMs;
  const double delay_cost = 0.024 * delay + (delay > kKneeMs ? 0.11 * (delay - kKneeMs) : 0);
  const double loss_percent = 100 * std::clamp(path.loss, 0.0, 1.0);
  const double loss_cost = 95 * loss_percent / (loss_percent + kLossRobustness);
  const double r = std::clamp(kBase - delay_cost - loss_cost, 0.0, 100.0);
  return std::clamp(1 + 0.035 * r + 7e-6 * r * (r - 60) * (100 - r), 1.0, 4.5);
}

}  // namespace zvonok::media
