// See delay_bound.h.
#include "media/bwe/delay_bound.h"

#include <algorithm>
#include <cmath>

namespace zvonok::media::bwe {

namespace {

constexpr double kBeta = 0.85;
constexpr double kGrowthPerSecond = 1.08;
constexpr double kAckedHeadroom = 1.5;
constexpr std::int64_t kAckedSlackBps = 10'000;
constexpr double kCapacitySmoothing = 0.05;
constexpr double kPacketBits = 1200 * 8;
constexpr Duration kResponseExtra = milliseconds{100};

/// A queue longer than this is drained; shorter than kDrained it is gone.
constexpr Duration kDrainWorth = milliseconds{60};
constexpr Duration kDrained = milliseconds{30};
constexpr Duration kDrainTime = milliseconds{600};
constexpr Duration kDrainLongest = seconds{4};
constexpr double kDrainLowest = 0.35;
/// A queue this long that neither grows nor shrinks is ours too.
constexpr Duration kStanding = milliseconds{120};
constexpr Duration kStandingPatience = seconds{1};

double in_seconds(Duration duration) {
  return static_cast<double>(duration.count()) / 1e9;
}

}  // namespace

double DelayBound::Capacity::spread() const {
  return std::sqrt(variance_ * mean_kbps_);
}

bool DelayBound::Capacity::is_exceeded_by(std::int64_t bps) const {
  return is_known() && static_cast<double>(bps) / 1000 > mean_kbps_ + 3 * spread();
}

void DelayBound::Capacity::sample(std::int64_t bps) {
  const double kbps = static_cast<double>(bps) / 1000;
  if (!is_known() || std::abs(kbps - mean_kbps_) > 3 * spread()) {
    mean_kbps_ = kbps;
    variance_ = 0.4;
    return;
  }
  const double error = kbps - mean_kbps_;
  mean_kbps_ += kCapacitySmoothing * error;
  // The variance is relative to the mean, and bounded so that "near" keeps a meaning.
  const double relative = error * error / std::max(mean_kbps_, 1.0);
  variance_ = std::clamp((1 - kCapacitySmoothing) * variance_ + kCapacitySmoothing * relative, 0.4, 2.5);
}

std::int64_t DelayBound::clamp(std::int64_t bps) const {
  return std::clamp(bps, options_.min_bps, options_.max_bps);
}

void DelayBound::raise_to(std::int64_t bps) {
  bound_bps_ = clamp(std::max(bound_bps_, bps));
  if (capacity_.is_exceeded_by(bps)) capacity_.forget();
}

void DelayBound::lower_to(std::int64_t bps) {
  bound_bps_ = clamp(std::min(bound_bps_, bps));
}

void DelayBound::update(TimePoint now, const DelayReport& report) {
  if (!updated_) updated_ = now;
  watch_standing_queue(now, report);
  if (drain_bps_) {
    drain(now, report);
  } else {
    switch (report.usage) {
      case Usage::Overuse: decrease(now, report); break;
      case Usage::Underuse: break;  // hold: the queue empties itself
      case Usage::Normal: increase(now, report); break;
    }
  }
  updated_ = now;
}

void DelayBound::decrease(TimePoint now, const DelayReport& report) {
  const std::int64_t acked = report.acked_recent_bps.value_or(bound_bps_);
  if (report.acked_recent_bps) capacity_.sample(acked);
  const auto lower = static_cast<std::int64_t>(kBeta * static_cast<double>(acked));
  bound_bps_ = clamp(std::min(bound_bps_, lower));
  last_decrease_ = now;
  hold_until_ = now + report.rtt + kResponseExtra;
  if (report.queue_delay > kDrainWorth) {
    drain_from_bps_ = std::min(acked, static_cast<std::int64_t>(static_cast<double>(bound_bps_) / kBeta));
    drain_queue_ = report.queue_delay;
    drain_until_ = now + kDrainLongest;
    drain(now, report);
  }
}

void DelayBound::drain(TimePoint now, const DelayReport& report) {
  // It got worse: the capacity fell further than the delivered rate told when we began.
  if (report.queue_delay > drain_queue_ + kDrainWorth && report.acked_recent_bps) {
    drain_queue_ = report.queue_delay;
    drain_from_bps_ = std::min(drain_from_bps_, *report.acked_recent_bps);
    capacity_.sample(*report.acked_recent_bps);
    bound_bps_ = clamp(std::min(bound_bps_, static_cast<std::int64_t>(kBeta * static_cast<double>(drain_from_bps_))));
    last_decrease_ = now;
  }
  if (report.queue_delay < kDrained || now >= drain_until_) {
    drain_bps_.reset();
    standing_since_.reset();
    hold_until_ = now + report.rtt + kResponseExtra;
    return;
  }
  const double share = std::clamp(1 - in_seconds(report.queue_delay) / in_seconds(kDrainTime), kDrainLowest, kBeta);
  drain_bps_ = clamp(static_cast<std::int64_t>(share * static_cast<double>(drain_from_bps_)));
}

void DelayBound::watch_standing_queue(TimePoint now, const DelayReport& report) {
  if (drain_bps_ || report.queue_delay < kStanding) {
    standing_since_.reset();
    return;
  }
  if (!standing_since_) standing_since_ = now;
  if (now - *standing_since_ < kStandingPatience) return;
  standing_since_.reset();
  decrease(now, report);
}

void DelayBound::increase(TimePoint now, const DelayReport& report) {
  if (now < hold_until_) return;
  const double elapsed = std::min(1.0, in_seconds(now - updated_.value_or(now)));
  if (report.acked_bps && capacity_.is_exceeded_by(*report.acked_bps)) capacity_.forget();
  const auto bound = static_cast<double>(bound_bps_);
  double grown = bound;
  if (capacity_.is_known()) {
    grown += elapsed * std::max(4000.0, kPacketBits / in_seconds(report.rtt + kResponseExtra));
  } else {
    grown = std::max(bound * std::pow(kGrowthPerSecond, elapsed), bound + 1000 * elapsed);
  }
  // The cap holds growth back; it never takes away what was had, or a pause would cost the estimate.
  if (report.acked_bps) {
    const double cap = kAckedHeadroom * static_cast<double>(*report.acked_bps + kAckedSlackBps);
    grown = std::max(bound, std::min(grown, cap));
  }
  bound_bps_ = clamp(static_cast<std::int64_t>(grown));
}

}  // namespace zvonok::media::bwe
