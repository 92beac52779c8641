// The event loop: timers in order, posts from other threads, the end.
#include "net/loop.h"

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "net/clock.h"

namespace zvonok::net {
namespace {

std::unique_ptr<Loop> make_loop() {
  auto loop = Loop::create();
  EXPECT_TRUE(loop);
  return std::move(*loop);
}

TEST(Loop, RunsTimersInTheirOrderAndNotTheCancelled) {
  const auto loop = make_loop();
  std::string order;
  const TimePoint start = loop->now().mono;
  loop->schedule(start + milliseconds{3}, [&] {
    order += 'c';
    loop->stop();
  });
  loop->schedule(start + milliseconds{1}, [&] { order += 'a'; });
  loop->schedule(start + milliseconds{1}, [&] { order += 'b'; });
  loop->cancel(loop->schedule(start + milliseconds{2}, [&] { order += 'x'; }));
  loop->run();
  EXPECT_EQ(order, "abc");
}

TEST(Loop, ATimerMayMakeAndCancelTimers) {
  const auto loop = make_loop();
  std::string order;
  const TimePoint now = loop->now().mono;
  Loop::TimerKey doomed{};
  loop->schedule(now, [&] {
    order += '1';
    loop->cancel(doomed);
    loop->schedule(loop->now().mono, [&] {
      order += '2';
      loop->stop();
    });
  });
  doomed = loop->schedule(now, [&] { order += 'x'; });
  loop->run();
  EXPECT_EQ(order, "12");
}

TEST(Loop, RunsEverythingPostedByOtherThreads) {
  const auto loop = make_loop();
  constexpr int kThreads = 4;
  constexpr int kTasks = 5'000;
  int ran = 0;
  std::vector<std::jthread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kTasks; ++i) {
        loop->post([&] {
          if (++ran == kThreads * kTasks) loop->stop();
        });
      }
    });
  }
  loop->run();
  EXPECT_EQ(ran, kThreads * kTasks);
}

TEST(Loop, TurnEndRunsAfterTheWorkOfTheTurn) {
  const auto loop = make_loop();
  std::string order;
  loop->set_turn_end([&] { order += order.empty() || order.back() != '.' ? "." : ""; });
  loop->post([&] { order += 'a'; });
  loop->post([&] {
    order += 'b';
    loop->stop();
  });
  loop->run();
  EXPECT_EQ(order, "ab.");
}

TEST(Loop, StopBeforeRunIsKept) {
  const auto loop = make_loop();
  loop->stop();
  loop->run();
  SUCCEED();
}

/// Descriptors that are ready to be read, for good or once each.
class Ready final : public ReadyHandler {
 public:
  enum class For { Once, Good };
  Ready(Loop& loop, std::size_t count, For how_long) : loop_{loop}, how_long_{how_long} {
    for (std::size_t i = 0; i < count; ++i) {
      fds_.emplace_back(::eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC));
      EXPECT_TRUE(loop.add(fds_.back().get(), EPOLLIN, *this));
    }
  }
  void on_ready(std::uint32_t) override {
    if (how_long_ == For::Once) loop_.remove(fds_[seen_].get());  // all are alike: one fewer is ready
    ++seen_;
  }
  [[nodiscard]] std::size_t seen() const { return seen_; }

 private:
  Loop& loop_;
  For how_long_;
  std::vector<Fd> fds_;
  std::size_t seen_ = 0;
};

TEST(Loop, ReadsWhatHasComeBeforeTimersSayThatNothingDid) {
  const auto loop = make_loop();
  Ready ready{*loop, 700, Ready::For::Once};
  std::size_t seen = 0;
  loop->schedule(loop->now().mono, [&] {
    seen = ready.seen();
    loop->stop();
  });
  loop->run();
  EXPECT_EQ(seen, 700U);
}

TEST(Loop, TimersRunHoweverMuchThereIsToRead) {
  const auto loop = make_loop();
  const Ready ready{*loop, 300, Ready::For::Good};
  loop->schedule(loop->now().mono, [&] { loop->stop(); });
  loop->run();
  EXPECT_GT(ready.seen(), 300U);
  EXPECT_LT(ready.seen(), 256U * 64U);
}

