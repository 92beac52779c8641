// One device in pair calls (docs/protocol/pair.md), sans-IO: says hello, watches others' presence, calls its partner or
// takes the call, sends candidates, and hangs up. Texts and time go in; what is to be sent goes to its outlet at once.
//
// Threads: one for all that share a PairCourse.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "load/log_histogram.h"

namespace zvonok::load {

/// What all of a run share: the window, and what they saw. Messages and calls count by when they were sent or begun.
struct PairCourse {
  TimePoint window_begin = TimePoint::max();
  TimePoint window_end = TimePoint::max();

  std::uint64_t calls_begun = 0;   // within the window, as are the next two
  std::uint64_t calls_set_up = 0;  // the answer came
  std::uint64_t calls_ended = 0;   // the other side heard the hang-up
  std::uint64_t calls_failed = 0;  // refused, ended unasked, or never answered; in all
  LogHistogram set_up;             // from the offer's sending to the answer's coming; of calls begun in the window
  std::uint64_t relays_sent = 0;   // messages for the other side, sent within the window
  std::uint64_t relays_came = 0;   // of those
  LogHistogram relay;              // how long they took
  std::uint64_t news = 0;          // messages of the server's own within the window: presence, hello, ringing and so on
  std::uint64_t unreadable = 0;
  std::map<std::string, std::uint64_t> refusals;  // codes of call:error and reasons of calls that ended unasked

  [[nodiscard]] bool measures(TimePoint at) const { return at >= window_begin && at < window_end; }
};

struct PairOptions {
  enum class Role : std::uint8_t { Calls, IsCalled } role = Role::Calls;
  std::string user;
  std::string partner;
  std::vector<std::string> watched;  // whose presence it wants
  std::size_t description_bytes = 2500;
  unsigned candidates = 6;  // of each side and call
  std::size_t message_bytes = 200;
  double messages_per_second = 0;  // within a call, besides
  Duration answer_timeout = seconds{10};
};

class PairOutlet {
 public:
  virtual ~PairOutlet() = default;
  virtual void send_text(std::string_view text) = 0;
};

class PairClient {
 public:
  enum class State : std::uint8_t { Idle, Calling, InCall };

  /// `course` and `outlet` outlive it.
  PairClient(PairOptions options, PairCourse& course, PairOutlet& outlet);

  /// The WebSocket is open.
  void on_open(TimePoint now);
  void on_text(TimePoint now, std::string_view text);
  /// Only of one that calls, when Idle. Hangs up `hold` after the answer.
  void call(TimePoint now, Duration hold);
  /// If there is a call.
  void hang_up(TimePoint now);
  void handle_timeout(TimePoint now);
  /// TimePoint::max() when there is nothing to wait for.
  [[nodiscard]] TimePoint next_timeout() const;

  [[nodiscard]] const PairOptions& options() const { return options_; }
  [[nodiscard]] State state() const { return state_; }
  /// The server has answered the hello.
  [[nodiscard]] bool is_ready() const { return ready_; }
  /// When the last call was over; far in the past before the first.
  [[nodiscard]] TimePoint idle_since() const { return idle_since_; }

 private:
  void relay(TimePoint now, std::string_view event, std::string_view name, std::size_t bytes,
             std::string_view extra = {});
  void send_candidates(TimePoint now);
  void begin_call(TimePoint now);
  void end_call(TimePoint now);
  void fail_call(TimePoint now, const std::string& why);
  void on_answer(TimePoint now);
  void on_hangup(TimePoint now, const std::string& reason);

  PairOptions options_;
  PairCourse& course_;
  PairOutlet& outlet_;
  State state_ = State::Idle;
  bool ready_ = false;
  TimePoint called_at_{};
  TimePoint idle_since_{};
  Duration hold_{};
  TimePoint deadline_ = TimePoint::max();  // of the answer, or of hanging up
  TimePoint next_message_ = TimePoint::max();
  Duration message_interval_{};
};

}  // namespace zvonok::load
