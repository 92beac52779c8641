#include "caller/media_stream.h"

#include <gtest/gtest.h>

#include "support/seeded_entropy.h"

namespace zvonok::caller {
namespace {

using Datagram = std::vector<std::uint8_t>;

struct Pair {
  explicit Pair(std::string_view secret_of_bob = "") {
    test::SeededEntropy entropy{5};
    const auto one = e2e::make_key_pair(entropy);
    const auto two = e2e::make_key_pair(entropy);
    const auto shared = e2e::shared_secret(one.private_key, two.public_key);
    const e2e::End alice_end{.user = "alice", .key = one.public_key};
    const e2e::End bob_end{.user = "bob", .key = two.public_key};
    alice.use(e2e::derive_pair_keys(*shared, {}, alice_end, bob_end));
    bob.use(e2e::derive_pair_keys(*shared, as_bytes(secret_of_bob), bob_end, alice_end));
  }
  Datagram say(std::int16_t level) {
    std::array<std::int16_t, kFrameSamples> frame{};
    frame.fill(level);
    const Bytes sealed = alice.seal(frame);
    return {sealed.begin(), sealed.end()};
  }
  void hear(Datagram datagram) { bob.handle_datagram(datagram, now += kFrameLength); }

  test::SeededEntropy first{1};
  test::SeededEntropy second{2};
  MediaStream alice{first};
  MediaStream bob{second};
  TimePoint now = TimePoint{} + hours{1};
};

TEST(MediaStream, WhatIsSaidIsHeard) {
  Pair pair;
  for (int i = 0; i < 50; ++i) pair.hear(pair.say(8000));
  const auto sound = pair.bob.take_sound(MediaStream::Take::All);
  ASSERT_EQ(sound.size(), 50 * kFrameSamples);
  for (const std::int16_t sample : sound) EXPECT_NEAR(sample, 8000, 200);
  const StreamStats stats = pair.bob.stats();
  EXPECT_EQ(stats.received_packets, 50U);
  EXPECT_EQ(stats.lost + stats.late + stats.undecodable, 0U);
  EXPECT_NEAR(stats.level_db, -12.2, 0.3);
  EXPECT_NEAR(stats.jitter_ms, 0, 0.01);
  EXPECT_EQ(stats.longest_gap, kFrameLength);
}

TEST(MediaStream, BeforeThereAreKeysNothingIsSaidAndNothingHeard) {
  Pair pair;
  test::SeededEntropy entropy{9};
  MediaStream nobody{entropy};
  EXPECT_TRUE(nobody.seal(std::array<std::int16_t, kFrameSamples>{}).empty());
  Datagram datagram = pair.say(1);
  nobody.handle_datagram(datagram, pair.now);
  EXPECT_EQ(nobody.stats().keyless, 1U);
}

TEST(MediaStream, AWrongKeyDecodesNothing) {
  Pair pair{"another secret"};
  for (int i = 0; i < 20; ++i) pair.hear(pair.say(8000));
  EXPECT_TRUE(pair.bob.take_sound(MediaStream::Take::All).empty());
  EXPECT_EQ(pair.bob.stats().undecodable, 20U);
  EXPECT_EQ(pair.bob.stats().received_packets, 0U);
}

TEST(MediaStream, OrderIsRestoredGapsAreSilentAndRepetitionsAreNotHeard) {
  Pair pair;
  std::vector<Datagram> sent;
  for (int i = 0; i < 12; ++i) sent.push_back(pair.say(static_cast<std::int16_t>(1000 + 500 * i)));
  for (const std::size_t i : {0U, 2U, 1U, 1U, 3U}) pair.hear(sent[i]);
  EXPECT_EQ(pair.bob.take_sound(MediaStream::Take::InTime).size(), 4 * kFrameSamples);
  for (const std::size_t i : {5U, 6U}) pair.hear(sent[i]);
  EXPECT_TRUE(pair.bob.take_sound(MediaStream::Take::InTime).empty()) << "the fourth may still come";
  for (const std::size_t i : {7U, 8U, 9U, 10U}) pair.hear(sent[i]);
  const auto rest = pair.bob.take_sound(MediaStream::Take::InTime);
  ASSERT_EQ(rest.size(), 7 * kFrameSamples);
  EXPECT_EQ(rest.front(), 0) << "silence in its place";
  EXPECT_NEAR(rest[kFrameSamples], 3500, 120);
  pair.hear(sent[4]);
  const StreamStats stats = pair.bob.stats();
  EXPECT_EQ(stats.replayed, 1U);
  EXPECT_EQ(stats.late, 1U);
  EXPECT_EQ(stats.lost, 0U) << "it came in the end";
}

TEST(MediaStream, GarbageIsCounted) {
  Pair pair;
  pair.hear({});
  pair.hear(Datagram(11, 0x80));
  pair.hear(Datagram(3000, 0x80));
  Datagram changed = pair.say(5);
  changed.back() ^= 1;
  pair.hear(changed);
  EXPECT_EQ(pair.bob.stats().malformed, 3U);
  EXPECT_EQ(pair.bob.stats().undecodable, 1U);
}

TEST(MediaStream, NewKeysTakeOverAndThoseBeforeStillOpen) {
  Pair pair;
  const Datagram before = pair.say(1000);
  test::SeededEntropy entropy{77};
  const auto one = e2e::make_key_pair(entropy);
  const auto two = e2e::make_key_pair(entropy);
  const auto shared = e2e::shared_secret(one.private_key, two.public_key);
  const e2e::End alice{.user = "alice", .key = one.public_key};
  const e2e::End bob{.user = "bob", .key = two.public_key};
  pair.alice.use(e2e::derive_pair_keys(*shared, {}, alice, bob));
  pair.bob.use(e2e::derive_pair_keys(*shared, {}, bob, alice));
  pair.hear(before);
  pair.hear(pair.say(1000));
  EXPECT_EQ(pair.bob.stats().received_packets, 2U);
}

}  // namespace
}  // namespace zvonok::caller
