#include "adapter/voip_twilio/tones.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <numbers>

namespace zvonok::voip_twilio {
namespace {

constexpr double kRate = 8000;
constexpr std::size_t kTone = 800;
constexpr std::size_t kPause = 800;
constexpr std::size_t kComma = 4000;
constexpr std::uint8_t kSilence = 0xFF;
constexpr double kAmplitude = 8000;  // of each of the two, out of 32767: about -12 dBFS, as telephones send them

struct Key {
  char digit;
  double low;
  double high;
};
constexpr std::array<Key, 16> kKeys{{{'1', 697, 1209},
                                     {'2', 697, 1336},
                                     {'3', 697, 1477},
                                     {'A', 697, 1633},
                                     {'4', 770, 1209},
                                     {'5', 770, 1336},
                                     {'6', 770, 1477},
                                     {'B', 770, 1633},
                                     {'7', 852, 1209},
                                     {'8', 852, 1336},
                                     {'9', 852, 1477},
                                     {'C', 852, 1633},
                                     {'*', 941, 1209},
                                     {'0', 941, 1336},
                                     {'#', 941, 1477},
                                     {'D', 941, 1633}}};

/// ITU-T G.711, the u-law: sign, exponent and mantissa of the biased magnitude, inverted.
std::uint8_t to_ulaw(int sample) {
  constexpr int kBias = 132;
  constexpr int kClip = 32635;
  const int sign = sample < 0 ? 0x80 : 0;
  const int magnitude = std::min(std::abs(sample), kClip) + kBias;
  int exponent = 7;
  for (int bit = 0x4000; exponent > 0 && (magnitude & bit) == 0; bit >>= 1) --exponent;
  const int mantissa = (magnitude >> (exponent + 3)) & 0xF;
  return static_cast<std::uint8_t>(~(sign | (exponent << 4) | mantissa));
}

void append_tone(std::vector<std::uint8_t>& out, const Key& key) {
  for (std::size_t i = 0; i < kTone; ++i) {
    const double angle = 2 * std::numbers::pi * static_cast<double>(i) / kRate;
    const double value = kAmplitude * (std::sin(angle * key.low) + std::sin(angle * key.high));
    out.push_back(to_ulaw(static_cast<int>(std::lround(value))));
  }
}

}  // namespace

std::vector<std::uint8_t> tones_of(std::string_view digits) {
  std::vector<std::uint8_t> out;
  for (const char digit : digits) {
    if (digit == ',') out.insert(out.end(), kComma, kSilence);
    for (const Key& key : kKeys) {
      if (key.digit != digit) continue;
      append_tone(out, key);
      out.insert(out.end(), kPause, kSilence);
    }
  }
  return out;
}

}  // namespace zvonok::voip_twilio
