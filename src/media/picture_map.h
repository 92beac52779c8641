// Picture ids of a source (7 or 15 bits on the wire) to those a receiver gets (15 bits), when some pictures are left
// out.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>

#include "base/prefetch.h"

namespace zvonok::media {

class PictureMap {
 public:
  /// How wide the source's ids are, which is when they wrap.
  enum class Width : std::uint8_t { Short, Long };

  explicit PictureMap(std::uint16_t first = 0) : next_{first} {}

  void prefetch() const { zvonok::prefetch(&count_); }

  /// From now on source picture `source` has the number after the last one.
  void start(std::uint16_t source) {
    newest_ = kStart + source;
    base_ = newest_;
    out_ = next_;
    count_ = 0;
    sent_.fill(0);
  }
  /// The number, 15 bits, for any picture since the start.
  [[nodiscard]] std::uint16_t map(std::uint16_t source, Width width = Width::Long) {
    const std::uint64_t picture = unroll(source, width);
    if (picture > newest_) newest_ = picture;
    std::size_t newer = 0;
    for (std::size_t i = 0; i < kept(); ++i) newer += left_out_[i] > picture ? 1 : 0;
    const std::uint64_t out = out_ + (picture - base_) - (count_ - newer);
    // Late ones count too: a newer picture than they are may have been left out.
    if (picture >= base_ && out >= next_) next_ = out + 1;
    sent_[picture % sent_.size()] = picture;
    return static_cast<std::uint16_t>(out & kMask);
  }
  /// The picture is not sent. Asking twice for one is fine.
  void leave_out(std::uint16_t source, Width width = Width::Long) {
    const std::uint64_t picture = unroll(source, width);
    if (picture <= newest_) return;  // its number is given, or was left free
    newest_ = picture;
    left_out_[count_ % left_out_.size()] = picture;
    ++count_;
  }

  /// Whether `map` gave the picture a number, as far back as is known.
  [[nodiscard]] bool is_sent(std::uint16_t source, Width width = Width::Long) const {
    const std::uint64_t picture = unroll(source, width);
    return sent_[picture % sent_.size()] == picture;
  }

  /// Whether `leave_out` took the picture, as far back as is known; what is older than that counts as left out.
  [[nodiscard]] bool is_left_out(std::uint16_t source, Width width = Width::Long) const {
    const std::uint64_t picture = unroll(source, width);
    bool all_newer = true;
    for (std::size_t i = 0; i < kept(); ++i) {
      if (left_out_[i] == picture) return true;
      all_newer = all_newer && left_out_[i] > picture;
    }
    return all_newer && count_ > kept();
  }

 private:
  static constexpr std::uint64_t kMask = 0x7FFF;
  static constexpr std::uint64_t kStart = 0x8000;

  [[nodiscard]] std::uint64_t unroll(std::uint16_t source, Width width) const {
    const std::uint64_t cycle = width == Width::Short ? 0x80 : 0x8000;
    const std::uint64_t ahead = (source - newest_) & (cycle - 1);
    return ahead < cycle / 2 ? newest_ + ahead : newest_ + ahead - cycle;
  }
  [[nodiscard]] std::size_t kept() const { return count_ < left_out_.size() ? count_ : left_out_.size(); }

  std::array<std::uint64_t, 32> left_out_{};
  std::array<std::uint64_t, 64> sent_{};
  std::size_t count_ = 0;
  std::uint64_t newest_ = 0;
  std::uint64_t base_ = 0;
  std::uint64_t out_ = 0;
  std::uint64_t next_;  // not cut to 15 bits
};

}  // namespace zvonok::media
