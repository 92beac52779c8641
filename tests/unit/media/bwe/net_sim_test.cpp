// The simulated link itself: the other tests are worth as much as it is right.
#include "support/net_sim.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

namespace zvonok::test {
namespace {

TimePoint at(Duration since) {
  return TimePoint{since};
}

/// Sends `count` packets of 1250 bytes, one every `gap`, and returns all arrivals.
std::vector<Arrival> run(Link& link, int count, Duration gap) {
  std::vector<Arrival> all;
  TimePoint now{};
  for (int i = 0; i < count; ++i, now += gap) {
    link.send(now, {.tag = static_cast<std::uint64_t>(i), .size = 1250});
    for (Arrival& arrival : link.poll(now)) all.push_back(std::move(arrival));
  }
  while (const auto next = link.next_arrival()) {
    now = std::max(now, *next);
    for (Arrival& arrival : link.poll(now)) all.push_back(std::move(arrival));
  }
  return all;
}

TEST(NetSim, DeliversAtBandwidthAndDelay) {
  Link link{{.bandwidth_bps = 1'000'000, .delay = milliseconds{50}}, 1};
  const auto arrivals = run(link, 3, {});
  ASSERT_EQ(arrivals.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(arrivals[i].at, at(milliseconds{50} + milliseconds{10} * (i + 1)));
    EXPECT_EQ(arrivals[i].datagram.tag, i);
  }
}

TEST(NetSim, WithoutBandwidthLimitOnlyTheDelayCounts) {
  Link link{{.delay = milliseconds{5}}, 1};
  const auto arrivals = run(link, 2, milliseconds{1});
  ASSERT_EQ(arrivals.size(), 2U);
  EXPECT_EQ(arrivals[1].at, at(milliseconds{6}));
}

TEST(NetSim, KeepsBytes) {
  Link link{{}, 1};
  link.send(at({}), {.bytes = {1, 2, 3}, .tag = 7});
  const auto arrivals = link.poll(at({}));
  ASSERT_EQ(arrivals.size(), 1U);
  EXPECT_EQ(arrivals[0].datagram.bytes, (std::vector<std::uint8_t>{1, 2, 3}));
  EXPECT_EQ(arrivals[0].datagram.wire_bytes(), 3U);
}

TEST(NetSim, AChangeOfBandwidthAppliesToTheRestOfThePacket) {
  Link link{{.bandwidth_bps = 1'000'000}, 1};
  link.schedule(at(milliseconds{5}), {.bandwidth_bps = 500'000});
  const auto arrivals = run(link, 1, {});
  ASSERT_EQ(arrivals.size(), 1U);
  EXPECT_EQ(arrivals[0].at, at(milliseconds{15}));  // half in 5 ms, the other half in 10
}

TEST(NetSim, DropsWhatTheQueueDoesNotHold) {
  Link by_time{{.bandwidth_bps = 1'000'000, .queue_limit = milliseconds{25}}, 1};
  EXPECT_EQ(run(by_time, 10, {}).size(), 3U);
  EXPECT_EQ(by_time.stats().overflowed, 7U);
  Link by_bytes{{.bandwidth_bps = 1'000'000, .queue_limit_bytes = 5000}, 1};
  EXPECT_EQ(run(by_bytes, 10, {}).size(), 4U);
}

TEST(NetSim, TellsTheQueueDelay) {
  Link link{{.bandwidth_bps = 1'000'000}, 1};
  link.send(at({}), {.size = 1250});
  link.send(at({}), {.size = 1250});
  EXPECT_EQ(link.queue_delay(at({})), milliseconds{20});
  EXPECT_EQ(link.queue_delay(at(milliseconds{5})), milliseconds{15});
  EXPECT_EQ(link.queue_delay(at(milliseconds{30})), Duration{});
}

TEST(NetSim, LosesTheShareAskedFor) {
  for (const double loss : {0.01, 0.1, 0.3}) {
    Link link{{.loss = loss}, 5};
    const auto got = static_cast<double>(run(link, 20'000, microseconds{10}).size());
    EXPECT_NEAR(1 - got / 20'000, loss, 0.01);
  }
}

TEST(NetSim, LosesInBurstsOfTheMeanLengthAskedFor) {
  LinkProfile profile;
  profile.burst_loss = GilbertElliott::of(0.10, 4);
  Link link{profile, 6};
  const auto arrivals = run(link, 100'000, microseconds{10});
  int bursts = 0;
  std::uint64_t expected = 0;
  for (const Arrival& arrival : arrivals) {
    if (arrival.datagram.tag != expected) ++bursts;
    expected = arrival.datagram.tag + 1;
  }
  const double lost = 100'000.0 - static_cast<double>(arrivals.size());
  EXPECT_NEAR(lost / 100'000, 0.10, 0.01);
  EXPECT_NEAR(lost / bursts, 4, 0.4);
}

TEST(NetSim, JitterKeepsTheOrderUnlessAskedNotTo) {
  const auto inversions = [](LinkProfile::Order order) {
    Link link{{.delay = milliseconds{50}, .jitter = milliseconds{30}, .order = order}, 7};
    int count = 0;
    std::uint64_t newest = 0;
    for (const Arrival& arrival : run(link, 1000, milliseconds{5})) {
      EXPECT_GE(arrival.at - arrival.sent, milliseconds{20});
      if (arrival.datagram.tag < newest) ++count;
      newest = std::max(newest, arrival.datagram.tag);
    }
    return count;
  };
  EXPECT_EQ(inversions(LinkProfile::Order::Kept), 0);
  EXPECT_GT(inversions(LinkProfile::Order::Free), 100);
}

TEST(NetSim, ReordersAndDuplicatesTheShareAskedFor) {
  Link link{{.delay = milliseconds{10}, .reorder = 0.05, .duplicate = 0.02}, 8};
  const auto arrivals = run(link, 10'000, milliseconds{1});
  EXPECT_NEAR(static_cast<double>(link.stats().duplicated), 200, 50);
  EXPECT_EQ(arrivals.size(), 10'000 + link.stats().duplicated);
  int late = 0;
  for (const Arrival& arrival : arrivals) late += arrival.at - arrival.sent > milliseconds{10} ? 1 : 0;
  EXPECT_NEAR(late, 500, 80);
  EXPECT_TRUE(
      std::is_sorted(arrivals.begin(), arrivals.end(), [](const Arrival& a, const Arrival& b) { return a.at < b.at; }));
}

TEST(NetSim, TheHookChangesAddressesAndDrops) {
  Link link{{}, 9};
  link.set_hook([](TimePoint now, Datagram& datagram) {
    if (now >= at(milliseconds{10})) datagram.tag += 1000;
    return datagram.tag == 3 ? Link::Verdict::Drop : Link::Verdict::Pass;
  });
  std::vector<std::uint64_t> tags;
  for (const Arrival& arrival : run(link, 12, milliseconds{2})) tags.push_back(arrival.datagram.tag);
  EXPECT_EQ(tags, (std::vector<std::uint64_t>{0, 1, 2, 4, 1005, 1006, 1007, 1008, 1009, 1010, 1011}));
}

TEST(NetSim, TheSameSeedGivesTheSameCourse) {
  const auto course = [](std::uint64_t seed) {
    Link link{{.bandwidth_bps = 2'000'000, .delay = milliseconds{50}, .jitter = milliseconds{20}, .loss = 0.1}, seed};
    std::vector<TimePoint> times;
    for (const Arrival& arrival : run(link, 500, milliseconds{5})) times.push_back(arrival.at);
    return times;
  };
  EXPECT_EQ(course(1), course(1));
  EXPECT_NE(course(1), course(2));
}

}  // namespace
}  // namespace zvonok::test
