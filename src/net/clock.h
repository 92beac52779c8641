// The one place that reads the clocks.
#pragma once
#include "base/time.h"

namespace zvonok::net {

/// CLOCK_BOOTTIME (goes on while the machine sleeps) and CLOCK_REALTIME.
[[nodiscard]] Now read_clocks();

}  // namespace zvonok::net
