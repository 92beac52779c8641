// The newest of a numbered sequence, by number. Begins small, and doubles while it would have to forget what is younger
// than it must be kept: a stream of 30 packets a second needs a tenth of the room of one of 300.
#pragma once
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/time.h"

namespace zvonok::media {

/// Of a place with nothing in it.
inline constexpr std::uint64_t kNoNumber = ~std::uint64_t{0};

/// `T` has `std::uint64_t number`, by default kNoNumber, and `TimePoint at`, when it was put there.
template <class T>
class GrowingRing {
 public:
  /// `least` and `most` are powers of two. `most` 0: nothing is kept.
  struct Options {
    std::size_t least = 32;
    std::size_t most = 512;
    Duration keep = seconds{2};
  };
  explicit GrowingRing(const Options& options) : options_{options} {}

  [[nodiscard]] bool is_off() const { return options_.most == 0; }
  [[nodiscard]] std::size_t capacity() const { return slots_.size(); }
  [[nodiscard]] bool empty() const { return slots_.empty(); }

  /// The place of `number`, with whatever is in it: empty, an older one to be replaced, that number, or a newer one,
  /// which the caller leaves alone. Not to be called when it is off.
  [[nodiscard]] T& place(std::uint64_t number, TimePoint now) {
    if (slots_.empty()) slots_.resize(options_.least);
    for (;;) {
      T& found = slots_[index(number)];
      const bool young = found.number < number && now - found.at < options_.keep;
      if (!young || slots_.size() >= options_.most) return found;
      grow();
    }
  }
  /// Null when it is not there.
  [[nodiscard]] T* find(std::uint64_t number) {
    if (slots_.empty()) return nullptr;
    T& found = slots_[index(number)];
    return found.number == number ? &found : nullptr;
  }
  [[nodiscard]] const T* find(std::uint64_t number) const { return const_cast<GrowingRing*>(this)->find(number); }
  /// The place that `number` had or would have, to look at what is there. Null while there is nothing.
  [[nodiscard]] const T* peek(std::uint64_t number) const { return slots_.empty() ? nullptr : &slots_[index(number)]; }
  [[nodiscard]] T* peek(std::uint64_t number) { return slots_.empty() ? nullptr : &slots_[index(number)]; }

 private:
  [[nodiscard]] std::size_t index(std::uint64_t number) const {
    return static_cast<std::size_t>(number & (slots_.size() - 1));
  }
  void grow() {
    std::vector<T> more(2 * slots_.size());
    more.swap(slots_);
    for (T& old : more) {
      if (old.number != kNoNumber) slots_[index(old.number)] = std::move(old);
    }
  }

  Options options_;
  std::vector<T> slots_;
};

}  // namespace zvonok::media
