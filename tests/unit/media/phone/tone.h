// Tones of 8,000 samples a second, and the packets that sound comes in.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>
#include <vector>

#include "media/phone/jitter_buffer.h"

namespace zvonok::media::phone {

using Samples = std::vector<std::int16_t>;

inline Samples sine(double hz, std::size_t from, std::size_t count, double amplitude = 8000) {
  Samples samples(count);
  for (std::size_t i = 0; i < count; ++i) {
    samples[i] = static_cast<std::int16_t>(
        std::lround(amplitude * std::sin(2 * std::numbers::pi * hz * static_cast<double>(from + i) / 8000)));
  }
  return samples;
}

/// Of some samples: all their energy, and how much of it is of one tone.
struct Energy {
  double of_tone = 0;
  double all = 0;
  Energy& operator+=(const Energy& other) {
    of_tone += other.of_tone;
    all += other.all;
    return *this;
  }
  [[nodiscard]] double share() const { return of_tone / (all + 1); }
};

inline Energy energy(double hz, std::span<const std::int16_t> samples) {
  double sine_part = 0;
  double cosine_part = 0;
  double all = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const double phase = 2 * std::numbers::pi * hz * static_cast<double>(i) / 8000;
    const double sample = samples[i];
    sine_part += sample * std::sin(phase);
    cosine_part += sample * std::cos(phase);
    all += sample * sample;
  }
  const auto count = static_cast<double>(samples.size());
  return {.of_tone = 2 * (sine_part * sine_part + cosine_part * cosine_part) / count, .all = all};
}

/// Without a frame, marks or extensions.
inline MediaPacket packet_of(Codec codec, std::uint64_t sequence, std::uint32_t timestamp, Bytes payload) {
  return {.layer = 0,
          .codec = codec,
          .clock_rate = codec == Codec::Opus ? 48'000U : 8'000U,
          .sequence = sequence,
          .timestamp = timestamp,
          .marker = false,
          .payload = payload,
          .frame = {},
          .vp8 = {},
          .vp9 = {},
          .red = {},
          .repeats = {},
          .dependency_descriptor = {},
          .audio_level = {}};
}

}  // namespace zvonok::media::phone
