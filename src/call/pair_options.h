// The settings and limits of pair calls.
#pragma once
#include <cstddef>

#include "base/time.h"

namespace zvonok::call {

/// How much a queue may hold; the message that would pass either bound is not taken.
struct KeepLimits {
  std::size_t messages_max = 1000;
  std::size_t bytes_max = 256 * 1024;
};

struct PairOptions {
  Duration ring_timeout = seconds{45};
  Duration reconnect_grace = seconds{10};       // zero: a closed socket of a side ends the call at once
  Duration early_ice_hold = milliseconds{500};  // candidates before their offer; zero: refused at once
  std::size_t rung_devices_max = 32;
  KeepLimits for_missing_device{};
  KeepLimits candidates{};  // of one device, until they can be delivered
  std::size_t calls_max = 100'000;
};

}  // namespace zvonok::call
