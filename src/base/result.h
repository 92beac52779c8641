// Result<T, E>: a value or a typed error. The one place that names std::expected.
#pragma once
#include <expected>

namespace zvonok {

template <class T, class E>
using Result = std::expected<T, E>;

template <class E>
[[nodiscard]] constexpr std::unexpected<std::decay_t<E>> fail(E&& error) {
  return std::unexpected<std::decay_t<E>>(std::forward<E>(error));
}

}  // namespace zvonok
