// The line of progress that a run prints each second.
#pragma once
#include <algorithm>
#include <string>
#include <string_view>

#include "base/time.h"

namespace zvonok::load {

/// Says when the next line is due, and how long it was since the last.
class ProgressClock {
 public:
  void start(TimePoint now) { last_ = now; }
  [[nodiscard]] bool is_due(TimePoint now) const { return now - last_ >= seconds{1}; }
  /// The line is printed now. Seconds since the last one.
  [[nodiscard]] double take(TimePoint now) {
    const double since = std::chrono::duration<double>(now - last_).count();
    last_ = now;
    return since > 0 ? since : 1;
  }

 private:
  TimePoint last_{};
};

/// "  12 s  window         "
[[nodiscard]] inline std::string progress_head(Duration since_begin, std::string_view phase) {
  const auto whole = std::chrono::duration_cast<seconds>(since_begin).count();
  std::string head = std::to_string(whole);
  head.insert(0, head.size() < 4 ? 4 - head.size() : 0, ' ');
  head += " s  ";
  head += phase;
  head.resize(std::max<std::size_t>(head.size(), 23), ' ');
  return head;
}

}  // namespace zvonok::load
