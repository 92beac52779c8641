// How much arrival times vary by themselves, and how much delay that explains. A path that holds packets back at random
// and keeps their order shows slopes and a raised lowest delay without any queue; rates must not be cut for them.
// On a slow link packets make each other wait by what a packet takes to pass: that is no jitter.
#pragma once
#include <cstdint>
#include <optional>

#include "base/time.h"

namespace zvonok::media::bwe {

class JitterMeter {
 public:
  /// Of each packet that arrived.
  void on_packet(std::uint32_t bytes);
  /// How much longer than the one before a group of packets was under way; negative: shorter.
  void on_gradient(Duration gradient);
  /// The fastest that packets arrived lately, over a tenth of a second: the path is not slower.
  void on_peak_rate(std::optional<std::int64_t> bps);

  /// Mean deviation between neighbours, for whatever reason.
  [[nodiscard]] Duration deviation() const { return Duration{static_cast<std::int64_t>(mean_ns_)}; }
  /// The same unless the packets' own length may be the reason.
  [[nodiscard]] Duration jitter() const;
  /// A delay up to this above the lowest one says nothing.
  [[nodiscard]] Duration explains() const;

 private:
  double mean_ns_ = 0;
  double packet_ns_ = 0;  // that a packet takes
  std::uint32_t largest_ = 0;
  std::uint32_t count_ = 0;
};

}  // namespace zvonok::media::bwe
