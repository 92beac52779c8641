// Private<T>: a value that logs print as "***" until a human asked for it.
#pragma once
#include <utility>

namespace zvonok {

template <class T>
class Private {
 public:
  Private() = default;
  explicit Private(T value) : value_{std::move(value)} {}
  /// The value itself. Every call of this is a place to review.
  [[nodiscard]] const T& reveal() const { return value_; }
  friend bool operator==(const Private&, const Private&) = default;

 private:
  T value_;
};

}  // namespace zvonok
