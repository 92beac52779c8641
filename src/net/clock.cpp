#include "net/clock.h"

#include <ctime>

namespace zvonok::net {

Now read_clocks() {
  timespec mono{};
  timespec wall{};
  clock_gettime(CLOCK_BOOTTIME, &mono);
  clock_gettime(CLOCK_REALTIME, &wall);
  return {
      .mono = TimePoint{seconds{mono.tv_sec} + Duration{mono.tv_nsec}},
      .wall = WallTime{milliseconds{wall.tv_sec * 1000 + wall.tv_nsec / 1'000'000}},
  };
}

}  // namespace zvonok::net
