#include "media/phone/delay_estimator.h"

#include <algorithm>
#include <utility>

namespace zvonok::media::phone {
namespace {

constexpr float kForget = 0.997F;  // half of it in 230 packets: some five seconds
constexpr float kInTime = 0.97F;   // of what is remembered
constexpr Duration kWindow = seconds{5};
// A step of more than that is another clock, or a pause after which nothing is known.
constexpr Duration kStepMost = seconds{2};

}  // namespace

void DelayEstimator::begin(TimePoint now, std::uint32_t timestamp, std::uint32_t clock_rate) {
  clock_rate_ = clock_rate;
  last_timestamp_ = timestamp;
  sent_ = {};
  began_ = now;
  window_began_ = now;
  quickest_ = {};
  quickest_before_ = {};
  started_ = true;
}

void DelayEstimator::on_packet(TimePoint now, std::uint32_t timestamp, std::uint32_t clock_rate) {
  if (!started_ || clock_rate != clock_rate_) return begin(now, timestamp, clock_rate);
  const std::int64_t ticks = static_cast<std::int32_t>(timestamp - last_timestamp_);
  const Duration step = microseconds{ticks * 1'000'000 / clock_rate};
  last_timestamp_ = timestamp;
  sent_ += step;
  const Duration transit = now - began_ - sent_;
  if (step > kStepMost || step < -kStepMost || transit - quickest_ > kStepMost)
    return begin(now, timestamp, clock_rate);
  if (now - window_began_ > kWindow) {
    window_began_ = now;
    quickest_before_ = std::exchange(quickest_, transit);
  }
  quickest_ = std::min(quickest_, transit);
  const Duration late = transit - std::min(quickest_, quickest_before_);
  const auto bin = std::min(static_cast<std::size_t>(late / kBin), kBins - 1);
  for (float& share : lateness_) share *= kForget;
  lateness_[bin] += 1 - kForget;
  update_target();
}

void DelayEstimator::update_target() {
  float all = 0;
  for (const float share : lateness_) all += share;
  float sum = 0;
  std::size_t bin = 0;
  while (bin + 1 < kBins && sum + lateness_[bin] < kInTime * all) sum += lateness_[bin++];
  target_ = std::clamp<Duration>(kBin * static_cast<int>(bin + 1), kLeast, kMost);
}

}  // namespace zvonok::media::phone
