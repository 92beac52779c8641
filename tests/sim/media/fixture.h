// What the scenarios of the media plane have in common: each runs with several seeds, and ends with everybody leaving.
#pragma once
#include <string>

#include <gtest/gtest.h>

#include "sim/media/world.h"

namespace zvonok::sim {

#ifdef ZVONOK_SANITIZED
inline constexpr std::uint64_t kSeeds = 1;
#else
inline constexpr std::uint64_t kSeeds = 4;
#endif

class MediaSim : public testing::TestWithParam<std::uint64_t> {
 protected:
  World world{GetParam()};
  const TimePoint start = world.now();

  [[nodiscard]] TimePoint at(Duration since_start) const { return start + since_start; }
  void run_until(Duration since_start) { world.run_for(at(since_start) - world.now()); }
  static std::int64_t in_ms(Duration duration) { return duration / milliseconds{1}; }
  static void note(const std::string& name, double value) { RecordProperty(name, std::to_string(value)); }

  /// Nothing happened that must not, and nothing is left when all have left.
  void TearDown() override {
    EXPECT_EQ(world.violations(), "") << "seed " << GetParam();
    for (std::uint64_t peer = 1; peer < 64; ++peer) {
      if (world.engine().find(ParticipantId{peer}) != nullptr) world.leave(peer);
    }
    world.run_for(milliseconds{300});
    EXPECT_EQ(world.engine().peer_count(), 0U);
    EXPECT_EQ(world.engine().path_count(), 0U);
  }
};

}  // namespace zvonok::sim
