// Small seeded randomness for simulations: the same seed makes the same choices on every machine.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/entropy.h"

namespace zvonok::sim {

class Random {
 public:
  /// Seeds are mixed first: the states of neighbours would be steps of one sequence otherwise, and their numbers the
  /// same but for the first.
  explicit Random(std::uint64_t seed) : state_{mix(seed + 1)} {}

  /// SplitMix64.
  std::uint64_t next() {
    state_ += 0x9E3779B97F4A7C15;
    return mix(state_);
  }
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(next() % bound); }
  std::size_t between(std::size_t least, std::size_t most) { return least + below(most - least + 1); }
  bool chance(unsigned percent) { return below(100) < percent; }
  template <class T>
  const T& pick(const std::vector<T>& from) {
    return from[below(from.size())];
  }
  /// The index of one of the weights, chosen in proportion to them.
  std::size_t weighted(const std::vector<unsigned>& weights) {
    std::size_t sum = 0;
    for (const unsigned weight : weights) sum += weight;
    std::size_t at = below(sum);
    for (std::size_t i = 0;; ++i) {
      if (at < weights[i]) return i;
      at -= weights[i];
    }
  }

 private:
  static std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }

  std::uint64_t state_;
};

class RandomEntropy final : public Entropy {
 public:
  explicit RandomEntropy(std::uint64_t seed) : random_{seed} {}
  void fill(MutableBytes out) override {
    for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(random_.next() >> 56);
  }

 private:
  Random random_;
};

}  // namespace zvonok::sim
