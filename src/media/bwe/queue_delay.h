// How long packets wait on the way: one-way delay above the lowest of the last ten seconds. The clocks of both ends
// differ by an unknown offset, which the difference takes away.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.h"

namespace zvonok::media::bwe {

class QueueDelay {
 public:
  void begin_report() { lowest_of_report_.reset(); }
  void add(TimePoint now, TimePoint sent, TimePoint arrived);
  /// Of the report's packet that waited least, so that jitter isn't taken for a queue.
  void end_report();
  [[nodiscard]] Duration value() const { return value_; }

 private:
  static constexpr std::size_t kSlots = 10;
  std::optional<Duration>& slot_at(std::int64_t second);

  std::array<std::optional<Duration>, kSlots> lowest_;
  std::optional<std::int64_t> newest_second_;
  std::optional<Duration> lowest_of_report_;
  Duration value_{};
};

}  // namespace zvonok::media::bwe
