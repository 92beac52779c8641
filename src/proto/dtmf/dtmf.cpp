#include "proto/dtmf/dtmf.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string_view>

namespace zvonok::dtmf {
namespace {

constexpr double kRate = 8000;
constexpr std::string_view kKeys = "123A456B789C*0#D";  // a row for each low tone
constexpr std::array kLow{697.0, 770.0, 852.0, 941.0};
constexpr std::array kHigh{1209.0, 1336.0, 1477.0, 1633.0};

constexpr double kAmplitude = 8000;  // of each of the two, out of 32767: about -12 dBFS, as telephones send them

// What is a key and what is speech. The two tones have most of a block's energy; that is less than all of it because a
// telephone may be off by 1.5 % and the edges of the block cut. Each stands out from its neighbours by 8 dB, they are
// within 8 dB of each other, and neither is weaker than about -39 dBm0.
constexpr float kShareLeast = 0.75F;
constexpr float kStandsOut = 6.3F;
constexpr float kTwistMost = 6.3F;
constexpr float kAmplitudeLeast = 250;
// Of the two blocks that make a key: speech swells and fades, and its pitch wanders.
constexpr float kSteadyEnergy = 1.3F;
constexpr float kSteadyTone = 1.5F;
// Q.24: an interruption of 10 ms ends no key, and a pause of 40 ms does. The one may cut two blocks, and empties one at
// most; the other empties two.
constexpr float kSilentMost = 0.25F;
constexpr int kSilentToEnd = 2;
constexpr int kOtherToEnd = 4;

bool alike(float one, float other, float ratio) {
  return std::max(one, other) <= ratio * std::min(one, other);
}

std::array<float, 8> make_coefficients() {
  std::array<float, 8> all{};
  for (std::size_t i = 0; i < all.size(); ++i) {
    const double hz = i < kLow.size() ? kLow[i] : kHigh[i - kLow.size()];
    all[i] = static_cast<float>(2 * std::cos(2 * std::numbers::pi * hz / kRate));
  }
  return all;
}
const std::array<float, 8> kCoefficients = make_coefficients();

/// The strongest of four; nothing when another one is nearly as strong.
std::optional<std::size_t> strongest(std::span<const float, 4> powers) {
  const auto most = std::ranges::max_element(powers);
  for (auto other = powers.begin(); other != powers.end(); ++other) {
    if (other != most && *other * kStandsOut > *most) return std::nullopt;
  }
  return static_cast<std::size_t>(most - powers.begin());
}

}  // namespace

std::optional<Pair> pair_of(char key) {
  const std::size_t at = kKeys.find(key);
  if (at == std::string_view::npos) return std::nullopt;
  return Pair{.low_hz = kLow[at / 4], .high_hz = kHigh[at % 4]};
}

// ---- out -----------------------------------------------------------------------------------------------------------

bool ToneWriter::add(char digit) {
  if (digit != ',' && !pair_of(digit)) return false;
  if (waiting_.size() >= kWaitingMax) return false;
  waiting_.push_back(digit);
  return true;
}

std::size_t ToneWriter::write(std::span<std::int16_t> out) {
  std::size_t written = 0;
  while (written < out.size() && !waiting_.empty()) {
    const auto pair = pair_of(waiting_.front());
    const std::size_t all = pair ? kTone + kPause : kComma;
    const std::size_t count = std::min(out.size() - written, all - played_);
    for (std::size_t i = 0; i < count; ++i) {
      const double angle = 2 * std::numbers::pi * static_cast<double>(played_ + i) / kRate;
      const bool sounds = pair && played_ + i < kTone;
      out[written + i] =
          !sounds ? std::int16_t{0}
                  : static_cast<std::int16_t>(
                        std::lround(kAmplitude * (std::sin(angle * pair->low_hz) + std::sin(angle * pair->high_hz))));
    }
    written += count;
    played_ += count;
    if (played_ < all) continue;
    waiting_.pop_front();
    played_ = 0;
  }
  return written;
}

// ---- in ------------------------------------------------------------------------------------------------------------

std::string ToneReader::read(std::span<const std::int16_t> samples) {
  std::string keys;
  for (const std::int16_t sample : samples) {
    const auto value = static_cast<float>(sample);
    for (std::size_t i = 0; i < tones_.size(); ++i) {
      Resonance& tone = tones_[i];
      const float next = value + kCoefficients[i] * tone.last - tone.before;
      tone.before = tone.last;
      tone.last = next;
    }
    energy_ += value * value;
    if (++filled_ < kBlock) continue;
    const Found found = block_is();
    tones_ = {};
    energy_ = 0;
    filled_ = 0;
    if (begins(found)) {
      keys += found.key;
      sounds_ = found;
      silent_ = other_ = 0;
    } else if (found.key == sounds_.key) {
      silent_ = other_ = 0;
    } else if (sounds_.key != 0) {
      ++(found.energy < kSilentMost * sounds_.energy ? silent_ : other_);
      if (silent_ == kSilentToEnd || other_ == kOtherToEnd) sounds_ = {};
    }
    before_ = found;
  }
  return keys;
}

bool ToneReader::begins(const Found& found) const {
  return found.key != 0 && found.key != sounds_.key && found.key == before_.key &&
         alike(found.energy, before_.energy, kSteadyEnergy) && alike(found.low, before_.low, kSteadyTone) &&
         alike(found.high, before_.high, kSteadyTone);
}

ToneReader::Found ToneReader::block_is() const {
  constexpr auto kSize = static_cast<float>(kBlock);
  // A sine of amplitude A has the power (A * size / 2)^2 at its tone, and the energy A^2 * size / 2.
  constexpr float kPowerLeast = kAmplitudeLeast * kSize / 2 * kAmplitudeLeast * kSize / 2;
  std::array<float, 8> powers{};
  for (std::size_t i = 0; i < powers.size(); ++i) {
    const auto& [last, before] = tones_[i];
    powers[i] = last * last + before * before - kCoefficients[i] * last * before;
  }
  Found found{.key = 0, .energy = energy_, .low = 0, .high = 0};
  const auto low = strongest(std::span{powers}.first<4>());
  const auto high = strongest(std::span{powers}.last<4>());
  if (!low || !high) return found;
  found.low = powers[*low];
  found.high = powers[4 + *high];
  if (std::min(found.low, found.high) < kPowerLeast) return found;
  if (!alike(found.low, found.high, kTwistMost)) return found;
  if (found.low + found.high < kShareLeast * energy_ * kSize / 2) return found;
  found.key = kKeys[*low * 4 + *high];
  return found;
}

void ToneReader::reset() {
  *this = ToneReader{};
}

}  // namespace zvonok::dtmf
