// Tones in G.711, made and found: what was heard is measured, not believed (ITU-T G.711; Goertzel's algorithm).
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>
#include <vector>

#include "port/phone_audio.h"

namespace zvonok::test {

inline constexpr double kPhoneRate = 8000;

/// Of 16-bit samples; by the definition of G.711's segments.
[[nodiscard]] inline std::uint8_t to_ulaw(int sample) {
  constexpr int kBias = 0x84;
  const int sign = sample < 0 ? 0x80 : 0;
  int magnitude = std::min(sample < 0 ? -sample : sample, 32635) + kBias;
  int segment = 7;
  while (segment > 0 && (magnitude & (0x80 << segment)) == 0) --segment;
  return static_cast<std::uint8_t>(~(sign | (segment << 4) | ((magnitude >> (segment + 3)) & 0x0F)));
}
[[nodiscard]] inline int from_ulaw(std::uint8_t byte) {
  const int code = ~byte & 0xFF;
  const int magnitude = ((((code & 0x0F) << 3) + 0x84) << ((code >> 4) & 7)) - 0x84;
  return (code & 0x80) != 0 ? -magnitude : magnitude;
}
[[nodiscard]] inline std::uint8_t to_alaw(int sample) {
  const int sign = sample >= 0 ? 0x80 : 0;
  const int magnitude = std::min(sample < 0 ? -sample - 1 : sample, 32767) >> 4;
  int code = magnitude;
  int segment = 0;
  while (code > 0x1F) {
    code >>= 1;
    ++segment;
  }
  const int coded = magnitude < 0x20 ? magnitude : ((segment + 1) << 4) | (code & 0x0F);
  return static_cast<std::uint8_t>((coded | sign) ^ 0x55);
}
[[nodiscard]] inline int from_alaw(std::uint8_t byte) {
  const int code = byte ^ 0x55;
  const int segment = (code >> 4) & 7;
  const int low = ((code & 0x0F) << 4) + 8;
  const int magnitude = segment == 0 ? low : (low + 0x100) << (segment - 1);
  return (code & 0x80) != 0 ? magnitude : -magnitude;
}
[[nodiscard]] inline std::uint8_t to_g711(port::G711 law, int sample) {
  return law == port::G711::Ulaw ? to_ulaw(sample) : to_alaw(sample);
}
[[nodiscard]] inline int from_g711(port::G711 law, std::uint8_t byte) {
  return law == port::G711::Ulaw ? from_ulaw(byte) : from_alaw(byte);
}

/// `count` samples of a tone that goes on from sample number `first`.
[[nodiscard]] inline std::vector<std::uint8_t> tone(port::G711 law, double hz, std::size_t first, std::size_t count) {
  std::vector<std::uint8_t> out(count);
  for (std::size_t i = 0; i < count; ++i) {
    const double phase = 2 * std::numbers::pi * hz * static_cast<double>(first + i) / kPhoneRate;
    out[i] = to_g711(law, static_cast<int>(8000 * std::sin(phase)));
  }
  return out;
}

/// The share of the energy that is at this frequency, 0 to 1: a pure tone has nearly 1 at its own. 0 of silence.
[[nodiscard]] inline double share_of(double hz, std::span<const int> samples) {
  const double step = 2 * std::cos(2 * std::numbers::pi * hz / kPhoneRate);
  double last = 0;
  double before = 0;
  double energy = 0;
  for (const int sample : samples) {
    const double value = sample + step * last - before;
    before = last;
    last = value;
    energy += static_cast<double>(sample) * sample;
  }
  // Less than this is not sound: both laws have a smallest step that is not zero.
  if (samples.empty() || energy / static_cast<double>(samples.size()) < 1000) return 0;
  const double power = last * last + before * before - step * last * before;
  return 2 * power / (energy * static_cast<double>(samples.size()));
}

}  // namespace zvonok::test
