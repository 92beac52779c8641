// Flows over one shared bottleneck, stepped every millisecond of virtual time, with a trace of what happened.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sim/bwe/flow.h"
#include "support/net_sim.h"

namespace zvonok::sim {

/// One flow over one tenth of a second.
struct Sample {
  TimePoint at{};
  std::int64_t target_bps = 0;
  std::int64_t sent_bps = 0;
  std::int64_t received_bps = 0;
  Duration queue{};  ///< the true one at the bottleneck
  Duration worst_audio_delay{};
  media::bwe::LimitedBy limited_by{};
  bool is_alr = false;
};

class World {
 public:
  static constexpr Duration kSample = milliseconds{100};

  World(const test::LinkProfile& link, const test::LinkProfile& back, std::uint64_t seed);
  Flow& add(std::unique_ptr<media::bwe::Controller> controller, const FlowOptions& options);

  [[nodiscard]] TimePoint now() const { return now_; }
  void run_until(Duration since_start);
  test::Link& link() { return link_; }
  test::Link& back() { return back_; }
  [[nodiscard]] const std::vector<Sample>& trace(std::size_t flow) const { return traces_[flow]; }

  /// Over [from, to) since the start.
  [[nodiscard]] std::int64_t mean_received(std::size_t flow, Duration from, Duration to) const;
  [[nodiscard]] std::int64_t mean_target(std::size_t flow, Duration from, Duration to) const;
  [[nodiscard]] std::int64_t lowest_target(std::size_t flow, Duration from, Duration to) const;
  [[nodiscard]] Duration worst_queue(Duration from, Duration to) const;
  [[nodiscard]] Duration mean_queue(Duration from, Duration to) const;
  /// For failures: one line a second.
  [[nodiscard]] std::string story(std::size_t flow) const;

 private:
  [[nodiscard]] std::vector<Sample> between(std::size_t flow, Duration from, Duration to) const;
  void sample();

  test::Link link_;
  test::Link back_;
  std::uint64_t seed_;
  TimePoint now_{};
  TimePoint next_sample_{kSample};
  std::vector<std::unique_ptr<Flow>> flows_;
  std::vector<std::vector<Sample>> traces_;
  struct Counted {
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
  };
  std::vector<Counted> counted_;
};

}  // namespace zvonok::sim
