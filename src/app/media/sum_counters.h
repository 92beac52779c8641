// Adding up what is counted in several places.
#pragma once
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace zvonok::app {

/// Of structures that are nothing but counters of 64 bits.
template <class Counters>
void add_counters(Counters& sum, const Counters& more) {
  using Words = std::array<std::uint64_t, sizeof(Counters) / sizeof(std::uint64_t)>;
  auto words = std::bit_cast<Words>(sum);
  const auto others = std::bit_cast<Words>(more);
  for (std::size_t i = 0; i < words.size(); ++i) words[i] += others[i];
  sum = std::bit_cast<Counters>(words);
}

}  // namespace zvonok::app