/// Two descriptors are ready, and the first makes a timer that is due: what came when.
std::string order_of_events_and_timer(Loop& loop) {
  struct Eager final : ReadyHandler {
    explicit Eager(Loop& of) : loop{of} {}
    void on_ready(std::uint32_t) override {
      order += 'e';
      if (order.size() > 1) return;
      loop.schedule(read_clocks().mono, [this] {
        order += 't';
        loop.stop();
      });
    }
    Loop& loop;
    std::string order;
  } handler{loop};
  const Fd first{::eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC)};
  const Fd second{::eventfd(1, EFD_NONBLOCK | EFD_CLOEXEC)};
  EXPECT_TRUE(loop.add(first.get(), EPOLLIN, handler));
  EXPECT_TRUE(loop.add(second.get(), EPOLLIN, handler));
  loop.run();
  return handler.order;
}

TEST(Loop, ReadsEverythingOfATurnBeforeTimersButWhenTheyAreKeptOnTime) {
  const auto usual = make_loop();
  const std::string others = order_of_events_and_timer(*usual);
  EXPECT_EQ(others.find('t'), others.size() - 1);
  EXPECT_EQ(others.substr(0, 2), "ee");
  const auto punctual = make_loop();
  punctual->keep_timers_on_time();
  EXPECT_EQ(order_of_events_and_timer(*punctual).substr(0, 3), "ete");
}

TEST(Loop, TimersKeptOnTimeRunWhileABusyLoopIsHeldBack) {
  const auto loop = make_loop();
  loop->moderate_turns(milliseconds{200});
  loop->keep_timers_on_time();
  const Ready ready{*loop, 1, Ready::For::Good};
  std::size_t at_timer = 0;
  int timers_of_one_turn = 0;
  const TimePoint start = loop->now().mono;
  std::function<void()> again = [&] {
    timers_of_one_turn = ready.seen() == at_timer ? timers_of_one_turn + 1 : 1;
    at_timer = ready.seen();
    if (timers_of_one_turn == 5 || loop->now().mono - start > seconds{20}) return loop->stop();
    const TimePoint began = read_clocks().mono;  // timers are not the turn's work: this is
    loop->schedule(began + milliseconds{5}, again);
  };
  loop->post([&] { again(); });
  std::function<void()> work = [&] {
    const TimePoint began = read_clocks().mono;
    while (read_clocks().mono - began < milliseconds{50}) {
    }
    if (timers_of_one_turn < 5) loop->post([&] { work(); });
  };
  loop->post([&] { work(); });
  loop->run();
  EXPECT_EQ(timers_of_one_turn, 5) << "none ran between two turns";
}

TEST(Loop, ABusyOneHoldsItsTurnsBackAndStillEnds) {
  const auto loop = make_loop();
  loop->moderate_turns(milliseconds{2});
  const TimePoint start = loop->now().mono;
  Duration held_back{};
  std::function<void()> work = [&] {
    const TimePoint began = loop->now().mono;
    while (read_clocks().mono - began < milliseconds{1}) {
    }
    held_back += loop->held_back();
    if (held_back > Duration::zero() || loop->now().mono - start > seconds{20}) return loop->stop();
    loop->post([&] { work(); });
  };
  loop->post([&] { work(); });
  loop->run();
  EXPECT_GT(held_back, Duration::zero());
}

TEST(Loop, OneWithLongTurnsWaitsForTheRestOfWhatWakesItUp) {
  const auto loop = make_loop();
  loop->moderate_turns(Duration::zero(), 0, microseconds{300});
  const TimePoint start = loop->now().mono;
  Duration waited{};
  std::function<void()> work = [&] {
    waited += loop->held_back();
    if (waited > Duration::zero() || loop->now().mono - start > seconds{20}) return loop->stop();
    const TimePoint began = loop->now().mono;
    while (read_clocks().mono - began < milliseconds{2}) {
    }
  };
  std::jthread sender{[&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      loop->post(work);
      std::this_thread::sleep_for(milliseconds{10});  // its rate: with pauses in which the loop is idle
    }
  }};
  loop->run();
  sender.request_stop();
  EXPECT_GE(waited, microseconds{50});
}

}  // namespace
}  // namespace zvonok::net
