// What is said in a call: a tone, a file, or silence; a frame at a time.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>
#include <vector>

namespace zvonok::caller {

class SoundSource {
 public:
  /// Silence.
  SoundSource() = default;
  /// `samples` at the rate of the frames; `again`: from the beginning when it is over.
  enum class Again : std::uint8_t { No, Yes };
  SoundSource(std::vector<std::int16_t> samples, Again again) : samples_{std::move(samples)}, again_{again} {}
  /// A sine of half the full scale.
  [[nodiscard]] static SoundSource tone(double hertz, unsigned rate) {
    SoundSource source;
    source.step_ = 2 * std::numbers::pi * hertz / rate;
    return source;
  }

  void fill(std::span<std::int16_t> frame) {
    constexpr double kHalfScale = 16384;
    for (std::int16_t& sample : frame) {
      if (at_ == samples_.size() && again_ == Again::Yes) at_ = 0;
      sample = at_ < samples_.size() ? samples_[at_++] : std::int16_t{0};
      if (step_ <= 0) continue;
      sample = static_cast<std::int16_t>(std::sin(phase_) * kHalfScale);
      phase_ = std::fmod(phase_ + step_, 2 * std::numbers::pi);
    }
  }
  /// A file that is over.
  [[nodiscard]] bool done() const { return !samples_.empty() && at_ == samples_.size() && again_ == Again::No; }

 private:
  std::vector<std::int16_t> samples_;
  std::size_t at_ = 0;
  Again again_ = Again::No;
  double step_ = 0;
  double phase_ = 0;
};

}  // namespace zvonok::caller
