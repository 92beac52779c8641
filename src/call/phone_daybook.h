// What phone calls have cost today (a day of UTC): calls of each user, minutes of each user and of the whole server.
// Pure.
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
  std::unordered_map<UserId, seconds> talked_by;  // in calls that went out
  seconds talked{};                               // in all of them
};

class DayBook {
 public:
  /// Zero: no limit.
  struct Limits {
    std::size_t calls_max = 0;  // of a user
    Duration talk_max{};        // of all
    Duration user_talk_max{};
  };
  explicit DayBook(Limits limits) : limits_{limits} {}

  void restore(DayUsage usage, const Now& now);

  /// Lets the time since the last call count, and begins a new day when it is time. Before everything else.
  void settle(const Now& now);
  [[nodiscard]] bool may_call(const UserId& user) const;
  void count_call(const UserId& user) { ++calls_[user]; }
  /// `spender`: whose minutes it uses up, too; null for a call that came in.
  void begin_talk(const UserId* spender);
  void end_talk(const UserId* spender);
  /// Talk that nobody knew of while it went on.
  void add_talk(const UserId* spender, Duration talk);
  [[nodiscard]] bool is_spent() const { return limits_.talk_max > Duration::zero() && talked_ >= limits_.talk_max; }
  /// When it will be spent if those who talk now talk on.
  [[nodiscard]] TimePoint spent_at() const;
  /// Likewise of one user's minutes; in the past when they are used up, kNever without a limit.
  [[nodiscard]] TimePoint spent_at(const UserId& user) const;

  [[nodiscard]] Duration talked() const { return talked_; }
  [[nodiscard]] std::size_t talking() const { return talking_; }
  /// How long until the next day begins.
  [[nodiscard]] static Duration until_tomorrow(WallTime now);

 private:
  struct Talk {
    Duration talked{};
    std::size_t talking = 0;
    TimePoint settled_at{};
  };
  Talk& settled(const UserId& user);

  Limits limits_;
  std::int64_t day_ = 0;                    // since 1970
  std::unordered_map<UserId, Talk> talks_;  // where there is a limit
  std::unordered_map<UserId, std::size_t> calls_;
  Duration talked_{};
  std::size_t talking_ = 0;
  TimePoint settled_at_{};
};

}  // namespace zvonok::call::phone
