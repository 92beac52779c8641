// Packet status chunks of transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1):
// sixteen bits that say of some packets whether they came and how large their time deltas are.
#pragma once
#include <cstdint>
#include <utility>

namespace zvonok::rtcp::twcc {

/// Two bits on the wire. Reserved is refused.
enum class Symbol : std::uint8_t { Lost = 0, SmallDelta = 1, LargeDelta = 2, Reserved = 3 };

inline constexpr unsigned kRunLengthMax = 0x1FFF;
inline constexpr unsigned kOneBitVectorLength = 14;
inline constexpr unsigned kTwoBitVectorLength = 7;

[[nodiscard]] constexpr bool is_vector(std::uint16_t chunk) {
  return (chunk & 0x8000U) != 0;
}
[[nodiscard]] constexpr bool is_two_bit_vector(std::uint16_t chunk) {
  return (chunk & 0xC000U) == 0xC000U;
}

/// How many statuses the chunk holds: 0 to kRunLengthMax.
[[nodiscard]] constexpr unsigned chunk_length(std::uint16_t chunk) {
  if (!is_vector(chunk)) return chunk & kRunLengthMax;
  return is_two_bit_vector(chunk) ? kTwoBitVectorLength : kOneBitVectorLength;
}

/// `index` is below chunk_length(chunk).
[[nodiscard]] constexpr Symbol chunk_symbol(std::uint16_t chunk, unsigned index) {
  if (!is_vector(chunk)) return Symbol((chunk >> 13) & 3U);
  if (is_two_bit_vector(chunk)) return Symbol((chunk >> (2 * (kTwoBitVectorLength - 1 - index))) & 3U);
  return Symbol((chunk >> (kOneBitVectorLength - 1 - index)) & 1U);
}

/// Bytes a status of this kind takes among the deltas.
[[nodiscard]] constexpr unsigned delta_bytes(Symbol symbol) {
  return symbol == Symbol::Reserved ? 0 : std::to_underlying(symbol);
}

}  // namespace zvonok::rtcp::twcc
