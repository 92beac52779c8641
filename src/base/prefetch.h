// Tells the processor which memory is needed soon, so that it comes while something else is worked on. For loops over
// many objects that are too far apart, and too many, to stay in the cache. Of no effect but on time.
#pragma once
#include <cstddef>

namespace zvonok {

/// The cache line `at` lies in.
inline void prefetch(const void* at) {
  __builtin_prefetch(at, 1);
}

/// All lines of `bytes` from `at` on. A handful of lines at most is in flight at once: more gains nothing.
inline void prefetch(const void* at, std::size_t bytes) {
  constexpr std::size_t kLine = 64;
  const auto* const begin = static_cast<const char*>(at);
  for (std::size_t i = 0; i < bytes; i += kLine) __builtin_prefetch(begin + i, 0);
  if (bytes > 1) __builtin_prefetch(begin + bytes - 1, 0);  // objects rarely begin where a line does
}

}  // namespace zvonok
