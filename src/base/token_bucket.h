// A token bucket: `burst` at once, then `per_second` for ever.
#pragma once
#include <algorithm>

#include "base/time.h"

namespace zvonok {

struct TokenBucketOptions {
  double burst = 1;
  double per_second = 1;
};

class TokenBucket {
 public:
  TokenBucket(TokenBucketOptions options, TimePoint now) : options_{options}, tokens_{options.burst}, updated_{now} {}

  /// Takes `count` tokens if they are there.
  [[nodiscard]] bool take(double count, TimePoint now) {
    refill(now);
    if (tokens_ < count) return false;
    tokens_ -= count;
    return true;
  }
  /// Takes `count` tokens, into debt if need be. Pair it with `wait()`.
  void charge(double count, TimePoint now) {
    refill(now);
    tokens_ -= count;
  }
  /// How long until the bucket is out of debt; zero when it is.
  [[nodiscard]] Duration wait(TimePoint now) {
    refill(now);
    if (tokens_ >= 0 || options_.per_second <= 0) return Duration::zero();
    return Duration{static_cast<Duration::rep>(-tokens_ / options_.per_second * 1e9) + 1};
  }
  [[nodiscard]] bool full(TimePoint now) {
    refill(now);
    return tokens_ >= options_.burst;
  }

 private:
  void refill(TimePoint now) {
    if (now <= updated_) return;
    const double elapsed_seconds = std::chrono::duration<double>(now - updated_).count();
    tokens_ = std::min(options_.burst, tokens_ + elapsed_seconds * options_.per_second);
    updated_ = now;
  }

  TokenBucketOptions options_;
  double tokens_;
  TimePoint updated_;
};

}  // namespace zvonok
