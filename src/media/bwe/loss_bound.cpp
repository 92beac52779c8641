// See loss_bound.h.
#include "media/bwe/loss_bound.h"

#include <algorithm>

namespace zvonok::media::bwe {

namespace {

constexpr Duration kInterval = milliseconds{200};
constexpr Duration kIntervalLongest = milliseconds{1000};
constexpr std::int64_t kIntervalPackets = 50;
constexpr std::int64_t kFewPackets = 10;
constexpr double kHigh = 0.10;
constexpr double kLow = 0.02;
/// Above this there is nothing to try: the rate is far off.
constexpr double kDisaster = 0.30;
constexpr double kInherentMost = 0.35;
constexpr double kInherentSmoothing = 0.05;
constexpr double kGrowth = 1.05;
constexpr double kTrialShare = 0.8;
constexpr Duration kTrialLength = seconds{1};
constexpr Duration kTrialLongest = seconds{3};
constexpr std::int64_t kTrialPackets = 80;
constexpr Duration kSettle = milliseconds{150};

std::int64_t scaled(std::int64_t bps, double by) {
  return static_cast<std::int64_t>(static_cast<double>(bps) * by);
}

}  // namespace

void LossBound::count(Fate fate) {
  switch (fate) {
    case Fate::Arrived: ++total_; break;
    case Fate::Lost:
      ++total_;
      ++lost_;
      break;
    case Fate::ArrivedAfterLoss: lost_ = std::max<std::int64_t>(0, lost_ - 1); break;
  }
}

void LossBound::restart_interval() {
  lost_ = 0;
  total_ = 0;
  interval_start_.reset();
}

void LossBound::raise_to(std::int64_t bps) {
  if (bound_bps_ && bps > *bound_bps_) bound_bps_ = std::min(bps, options_.max_bps);
}

void LossBound::update(TimePoint now, const LossReport& report) {
  if (!interval_start_) interval_start_ = now;
  const Duration length = now - *interval_start_;
  if (length < kInterval || (total_ < kIntervalPackets && length < kIntervalLongest)) return;
  if (trial_) {
    if (report.usage == Usage::Overuse) trial_->overused = true;
    if (now >= trial_->counts_from) {
      trial_->lost += lost_;
      trial_->total += total_;
    }
  }
  if (total_ >= kFewPackets) {
    const double loss = static_cast<double>(lost_) / static_cast<double>(total_);
    smoothed_ += 0.3 * (loss - smoothed_);
    if (trial_) {
      if (judge(now, *trial_)) {
        trial_.reset();
        settled_at_ = now + report.rtt;
      }
    } else if (now >= settled_at_) {
      interval(now, report, loss);
    }
    previous_ = loss;
  }
  restart_interval();
  interval_start_ = now;
}

void LossBound::interval(TimePoint now, const LossReport& report, double loss) {
  const double excess = loss - inherent_;
  if (excess > kDisaster) {
    const std::int64_t from = std::min(report.target_bps, bound_bps_.value_or(report.target_bps));
    const std::int64_t delivered = std::min(report.acked_bps.value_or(from / 2), from);
    bound_bps_ = std::max(options_.min_bps, std::max(delivered, scaled(from, 1 - excess)));
    bound_bps_ = std::min(*bound_bps_, from);
    settled_at_ = now + report.rtt + kSettle;
  } else if (excess > kHigh && !report.is_alr) {
    begin_trial(now, report, (loss + std::max(previous_, inherent_)) / 2);
  } else if (excess < kLow && bound_bps_) {
    bound_bps_ = scaled(*bound_bps_, kGrowth);
    if (*bound_bps_ > scaled(report.target_bps, 1.5)) bound_bps_.reset();
  }
  if (inherent_ > 0 && excess <= kHigh) {
    inherent_ += kInherentSmoothing * (loss - inherent_);
    if (inherent_ < 0.01) inherent_ = 0;
  }
}

void LossBound::begin_trial(TimePoint now, const LossReport& report, double loss) {
  const std::int64_t allowed = std::min(report.target_bps, bound_bps_.value_or(report.target_bps));
  const std::int64_t base = std::min(allowed, report.sent_bps.value_or(allowed));
  trial_ = Trial{.base_bps = base,
                 .restore = bound_bps_,
                 .loss = std::max(loss, kHigh + inherent_),
                 .counts_from = now + report.rtt + kSettle};
  bound_bps_ = std::max(options_.min_bps, scaled(base, kTrialShare));
}

bool LossBound::judge(TimePoint now, const Trial& trial) {
  const Duration counted = now - trial.counts_from;
  const bool enough = counted >= kTrialLength && trial.total >= kTrialPackets;
  if (!enough && counted < kTrialLongest) return false;
  if (trial.total < kFewPackets) return true;
  const double loss = static_cast<double>(trial.lost) / static_cast<double>(trial.total);
  // A bottleneck that let through (1 - loss) of the old rate would lose this much of the lower one.
  const double if_ours = std::max(0.0, 1 - (1 - trial.loss) / kTrialShare);
  if (!trial.overused && loss > if_ours + 0.35 * (trial.loss - if_ours)) {
    inherent_ = std::min(kInherentMost, loss);
    bound_bps_ = trial.restore;
  }
  return true;
}

}  // namespace zvonok::media::bwe
