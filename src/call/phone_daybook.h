// What phone calls have cost today (a day of UTC): calls of each user, and minutes of the whole server. Pure.
#pragma once
#include <cstddef>
#include <cstdint>
#include <unordered_map>

#include "base/id.h"
#include "base/time.h"
#include "call/deadlines.h"

namespace zvonok::call::phone {

/// What a day has seen before this server was started.
struct DayUsage {
  std::unordered_map<UserId, std::size_t> calls;
  seconds talked{};
};

class DayBook {
 public:
  /// `talk_max` of zero: no limit. So with `calls_max`.
  struct Limits {
    std::size_t calls_max = 0;
    Duration talk_max{};
  };
  explicit DayBook(Limits limits) : limits_{limits} {}

  void restore(DayUsage usage, const Now& now);

  /// Lets the time since the last call count, and begins a new day when it is time. Before everything else.
  void settle(const Now& now);
  [[nodiscard]] bool may_call(const UserId& user) const;
  void count_call(const UserId& user) { ++calls_[user]; }
  void begin_talk() { ++talking_; }
  void end_talk() { --talking_; }
  /// Talk that nobody knew of while it went on.
  void add_talk(Duration talk) { talked_ += talk; }
  [[nodiscard]] bool is_spent() const { return limits_.talk_max > Duration::zero() && talked_ >= limits_.talk_max; }
  /// When it will be spent if those who talk now talk on.
  [[nodiscard]] TimePoint spent_at() const;

  [[nodiscard]] Duration talked() const { return talked_; }
  [[nodiscard]] std::size_t talking() const { return talking_; }
  /// How long until the next day begins.
  [[nodiscard]] static Duration until_tomorrow(WallTime now);

 private:
  Limits limits_;
  std::int64_t day_ = 0;  // since 1970
  std::unordered_map<UserId, std::size_t> calls_;
  Duration talked_{};
  std::size_t talking_ = 0;
  TimePoint settled_at_{};
};

}  // namespace zvonok::call::phone
