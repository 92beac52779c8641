#include "adapter/voip_mock/mock_telephone.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace zvonok::voip_mock {
namespace {

constexpr double kRate = 8000;
constexpr double kLoud = 6000;   // of a sine, out of 32767
constexpr double kQuiet = 2500;  // of each of two

// As it sounds in North America: two seconds of every six.
constexpr std::uint64_t kRingbackPeriod = 6 * 8000;
constexpr std::uint64_t kRingbackOn = 2 * 8000;
constexpr double kRingbackLowHz = 440;
constexpr double kRingbackHighHz = 480;

// The first tone is a long one; a short one after every five seconds says that the line still stands.
constexpr std::uint64_t kTone = 8000;
constexpr std::uint64_t kBeepPeriod = 5 * 8000;
constexpr std::uint64_t kBeep = 1600;

constexpr std::size_t kKeyOn = 1600;   // 200 ms
constexpr std::size_t kKeyAll = 2400;  // with the rest behind it

std::int16_t clamped(double sample) {
  return static_cast<std::int16_t>(std::lround(std::clamp(sample, -32767.0, 32767.0)));
}

}  // namespace

void MockTelephone::hear(std::uint32_t timestamp, std::span<const std::int16_t> samples) {
  const auto now = static_cast<std::uint32_t>(clock_);
  std::uint32_t ahead = anchor_ ? timestamp + *anchor_ - now : kRing;
  // Too late, too early, or another clock: from here on it is a second from now.
  if (ahead > kRing - 2 * kFrame - samples.size()) {
    anchor_ = now + kEchoDelay - timestamp;
    ahead = kEchoDelay;
  }
  if (samples.size() > kRing / 4) return;
  for (std::size_t i = 0; i < samples.size(); ++i) heard_[(clock_ + ahead + i) % kRing] = samples[i];
}

void MockTelephone::press(char key) {
  const auto tones = dtmf::pair_of(key);
  if (tones && keys_.size() < kKeysMax) keys_.push_back(*tones);
}

void MockTelephone::add_tone(std::span<std::int16_t> out, double hz, double amplitude, std::uint64_t from) const {
  for (std::size_t i = 0; i < out.size(); ++i) {
    const double phase = 2 * std::numbers::pi * hz * static_cast<double>(from + i) / kRate;
    out[i] = clamped(out[i] + amplitude * std::sin(phase));
  }
}

void MockTelephone::play_keys(std::span<std::int16_t, kFrame> out) {
  if (keys_.empty()) return;
  if (key_played_ < kKeyOn) {
    add_tone(out, keys_.front().low_hz, kLoud / 2, key_played_);
    add_tone(out, keys_.front().high_hz, kLoud / 2, key_played_);
  }
  key_played_ += kFrame;
  if (key_played_ < kKeyAll) return;
  keys_.pop_front();
  key_played_ = 0;
}

bool MockTelephone::speak(Duration since_dial, std::span<std::int16_t, kFrame> out) {
  const std::uint64_t at = clock_;
  if (script_.answers && since_dial >= *script_.answers) {
    if (!answered_at_) answered_at_ = at;
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = std::exchange(heard_[(at + i) % kRing], std::int16_t{0});
    const std::uint64_t since = at - *answered_at_;
    if (since < kTone || since % kBeepPeriod < kBeep) add_tone(out, kToneHz, kLoud, since);
    play_keys(out);
  } else if (script_.rings && since_dial >= *script_.rings) {
    std::ranges::fill(out, std::int16_t{0});
    const auto since = static_cast<std::uint64_t>((since_dial - *script_.rings) / microseconds{125});
    if (since % kRingbackPeriod < kRingbackOn) {
      add_tone(out, kRingbackLowHz, kQuiet, at);
      add_tone(out, kRingbackHighHz, kQuiet, at);
    }
  } else {
    clock_ += kFrame;
    return false;
  }
  clock_ += kFrame;
  return true;
}

}  // namespace zvonok::voip_mock
