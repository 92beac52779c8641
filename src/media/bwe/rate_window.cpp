// See rate_window.h.
#include "media/bwe/rate_window.h"

#include <algorithm>

namespace zvonok::media::bwe {

namespace {

constexpr Duration kHole = seconds{1};

/// The number of the bucket that holds `at`, rounded down also before the epoch.
std::int64_t index_of(TimePoint at) {
  const std::int64_t nanoseconds = at.time_since_epoch().count();
  const std::int64_t size = RateWindow::kBucket.count();
  return nanoseconds / size - (nanoseconds % size < 0 ? 1 : 0);
}

std::size_t slot_of(std::int64_t index) {
  constexpr auto kSize = static_cast<std::int64_t>(RateWindow::kBuckets);
  return static_cast<std::size_t>(((index % kSize) + kSize) % kSize);
}

}  // namespace

void RateWindow::restart(TimePoint at) {
  bytes_.fill(0);
  first_ = at;
  newest_ = at;
}

void RateWindow::advance(TimePoint to) {
  if (!first_ || to <= newest_) return;
  const std::int64_t from = index_of(newest_);
  const std::int64_t until = std::min(index_of(to), from + static_cast<std::int64_t>(kBuckets));
  for (std::int64_t i = from + 1; i <= until; ++i) bytes_[slot_of(i)] = 0;
  // All of them were emptied when the step is longer than the window, whichever slots the new indices fall in.
  newest_ = to;
}

void RateWindow::add(TimePoint at, std::uint32_t bytes) {
  if (!first_ || at - newest_ >= kHole || newest_ - at >= kHole) restart(at);
  advance(at);
  if (index_of(newest_) - index_of(at) >= static_cast<std::int64_t>(kBuckets)) return;
  bytes_[slot_of(index_of(at))] += bytes;
}

std::optional<std::int64_t> RateWindow::over(std::size_t buckets) const {
  if (!first_) return std::nullopt;
  const std::int64_t last = index_of(newest_);
  const TimePoint start{kBucket * (last - static_cast<std::int64_t>(buckets) + 1)};
  const Duration span = newest_ - std::max(start, *first_);
  if (newest_ - *first_ < kShortest) return std::nullopt;
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < buckets; ++i) sum += bytes_[slot_of(last - static_cast<std::int64_t>(i))];
  return static_cast<std::int64_t>(static_cast<double>(sum) * 8e9 / static_cast<double>(span.count()));
}

std::optional<std::int64_t> RateWindow::peak_bps() const {
  constexpr std::size_t kSpan = 4;
  if (!first_ || newest_ - *first_ < kShortest) return std::nullopt;
  const std::int64_t last = index_of(newest_);
  std::uint64_t sum = 0;
  std::uint64_t most = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    sum += bytes_[slot_of(last - static_cast<std::int64_t>(i))];
    if (i >= kSpan) sum -= bytes_[slot_of(last - static_cast<std::int64_t>(i - kSpan))];
    most = std::max(most, sum);
  }
  return static_cast<std::int64_t>(static_cast<double>(most) * 8e9 / static_cast<double>((kSpan * kBucket).count()));
}

}  // namespace zvonok::media::bwe
