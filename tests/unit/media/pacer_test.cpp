// The pacer: order, pace, lateness, probes.
#include "media/pacer.h"

#include <map>
#include <vector>

#include <gtest/gtest.h>

namespace zvonok::media {
namespace {

using Action = PacerOrder::Action;

TimePoint at(std::int64_t ms) {
  return TimePoint{milliseconds{ms}};
}

struct Driven {
  explicit Driven(std::int64_t target_bps, std::int64_t padding_bps = 0) : pacer{at(0), {}} {
    pacer.set_rates(at(0), {.target_bps = target_bps, .padding_bps = padding_bps});
  }
  Enqueued video(std::int64_t ms, std::uint64_t handle, std::uint32_t stream = 1, FramePart part = FramePart::Delta,
                 std::uint32_t bytes = 1000) {
    return pacer.enqueue(at(ms), {.kind = PacketKind::Video,
                                  .stream = PacedStream{stream},
                                  .part = part,
                                  .bytes = bytes,
                                  .handle = PacketHandle{handle}});
  }
  Enqueued other(std::int64_t ms, PacketKind kind, std::uint64_t handle, std::uint32_t bytes = 1000) {
    return pacer.enqueue(at(ms), {.kind = kind, .bytes = bytes, .handle = PacketHandle{handle}});
  }
  std::vector<PacerOrder> poll(TimePoint now) {
    std::vector<PacerOrder> orders;
    while (auto order = pacer.poll(now)) orders.push_back(*order);
    return orders;
  }
  /// Wakes only when the pacer asked to be woken, until `end`.
  std::vector<std::pair<TimePoint, PacerOrder>> run(TimePoint now, TimePoint end) {
    std::vector<std::pair<TimePoint, PacerOrder>> all;
    for (int wakes = 0; now <= end; ++wakes) {
      EXPECT_LT(wakes, 100'000) << "wakes without end";
      if (wakes >= 100'000) break;
      for (const PacerOrder& order : poll(now)) all.emplace_back(now, order);
      const auto next = pacer.next_timeout();
      if (!next) break;
      now = std::max(*next, now + Duration{1});
    }
    return all;
  }
  Pacer pacer;
};

std::vector<std::uint64_t> handles(const std::vector<std::pair<TimePoint, PacerOrder>>& run, Action action) {
  std::vector<std::uint64_t> found;
  for (const auto& [when, order] : run) {
    if (order.action == action) found.push_back(static_cast<std::uint64_t>(order.handle));
  }
  return found;
}

TEST(Pacer, SendsInTheOrderOfUrgency) {
  Driven d{1'000'000};
  d.video(0, 1);
  d.video(0, 2);
  d.other(0, PacketKind::Rtx, 3);
  d.other(0, PacketKind::Audio, 4, 100);
  EXPECT_EQ(handles(d.run(at(0), at(100)), Action::Send), (std::vector<std::uint64_t>{4, 3, 1, 2}));
}

TEST(Pacer, AudioNeverWaits) {
  Driven d{100'000};
  for (std::uint64_t i = 0; i < 50; ++i) d.video(0, i);
  (void)d.poll(at(0));
  for (int ms = 1; ms < 200; ms += 20) {
    d.other(ms, PacketKind::Audio, 1000 + static_cast<std::uint64_t>(ms), 160);
    const auto orders = d.poll(at(ms));
    ASSERT_FALSE(orders.empty());
    EXPECT_EQ(orders[0].kind, PacketKind::Audio) << ms;
  }
}

TEST(Pacer, KeepsThePaceOfOnePointOneTimesTheTarget) {
  Driven d{1'000'000};
  std::int64_t sent = 0;
  std::uint64_t handle = 0;
  for (int ms = 0; ms < 2000; ++ms) {
    while (d.pacer.queued_bytes() < 10'000) d.video(ms, handle++);
    for (const auto& order : d.poll(at(ms))) sent += order.action == Action::Send ? order.bytes : 0;
  }
  EXPECT_NEAR(static_cast<double>(sent) * 8 / 2, 1.1e6, 3e4);
}

TEST(Pacer, AKeyframeLeavesFasterButNotThanTwoAndAHalfTimes) {
  Driven d{1'000'000};
  for (std::uint64_t i = 0; i < 80; ++i) d.video(0, i, 1, i == 0 ? FramePart::KeyframeStart : FramePart::Keyframe);
  EXPECT_EQ(d.pacer.pace_bps(), 2'500'000);
  const auto run = d.run(at(0), at(2000));
  EXPECT_EQ(handles(run, Action::Send).size(), 80U);
  EXPECT_GE(run.back().first, at(200));
  EXPECT_LE(run.back().first, at(450));
}

TEST(Pacer, ShutsAStreamWhoseVideoIsLateUntilItsNextKeyframe) {
  Driven d{100'000};
  for (std::uint64_t i = 0; i < 30; ++i) ASSERT_EQ(d.video(0, i), Enqueued::Accepted);
  const auto run = d.run(at(0), at(400));
  const auto sent = handles(run, Action::Send);
  const auto dropped = handles(run, Action::Drop);
  EXPECT_EQ(sent.size() + dropped.size(), 30U);
  EXPECT_GT(dropped.size(), 15U);
  int shut = 0;
  for (const auto& [when, order] : run) {
    if (order.action != Action::Shut) continue;
    ++shut;
    EXPECT_EQ(order.stream, PacedStream{1});
    EXPECT_GT(when, at(250));
    EXPECT_LT(when, at(252));
  }
  EXPECT_EQ(shut, 1);
  EXPECT_EQ(d.pacer.queued_bytes(), 0);
  EXPECT_EQ(d.video(401, 100), Enqueued::WaitingForKeyframe);
  EXPECT_EQ(d.video(401, 101, 1, FramePart::Keyframe), Enqueued::WaitingForKeyframe) << "not the start of one";
  EXPECT_EQ(d.video(401, 102, 2), Enqueued::Accepted) << "another stream";
  EXPECT_EQ(d.video(402, 103, 1, FramePart::KeyframeStart), Enqueued::Accepted);
  EXPECT_EQ(d.video(402, 104), Enqueued::Accepted);
}

TEST(Pacer, LatenessFallsOnTheStreamThatFillsTheQueue) {
  Driven d{200'000};
  for (std::uint64_t i = 0; i < 40; ++i) d.video(0, i, 1);
  (void)d.run(at(0), at(240));
  for (std::uint64_t i = 50; i < 53; ++i) ASSERT_EQ(d.video(240, i, 2), Enqueued::Accepted);
  const auto run = d.run(at(240), at(400));
  int late = 0;
  for (const auto& [when, order] : run) {
    if (order.action != Action::Drop && order.action != Action::Shut) continue;
    EXPECT_EQ(order.stream, PacedStream{1});
    ++late;
  }
  EXPECT_GT(late, 10);
}

TEST(Pacer, AKeyframeThatWaitsAlreadyOpensTheStream) {
  Driven d{100'000};
  for (std::uint64_t i = 0; i < 10; ++i) d.video(0, i);
  d.video(200, 50, 1, FramePart::KeyframeStart);
  const auto run = d.run(at(200), at(3000));
  const auto sent = handles(run, Action::Send);
  EXPECT_EQ(sent.back(), 50U);
  for (const auto& [when, order] : run) EXPECT_NE(order.action, Action::Shut);
}

TEST(Pacer, RefusesWhatItCannotHold) {
  Driven d{100'000};
  std::uint64_t accepted = 0;
  while (d.video(0, accepted) == Enqueued::Accepted) ++accepted;
  EXPECT_EQ(accepted, PacerOptions{}.video_packets_max);
  EXPECT_EQ(d.pacer.stats().refused_full, 1U);
  EXPECT_EQ(d.video(0, 0), Enqueued::WaitingForKeyframe);
  bool told = false;
  for (const auto& order : d.poll(at(0))) told = told || order.action == Action::Shut;
  EXPECT_TRUE(told);
}

TEST(Pacer, AForgottenStreamIsOpen) {
  Driven d{100'000};
  for (std::uint64_t i = 0; i < 30; ++i) d.video(0, i);
  (void)d.run(at(0), at(400));
  d.pacer.forget_stream(PacedStream{1});
  EXPECT_EQ(d.video(401, 1), Enqueued::Accepted);
}

TEST(Pacer, SendsAProbeAtItsRateInPacketsOfOneSize) {
  Driven d{300'000};
  d.video(0, 1, 1, FramePart::Delta, 1200);
  d.pacer.begin_probe(at(0), {.cluster = bwe::ProbeCluster{9},
                              .bitrate_bps = 1'000'000,
                              .bytes_min = 2500,
                              .packets_min = 5,
                              .packet_bytes = 500});
  std::vector<TimePoint> times;
  for (const auto& [when, order] : d.run(at(0), at(500))) {
    if (order.cluster != bwe::ProbeCluster{9}) continue;
    EXPECT_EQ(order.action, Action::Pad);
    EXPECT_EQ(order.bytes, 500U);
    times.push_back(when);
  }
  ASSERT_EQ(times.size(), 5U);
  for (std::size_t i = 1; i < times.size(); ++i) EXPECT_EQ(times[i] - times[i - 1], milliseconds{4});
  EXPECT_EQ(d.pacer.queued_bytes(), 0) << "the media goes on after it";
}

TEST(Pacer, PadsOnlyWhenNothingWaits) {
  Driven d{1'000'000, 50'000};
  std::int64_t padding = 0;
  for (const auto& [when, order] : d.run(at(0), at(10'000))) {
    EXPECT_EQ(order.action, Action::Pad);
    padding += order.bytes;
  }
  EXPECT_NEAR(static_cast<double>(padding) * 8 / 10, 50'000, 3000);
  for (std::uint64_t i = 0; i < 20; ++i) d.video(10'001, i);
  const auto orders = d.poll(at(10'001));
  for (const auto& order : orders) EXPECT_EQ(order.action, Action::Send);
}

TEST(Pacer, AnIdlePacerAsksForNoTimer) {
  Driven d{1'000'000};
  EXPECT_FALSE(d.pacer.next_timeout());
  d.video(0, 1);
  EXPECT_TRUE(d.pacer.next_timeout());
  (void)d.poll(at(0));
  EXPECT_FALSE(d.pacer.next_timeout());
}

TEST(Pacer, EveryAcceptedPacketIsSentOrDroppedOnceAndInItsStreamsOrder) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::uint64_t state = seed;
    const auto random = [&state](std::uint64_t below) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      return (state >> 33) % below;
    };
    Driven d{static_cast<std::int64_t>(50'000 + random(3'000'000))};
    std::map<std::uint64_t, int> seen;
    std::map<std::uint32_t, std::uint64_t> newest;
    std::uint64_t handle = 1;
    const auto note = [&](const PacerOrder& order) {
      if (order.action != Action::Send && order.action != Action::Drop) return;
      const auto number = static_cast<std::uint64_t>(order.handle);
      ++seen[number];
      if (order.kind != PacketKind::Video) return;
      auto& last = newest[static_cast<std::uint32_t>(order.stream)];
      EXPECT_GT(number, last) << "seed " << seed;
      last = number;
    };
    for (int ms = 0; ms < 3000; ++ms) {
      for (std::uint64_t i = random(4); i > 0; --i) {
        const auto stream = static_cast<std::uint32_t>(1 + random(3));
        const FramePart part = random(60) == 0 ? FramePart::KeyframeStart : FramePart::Delta;
        const auto verdict = random(5) == 0 ? d.other(ms, random(2) == 0 ? PacketKind::Audio : PacketKind::Rtx, handle)
                                            : d.video(ms, handle, stream, part);
        if (verdict == Enqueued::Accepted) seen[handle] = 0;
        ++handle;
      }
      if (random(300) == 0) {
        d.pacer.begin_probe(at(ms), {.cluster = bwe::ProbeCluster{1},
                                     .bitrate_bps = 2'000'000,
                                     .bytes_min = 5000,
                                     .packets_min = 5,
                                     .packet_bytes = 1000});
      }
      for (const auto& order : d.poll(at(ms))) note(order);
    }
    for (const auto& [when, order] : d.run(at(3000), at(200'000))) note(order);
    for (const auto& [number, times] : seen) EXPECT_EQ(times, 1) << "seed " << seed << " packet " << number;
    EXPECT_EQ(d.pacer.queued_bytes(), 0) << "seed " << seed;
  }
}

TEST(Pacer, AStallOfItsOwnerMakesNothingLate) {
  Driven d{1'000'000};
  for (std::uint64_t handle = 0; handle < 20; ++handle) d.video(0, handle);
  std::vector<PacerOrder> before = d.poll(at(0));
  const std::vector<PacerOrder> after = d.poll(at(700));
  ASSERT_FALSE(after.empty());
  for (const PacerOrder& order : after) EXPECT_EQ(order.action, Action::Send);
  const auto rest = d.run(at(700), at(2000));
  EXPECT_TRUE(handles(rest, Action::Drop).empty());
  EXPECT_EQ(before.size() + after.size() + handles(rest, Action::Send).size(), 20U);
}

TEST(Pacer, WhatMayPassIsChargedAndWhatMayNotIsNot) {
  Driven d{1'000'000};
  const PacedPacket video{
      .kind = PacketKind::Video, .stream = PacedStream{1}, .part = FramePart::Delta, .bytes = 1000, .handle = {}};
  const PacedPacket audio{
      .kind = PacketKind::Audio, .stream = PacedStream{2}, .part = FramePart::Other, .bytes = 100, .handle = {}};
  EXPECT_TRUE(d.pacer.pass(at(0), video));
  int passed = 0;
  for (std::int64_t ms = 1; ms <= 1000; ++ms) {
    if (d.pacer.pass(at(ms), video)) ++passed;
  }
  // 1.1 Mbit/s in a second, 8,000 bits each.
  EXPECT_GE(passed, 135);
  EXPECT_LE(passed, 139);
  d.video(1001, 1);
  EXPECT_FALSE(d.pacer.pass(at(1100), video)) << "one that waits goes first";
  EXPECT_TRUE(d.pacer.pass(at(1100), audio));
}

}  // namespace
}  // namespace zvonok::media
