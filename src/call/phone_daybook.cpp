#include "call/phone_daybook.h"

#include <algorithm>
#include <utility>

namespace zvonok::call::phone {
namespace {

constexpr std::int64_t kDaySeconds = 24 * 60 * 60;

std::int64_t day_of(WallTime time) {
  const std::int64_t at = unix_seconds(time);
  return at >= 0 ? at / kDaySeconds : (at - kDaySeconds + 1) / kDaySeconds;
}

}  // namespace

void DayBook::restore(DayUsage usage, const Now& now) {
  settle(now);
  calls_ = std::move(usage.calls);
  talked_ = usage.talked;
  if (limits_.user_talk_max == Duration::zero()) return;
  talks_.clear();
  for (const auto& [user, talked] : usage.talked_by)
    talks_[user] = {.talked = talked, .talking = 0, .settled_at = now.mono};
}

void DayBook::settle(const Now& now) {
  Duration elapsed = now.mono - settled_at_;
  settled_at_ = now.mono;
  const std::int64_t today = day_of(now.wall);
  if (today != day_) {
    day_ = today;
    calls_.clear();
    talked_ = {};
    const Duration of_today = now.wall - wall_from_unix_milliseconds(today * kDaySeconds * 1000);
    elapsed = std::min(elapsed, of_today);
    std::erase_if(talks_, [](const auto& entry) { return entry.second.talking == 0; });
    for (auto& [user, talk] : talks_) {
      talk.talked = {};
      talk.settled_at = std::max(talk.settled_at, now.mono - of_today);
    }
  }
  talked_ += elapsed * static_cast<Duration::rep>(talking_);
}

bool DayBook::may_call(const UserId& user) const {
  if (spent_at(user) <= settled_at_) return false;
  if (limits_.calls_max == 0) return true;
  const auto count = calls_.find(user);
  return count == calls_.end() || count->second < limits_.calls_max;
}

DayBook::Talk& DayBook::settled(const UserId& user) {
  Talk& talk = talks_.try_emplace(user, Talk{.talked = {}, .talking = 0, .settled_at = settled_at_}).first->second;
  talk.talked += (settled_at_ - talk.settled_at) * static_cast<Duration::rep>(talk.talking);
  talk.settled_at = settled_at_;
  return talk;
}

void DayBook::begin_talk(const UserId* spender) {
  ++talking_;
  if (spender != nullptr && limits_.user_talk_max > Duration::zero()) ++settled(*spender).talking;
}

void DayBook::end_talk(const UserId* spender) {
  --talking_;
  if (spender != nullptr && limits_.user_talk_max > Duration::zero()) --settled(*spender).talking;
}

void DayBook::add_talk(const UserId* spender, Duration talk) {
  talked_ += talk;
  if (spender != nullptr && limits_.user_talk_max > Duration::zero()) settled(*spender).talked += talk;
}

TimePoint DayBook::spent_at(const UserId& user) const {
  if (limits_.user_talk_max == Duration::zero()) return kNever;
  const auto found = talks_.find(user);
  if (found == talks_.end()) return kNever;
  const Talk& talk = found->second;
  const Duration left = limits_.user_talk_max - talk.talked;
  if (left <= Duration::zero()) return talk.settled_at;
  if (talk.talking == 0) return kNever;
  const auto talkers = static_cast<Duration::rep>(talk.talking);
  return talk.settled_at + (left + Duration{talkers - 1}) / talkers;
}

TimePoint DayBook::spent_at() const {
  if (limits_.talk_max == Duration::zero() || talking_ == 0) return kNever;
  const auto talkers = static_cast<Duration::rep>(talking_);
  const Duration left = limits_.talk_max - talked_;
  return left <= Duration::zero() ? settled_at_ : settled_at_ + (left + Duration{talkers - 1}) / talkers;
}

Duration DayBook::until_tomorrow(WallTime now) {
  return seconds{(day_of(now) + 1) * kDaySeconds - unix_seconds(now)};
}

}  // namespace zvonok::call::phone
