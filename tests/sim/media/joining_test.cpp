// How soon somebody who joins has what the others send.
#include "sim/media/fixture.h"

namespace zvonok::sim {
namespace {

class MediaJoining : public MediaSim {};

/// A keyframe that was asked for before it could be sent on was lost, and the next one came half a second later.
TEST_P(MediaJoining, ThePictureIsThereAMomentAfterTheConnection) {
  const auto alice = world.join({.layers = single()});
  run_until(seconds{4});
  const test::LinkProfile far{.delay = milliseconds{80}};
  const auto bob = world.join({.layers = {}, .up = far, .down = far});
  while (!world.client(bob).has_keys() && world.now() < at(seconds{6})) world.run_for(milliseconds{5});
  const TimePoint connected = world.now();
  run_until(seconds{8});
  const auto first = world.first_of_layer(alice, bob, 0, at(seconds{4}));
  ASSERT_TRUE(first) << world.story(alice, bob);
  note("picture_after_ms", static_cast<double>(in_ms(*first - connected)));
  EXPECT_LE(in_ms(*first - connected), 300);
}

INSTANTIATE_TEST_SUITE_P(Seeds, MediaJoining, testing::Range<std::uint64_t>(1, 1 + kSeeds));

}  // namespace
}  // namespace zvonok::sim
