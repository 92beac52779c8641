// G.711 mu-law (ITU-T G.711, RFC 3551 section 4.5.14), a sample at a time.
#pragma once
#include <algorithm>
#include <bit>
#include <cstdint>

namespace zvonok::caller {

[[nodiscard]] constexpr std::uint8_t ulaw_encode(std::int16_t sample) {
  constexpr int kBias = 0x84;  // makes segments begin at powers of two
  constexpr int kMost = 0x7FFF - kBias;
  const int sign = sample < 0 ? 0x80 : 0;
  const int magnitude = std::min(sample < 0 ? -int{sample} : int{sample}, kMost) + kBias;
  const int segment = static_cast<int>(std::bit_width(static_cast<unsigned>(magnitude))) - 8;  // 0 to 7
  const int step = (magnitude >> (segment + 3)) & 0x0F;
  return static_cast<std::uint8_t>(~(sign | (segment << 4) | step));
}

[[nodiscard]] constexpr std::int16_t ulaw_decode(std::uint8_t code) {
  const int value = ~code & 0xFF;
  const int segment = (value >> 4) & 7;
  const int magnitude = ((((value & 0x0F) << 3) + 0x84) << segment) - 0x84;
  return static_cast<std::int16_t>((value & 0x80) != 0 ? -magnitude : magnitude);
}

}  // namespace zvonok::caller
