// Which packets of a stream came already: the last 1024 indices (RFC 3711 section 3.3.2).
#pragma once
#include <algorithm>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace zvonok::srtp {

class ReplayWindow {
 public:
  static constexpr std::size_t kSize = 1024;
  enum class Verdict : std::uint8_t { Fresh, Replayed, TooOld };

  [[nodiscard]] Verdict check(std::uint64_t index) const {
    if (!newest_ || index > *newest_) return Verdict::Fresh;
    if (*newest_ - index >= kSize) return Verdict::TooOld;
    return seen_[index % kSize] ? Verdict::Replayed : Verdict::Fresh;
  }

  /// For an authenticated packet that `check` found fresh.
  void mark(std::uint64_t index) {
    if (!newest_) {
      newest_ = index;
    } else if (index > *newest_) {
      // The places of the indices passed over still hold what came 1024 earlier.
      const std::uint64_t ahead = std::min<std::uint64_t>(index - *newest_, kSize);
      for (std::uint64_t i = 0; i < ahead; ++i) seen_.reset((index - i) % kSize);
      newest_ = index;
    }
    seen_.set(index % kSize);
  }

  /// 0 as long as there is none.
  [[nodiscard]] std::uint64_t newest() const { return newest_.value_or(0); }

 private:
  std::bitset<kSize> seen_;
  std::optional<std::uint64_t> newest_;
};

}  // namespace zvonok::srtp
