// What every congestion controller of the table has to do on links of known capacity. Each scenario runs with three
// seeds; a failure prints the seed and the course of events.
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "media/bwe/controller.h"
#include "sim/bwe/world.h"

namespace zvonok::sim {
namespace {

using media::bwe::ControllerEntry;
using test::LinkProfile;

constexpr std::int64_t kMbps = 1'000'000;

struct Case {
  const ControllerEntry* entry = nullptr;
  std::uint64_t seed = 0;
};

LinkProfile path(std::int64_t bandwidth_bps) {
  return {.bandwidth_bps = bandwidth_bps, .delay = milliseconds{25}, .queue_limit = milliseconds{1000}};
}
LinkProfile way_back() {
  return {.delay = milliseconds{25}};
}

class ControllerSim : public testing::TestWithParam<Case> {
 protected:
  World world(const LinkProfile& link) const { return World{link, way_back(), GetParam().seed}; }
  [[nodiscard]] std::unique_ptr<media::bwe::Controller> controller() const {
    return GetParam().entry->make(media::bwe::ControllerOptions{});
  }
  /// Figures for reading: "name value" lines in the test's properties.
  static void note(const std::string& name, double value) { RecordProperty(name, std::to_string(value)); }
};

double in_seconds(Duration duration) {
  return static_cast<double>(duration.count()) / 1e9;
}

/// The first time since the start from which on the target stays within [low, high] for a second.
std::optional<Duration> settles(const World& world, std::int64_t low, std::int64_t high, Duration from) {
  int inside = 0;
  for (const Sample& sample : world.trace(0)) {
    if (sample.at < TimePoint{from}) continue;
    inside = sample.target_bps >= low && sample.target_bps <= high ? inside + 1 : 0;
    if (inside == 10) return sample.at.time_since_epoch() - 9 * World::kSample;
  }
  return std::nullopt;
}

/// The first time after `from` at which no more than `most` is sent over 300 ms.
std::optional<Duration> sends_below(const World& world, std::int64_t most, Duration from) {
  const auto& trace = world.trace(0);
  for (std::size_t i = 2; i < trace.size(); ++i) {
    if (trace[i - 2].at < TimePoint{from}) continue;
    if ((trace[i].sent_bps + trace[i - 1].sent_bps + trace[i - 2].sent_bps) / 3 <= most) {
      return trace[i].at.time_since_epoch() - from;
    }
  }
  return std::nullopt;
}

TEST_P(ControllerSim, ReachesAConstantLinkWithinTenSeconds) {
  for (const std::int64_t capacity : {1 * kMbps, 3 * kMbps, 5 * kMbps}) {
    World w = world(path(capacity));
    w.add(controller(), {});
    w.run_until(seconds{40});
    const auto settled = settles(w, capacity * 7 / 10, capacity * 11 / 10, {});
    note("settled_s_" + std::to_string(capacity / kMbps), settled ? in_seconds(*settled) : -1);
    note("use_" + std::to_string(capacity / kMbps),
         static_cast<double>(w.mean_received(0, seconds{10}, seconds{40})) / static_cast<double>(capacity));
    ASSERT_TRUE(settled) << w.story(0);
    EXPECT_LE(*settled, seconds{10}) << w.story(0);
    const std::int64_t mean = w.mean_target(0, seconds{10}, seconds{40});
    EXPECT_GE(mean, capacity * 7 / 10) << w.story(0);
    EXPECT_LE(mean, capacity * 11 / 10) << w.story(0);
    EXPECT_LE(w.worst_queue(seconds{10}, seconds{40}), milliseconds{250}) << w.story(0);
  }
}

TEST_P(ControllerSim, FollowsADropFromFiveToOne) {
  World w = world(path(5 * kMbps));
  w.add(controller(), {});
  w.link().schedule(TimePoint{seconds{20}}, path(1 * kMbps));
  w.run_until(seconds{35});
  const auto below = sends_below(w, 1 * kMbps, seconds{20});
  note("below_s", below ? in_seconds(*below) : -1);
  note("queue_after_3s_ms", in_seconds(w.worst_queue(seconds{23}, seconds{35})) * 1000);
  ASSERT_TRUE(below) << w.story(0);
  EXPECT_LE(*below, seconds{2}) << w.story(0);
  EXPECT_LT(w.worst_queue(seconds{23}, seconds{35}), milliseconds{250}) << w.story(0);
  EXPECT_GE(w.mean_received(0, seconds{25}, seconds{35}), kMbps * 6 / 10) << w.story(0);
}

TEST_P(ControllerSim, FollowsADropToThreeHundredKilobits) {
  World w = world(path(5 * kMbps));
  w.add(controller(), {});
  w.link().schedule(TimePoint{seconds{20}}, path(300'000));
  w.run_until(seconds{40});
  const auto below = sends_below(w, 300'000, seconds{20});
  note("below_s", below ? in_seconds(*below) : -1);
  note("queue_after_4s_ms", in_seconds(w.worst_queue(seconds{24}, seconds{40})) * 1000);
  ASSERT_TRUE(below) << w.story(0);
  EXPECT_LE(*below, seconds{2}) << w.story(0);
  EXPECT_LT(w.worst_queue(seconds{24}, seconds{40}), milliseconds{300}) << w.story(0);
  EXPECT_GE(w.mean_received(0, seconds{30}, seconds{40}), 150'000) << w.story(0);
}

TEST_P(ControllerSim, RecoversFromOneToFiveWithinFifteenSeconds) {
  World w = world(path(5 * kMbps));
  w.add(controller(), {});
  w.link().schedule(TimePoint{seconds{15}}, path(1 * kMbps));
  w.link().schedule(TimePoint{seconds{30}}, path(5 * kMbps));
  w.run_until(seconds{50});
  const auto settled = settles(w, 5 * kMbps * 7 / 10, 5 * kMbps * 11 / 10, seconds{30});
  note("recovered_s", settled ? in_seconds(*settled - seconds{30}) : -1);
  ASSERT_TRUE(settled) << w.story(0);
  EXPECT_LE(*settled, seconds{45}) << w.story(0);
}

TEST_P(ControllerSim, KeepsAMegabitUnderTenPercentRandomLoss) {
  LinkProfile lossy = path(5 * kMbps);
  lossy.loss = 0.10;
  World w = world(lossy);
  w.add(controller(), {.video_most_bps = 2 * kMbps - 40'000});
  w.run_until(seconds{60});
  note("lowest_mbps", static_cast<double>(w.lowest_target(0, seconds{10}, seconds{60})) / 1e6);
  EXPECT_GE(w.lowest_target(0, seconds{10}, seconds{60}), 1 * kMbps) << w.story(0);
}

TEST_P(ControllerSim, KeepsAMegabitWhenRandomLossBeginsInTheCall) {
  World w = world(path(5 * kMbps));
  w.add(controller(), {.video_most_bps = 2 * kMbps - 40'000});
  LinkProfile lossy = path(5 * kMbps);
  lossy.loss = 0.10;
  w.link().schedule(TimePoint{seconds{20}}, lossy);
  w.run_until(seconds{60});
  note("lowest_mbps", static_cast<double>(w.lowest_target(0, seconds{20}, seconds{60})) / 1e6);
  EXPECT_GE(w.lowest_target(0, seconds{20}, seconds{60}), 1 * kMbps) << w.story(0);
}

TEST_P(ControllerSim, YieldsToAPolicerThatHasNoQueue) {
  LinkProfile policed = path(2 * kMbps);
  policed.queue_limit = milliseconds{10};
  World w = world(policed);
  w.add(controller(), {});
  w.run_until(seconds{60});
  const auto& stats = w.link().stats();
  const double lost = static_cast<double>(stats.overflowed) / static_cast<double>(stats.sent);
  note("lost", lost);
  note("use", static_cast<double>(w.mean_received(0, seconds{10}, seconds{60})) / (2.0 * kMbps));
  EXPECT_LE(lost, 0.10) << w.story(0);
  EXPECT_GE(w.mean_received(0, seconds{10}, seconds{60}), 1 * kMbps) << w.story(0);
}

TEST_P(ControllerSim, DoesNotCollapseUnderJitter) {
  LinkProfile jittery = path(3 * kMbps);
  jittery.delay = milliseconds{50};
  jittery.jitter = milliseconds{30};
  World w = world(jittery);
  w.add(controller(), {});
  w.run_until(seconds{60});
  note("use", static_cast<double>(w.mean_received(0, seconds{10}, seconds{60})) / (3.0 * kMbps));
  EXPECT_GE(w.mean_target(0, seconds{10}, seconds{60}), 3 * kMbps / 2) << w.story(0);
  EXPECT_GE(w.lowest_target(0, seconds{10}, seconds{60}), 3 * kMbps / 4) << w.story(0);
}

LinkProfile jittery(std::int64_t bandwidth_bps) {
  LinkProfile link = path(bandwidth_bps);
  link.delay = milliseconds{60};
  link.jitter = milliseconds{50};
  return link;
}

/// Jitter of the size of a queue is no queue; a queue behind it is one all the same.
TEST_P(ControllerSim, FindsTheQueueBehindStrongJitter) {
  for (const std::int64_t capacity : {kMbps / 2, 1 * kMbps, 3 * kMbps}) {
    World w = world(jittery(capacity));
    w.add(controller(), {});
    w.run_until(seconds{60});
    const Duration queue = w.mean_queue(seconds{10}, seconds{60});
    const std::string at = "_" + std::to_string(capacity / 1000);
    const auto use = static_cast<double>(w.mean_received(0, seconds{10}, seconds{60})) / static_cast<double>(capacity);
    note("use" + at, use);
    note("mean_queue_ms" + at, in_seconds(queue) * 1000);
    note("worst_queue_ms" + at, in_seconds(w.worst_queue(seconds{10}, seconds{60})) * 1000);
    EXPECT_GE(use, 0.6) << w.story(0);
    EXPECT_LE(queue, milliseconds{100}) << w.story(0);
    EXPECT_LE(w.worst_queue(seconds{10}, seconds{60}), milliseconds{400}) << w.story(0);
  }
}

TEST_P(ControllerSim, FollowsADropBehindStrongJitter) {
  World w = world(jittery(3 * kMbps));
  w.add(controller(), {});
  w.link().schedule(TimePoint{seconds{20}}, jittery(kMbps * 7 / 10));
  w.run_until(seconds{40});
  const auto below = sends_below(w, kMbps * 7 / 10, seconds{20});
  note("below_s", below ? in_seconds(*below) : -1);
  note("queue_after_4s_ms", in_seconds(w.worst_queue(seconds{24}, seconds{40})) * 1000);
  ASSERT_TRUE(below) << w.story(0);
  EXPECT_LE(*below, seconds{2}) << w.story(0);
  EXPECT_LT(w.worst_queue(seconds{24}, seconds{40}), milliseconds{400}) << w.story(0);
  EXPECT_GE(w.mean_received(0, seconds{25}, seconds{40}), kMbps * 4 / 10) << w.story(0);
}

TEST_P(ControllerSim, BurstsAfterAMinuteOfSilenceWithoutAQueue) {
  World w = world(path(3 * kMbps));
  Flow& flow = w.add(controller(), {});
  w.run_until(seconds{15});
  flow.set_video_most(60'000);
  w.run_until(seconds{75});
  EXPECT_TRUE(w.trace(0).back().is_alr) << w.story(0);
  flow.set_video_most(20 * kMbps);
  w.run_until(seconds{90});
  note("use_after", static_cast<double>(w.mean_received(0, seconds{77}, seconds{90})) / (3.0 * kMbps));
  note("worst_queue_ms", in_seconds(w.worst_queue(seconds{75}, seconds{90})) * 1000);
  EXPECT_LE(w.mean_target(0, seconds{20}, seconds{75}), 3 * kMbps * 11 / 10) << w.story(0);
  EXPECT_GE(w.mean_received(0, seconds{77}, seconds{90}), 3 * kMbps * 6 / 10) << w.story(0);
  EXPECT_LT(w.worst_queue(seconds{75}, seconds{90}), milliseconds{250}) << w.story(0);
}

TEST_P(ControllerSim, FindsOutAfterSilenceThatTheLinkBecameSlower) {
  World w = world(path(3 * kMbps));
  Flow& flow = w.add(controller(), {});
  w.run_until(seconds{15});
  flow.set_video_most(60'000);
  w.link().schedule(TimePoint{seconds{45}}, path(1 * kMbps));
  w.run_until(seconds{75});
  flow.set_video_most(20 * kMbps);
  w.run_until(seconds{90});
  const auto below = sends_below(w, 1 * kMbps, seconds{75} + milliseconds{200});
  note("below_s", below ? in_seconds(*below) : -1);
  ASSERT_TRUE(below) << w.story(0);
  EXPECT_LE(*below, seconds{2}) << w.story(0);
  EXPECT_LT(w.worst_queue(seconds{78}, seconds{90}), milliseconds{250}) << w.story(0);
}

TEST_P(ControllerSim, SurvivesFiveSecondsWithoutFeedback) {
  World w = world(path(3 * kMbps));
  w.add(controller(), {});
  LinkProfile dead = way_back();
  dead.loss = 1;
  w.back().schedule(TimePoint{seconds{20}}, dead);
  w.back().schedule(TimePoint{seconds{25}}, way_back());
  w.run_until(seconds{45});
  note("lowest_kbps", static_cast<double>(w.lowest_target(0, seconds{20}, seconds{25})) / 1e3);
  const auto settled = settles(w, 3 * kMbps * 7 / 10, 3 * kMbps * 11 / 10, seconds{25});
  note("recovered_s", settled ? in_seconds(*settled - seconds{25}) : -1);
  EXPECT_LE(w.lowest_target(0, seconds{20}, seconds{25}), 3 * kMbps / 2) << "backs off in the dark\n" << w.story(0);
  ASSERT_TRUE(settled) << w.story(0);
  EXPECT_LE(*settled, seconds{35}) << w.story(0);
}

TEST_P(ControllerSim, SurvivesAnOutageOfFiveSeconds) {
  World w = world(path(3 * kMbps));
  w.add(controller(), {});
  LinkProfile dead = path(3 * kMbps);
  dead.loss = 1;
  w.link().schedule(TimePoint{seconds{20}}, dead);
  w.link().schedule(TimePoint{seconds{25}}, path(3 * kMbps));
  w.run_until(seconds{45});
  const auto settled = settles(w, 3 * kMbps * 7 / 10, 3 * kMbps * 11 / 10, seconds{25});
  note("recovered_s", settled ? in_seconds(*settled - seconds{25}) : -1);
  ASSERT_TRUE(settled) << w.story(0);
  EXPECT_LE(*settled, seconds{35}) << w.story(0);
}

TEST_P(ControllerSim, TwoFlowsShareFairly) {
  World w = world(path(4 * kMbps));
  w.add(controller(), {});
  w.add(controller(), {.starts_after = seconds{15}});
  w.run_until(seconds{90});
  const auto first = static_cast<double>(w.mean_received(0, seconds{40}, seconds{90}));
  const auto second = static_cast<double>(w.mean_received(1, seconds{40}, seconds{90}));
  note("ratio", std::max(first, second) / std::min(first, second));
  note("use", (first + second) / (4.0 * kMbps));
  EXPECT_LT(std::max(first, second), 3 * std::min(first, second)) << w.story(0) << w.story(1);
  EXPECT_GE(first + second, 4.0 * kMbps * 0.6) << w.story(0) << w.story(1);
}

TEST_P(ControllerSim, ClimbsOverLargeStepsBetweenLayers) {
  World w = world(path(3 * kMbps));
  w.add(controller(), {.layers = {150'000, 500'000, 2'300'000}});
  w.run_until(seconds{40});
  note("received_mbps", static_cast<double>(w.mean_received(0, seconds{15}, seconds{40})) / 1e6);
  EXPECT_GE(w.mean_received(0, seconds{15}, seconds{40}), 2 * kMbps) << w.story(0);
}

TEST_P(ControllerSim, KeepsAudioOfAVerySlowLinkUsable) {
  World w = world(path(80'000));
  w.add(controller(), {});
  w.run_until(seconds{40});
  Duration worst{};
  for (const Sample& sample : w.trace(0)) {
    if (sample.at >= TimePoint{seconds{10}}) worst = std::max(worst, sample.worst_audio_delay);
  }
  note("worst_audio_ms", in_seconds(worst) * 1000);
  EXPECT_LT(worst, milliseconds{400}) << w.story(0);
}

/// Paths drawn from the seed: every kind of trouble at once, but no trouble so great that a call is hopeless.
TEST_P(ControllerSim, StaysUsefulAndGentleOnThirtyDrawnPaths) {
  for (std::uint64_t draw = 0; draw < 30; ++draw) {
    std::uint64_t state = GetParam().seed * 1000 + draw;
    const auto random = [&state](std::int64_t low, std::int64_t high) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      return low + static_cast<std::int64_t>((state >> 33) % static_cast<std::uint64_t>(high - low + 1));
    };
    LinkProfile link = path(random(3, 80) * 100'000);
    link.delay = milliseconds{random(5, 150)};
    link.jitter = milliseconds{random(0, 10)};
    link.queue_limit = milliseconds{random(100, 1000)};
    link.loss = static_cast<double>(random(0, 3)) / 100;
    if (random(0, 1) == 1) link.burst_loss = test::GilbertElliott::of(0.02, 3);
    link.reorder = static_cast<double>(random(0, 3)) / 100;
    link.duplicate = static_cast<double>(random(0, 2)) / 100;
    World w{link, {.delay = link.delay, .loss = 0.02}, GetParam().seed * 100 + draw};
    w.add(controller(), {.feedback_every = milliseconds{random(50, 100)}, .rtt = 2 * link.delay});
    w.run_until(seconds{60});
    const auto use =
        static_cast<double>(w.mean_received(0, seconds{15}, seconds{60})) / static_cast<double>(link.bandwidth_bps);
    Duration queue{};
    for (const Sample& sample : w.trace(0)) queue += sample.queue;
    queue /= static_cast<std::int64_t>(w.trace(0).size());
    note("use_" + std::to_string(draw), use);
    EXPECT_GE(use, 0.5) << "draw " << draw << " capacity " << link.bandwidth_bps << w.story(0);
    EXPECT_LT(queue, milliseconds{100}) << "draw " << draw << w.story(0);
  }
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const ControllerEntry& entry : media::bwe::controllers()) {
    for (const std::uint64_t seed : {1U, 2U, 3U}) all.push_back({.entry = &entry, .seed = seed});
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(Controllers, ControllerSim, testing::ValuesIn(cases()), [](const auto& one) {
  return std::string{one.param.entry->name} + "_seed_" + std::to_string(one.param.seed);
});

}  // namespace
}  // namespace zvonok::sim
