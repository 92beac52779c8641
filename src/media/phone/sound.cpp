#include "media/phone/sound.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace zvonok::media::phone {
namespace {

// Networks hold packets back for less than that, and clocks that were apart by more are of two sources.
constexpr std::int32_t kApartMost = 8000;
// Longer ago than that nothing is compared any more, or the numbers would wrap.
constexpr Duration kLongAgo = hours{24};

std::uint32_t ticks(Duration duration) {
  const Duration within = std::clamp<Duration>(duration, Duration::zero(), kLongAgo);
  return static_cast<std::uint32_t>(within / microseconds{125});
}

}  // namespace

Timeline::Mapped Timeline::map(TimePoint now, std::uint32_t timestamp, std::size_t length) {
  bool jumped = false;
  if (started_) {
    const std::uint32_t elapsed = ticks(now - newest_at_);
    const auto apart = static_cast<std::int32_t>(timestamp - (newest_ + elapsed));
    if (std::abs(std::int64_t{apart}) > kApartMost) {
      const std::uint32_t after = std::max(elapsed, static_cast<std::uint32_t>(newest_length_));
      offset_ += newest_ + after - timestamp;
      jumped = true;
    }
  }
  if (!started_ || jumped || static_cast<std::int32_t>(timestamp - newest_) > 0) {
    newest_ = timestamp;
    newest_length_ = length;
    newest_at_ = now;
  }
  started_ = true;
  return {.timestamp = timestamp + offset_, .jumped = jumped};
}

std::uint32_t Timeline::now_at(TimePoint now) {
  if (!std::exchange(started_, true)) newest_at_ = now;
  return newest_ + offset_ + ticks(now - newest_at_);
}

}  // namespace zvonok::media::phone
