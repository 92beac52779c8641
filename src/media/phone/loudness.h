// How loud a piece of sound is, as RFC 6464 says it: -dBov, 0 the loudest and 127 silence.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "media/phone/sound.h"

namespace zvonok::media::phone {

[[nodiscard]] inline std::uint8_t loudness_of(const Sound& sound) {
  if (sound.samples.empty()) return 127;
  double energy = 0;
  for (const std::uint8_t byte : sound.samples) {
    const double sample = g711::decode(sound.law, byte);
    energy += sample * sample;
  }
  const double rms = std::sqrt(energy / static_cast<double>(sound.samples.size()));
  if (rms < 1) return 127;
  return static_cast<std::uint8_t>(std::clamp(-20 * std::log10(rms / 32'768), 0.0, 127.0));
}

}  // namespace zvonok::media::phone
