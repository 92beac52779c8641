// Whether a list has an element: std::ranges::contains, which g++ 12 lacks.
#pragma once
#include <algorithm>
#include <functional>
#include <iterator>

namespace zvonok::media {

template <class List, class Value, class Projection = std::identity>
[[nodiscard]] bool has(const List& list, const Value& value, Projection projection = {}) {
  return std::ranges::find(list, value, projection) != std::ranges::end(list);
}

}  // namespace zvonok::media
