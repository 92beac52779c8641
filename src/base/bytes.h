// Views of raw bytes. A view lives for one call; who stores one stores the bytes beside it.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/check.h"

namespace zvonok {

using Bytes = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;

inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// All of `from` to the beginning of `to`, which has the room for it and is no part of `from`. What is left of `to`.
/// std::ranges::copy of GCC 12 takes the bytes of a const view one by one; this is memmove.
constexpr MutableBytes copy_bytes(Bytes from, MutableBytes to) {
  ZVONOK_CHECK(from.size() <= to.size());
  std::copy(from.begin(), from.end(), to.begin());
  return to.subspan(from.size());
}

}  // namespace zvonok
