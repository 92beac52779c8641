// Random runs of a tunnel in virtual time. A run that fails prints its seed; ZVONOK_SIM_SEED=<seed> repeats one,
// ZVONOK_SIM_SEEDS=<count> makes more.
#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

#include "base/address.h"
#include "sim/call/sim_random.h"
#include "tunnel_model.h"

namespace zvonok::test {
namespace {

#ifdef ZVONOK_SANITIZED
constexpr std::uint64_t kRuns = 100;
#else
constexpr std::uint64_t kRuns = 1000;
#endif

std::uint64_t number_from_environment(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

TEST(TunnelSimulation, RelaysWhatTheModelSaysHoweverItIsCut) {
  const std::uint64_t only = number_from_environment("ZVONOK_SIM_SEED", 0);
  const std::uint64_t first = only != 0 ? only : 1;
  const std::uint64_t last = only != 0 ? only : number_from_environment("ZVONOK_SIM_SEEDS", kRuns);
  tunnel::Counters sum;
  for (std::uint64_t seed = first; seed <= last; ++seed) {
    sim::Random random{seed};
    auto choose = [&](std::size_t bound) { return random.below(bound); };
    TunnelModel model{choose};
    for (int step = 0; step < 800; ++step) {
      const std::string broken = model.step();
      ASSERT_EQ(broken, "") << "seed " << seed << ", step " << step;
    }
    ASSERT_EQ(model.finish(), "") << "seed " << seed << ", at the end";
    const tunnel::Counters& counters = model.counters();
    ASSERT_EQ(counters.of(tunnel::StreamEnd::Overrun), 0U) << "seed " << seed;
    ASSERT_EQ(counters.of(tunnel::Drop::QueueFull) + counters.of(tunnel::Drop::Bandwidth), 0U) << "seed " << seed;
    sum.joined += counters.joined;
    sum.paused += counters.paused;
    sum.traffic.down.packets += counters.traffic.down.packets;
    for (std::size_t i = 0; i < tunnel::kDrops; ++i) sum.dropped[i] += counters.dropped[i];
  }
  if (last - first < 500) return;  // too few to say
  // The runs do get to what they are there for.
  EXPECT_GT(sum.joined, last);
  EXPECT_GT(sum.paused, last / 20);
  EXPECT_GT(sum.traffic.down.packets, 10 * last);
  EXPECT_GT(sum.of(tunnel::Drop::Foreign), last / 10);
  EXPECT_GT(sum.of(tunnel::Drop::SessionOverrun), 0U);
}

}  // namespace
}  // namespace zvonok::test
