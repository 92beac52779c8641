// Counters that wrap on the wire (RTP sequence numbers, TWCC numbers) unrolled to 64 bits that do not.
#pragma once
#include <cstdint>
#include <optional>

namespace zvonok {

/// How far `to` is ahead of `from`, -32768 to 32767: the shorter way round (RFC 1982 with 16 bits).
[[nodiscard]] constexpr int sequence_distance(std::uint16_t from, std::uint16_t to) {
  return static_cast<std::int16_t>(static_cast<std::uint16_t>(to - from));
}

/// Unrolls 16-bit numbers that come roughly in order. `peek` tells what a number would be; `update` moves the window,
/// so it is for numbers that are believed (authenticated) only.
class SequenceExtender {
 public:
  /// The first number lands in [65536, 131071], so that numbers a little older stay positive.
  [[nodiscard]] constexpr std::uint64_t peek(std::uint16_t number) const {
    if (!newest_) return 0x10000U + std::uint64_t{number};
    const std::int64_t at =
        static_cast<std::int64_t>(*newest_) + sequence_distance(static_cast<std::uint16_t>(*newest_), number);
    return at < 0 ? 0 : static_cast<std::uint64_t>(at);
  }
  constexpr std::uint64_t update(std::uint16_t number) {
    const std::uint64_t extended = peek(number);
    if (!newest_ || extended > *newest_) newest_ = extended;
    return extended;
  }
  [[nodiscard]] constexpr std::optional<std::uint64_t> newest() const { return newest_; }

 private:
  std::optional<std::uint64_t> newest_;
};

}  // namespace zvonok
