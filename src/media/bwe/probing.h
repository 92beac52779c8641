// Probes: short bursts above the estimate. The planner decides when and how fast, the meter reads the result.
// Growth by 8 % a second needs half a minute from 300 kbit/s to 3 Mbit/s; doubling by probes needs a second. Probes
// also are the only way up while the application sends less than it may, or while layers come in large steps.
#pragma once
#include <cstdint>
#include <optional>

#include "base/time.h"
#include "media/bwe/controller.h"
#include "media/bwe/types.h"

namespace zvonok::media::bwe {

class ProbeMeter {
 public:
  void begin(TimePoint now, const ProbePlan& plan);
  void on_result(const PacketResult& result);
  /// The rate the path showed, once enough of the cluster arrived. Tells it once.
  std::optional<std::int64_t> take_result();
  /// The cluster was told of completely or can't be any more.
  [[nodiscard]] bool is_over() const { return !plan_; }
  void handle_timeout(TimePoint now, Duration rtt);
  [[nodiscard]] const std::optional<ProbePlan>& plan() const { return plan_; }

 private:
  std::optional<ProbePlan> plan_;
  TimePoint began_{};
  TimePoint first_sent_{};
  TimePoint last_sent_{};
  TimePoint first_arrived_{};
  TimePoint last_arrived_{};
  std::uint64_t bytes_ = 0;
  std::uint32_t first_bytes_ = 0;
  std::uint32_t last_bytes_ = 0;
  std::uint32_t packets_ = 0;
};

class ProbePlanner {
 public:
  explicit ProbePlanner(const ControllerOptions& options) : options_{options} {}

  struct State {
    std::int64_t target_bps = 0;
    std::int64_t wanted_bps = 0;
    /// How much arrival times vary: a burst must be longer than that to measure anything.
    Duration deviation{};
    /// The part of it that is the network's.
    Duration jitter{};
    bool is_probing = false;
    /// Over-use, drain or loss: not the moment to send more.
    bool is_troubled = false;
  };
  std::optional<ProbePlan> poll(TimePoint now, const State& state);
  /// A cluster showed `shown_bps` of the `planned_bps` asked: go on at once if the path had room.
  void on_result(TimePoint now, std::int64_t planned_bps, std::int64_t shown_bps);
  /// The target fell a lot: look early whether it was a passing trouble.
  void on_large_drop(TimePoint now);

 private:
  std::optional<ProbePlan> plan(TimePoint now, const State& state);

  ControllerOptions options_;
  std::uint16_t last_cluster_ = 0;
  std::optional<TimePoint> next_at_;
  std::optional<TimePoint> began_;
  bool had_trouble_ = false;
};

}  // namespace zvonok::media::bwe
