#include "net/loop.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "base/check.h"
#include "net/clock.h"

namespace zvonok::net {
namespace {
constexpr int kEventsPerTurn = 256;      // bounds a turn, and so the lag
constexpr int kTimersPostponedMax = 16;  // turns
constexpr Duration kWaitMax = seconds{1};
constexpr Duration kShortestSleep = microseconds{50};  // less costs more than it gives
}  // namespace

Result<std::unique_ptr<Loop>, std::string> Loop::create() {
  Fd epoll{::epoll_create1(EPOLL_CLOEXEC)};
  Fd wake{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!epoll.valid() || !wake.valid()) return fail(std::string{"cannot create an event loop: out of descriptors"});
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;  // marks the wake-up descriptor
  if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, wake.get(), &event) != 0) {
    return fail(std::string{"cannot watch the wake-up descriptor"});
  }
  return std::unique_ptr<Loop>{new Loop{std::move(epoll), std::move(wake)}};
}

Loop::Loop(Fd epoll, Fd wake) : epoll_{std::move(epoll)}, wake_{std::move(wake)}, now_{read_clocks()} {}

Loop::~Loop() = default;

bool Loop::add(int fd, std::uint32_t events, ReadyHandler& handler) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &handler;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
}

void Loop::modify(int fd, std::uint32_t events, ReadyHandler& handler) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &handler;
  ZVONOK_CHECK(::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0);
}

void Loop::remove(int fd) {
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
}

void Loop::post(Task task) {
  bool first = false;
  {
    const std::lock_guard lock{mutex_};
    first = posted_.empty();
    posted_.push_back(std::move(task));
  }
  if (first) ::eventfd_write(wake_.get(), 1);
}

void Loop::discard_posted() {
  std::vector<Task> tasks;
  const std::lock_guard lock{mutex_};
  tasks.swap(posted_);
}

void Loop::stop() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  ::eventfd_write(wake_.get(), 1);
}

Loop::TimerKey Loop::schedule(TimePoint at, Task task) {
  const TimerKey key{at, ++timer_sequence_};
  timers_.emplace(key, std::move(task));
  return key;
}

void Loop::cancel(const TimerKey& key) {
  timers_.erase(key);
}

Duration Loop::take_longest_turn() {
  return std::exchange(longest_turn_, Duration::zero());
}

TimePoint Loop::next_timer() const {
  return timers_.empty() ? TimePoint::max() : timers_.begin()->first.first;
}

Duration Loop::until_next_timer() const {
  if (timers_.empty()) return kWaitMax;
  return std::clamp(next_timer() - read_clocks().mono, Duration::zero(), kWaitMax);
}

void Loop::run() {
  for (;;) {
    run_turn();
    const std::lock_guard lock{mutex_};
    if (stopping_) return;
  }
}

void Loop::sleep(Duration left) {
  if (left < kShortestSleep && !punctual_) return;
  if (left <= Duration::zero()) return;
  const timespec time{.tv_sec = 0, .tv_nsec = std::chrono::nanoseconds{left}.count()};
  ::nanosleep(&time, nullptr);  // a signal may end it early: no harm
  held_back_ += left;
}

void Loop::keep_gap() {
  held_back_ = {};
  const Duration gap = gap_.gap();
  if (gap == Duration::zero()) return;
  const TimePoint until = now_.mono + gap;
  while (punctual_ && next_timer() < until) {
    sleep(next_timer() - read_clocks().mono);
    run_timers(read_clocks().mono);
  }
  sleep(until - read_clocks().mono);
}

int Loop::look(std::span<epoll_event> events, Duration most) {
  if (punctual_) {
    const auto whole = std::chrono::floor<seconds>(most);
    const timespec time{.tv_sec = whole.count(), .tv_nsec = std::chrono::nanoseconds{most - whole}.count()};
    const int count = ::epoll_pwait2(epoll_.get(), events.data(), static_cast<int>(events.size()), &time, nullptr);
    if (count >= 0 || errno != ENOSYS) return count;  // Linux has it from 5.11 on
  }
  // Rounded up: waking early would spin.
  const auto rounded = static_cast<int>(std::chrono::ceil<milliseconds>(most).count());
  return ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), rounded);
}

int Loop::wait(std::span<epoll_event> events) {
  const Duration burst = gap_.burst();
  if (burst < kShortestSleep) return look(events, until_next_timer());
  const int waiting = look(events, Duration::zero());
  if (waiting != 0) return waiting;
  const int first = look(events, until_next_timer());
  if (first <= 0) return first;
  sleep(burst);
  return look(events, Duration::zero());
}

void Loop::run_turn() {
  keep_gap();
  std::array<epoll_event, kEventsPerTurn> events{};
  const int count = wait(events);
  ZVONOK_CHECK(count >= 0 || errno == EINTR);
  now_ = read_clocks();
  const TimePoint started = now_.mono;
  for (int i = 0; i < count; ++i) {
    const auto& event = events[static_cast<std::size_t>(i)];
    if (event.data.ptr == nullptr) {
      eventfd_t ignored = 0;
      ::eventfd_read(wake_.get(), &ignored);
      continue;
    }
    static_cast<ReadyHandler*>(event.data.ptr)->on_ready(event.events);
    if (punctual_) run_timers(read_clocks().mono);
  }
  run_posted();
  // What says that somebody is silent must not be believed before all was read that has come.
  const bool more = count == kEventsPerTurn;
  timers_postponed_ = more && timers_postponed_ < kTimersPostponedMax ? timers_postponed_ + 1 : 0;
  if (timers_postponed_ == 0) run_timers(now_.mono);
  if (turn_end_) turn_end_();
  discarded_.clear();
  const TimePoint ended = read_clocks().mono;
  longest_turn_ = std::max(longest_turn_, ended - started);
  gap_.on_turn(started, ended, static_cast<std::size_t>(std::max(count, 0)));
}

void Loop::run_posted() {
  std::vector<Task> tasks;
  {
    const std::lock_guard lock{mutex_};
    tasks.swap(posted_);
  }
  for (Task& task : tasks) task();
}

void Loop::run_timers(TimePoint until) {
  while (next_timer() <= until) {
    auto node = timers_.extract(timers_.begin());
    node.mapped()();
  }
}

}  // namespace zvonok::net
