// The rate the delay allows (draft-ietf-rmcat-gcc-02 section 5.5): multiplicative growth far from the known capacity,
// additive near it, 0.85 of the delivered rate after over-use. Beyond the draft it drains: after over-use with a known
// queue it stays further below the capacity until the queue is gone, for a call feels a queue more than a low rate.
#pragma once
#include <cstdint>
#include <optional>

#include "base/time.h"
#include "media/bwe/controller.h"
#include "media/bwe/trendline.h"

namespace zvonok::media::bwe {

struct DelayReport {
  Usage usage = Usage::Normal;
  std::optional<std::int64_t> acked_bps{};
  std::optional<std::int64_t> acked_recent_bps{};
  Duration rtt{};
  Duration queue_delay{};
};

class DelayBound {
 public:
  explicit DelayBound(const ControllerOptions& options) : options_{options}, bound_bps_{options.start_bps} {}

  void update(TimePoint now, const DelayReport& report);
  /// A probe proved this rate: jump there.
  void raise_to(std::int64_t bps);
  /// Something else (loss, silence) found a lower rate: growth starts there.
  void lower_to(std::int64_t bps);
  [[nodiscard]] std::int64_t bound_bps() const { return bound_bps_; }
  /// Lower than the bound while a queue is drained.
  [[nodiscard]] std::int64_t target_bps() const { return drain_bps_.value_or(bound_bps_); }
  [[nodiscard]] bool is_draining() const { return drain_bps_.has_value(); }
  [[nodiscard]] std::optional<TimePoint> last_decrease() const { return last_decrease_; }

 private:
  /// Mean and spread of the delivered rate at the moments of over-use (section 5.5, "close to convergence").
  class Capacity {
   public:
    void sample(std::int64_t bps);
    void forget() { mean_kbps_ = 0; }
    [[nodiscard]] bool is_known() const { return mean_kbps_ > 0; }
    [[nodiscard]] bool is_exceeded_by(std::int64_t bps) const;

   private:
    [[nodiscard]] double spread() const;
    double mean_kbps_ = 0;  ///< 0: not known
    double variance_ = 0.4;
  };

  void decrease(TimePoint now, const DelayReport& report);
  void increase(TimePoint now, const DelayReport& report);
  void drain(TimePoint now, const DelayReport& report);
  void watch_standing_queue(TimePoint now, const DelayReport& report);
  [[nodiscard]] std::int64_t clamp(std::int64_t bps) const;

  ControllerOptions options_;
  std::int64_t bound_bps_;
  Capacity capacity_;
  std::optional<TimePoint> updated_;
  std::optional<TimePoint> last_decrease_;
  std::optional<TimePoint> standing_since_;
  std::optional<std::int64_t> drain_bps_{};
  std::int64_t drain_from_bps_ = 0;
  Duration drain_queue_{};
  TimePoint drain_until_{};
  TimePoint hold_until_{};
};

}  // namespace zvonok::media::bwe
