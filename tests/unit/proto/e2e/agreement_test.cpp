#include "proto/e2e/agreement.h"

#include <deque>
#include <memory>
#include <optional>

#include <gtest/gtest.h>

#include "support/seeded_entropy.h"

namespace zvonok::e2e {
namespace {

/// An end, and what it has said and not been heard of yet.
struct Person {
  Person(std::string name, std::string peer, std::uint64_t seed, const std::string& extra = "salt")
      : entropy{std::make_unique<test::SeededEntropy>(seed)},
        agreement{{.self = std::move(name), .peer = std::move(peer), .extra = extra}, *entropy} {
    said.push_back(agreement.words());
  }
  void hear(const std::string& words) {
    auto heard = agreement.hear(words);
    ASSERT_TRUE(heard) << to_text(heard.error());
    if (heard->say) said.push_back(agreement.words());
    if (heard->keys) keys = std::move(heard->keys);
  }

  std::unique_ptr<test::SeededEntropy> entropy;
  Agreement agreement;
  std::deque<std::string> said;
  std::optional<PairKeys> keys;
};

/// Until nobody has anything to say; false when they never stop.
bool talk(Person& one, Person& other) {
  for (int i = 0; i < 60; ++i) {
    if (one.said.empty() && other.said.empty()) return true;
    for (auto [from, to] : {std::pair{&one, &other}, std::pair{&other, &one}}) {
      if (from->said.empty()) continue;
      const std::string words = from->said.front();
      from->said.pop_front();
      to->hear(words);
    }
  }
  return false;
}

void expect_agreed(const Person& one, const Person& other) {
  ASSERT_TRUE(one.keys && other.keys);
  EXPECT_EQ(one.keys->code, other.keys->code);
  EXPECT_EQ(one.keys->send.base, other.keys->receive.base);
  EXPECT_EQ(one.keys->receive.base, other.keys->send.base);
}

TEST(Agreement, TwoEndsComeToOneKey) {
  Person alice{"alice", "bob", 1};
  Person bob{"bob", "alice", 2};
  EXPECT_TRUE(talk(alice, bob));
  expect_agreed(alice, bob);
}

TEST(Agreement, NobodyShowsAKeyBeforeTheOtherHasCommitted) {
  const Person alice{"alice", "bob", 1};
  EXPECT_FALSE(parse_words(alice.said.front())->key);
  Person bob{"bob", "alice", 2};
  bob.hear(alice.said.front());
  const auto answer = parse_words(bob.agreement.words());
  ASSERT_TRUE(answer && answer->key);
  EXPECT_EQ(commitment_of(*answer->key), answer->commitment);
}

TEST(Agreement, WordsMayBeSaidAgain) {
  Person alice{"alice", "bob", 1};
  Person bob{"bob", "alice", 2};
  ASSERT_TRUE(talk(alice, bob));
  const std::string code = alice.keys->code;
  alice.keys.reset();
  for (int i = 0; i < 3; ++i) {
    bob.said.push_back(bob.agreement.words());
    alice.said.push_back(alice.agreement.words());
    EXPECT_TRUE(talk(alice, bob));
  }
  EXPECT_FALSE(alice.keys) << "no new keys of the same words";
  EXPECT_EQ(bob.keys->code, code);
}

TEST(Agreement, AnEndThatBeganAnewMakesBothChooseAgain) {
  Person alice{"alice", "bob", 1};
  Person bob{"bob", "alice", 2};
  ASSERT_TRUE(talk(alice, bob));
  const std::string code = alice.keys->code;
  Person again{"bob", "alice", 3};
  ASSERT_TRUE(talk(alice, again));
  expect_agreed(alice, again);
  EXPECT_NE(alice.keys->code, code);
}

TEST(Agreement, WhoIsBetweenGetsOtherDigitsOnEachSide) {
  Person alice{"alice", "bob", 1};
  Person bob{"bob", "alice", 2};
  Person as_bob{"bob", "alice", 3};
  Person as_alice{"alice", "bob", 4};
  ASSERT_TRUE(talk(alice, as_bob) && talk(bob, as_alice));
  EXPECT_NE(alice.keys->code, bob.keys->code);
}

TEST(Agreement, AKeyThatWasNotPromisedIsForgery) {
  Person alice{"alice", "bob", 1};
  Person bob{"bob", "alice", 2};
  bob.hear(alice.said.front());
  auto words = parse_words(bob.agreement.words());
  words->key = make_key_pair(*bob.entropy).public_key;
  const auto heard = alice.agreement.hear(to_json(*words));
  ASSERT_FALSE(heard);
  EXPECT_EQ(heard.error(), Forgery::NotPromised);
  EXPECT_EQ(alice.agreement.hear(bob.agreement.words()).error(), Forgery::NotPromised) << "and so it stays";
}

TEST(Agreement, OnesOwnKeyAndTheEmptyKeyAreRefused) {
  Person alice{"alice", "bob", 1};
  EXPECT_TRUE(alice.agreement.hear(alice.said.front())) << "a commitment may be anything";
  EXPECT_EQ(alice.agreement.hear(alice.agreement.words()).error(), Forgery::NoSecret);
  Person bob{"bob", "alice", 2};
  const Words zero{.round = 0, .commitment = commitment_of(PublicKey{}), .key = PublicKey{}};
  EXPECT_EQ(bob.agreement.hear(to_json(zero)).error(), Forgery::NoSecret);
}

TEST(Agreement, RoundsAreLimited) {
  Person alice{"alice", "bob", 1};
  for (std::uint64_t seed = 10; seed < 10 + kRoundsMax * 3; ++seed) {
    Person other{"bob", "alice", seed};
    const auto heard = alice.agreement.hear(other.said.front());
    if (!heard) {
      EXPECT_EQ(heard.error(), Forgery::TooManyRounds);
      return;
    }
    auto words = parse_words(other.said.front());
    words->round = parse_words(alice.agreement.words())->round;
    static_cast<void>(alice.agreement.hear(to_json(*words)));
  }
  ADD_FAILURE() << "as many rounds as one likes";
}

TEST(Words, AreReadStrictly) {
  const std::string good = to_json({.round = 3, .commitment = Commitment{7}, .key = PublicKey{9}});
  const auto words = parse_words(good);
  ASSERT_TRUE(words);
  EXPECT_EQ(words->round, 3U);
  EXPECT_EQ(words->commitment, Commitment{7});
  EXPECT_EQ(words->key, PublicKey{9});
  const std::string commit(43, 'A');
  for (const std::string& bad :
       {std::string{}, std::string{"[]"}, std::string{"{}"}, good.substr(1), good + "}",
        R"({"v":2,"round":0,"commit":")" + commit + "\"}", R"({"v":1,"round":17,"commit":")" + commit + "\"}",
        R"({"v":1,"round":-1,"commit":")" + commit + "\"}", R"({"v":1,"round":0.5,"commit":")" + commit + "\"}",
        R"({"v":1,"round":0,"commit":")" + commit + "A\"}", R"({"v":1,"round":0,"commit":")" + commit + "=\"}",
        R"({"v":1,"round":0,"commit":")" + commit + R"(","key":null})",
        R"({"v":1,"round":0,"commit":")" + commit + R"(","key":"AA"})"}) {
    EXPECT_FALSE(parse_words(bad)) << bad;
  }
}

}  // namespace
}  // namespace zvonok::e2e
