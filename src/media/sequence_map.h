// Unrolled sequence numbers of a source to those sent on, when some packets are left out: the numbers that go out have
// no gaps but those of real loss. A late packet gets the number that was kept free for it.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/prefetch.h"

namespace zvonok::media {

class SequenceMap {
 public:
  void prefetch() const {
    zvonok::prefetch(&first_);
    zvonok::prefetch(runs_.data());
  }

  /// From now on source number `source` is sent as `out`; everything older is forgotten.
  void start(std::uint64_t source, std::uint64_t out) {
    runs_[0] = {.from = source, .left_out = 0};
    base_ = source;
    out_ = out;
    first_ = 0;
    count_ = 1;
    newest_ = source == 0 ? 0 : source - 1;
  }
  [[nodiscard]] bool started() const { return count_ > 0; }
  /// Whether a packet that came before it was ahead of it.
  [[nodiscard]] bool is_late(std::uint64_t source) const { return source <= newest_; }

  /// The number to send `source` as. Empty for packets from before the start, or too late to tell.
  [[nodiscard]] std::optional<std::uint64_t> map(std::uint64_t source) {
    if (source > newest_) newest_ = source;
    for (std::size_t i = count_; i > 0; --i) {
      const Run& run = at(i - 1);
      if (source >= run.from) return out_ + (source - base_) - run.left_out;
    }
    return std::nullopt;
  }

  /// The packet `source` is not sent. A newest one leaves no gap; a late one leaves the gap that is there.
  void leave_out(std::uint64_t source) {
    if (count_ == 0 || source <= newest_) return;
    newest_ = source;
    Run& last = at(count_ - 1);
    const std::uint64_t left_out = last.left_out + 1;
    if (last.from == source && count_ > 1) {  // one more of a run
      last = {.from = source + 1, .left_out = left_out};
      return;
    }
    if (count_ == runs_.size()) {
      first_ = (first_ + 1) % runs_.size();
      --count_;
    }
    ++count_;
    at(count_ - 1) = {.from = source + 1, .left_out = left_out};
  }

 private:
  struct Run {
    std::uint64_t from = 0;
    std::uint64_t left_out = 0;  // of the numbers between the base and `from`
  };
  [[nodiscard]] Run& at(std::size_t i) { return runs_[(first_ + i) % runs_.size()]; }

  std::array<Run, 64> runs_{};
  std::size_t first_ = 0;
  std::size_t count_ = 0;
  std::uint64_t base_ = 0;
  std::uint64_t out_ = 0;
  std::uint64_t newest_ = 0;
};

}  // namespace zvonok::media
