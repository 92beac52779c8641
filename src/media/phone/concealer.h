// Speech at 8 kHz where some is missing, or too much has piled up: the last period of the voice is repeated and fades
// (in the manner of ITU-T G.711 appendix I), and whole periods are taken out without a click.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace zvonok::media::phone {

class Concealer {
 public:
  /// What was heard. `samples` is changed where it begins behind something made up, so that both go over into each
  /// other.
  void on_heard(std::span<std::int16_t> samples);
  /// Makes up what was not heard: of the last voice, fading to silence in 60 ms.
  void conceal(std::span<std::int16_t> out);
  /// Nothing is made up: what comes next is heard as it is.
  void reset() { made_up_ = 0; }
  /// Takes one period of the voice out of it, 5 to 20 ms; unchanged when that would be heard, or there is too little.
  static void shorten(std::vector<std::int16_t>& samples);

 private:
  static constexpr std::size_t kHistory = 400;
  static constexpr std::size_t kPeriodLeast = 40;  // 200 Hz
  static constexpr std::size_t kPeriodMost = 160;  // 50 Hz
  static constexpr std::size_t kCompared = 120;    // samples, to find the period
  static constexpr std::size_t kOverlap = 40;      // 5 ms
  static constexpr std::size_t kFadeFrom = 80;     // 10 ms
  static constexpr std::size_t kFadeTo = 480;      // 60 ms
  void remember(std::span<const std::int16_t> samples);
  [[nodiscard]] std::size_t find_period() const;
  [[nodiscard]] std::int16_t next_made_up();

  std::array<std::int16_t, kHistory> history_{};  // the newest last
  std::array<std::int16_t, kPeriodMost> period_{};
  std::size_t period_length_ = kPeriodLeast;
  std::size_t made_up_ = 0;  // samples since the last that was heard
};

}  // namespace zvonok::media::phone
