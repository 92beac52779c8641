// The default controller: the smaller of what delay and loss allow, helped upwards by probes
// (draft-ietf-rmcat-gcc-02, with the additions told in delay_bound.h, loss_bound.h and probing.h).
#pragma once
#include <cstdint>
#include <optional>
#include <span>

#include "base/time.h"
#include "media/bwe/controller.h"
#include "media/bwe/delay_bound.h"
#include "media/bwe/jitter_meter.h"
#include "media/bwe/loss_bound.h"
#include "media/bwe/probing.h"
#include "media/bwe/queue_delay.h"
#include "media/bwe/rate_window.h"
#include "media/bwe/trendline.h"

namespace zvonok::media::bwe {

class GccController final : public Controller {
 public:
  explicit GccController(const ControllerOptions& options);

  void on_packet_sent(TimePoint now, const SentPacket& packet) override;
  void on_feedback(TimePoint now, std::span<const PacketResult> results) override;
  void on_rtt(TimePoint now, Duration rtt) override;
  [[nodiscard]] Estimate estimate(TimePoint now) const override;
  [[nodiscard]] std::optional<ProbePlan> poll_probe(TimePoint now, std::int64_t wanted_bps) override;

 private:
  void observe(TimePoint now, const PacketResult& result);
  void observe_arrival(TimePoint now, const PacketResult& result);
  void take_probe_result(TimePoint now);
  /// What packets wait on the way beyond what jitter explains.
  [[nodiscard]] Duration queue() const;
  [[nodiscard]] Usage confirmed_usage(TimePoint now);
  [[nodiscard]] std::optional<std::int64_t> acked_at_overuse() const;
  void end_silence(TimePoint now);
  void watch_drop(TimePoint now);
  void watch_alr(TimePoint now);
  [[nodiscard]] bool is_starting(TimePoint now) const;
  [[nodiscard]] std::int64_t steady_target_bps() const;
  /// 1 while feedback comes, less the longer it stays away although packets were sent.
  [[nodiscard]] double silence_factor(TimePoint now) const;

  ControllerOptions options_;
  DelayBound delay_;
  LossBound loss_;
  ProbePlanner planner_;
  ProbeMeter meter_;
  PacketGroups groups_;
  Trendline trend_;
  QueueDelay queue_;
  RateWindow acked_;
  RateWindow sent_;
  Usage usage_ = Usage::Normal;
  Duration rtt_ = milliseconds{100};
  bool rtt_reported_ = false;
  JitterMeter jitter_;
  /// Since when the trend tells of a queue that jitter doesn't explain.
  std::optional<TimePoint> overused_since_;
  bool is_alr_ = false;
  std::optional<TimePoint> first_sent_;
  std::optional<TimePoint> last_feedback_;
  /// The first packet that was sent after the last feedback: from it the silence counts.
  std::optional<TimePoint> waiting_since_;
  TimePoint loss_counts_from_{};
  std::int64_t peak_bps_ = 0;
};

}  // namespace zvonok::media::bwe
