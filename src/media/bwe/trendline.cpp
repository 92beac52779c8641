// See trendline.h. The constants are those of draft-ietf-rmcat-gcc-02 (table 1) and of the trendline's description.
#include "media/bwe/trendline.h"

#include <algorithm>
#include <cmath>

namespace zvonok::media::bwe {

namespace {

constexpr Duration kGroupSpan = milliseconds{5};
constexpr Duration kBurstSpan = milliseconds{100};
constexpr Duration kPause = seconds{3};

constexpr double kSmoothing = 0.9;
/// The slope is scaled by the number of deltas (at most this many) and the gain to be compared with milliseconds.
constexpr std::uint32_t kDeltasMax = 60;
constexpr double kGain = 4.0;
constexpr double kOveruseMs = 10.0;
constexpr double kUp = 0.0087;
constexpr double kDown = 0.039;
constexpr double kThresholdMinMs = 6.0;
constexpr double kThresholdMaxMs = 600.0;
/// Trends further above the threshold than this are route changes and bursts: they don't teach it.
constexpr double kOutlierMs = 15.0;

double ms(Duration duration) {
  return static_cast<double>(duration.count()) / 1e6;
}

}  // namespace

bool PacketGroups::belongs(const Group& group, TimePoint sent, TimePoint arrived) {
  if (sent - group.first_sent <= kGroupSpan) return true;
  const Duration arrived_after = arrived - group.last_arrived;
  const Duration gradient = arrived_after - (sent - group.last_sent);
  return gradient < Duration::zero() && arrived_after <= kGroupSpan && arrived - group.first_arrived < kBurstSpan;
}

std::optional<PacketGroups::Delta> PacketGroups::add(TimePoint sent, TimePoint arrived) {
  const Group fresh{.first_sent = sent, .last_sent = sent, .first_arrived = arrived, .last_arrived = arrived};
  if (!current_) {
    current_ = fresh;
    return std::nullopt;
  }
  if (sent < current_->first_sent) return std::nullopt;  // reordered: it tells of an older group
  if (belongs(*current_, sent, arrived)) {
    current_->last_sent = std::max(current_->last_sent, sent);
    current_->last_arrived = std::max(current_->last_arrived, arrived);
    return std::nullopt;
  }
  if (sent - current_->last_sent > kPause || arrived - current_->last_arrived > kPause ||
      arrived < current_->first_arrived - kPause) {
    previous_.reset();
    current_ = fresh;
    return std::nullopt;
  }
  std::optional<Delta> delta;
  if (previous_) {
    delta = Delta{.sent = current_->last_sent - previous_->last_sent,
                  .arrived = current_->last_arrived - previous_->last_arrived,
                  .arrived_at = current_->last_arrived};
    // Groups that overtook each other say nothing of the queue.
    if (delta->arrived < Duration::zero()) delta.reset();
  }
  previous_ = current_;
  current_ = fresh;
  return delta;
}

void PacketGroups::restart() {
  current_.reset();
  previous_.reset();
}

void Trendline::restart() {
  count_ = 0;
  next_ = 0;
  deltas_ = 0;
  first_arrival_.reset();
  accumulated_ms_ = 0;
  smoothed_ms_ = 0;
  over_ms_ = 0;
  over_count_ = 0;
  last_slope_ = 0;
  usage_ = Usage::Normal;
}

void Trendline::add(const PacketGroups::Delta& delta) {
  const double sent_ms = ms(delta.sent);
  if (!first_arrival_) first_arrival_ = delta.arrived_at;
  deltas_ = std::min(deltas_ + 1, kDeltasMax);
  accumulated_ms_ += ms(delta.arrived) - sent_ms;
  smoothed_ms_ = kSmoothing * smoothed_ms_ + (1 - kSmoothing) * accumulated_ms_;
  points_[next_] = {.arrived_ms = ms(delta.arrived_at - *first_arrival_), .delay_ms = smoothed_ms_};
  next_ = (next_ + 1) % kWindow;
  count_ = std::min(count_ + 1, kWindow);
  const double fitted = slope().value_or(0);
  const double trend_ms = static_cast<double>(deltas_) * fitted * kGain;
  detect(trend_ms, sent_ms, fitted);
  adapt_threshold(trend_ms, delta.arrived_at);
}

/// Least squares through the points; nothing until the window is full.
std::optional<double> Trendline::slope() const {
  if (count_ < kWindow) return std::nullopt;
  double mean_x = 0;
  double mean_y = 0;
  for (const Point& point : points_) {
    mean_x += point.arrived_ms / kWindow;
    mean_y += point.delay_ms / kWindow;
  }
  double above = 0;
  double below = 0;
  for (const Point& point : points_) {
    above += (point.arrived_ms - mean_x) * (point.delay_ms - mean_y);
    below += (point.arrived_ms - mean_x) * (point.arrived_ms - mean_x);
  }
  if (below <= 0) return std::nullopt;
  return above / below;
}

/// Section 5.4: over-use is a trend above the threshold for 10 ms and two groups that isn't already easing.
void Trendline::detect(double trend_ms, double sent_delta_ms, double slope) {
  if (trend_ms > threshold_ms_) {
    over_ms_ += over_count_ == 0 ? sent_delta_ms / 2 : sent_delta_ms;
    ++over_count_;
    if (over_ms_ > kOveruseMs && over_count_ > 1 && slope >= last_slope_) {
      over_ms_ = 0;
      over_count_ = 0;
      usage_ = Usage::Overuse;
    }
  } else {
    over_ms_ = 0;
    over_count_ = 0;
    usage_ = trend_ms < -threshold_ms_ ? Usage::Underuse : Usage::Normal;
  }
  last_slope_ = slope;
}

void Trendline::adapt_threshold(double trend_ms, TimePoint at) {
  const double size = std::abs(trend_ms);
  const double elapsed_ms = adapted_at_ ? std::clamp(ms(at - *adapted_at_), 0.0, 100.0) : 0.0;
  adapted_at_ = at;
  if (size > threshold_ms_ + kOutlierMs) return;
  // A long step goes as far as the trend itself, not beyond it.
  const double step = std::min(1.0, (size < threshold_ms_ ? kDown : kUp) * elapsed_ms);
  threshold_ms_ += step * (size - threshold_ms_);
  threshold_ms_ = std::clamp(threshold_ms_, kThresholdMinMs, kThresholdMaxMs);
}

}  // namespace zvonok::media::bwe
