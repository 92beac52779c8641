// Which media thread a room is put on when it begins. Pure: the same figures give the same answer.
#pragma once
#include <cstddef>
#include <span>

namespace zvonok::app {

/// How much a media thread has to do.
struct ShardLoad {
  double busy = 0;               // share of a processor lately, 0 to 1
  std::size_t rooms = 0;         // that are on it now
  std::size_t participants = 0;  // likewise
};

/// The index of the thread that has the least to do; of equals the first. `loads` has one at least.
/// What the processor did counts first. It lags behind what has just begun, so rooms and participants count as well,
/// each like a small share of a processor.
[[nodiscard]] std::size_t least_loaded(std::span<const ShardLoad> loads);

}  // namespace zvonok::app
