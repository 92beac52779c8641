// When work that is not in a hurry is done: at times that all participants have in common, so that a thread wakes up
// once for many of them. Waking up costs more than what most of them have to do then.
#pragma once
#include "base/time.h"

namespace zvonok::media {

inline constexpr Duration kUnhurriedGrid = milliseconds{10};

/// The common time nearest to `at`. Nearest, and not the next, so that what is done a little after its time is not
/// done a whole step later each time.
[[nodiscard]] constexpr TimePoint unhurried(TimePoint at) {
  const Duration since = at.time_since_epoch() + kUnhurriedGrid / 2;
  return TimePoint{since - since % kUnhurriedGrid};
}

}  // namespace zvonok::media
