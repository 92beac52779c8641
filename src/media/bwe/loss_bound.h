// The rate the loss allows (draft-ietf-rmcat-gcc-02 section 6: down above 10 %, up below 2 %), with one addition: it
// finds out whether a loss is ours. On a radio link that loses 10 % at any rate the draft's rule falls to the minimum.
// So a loss above the bound begins a trial: send a fifth less for a second. A loss that we caused goes away; one that
// stays is inherent to the path and is from then on subtracted.
#pragma once
#include <cstdint>
#include <optional>

#include "base/time.h"
#include "media/bwe/controller.h"
#include "media/bwe/trendline.h"
#include "media/bwe/types.h"

namespace zvonok::media::bwe {

struct LossReport {
  /// What would be sent without this bound, and what was really sent and delivered.
  std::int64_t target_bps = 0;
  std::optional<std::int64_t> sent_bps{};
  std::optional<std::int64_t> acked_bps{};
  Duration rtt{};
  Usage usage = Usage::Normal;
  bool is_alr = false;  ///< sends clearly less than it may: what is lost then is not lost by the rate
};

class LossBound {
 public:
  explicit LossBound(const ControllerOptions& options) : options_{options} {}

  void count(Fate fate);
  void update(TimePoint now, const LossReport& report);
  void raise_to(std::int64_t bps);
  /// Forgets the packets counted so far: they were sent into an outage.
  void restart_interval();
  /// Nothing: loss doesn't limit.
  [[nodiscard]] std::optional<std::int64_t> bound_bps() const { return bound_bps_; }
  [[nodiscard]] double loss() const { return smoothed_; }
  [[nodiscard]] double inherent_loss() const { return inherent_; }

 private:
  struct Trial {
    std::int64_t base_bps = 0;              ///< the rate at which the loss was seen
    std::optional<std::int64_t> restore{};  ///< the bound before it
    double loss = 0;
    TimePoint counts_from{};
    std::int64_t lost = 0;
    std::int64_t total = 0;
    bool overused = false;
  };

  void interval(TimePoint now, const LossReport& report, double loss);
  void begin_trial(TimePoint now, const LossReport& report, double loss);
  /// True when the trial is over.
  bool judge(TimePoint now, const Trial& trial);

  ControllerOptions options_;
  std::optional<std::int64_t> bound_bps_{};
  std::optional<Trial> trial_;
  std::optional<TimePoint> interval_start_;
  TimePoint settled_at_{};
  std::int64_t lost_ = 0;
  std::int64_t total_ = 0;
  double previous_ = 0;
  double smoothed_ = 0;
  double inherent_ = 0;
};

}  // namespace zvonok::media::bwe
