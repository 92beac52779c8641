// The parts of the default controller, one by one.
#include <array>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "media/bwe/delay_bound.h"
#include "media/bwe/gcc_controller.h"
#include "media/bwe/jitter_meter.h"
#include "media/bwe/loss_bound.h"
#include "media/bwe/probing.h"
#include "media/bwe/queue_delay.h"
#include "media/bwe/rate_window.h"
#include "media/bwe/trendline.h"

namespace zvonok::media::bwe {
namespace {

TimePoint at(std::int64_t ms) {
  return TimePoint{milliseconds{ms}};
}

TEST(RateWindow, MeasuresASteadyRate) {
  RateWindow window;
  EXPECT_FALSE(window.bps());
  for (int ms = 0; ms <= 2000; ms += 10) window.add(at(ms), 1250);
  EXPECT_NEAR(static_cast<double>(window.bps().value()), 1e6, 3e4);
  EXPECT_NEAR(static_cast<double>(window.recent_bps().value()), 1e6, 8e4);
}

TEST(RateWindow, NeedsALittleTime) {
  RateWindow window;
  for (int ms = 0; ms < 150; ms += 10) window.add(at(ms), 1250);
  EXPECT_FALSE(window.bps());
}

TEST(RateWindow, SilenceIsARateOfNothing) {
  RateWindow window;
  for (int ms = 0; ms <= 1000; ms += 10) window.add(at(ms), 1250);
  window.advance(at(1250));
  EXPECT_NEAR(static_cast<double>(window.bps().value()), 5e5, 5e4);
  window.advance(at(5000));
  EXPECT_EQ(window.bps(), 0);
}

TEST(RateWindow, AHoleStartsAnewAndDisorderIsCounted) {
  RateWindow window;
  for (int ms = 0; ms <= 1000; ms += 10) window.add(at(ms), 1250);
  window.add(at(3000), 1250);
  EXPECT_FALSE(window.bps());
  RateWindow shuffled;
  for (int ms = 0; ms <= 2000; ms += 20) {
    shuffled.add(at(ms + 10), 1250);
    shuffled.add(at(ms), 1250);
  }
  EXPECT_NEAR(static_cast<double>(shuffled.bps().value()), 1e6, 3e4);
}

TEST(RateWindow, WorksBeforeTheEpoch) {
  RateWindow window;
  for (int ms = -1000; ms <= 500; ms += 10) window.add(at(ms), 1250);
  EXPECT_NEAR(static_cast<double>(window.bps().value()), 1e6, 3e4);
}

/// Feeds packets sent every 10 ms that take `extra_ms(i)` longer than the first; returns the usages seen.
template <class Extra>
std::array<int, 3> usages(int packets, Extra extra_ms) {
  PacketGroups groups;
  Trendline trend;
  std::array<int, 3> seen{};
  for (int i = 0; i < packets; ++i) {
    const TimePoint sent = at(10 * i);
    const auto arrived = sent + Duration{static_cast<std::int64_t>((40 + extra_ms(i)) * 1e6)};
    if (const auto delta = groups.add(sent, arrived)) {
      trend.add(*delta);
      ++seen[static_cast<std::size_t>(trend.usage())];
    }
  }
  return seen;
}

TEST(Trendline, AConstantDelayIsNormal) {
  const auto seen = usages(500, [](int) { return 0.0; });
  EXPECT_EQ(seen[static_cast<std::size_t>(Usage::Overuse)], 0);
  EXPECT_EQ(seen[static_cast<std::size_t>(Usage::Underuse)], 0);
}

TEST(Trendline, AGrowingQueueIsOveruseSoon) {
  const auto seen = usages(60, [](int i) { return i * 1.0; });
  EXPECT_GT(seen[static_cast<std::size_t>(Usage::Overuse)], 10);
}

TEST(Trendline, AnEmptyingQueueIsUnderuse) {
  const auto seen = usages(60, [](int i) { return 100.0 - i * 1.0; });
  EXPECT_GT(seen[static_cast<std::size_t>(Usage::Underuse)], 10);
  EXPECT_EQ(seen[static_cast<std::size_t>(Usage::Overuse)], 0);
}

TEST(Trendline, ThresholdLearnsJitterWithinItsLimits) {
  PacketGroups groups;
  Trendline trend;
  std::uint32_t state = 7;
  for (int i = 0; i < 5000; ++i) {
    state = state * 1664525U + 1013904223U;
    const TimePoint sent = at(20 * i);
    if (const auto delta = groups.add(sent, sent + milliseconds{40 + (state >> 24) % 15})) trend.add(*delta);
    ASSERT_GE(trend.threshold_ms(), 6.0);
    ASSERT_LE(trend.threshold_ms(), 600.0);
  }
}

TEST(PacketGroups, JoinsABurstAndTellsTheGradient) {
  PacketGroups groups;
  EXPECT_FALSE(groups.add(at(0), at(50)));
  EXPECT_FALSE(groups.add(at(2), at(52)));
  EXPECT_FALSE(groups.add(at(20), at(75)));
  const auto delta = groups.add(at(40), at(90));
  ASSERT_TRUE(delta);
  EXPECT_EQ(delta->sent, milliseconds{18});
  EXPECT_EQ(delta->arrived, milliseconds{23});
}

TEST(PacketGroups, APauseStartsAnew) {
  PacketGroups groups;
  groups.add(at(0), at(50));
  groups.add(at(20), at(70));
  EXPECT_FALSE(groups.add(at(10'000), at(20'000)));
  EXPECT_FALSE(groups.add(at(10'020), at(20'020)));
  EXPECT_TRUE(groups.add(at(10'040), at(20'040)));
}

TEST(RateWindow, ThePeakIsOfTheBusiestTenthOfASecond) {
  RateWindow window;
  for (int i = 0; i <= 16; ++i) window.add(at(25 * i), 100);
  for (int i = 17; i < 20; ++i) window.add(at(25 * i), 1000);
  EXPECT_EQ(window.peak_bps(), 3100 * 8 * 10);
}

TEST(JitterMeter, AGrowingQueueIsNoJitter) {
  JitterMeter meter;
  for (int i = 0; i < 100; ++i) meter.on_gradient(milliseconds{20});
  EXPECT_EQ(meter.deviation(), Duration::zero());
  EXPECT_EQ(meter.explains(), Duration::zero());
}

TEST(JitterMeter, WhatGoesBothWaysExplainsAMultipleOfItself) {
  JitterMeter meter;
  for (int i = 0; i < 100; ++i) meter.on_gradient(milliseconds{i % 2 == 0 ? 15 : -15});
  EXPECT_GE(meter.jitter(), milliseconds{13});
  EXPECT_LE(meter.jitter(), milliseconds{17});
  EXPECT_GE(meter.explains(), milliseconds{60});
  EXPECT_LE(meter.explains(), milliseconds{75});
}

TEST(JitterMeter, ExplainsNoMoreThanATenthOfASecond) {
  JitterMeter meter;
  for (int i = 0; i < 100; ++i) meter.on_gradient(seconds{i % 2 == 0 ? 1 : -1});
  EXPECT_EQ(meter.explains(), milliseconds{100});
}

TEST(JitterMeter, OnASlowLinkThePacketsOwnLengthIsNoJitter) {
  JitterMeter meter;
  for (int i = 0; i < 100; ++i) {
    meter.on_packet(1200);
    meter.on_gradient(milliseconds{i % 2 == 0 ? 15 : -15});
  }
  meter.on_peak_rate(300'000);  // 32 ms for a packet
  EXPECT_EQ(meter.jitter(), Duration::zero());
  EXPECT_EQ(meter.explains(), Duration::zero());
  meter.on_peak_rate(3'000'000);
  EXPECT_GT(meter.explains(), milliseconds{60});
}

TEST(QueueDelay, IsTheDelayAboveTheLowest) {
  QueueDelay queue;
  const auto report = [&queue](std::int64_t now, std::int64_t delay_ms) {
    queue.begin_report();
    queue.add(at(now), at(now), at(now + 7777 + delay_ms + 500));  // one packet that jitter held up
    queue.add(at(now), at(now), at(now + 7777 + delay_ms));
    queue.end_report();
    return queue.value();
  };
  EXPECT_EQ(report(0, 20), Duration{});
  EXPECT_EQ(report(1000, 120), milliseconds{100});
  EXPECT_EQ(report(9000, 50), milliseconds{30});
  EXPECT_EQ(report(15'000, 50), Duration{}) << "what was ten seconds ago is forgotten";
}

DelayReport normal(std::int64_t acked) {
  return {.usage = Usage::Normal, .acked_bps = acked, .acked_recent_bps = acked, .rtt = milliseconds{50}};
}
DelayReport overuse(std::int64_t acked, Duration queue = {}) {
  return {.usage = Usage::Overuse,
          .acked_bps = acked,
          .acked_recent_bps = acked,
          .rtt = milliseconds{50},
          .queue_delay = queue};
}

TEST(DelayBound, GrowsEightPercentASecondUnderTheCap) {
  DelayBound bound{{.start_bps = 1'000'000}};
  for (int ms = 0; ms <= 1000; ms += 50) bound.update(at(ms), normal(10'000'000));
  EXPECT_NEAR(static_cast<double>(bound.bound_bps()), 1.08e6, 5e3);
  for (int ms = 1050; ms <= 60'000; ms += 50) bound.update(at(ms), normal(1'000'000));
  EXPECT_LE(bound.bound_bps(), 1'515'001);
}

TEST(DelayBound, ThePauseOfAnApplicationCostsNothing) {
  DelayBound bound{{.start_bps = 2'000'000}};
  for (int ms = 0; ms <= 60'000; ms += 50) bound.update(at(ms), normal(50'000));
  EXPECT_EQ(bound.bound_bps(), 2'000'000);
}

TEST(DelayBound, FallsToEightyFivePercentOfWhatArrives) {
  DelayBound bound{{.start_bps = 2'000'000}};
  bound.update(at(0), overuse(1'000'000));
  EXPECT_EQ(bound.bound_bps(), 850'000);
  EXPECT_EQ(bound.target_bps(), 850'000);
  bound.update(at(50), overuse(3'000'000));
  EXPECT_EQ(bound.bound_bps(), 850'000) << "over-use never raises";
}

TEST(DelayBound, NearTheKnownCapacityItGrowsSlowly) {
  DelayBound bound{{.start_bps = 5'000'000}};
  bound.update(at(0), overuse(4'000'000));
  for (int ms = 50; ms <= 1250; ms += 50) bound.update(at(ms), normal(3'400'000));
  const auto grown = bound.bound_bps() - 3'400'000;
  EXPECT_GT(grown, 40'000);
  EXPECT_LT(grown, 100'000);
}

TEST(DelayBound, DrainsAKnownQueueAndThenReturns) {
  DelayBound bound{{.start_bps = 5'000'000}};
  bound.update(at(0), overuse(1'000'000, milliseconds{400}));
  EXPECT_TRUE(bound.is_draining());
  EXPECT_LT(bound.target_bps(), 500'000);
  EXPECT_EQ(bound.bound_bps(), 850'000);
  bound.update(at(500), {.usage = Usage::Underuse, .queue_delay = milliseconds{10}});
  EXPECT_FALSE(bound.is_draining());
  EXPECT_EQ(bound.target_bps(), 850'000);
}

TEST(DelayBound, ADrainThatCannotSucceedEnds) {
  DelayBound bound{{.start_bps = 5'000'000}};
  bound.update(at(0), overuse(1'000'000, milliseconds{400}));
  bound.update(at(4100), {.usage = Usage::Normal, .queue_delay = milliseconds{400}});
  EXPECT_FALSE(bound.is_draining());
}

TEST(DelayBound, StaysWithinItsLimits) {
  DelayBound bound{{}};
  bound.update(at(0), overuse(1));
  EXPECT_EQ(bound.bound_bps(), 30'000);
  bound.raise_to(std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(bound.bound_bps(), 20'000'000);
}

/// One second of 200 packets, reported every 50 ms. `lost_of_ten` tells the loss at a rate.
template <class Loss>
void second_with(LossBound& bound, int second, std::int64_t target, Loss lost_of_ten) {
  for (int i = 0; i < 20; ++i) {
    const auto allowed = std::min(target, bound.bound_bps().value_or(target));
    const int lost = lost_of_ten(allowed);
    for (int packet = 0; packet < 10; ++packet) bound.count(packet < lost ? Fate::Lost : Fate::Arrived);
    bound.update(
        at(second * 1000 + i * 50),
        {.target_bps = target, .sent_bps = allowed, .acked_bps = allowed * (10 - lost) / 10, .rtt = milliseconds{50}});
  }
}
void second_of(LossBound& bound, int second, int lost_of_ten, std::int64_t target) {
  second_with(bound, second, target, [lost_of_ten](std::int64_t) { return lost_of_ten; });
}

TEST(LossBound, NoLossSetsNoBound) {
  LossBound bound{{}};
  for (int s = 0; s < 10; ++s) second_of(bound, s, 0, 2'000'000);
  EXPECT_FALSE(bound.bound_bps());
  EXPECT_EQ(bound.loss(), 0);
}

TEST(LossBound, LossThatStaysAtALowerRateIsInherent) {
  LossBound bound{{}};
  for (int s = 0; s < 10; ++s) {
    second_of(bound, s, 2, 2'000'000);
    EXPECT_GE(bound.bound_bps().value_or(2'000'000), 1'600'000);
  }
  EXPECT_NEAR(bound.inherent_loss(), 0.2, 0.01);
  EXPECT_FALSE(bound.bound_bps());
  EXPECT_NEAR(bound.loss(), 0.2, 0.01);
}

TEST(LossBound, LossThatGoesAwayAtALowerRateWasOurs) {
  LossBound bound{{}};
  for (int s = 0; s < 3; ++s) {
    second_with(bound, s, 2'000'000, [](std::int64_t rate) { return rate > 1'700'000 ? 2 : 0; });
  }
  EXPECT_EQ(bound.inherent_loss(), 0);
  ASSERT_TRUE(bound.bound_bps());
  EXPECT_LT(*bound.bound_bps(), 1'800'000);
}

TEST(LossBound, ADisasterIsFollowedAtOnce) {
  LossBound bound{{}};
  second_of(bound, 0, 6, 5'000'000);
  ASSERT_TRUE(bound.bound_bps());
  EXPECT_LE(*bound.bound_bps(), 2'100'000);
}

TEST(LossBound, InherentLossFadesWhenThePathHeals) {
  LossBound bound{{}};
  for (int s = 0; s < 10; ++s) second_of(bound, s, 2, 2'000'000);
  for (int s = 10; s < 40; ++s) second_of(bound, s, 0, 2'000'000);
  EXPECT_LT(bound.inherent_loss(), 0.02);
}

TEST(LossBound, LatePacketsAreNotLost) {
  LossBound bound{{}};
  for (int i = 0; i < 100; ++i) {
    for (int n = 0; n < 10; ++n) bound.count(Fate::Arrived);
    for (int n = 0; n < 3; ++n) bound.count(Fate::Lost);
    for (int n = 0; n < 3; ++n) bound.count(Fate::ArrivedAfterLoss);
    bound.update(at(i * 50), {.target_bps = 1'000'000});
  }
  EXPECT_FALSE(bound.bound_bps());
  EXPECT_EQ(bound.loss(), 0);
}

ProbePlan plan_of(std::int64_t bps) {
  return {.cluster = ProbeCluster{1}, .bitrate_bps = bps, .bytes_min = 5000, .packets_min = 5, .packet_bytes = 1000};
}
PacketResult probe_packet(int i, std::int64_t sent_gap_us, std::int64_t arrived_gap_us) {
  return {.packet = {.bytes = 1000, .kind = PacketKind::Padding, .cluster = ProbeCluster{1}},
          .fate = Fate::Arrived,
          .sent = TimePoint{microseconds{sent_gap_us * i}},
          .arrived = TimePoint{microseconds{100'000 + arrived_gap_us * i}}};
}

TEST(ProbeMeter, TellsTheSmallerOfSentAndArrived) {
  struct Row {
    std::int64_t sent_us;
    std::int64_t arrived_us;
    std::optional<std::int64_t> expected;
  };
  // 1000 bytes every 4 ms are 2 Mbit/s.
  for (const Row& row : {Row{4000, 4000, 2'000'000}, Row{4000, 3900, 2'000'000}, Row{4000, 8000, 950'000},
                         Row{4000, 1000, std::nullopt}, Row{0, 4000, std::nullopt}, Row{4000, 0, std::nullopt}}) {
    ProbeMeter meter;
    meter.begin(at(0), plan_of(2'000'000));
    for (int i = 0; i < 5; ++i) meter.on_result(probe_packet(i, row.sent_us, row.arrived_us));
    EXPECT_EQ(meter.take_result(), row.expected) << row.sent_us << " " << row.arrived_us;
    EXPECT_TRUE(meter.is_over());
  }
}

TEST(ProbeMeter, NeedsFourFifthsOfTheCluster) {
  ProbeMeter meter;
  meter.begin(at(0), plan_of(2'000'000));
  for (int i = 0; i < 3; ++i) meter.on_result(probe_packet(i, 4000, 4000));
  EXPECT_FALSE(meter.take_result());
  EXPECT_FALSE(meter.is_over());
  meter.on_result(probe_packet(3, 4000, 4000));
  EXPECT_TRUE(meter.take_result());
}

TEST(ProbeMeter, GivesUpOnALostCluster) {
  ProbeMeter meter;
  meter.begin(at(0), plan_of(2'000'000));
  meter.handle_timeout(at(900), milliseconds{50});
  EXPECT_FALSE(meter.is_over());
  meter.handle_timeout(at(1100), milliseconds{50});
  EXPECT_TRUE(meter.is_over());
}

TEST(ProbePlanner, DoublesAtOnceWhileProbesSucceed) {
  ProbePlanner planner{{}};
  auto plan = planner.poll(at(0), {.target_bps = 300'000, .wanted_bps = 5'000'000});
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->bitrate_bps, 600'000);
  EXPECT_FALSE(planner.poll(at(50), {.target_bps = 300'000, .wanted_bps = 5'000'000}));
  planner.on_result(at(100), 600'000, 590'000);
  plan = planner.poll(at(100), {.target_bps = 590'000, .wanted_bps = 5'000'000});
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->bitrate_bps, 1'180'000);
}

TEST(ProbePlanner, DoesNotProbeForWhatNobodyWants) {
  ProbePlanner planner{{}};
  EXPECT_FALSE(planner.poll(at(0), {.target_bps = 300'000, .wanted_bps = 300'000}));
  const auto plan = planner.poll(at(0), {.target_bps = 300'000, .wanted_bps = 320'000});
  ASSERT_TRUE(plan);
  EXPECT_EQ(plan->bitrate_bps, 480'000);
}

TEST(ProbePlanner, WaitsWhileThereIsTrouble) {
  ProbePlanner planner{{}};
  const ProbePlanner::State trouble{.target_bps = 300'000, .wanted_bps = 5'000'000, .is_troubled = true};
  const ProbePlanner::State calm{.target_bps = 300'000, .wanted_bps = 5'000'000};
  for (int ms = 0; ms <= 3000; ms += 25) EXPECT_FALSE(planner.poll(at(ms), trouble));
  EXPECT_FALSE(planner.poll(at(3500), calm));
  EXPECT_TRUE(planner.poll(at(4000), calm));
  EXPECT_FALSE(planner.poll(at(8900), calm));
  EXPECT_TRUE(planner.poll(at(9000), calm));
}

TEST(GccController, StartsAsTold) {
  GccController controller{{}};
  const auto estimate = controller.estimate(at(0));
  EXPECT_EQ(estimate.target_bps, 300'000);
  EXPECT_EQ(estimate.limited_by, LimitedBy::Start);
  EXPECT_FALSE(estimate.acked_bps);
}

/// Sends 1.6 Mbit/s for `length` and reports every 50 ms; `fate` is that of all packets.
struct Driven {
  void run(Duration length) {
    for (const TimePoint end = now + length; now < end; now += milliseconds{5}) {
      controller.on_packet_sent(now, {.sequence = ++sequence, .bytes = 1000});
      unreported.push_back(
          {.packet = {.sequence = sequence, .bytes = 1000}, .fate = fate, .sent = now, .arrived = now});
      if (feedback && sequence % 10 == 0) report();
    }
  }
  void report() {
    controller.on_feedback(now, unreported);
    unreported.clear();
  }
  GccController controller{{.start_bps = 2'000'000}};
  TimePoint now{};
  std::uint64_t sequence = 0;
  Fate fate = Fate::Arrived;
  bool feedback = true;
  std::vector<PacketResult> unreported{};
};

TEST(GccController, BacksOffInSilenceAndReturnsAtHalfWithoutTheOutagesLoss) {
  Driven d;
  d.run(seconds{10});
  const auto before = d.controller.estimate(d.now).target_bps;
  EXPECT_GE(before, 2'000'000);
  d.feedback = false;
  d.fate = Fate::Lost;
  d.run(seconds{5});
  const auto silent = d.controller.estimate(d.now);
  EXPECT_EQ(silent.limited_by, LimitedBy::FeedbackGap);
  EXPECT_LE(silent.target_bps, before / 4);
  EXPECT_FALSE(d.controller.poll_probe(d.now, 10'000'000));
  d.feedback = true;
  d.report();
  d.fate = Fate::Arrived;
  d.run(seconds{1});
  const auto after = d.controller.estimate(d.now);
  EXPECT_EQ(after.loss, 0);
  EXPECT_EQ(after.limited_by, LimitedBy::Delay);
  EXPECT_GE(after.target_bps, before * 45 / 100);
  EXPECT_LE(after.target_bps, before * 65 / 100);
}

TEST(GccController, SilenceOfOneWhoSendsNothingIsNoSilence) {
  Driven d;
  d.run(seconds{10});
  const auto before = d.controller.estimate(d.now).target_bps;
  EXPECT_EQ(d.controller.estimate(d.now + minutes{10}).target_bps, before);
}

TEST(GccController, SurvivesHostileResults) {
  GccController controller{{}};
  std::uint64_t state = 3;
  const auto random = [&state] { return (state = state * 6364136223846793005U + 1442695040888963407U) >> 33; };
  for (int i = 0; i < 20'000; ++i) {
    const TimePoint now = at(i * 5);
    controller.on_packet_sent(now, {.sequence = static_cast<std::uint64_t>(i), .bytes = 1200});
    std::array<PacketResult, 4> results{};
    for (PacketResult& result : results) {
      result = {.packet = {.bytes = static_cast<std::uint32_t>(random() % 1500),
                           .cluster = ProbeCluster{static_cast<std::uint16_t>(random() % 4)}},
                .fate = static_cast<Fate>(random() % 3),
                .sent = now - milliseconds{random() % 1000},
                .arrived = now + milliseconds{random() % 120'000} - seconds{60}};
    }
    controller.on_feedback(now, results);
    (void)controller.poll_probe(now, 5'000'000);
    const auto estimate = controller.estimate(now);
    ASSERT_GE(estimate.target_bps, 30'000);
    ASSERT_LE(estimate.target_bps, 20'000'000);
    ASSERT_GE(estimate.loss, 0);
    ASSERT_LE(estimate.loss, 1);
  }
}

}  // namespace
}  // namespace zvonok::media::bwe
