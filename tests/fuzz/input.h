// Bytes of a fuzz input turned into choices and pieces, for targets that need more than one text.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace zvonok::fuzz {

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : rest_{data, size} {}

  /// 0 when nothing is left.
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const std::uint8_t value = rest_.front();
    rest_ = rest_.subspan(1);
    return value;
  }
  std::size_t below(std::size_t bound) { return byte() % bound; }
  [[nodiscard]] std::string_view rest() const { return as_text(rest_); }

 private:
  Bytes rest_;
};

/// Sizes of pieces made from a seed: small ones mostly, of `total` bytes together.
inline std::vector<std::size_t> piece_sizes(std::uint32_t seed, std::size_t total) {
  std::vector<std::size_t> sizes;
  std::uint32_t state = seed * 2654435761U + 1;
  while (total > 0) {
    state = state * 1664525U + 1013904223U;
    const std::size_t bound = (state >> 30) == 0 ? 400 : (state >> 30) == 1 ? 40 : 5;
    const std::size_t size = std::min<std::size_t>(total, 1 + (state >> 8) % bound);
    sizes.push_back(size);
    total -= size;
  }
  return sizes;
}

}  // namespace zvonok::fuzz
