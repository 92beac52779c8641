// G.711, the sound of telephones: 8,000 samples a second, a byte each, by one of two laws (ITU-T G.711; as RTP payload
// RFC 3551 sections 4.5.14 and 4.5.10).
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"

namespace zvonok::g711 {

inline constexpr std::uint32_t kSampleRate = 8000;

enum class Law : std::uint8_t { Ulaw, Alaw };
[[nodiscard]] constexpr Law other(Law law) {
  return law == Law::Ulaw ? Law::Alaw : Law::Ulaw;
}

/// The byte that is no sound at all.
[[nodiscard]] constexpr std::uint8_t silence(Law law) {
  return law == Law::Ulaw ? 0xFF : 0xD5;
}

/// Samples are of 16 bits, the law's 14 or 13 in the upper ones.
[[nodiscard]] std::int16_t decode(Law law, std::uint8_t byte);
[[nodiscard]] std::uint8_t encode(Law law, std::int16_t sample);

/// `out` has room for as many as `in` has.
void decode(Law law, Bytes in, std::span<std::int16_t> out);
void encode(Law law, std::span<const std::int16_t> in, MutableBytes out);
/// From `from` to the other law, byte by byte. In place when both are the same memory.
void convert(Law from, Bytes in, MutableBytes out);

}  // namespace zvonok::g711
