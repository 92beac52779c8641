// Randomness that repeats: the same seed gives the same bytes. For tests only.
#pragma once
#include <cstdint>
#include <mutex>

#include "base/entropy.h"

namespace zvonok::test {

class SeededEntropy final : public Entropy {
 public:
  explicit SeededEntropy(std::uint64_t seed) : state_{seed} {}

  void fill(MutableBytes out) override {
    const std::lock_guard lock{mutex_};
    for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(next() >> 56);
  }

 private:
  /// SplitMix64.
  std::uint64_t next() {
    state_ += 0x9E3779B97F4A7C15;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  std::mutex mutex_;
  std::uint64_t state_;
};

}  // namespace zvonok::test
