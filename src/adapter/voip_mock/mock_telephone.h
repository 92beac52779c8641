// What is heard from a mock telephone: it rings, says a tone when it is answered, and then echoes what it hears a
// second later; digits come back as the tones of their keys (ITU-T Q.23). Sans-IO, linear samples at 8 kHz.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>

#include "base/time.h"
#include "proto/dtmf/dtmf.h"

namespace zvonok::voip_mock {

class MockTelephone {
 public:
  static constexpr std::size_t kFrame = 160;  // 20 ms
  static constexpr std::uint32_t kEchoDelay = 8000;
  static constexpr double kToneHz = 1000;
  static constexpr std::size_t kKeysMax = 64;

  /// Since the dial; nothing: never.
  struct Script {
    std::optional<Duration> rings;
    std::optional<Duration> answers;
  };
  explicit MockTelephone(Script script) : script_{script} {}

  /// What was said to it. `timestamp` of the first sample, at 8 kHz, wraps.
  void hear(std::uint32_t timestamp, std::span<const std::int16_t> samples);
  /// A key to be played back. More than kKeysMax at once are dropped.
  void press(char key);

  /// The next 20 ms, so long after the dial. False: it says nothing yet, and `out` is not written.
  [[nodiscard]] bool speak(Duration since_dial, std::span<std::int16_t, kFrame> out);

 private:
  static constexpr std::size_t kRing = 16'384;  // a power of two
  void add_tone(std::span<std::int16_t> out, double hz, double amplitude, std::uint64_t from) const;
  void play_keys(std::span<std::int16_t, kFrame> out);

  Script script_;
  std::uint64_t clock_ = 0;  // of what it says, in samples
  std::array<std::int16_t, kRing> heard_{};
  std::optional<std::uint32_t> anchor_;  // what makes a timestamp a place on the clock, modulo 2^32
  std::optional<std::uint64_t> answered_at_;
  std::deque<dtmf::Pair> keys_;
  std::size_t key_played_ = 0;  // samples of the first one
};

}  // namespace zvonok::voip_mock
