// One epoll loop on one thread: descriptors, timers, work posted by other threads, and an end-of-turn hook that lets
// everything queued during a turn leave in one write per socket. Level-triggered.
//
// Threads: everything but `post` and `stop` belongs to the thread that calls `run`.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "net/fd.h"
#include "net/turn_gap.h"

struct epoll_event;

namespace zvonok::net {

/// Gets a descriptor's readiness. `events` are EPOLLIN, EPOLLOUT, EPOLLHUP, EPOLLERR.
class ReadyHandler {
 public:
  virtual ~ReadyHandler() = default;
  virtual void on_ready(std::uint32_t events) = 0;
};

class Loop {
 public:
  using Task = std::move_only_function<void()>;
  using TimerKey = std::pair<TimePoint, std::uint64_t>;

  /// Fails only when the system is out of descriptors.
  [[nodiscard]] static Result<std::unique_ptr<Loop>, std::string> create();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop();

  /// The handler must stay alive until `remove`, and then until the end of the turn (see `discard`).
  [[nodiscard]] bool add(int fd, std::uint32_t events, ReadyHandler& handler);
  void modify(int fd, std::uint32_t events, ReadyHandler& handler);
  void remove(int fd);

  /// Runs `task` on the loop's thread in a later turn. Thread-safe. Tasks left when the loop ends are destroyed unrun.
  void post(Task task);
  /// Destroys what was posted and not run. For the end, when tasks may hold things that go before the loop does.
  void discard_posted();
  /// Makes `run` return after the current turn. Thread-safe.
  void stop();

  /// Runs `task` once, at the first turn at or after `at`.
  TimerKey schedule(TimePoint at, Task task);
  void cancel(const TimerKey& key);

  /// Runs after each turn's events, posts and timers.
  void set_turn_end(Task task) { turn_end_ = std::move(task); }
  /// Destroys the object when the turn is over, since later events of the turn may still name it.
  void discard(std::unique_ptr<ReadyHandler> handler) { discarded_.push_back(std::move(handler)); }

  /// Lets a busy loop wait up to `most` from the start of one turn to the start of the next (see TurnGap); what comes
  /// meanwhile is that much later, and so is what `post`, timers and `stop` ask for. `burst`: and one whose turns are
  /// long wait so much for the rest of what woke it up.
  void moderate_turns(Duration most, std::size_t crowd = 0, Duration burst = Duration::zero()) {
    gap_ = TurnGap{most, crowd, burst};
  }
  /// For a loop that serves connections: what a person does not notice, and when a hundred of them talk at once each
  /// system call carries several of their messages.
  void moderate_server_turns() { moderate_turns(milliseconds{2}, 8); }
  /// Timers run when they are due, to a few microseconds: between a turn's events too, and while the loop waits between
  /// turns. Without it they run once a turn, up to a millisecond late, and later in busy turns. It costs a clock
  /// reading for each event, and a waking for each timer. For loops that make load: what is measured must not come in
  /// bursts that only the loop makes.
  void keep_timers_on_time() { punctual_ = true; }
  /// How long this turn was held back for that.
  [[nodiscard]] Duration held_back() const { return held_back_; }

  /// The time of this turn: read once when the turn begins.
  [[nodiscard]] const Now& now() const { return now_; }
  /// How long the longest turn since the last call took: the loop's lag.
  [[nodiscard]] Duration take_longest_turn();

  void run();

 private:
  Loop(Fd epoll, Fd wake);
  void run_turn();
  void keep_gap();
  void sleep(Duration left);
  [[nodiscard]] int look(std::span<epoll_event> events, Duration most);
  int wait(std::span<epoll_event> events);
  void run_posted();
  void run_timers(TimePoint until);
  [[nodiscard]] TimePoint next_timer() const;
  [[nodiscard]] Duration until_next_timer() const;

  Fd epoll_;
  Fd wake_;
  Now now_{};
  std::map<TimerKey, Task> timers_;
  std::uint64_t timer_sequence_ = 0;
  Task turn_end_;
  std::vector<std::unique_ptr<ReadyHandler>> discarded_;
  Duration longest_turn_{};
  int timers_postponed_ = 0;
  bool punctual_ = false;
  TurnGap gap_{Duration::zero()};
  Duration held_back_{};

  std::mutex mutex_;  // guards the two below
  std::vector<Task> posted_;
  bool stopping_ = false;
};

}  // namespace zvonok::net
