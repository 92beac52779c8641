// What it costs to take packets that are there already.
#pragma once
#include <memory>

#include "measure.h"

namespace zvonok::floor {

enum class Gro : std::uint8_t { Off, On };

struct Receiving {
  std::size_t batch = 64;  // messages for a call
  Gro gro = Gro::Off;      // On: UDP_GRO, and 64 KiB for every message
  std::size_t train = 1;   // packets that the sender gives to the kernel at once (UDP_SEGMENT)
  std::size_t sockets = 1;
  std::size_t waiting = 256;  // packets in each socket when it is read; whole trains
};

/// A function that fills the sockets and empties them, for a round; only emptying is counted.
[[nodiscard]] std::function<Sample()> receiving_round(const Options& options, const Receiving& receiving,
                                                      std::size_t bytes);

}  // namespace zvonok::floor
