// The benchmark's clock.
#pragma once
#include <chrono>
#include <cstdint>

namespace zvonok::bench {

/// Nanoseconds of a clock that never jumps.
inline std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

constexpr std::int64_t kSecondNs = 1'000'000'000;
constexpr std::int64_t kMillisecondNs = 1'000'000;

}  // namespace zvonok::bench
