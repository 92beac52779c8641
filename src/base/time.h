// Time as a value. Nothing below net/ asks what time it is: callers pass `Now`.
#pragma once
#include <chrono>
#include <compare>
#include <cstdint>
#include <string>

namespace zvonok {

using Duration = std::chrono::nanoseconds;
using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

struct MonotonicTag {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MonotonicTag>;
  static constexpr bool is_steady = true;  // deliberately no now()
};
struct WallTag {
  using duration = milliseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<WallTag>;
  static constexpr bool is_steady = false;
};

/// Monotonic time: for deadlines and durations. Never jumps.
using TimePoint = MonotonicTag::time_point;
/// Wall-clock time in Unix milliseconds: for records and token expiry. May jump.
using WallTime = WallTag::time_point;

/// Both clocks, read once at the edge and handed down.
struct Now {
  TimePoint mono{};
  WallTime wall{};
};

constexpr std::int64_t unix_milliseconds(WallTime time) {
  return time.time_since_epoch().count();
}
constexpr std::int64_t unix_seconds(WallTime time) {
  return std::chrono::floor<seconds>(time.time_since_epoch()).count();
}
constexpr WallTime wall_from_unix_milliseconds(std::int64_t value) {
  return WallTime{milliseconds{value}};
}

/// RFC 3339 in UTC with milliseconds, such as 2026-02-03T12:34:56.789Z.
[[nodiscard]] std::string format_rfc3339(WallTime time);

}  // namespace zvonok
