// UserKeeper with a server of a few lines, in virtual time: what it does when the server is away, restarts, or still
// knows users of an earlier life.
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "adapter/tunnel_xray/user_keeper.h"

namespace zvonok::tunnel_xray {
namespace {

class SeededEntropy final : public Entropy {
 public:
  explicit SeededEntropy(std::uint64_t seed) : random_{seed} {}
  void fill(MutableBytes out) override {
    for (auto& byte : out) byte = static_cast<std::uint8_t>(random_());
  }

 private:
  std::mt19937_64 random_;
};

/// A tunnel server: users by email, as long as it runs.
class FakeServer final : public UserApi {
 public:
  ApiAnswer add(const TunnelUser& user) override {
    ++asked;
    if (!up) return {.status = ApiStatus::Unavailable, .detail = "away"};
    if (refuses) return {.status = ApiStatus::Refused, .detail = "no such inbound"};
    const bool fresh = users.emplace(user.email, user.id.reveal()).second;
    if (answers_lost > 0 && --answers_lost == 0) return {.status = ApiStatus::Unavailable, .detail = "lost"};
    return {.status = fresh ? ApiStatus::Done : ApiStatus::AlreadyExists, .detail = {}};
  }
  ApiAnswer remove(const std::string& email) override {
    ++asked;
    if (!up) return {.status = ApiStatus::Unavailable, .detail = "away"};
    return {.status = users.erase(email) > 0 ? ApiStatus::Done : ApiStatus::NotFound, .detail = {}};
  }
  void restart() { users.clear(); }

  std::map<std::string, std::string> users;
  bool up = true;
  bool refuses = false;
  int answers_lost = 0;  // the n-th addition from now is done, and not answered
  int asked = 0;
};

class Keeper : public ::testing::Test {
 protected:
  Keeper() : keeper{options(), server, entropy, log} {}

  static KeeperOptions options() {
    KeeperOptions options;
    options.prefix = "z";
    options.sweep_gap = 8;
    return options;
  }
  void open(const std::string& call) {
    keeper.open(
        CallId{call}, {Private<std::string>{call + "-c"}, Private<std::string>{call + "-p"}},
        [this, call](Result<void, std::string> opened) { answers.push_back(call + (opened ? " opened" : " refused")); },
        now);
  }
  void run_for(Duration time) {
    const TimePoint end = now + time;
    for (;;) {
      keeper.step(now);
      const TimePoint next = std::max(keeper.next(now), now + milliseconds{1});
      if (next > end) break;
      now = next;
    }
    now = end;
    keeper.step(now);
  }
  /// Ids that are let in, but for the sentinel's.
  [[nodiscard]] std::vector<std::string> let_in() const {
    std::vector<std::string> ids;
    for (const auto& [email, id] : server.users) {
      if (email != "z.sentinel") ids.push_back(id);
    }
    return ids;
  }
  using Ids = std::vector<std::string>;

  FakeServer server;
  SeededEntropy entropy{7};
  NullLogger log;
  UserKeeper keeper;
  TimePoint now{};
  std::vector<std::string> answers;
};

TEST_F(Keeper, LetsBothSidesInAndTakesThemAway) {
  open("a");
  run_for(milliseconds{10});
  EXPECT_EQ(answers, Ids{"a opened"});
  EXPECT_EQ(let_in(), (Ids{"a-c", "a-p"}));
  keeper.close(CallId{"a"});
  run_for(milliseconds{10});
  EXPECT_EQ(let_in(), Ids{});
  EXPECT_EQ(keeper.counters().removed, 2U);
}

TEST_F(Keeper, UsesTheSameFewEmailsForAllCalls) {
  std::set<std::string> emails;
  for (int i = 0; i < 100; ++i) {
    open("call" + std::to_string(i));
    run_for(milliseconds{10});
    for (const auto& [email, id] : server.users) emails.insert(email);
    keeper.close(CallId{"call" + std::to_string(i)});
    run_for(milliseconds{10});
  }
  EXPECT_EQ(emails, (std::set<std::string>{"z.0c", "z.0p", "z.sentinel"}));
}

TEST_F(Keeper, RefusesACallWhenTheServerIsAwayTooLong) {
  server.up = false;
  open("a");
  run_for(milliseconds{3900});
  EXPECT_TRUE(answers.empty());
  run_for(milliseconds{200});
  EXPECT_EQ(answers, Ids{"a refused"});
  server.up = true;
  run_for(seconds{3});
  EXPECT_EQ(let_in(), Ids{});
  EXPECT_EQ(keeper.to_remove(), 0U);
}

TEST_F(Keeper, WaitsForAServerThatComesBackInTime) {
  server.up = false;
  open("a");
  run_for(seconds{1});
  server.up = true;
  run_for(seconds{2});
  EXPECT_EQ(answers, Ids{"a opened"});
}

TEST_F(Keeper, AsksLessAndLessOftenWhileTheServerIsAway) {
  server.up = false;
  run_for(seconds{60});
  EXPECT_LT(server.asked, 40);
  EXPECT_EQ(keeper.counters().lost, 1U);
}

TEST_F(Keeper, RefusesACallThatTheServerSaysNoTo) {
  server.refuses = true;
  open("a");
  run_for(seconds{5});
  EXPECT_EQ(answers, Ids{"a refused"});
}

TEST_F(Keeper, PutsUsersBackWhenTheServerHasRestarted) {
  open("a");
  open("b");
  run_for(milliseconds{10});
  const auto before = server.users;
  server.restart();
  run_for(milliseconds{1100});
  EXPECT_EQ(server.users, before);
  EXPECT_EQ(keeper.counters().restarts, 1U);
  EXPECT_EQ(keeper.counters().put_back, 4U);
  EXPECT_THAT(answers, testing::UnorderedElementsAre("a opened", "b opened")) << "nobody is told twice";
}

TEST_F(Keeper, PutsNobodyBackWhoHasGoneWhileTheServerWasAway) {
  open("a");
  open("b");
  run_for(milliseconds{10});
  server.up = false;
  server.restart();
  keeper.close(CallId{"a"});
  run_for(seconds{5});
  server.up = true;
  run_for(seconds{3});
  EXPECT_EQ(let_in(), (Ids{"b-c", "b-p"}));
}

TEST_F(Keeper, RemovesLaterWhatItCouldNotRemove) {
  open("a");
  run_for(milliseconds{10});
  server.up = false;
  keeper.close(CallId{"a"});
  run_for(seconds{30});
  EXPECT_EQ(let_in(), (Ids{"a-c", "a-p"}));
  server.up = true;
  run_for(seconds{3});
  EXPECT_EQ(let_in(), Ids{});
}

TEST_F(Keeper, AnAnswerThatIsLostIsNoHarm) {
  run_for(milliseconds{10});
  server.answers_lost = 1;
  open("a");
  run_for(seconds{2});
  EXPECT_EQ(answers, Ids{"a opened"});
  EXPECT_EQ(let_in(), (Ids{"a-c", "a-p"}));
}

TEST_F(Keeper, RemovesWhatAnEarlierLifeHasLeft) {
  server.users = {
      {"z.sentinel", "old"}, {"z.0c", "old0"}, {"z.7p", "old7"}, {"z.14c", "old14"}, {"other.0c", "theirs"}};
  open("a");
  run_for(milliseconds{10});
  EXPECT_EQ(let_in(), (Ids{"theirs", "a-c", "a-p"}));
  EXPECT_NE(server.users.at("z.sentinel"), "old");
  EXPECT_EQ(keeper.counters().left_over, 3U);
  EXPECT_EQ(keeper.counters().restarts, 0U);
}

TEST_F(Keeper, ATooLateCloseOfWhatWasNeverThereIsNoHarm) {
  keeper.close(CallId{"a"});
  open("a");
  keeper.close(CallId{"a"});
  run_for(seconds{1});
  EXPECT_TRUE(answers.empty());
  EXPECT_EQ(let_in(), Ids{});
}

TEST_F(Keeper, LeavesNothingBehindWhenItEnds) {
  open("a");
  run_for(milliseconds{10});
  keeper.finish();
  EXPECT_TRUE(server.users.empty());
}

/// Calls come and go and the server restarts and goes away, at random: in the end it knows those who are in calls.
TEST_F(Keeper, WhateverHappensTheServerEndsUpWithThoseInCalls) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random{seed};
    FakeServer flaky;
    SeededEntropy chance{seed};
    UserKeeper tested{options(), flaky, chance, log};
    std::map<std::string, bool> open_calls;
    for (int i = 0; i < 200; ++i) {
      switch (random() % 6) {
        case 0:
        case 1: {
          const std::string call = "call" + std::to_string(i);
          open_calls[call] = true;
          tested.open(
              CallId{call}, {Private<std::string>{call + "-c"}, Private<std::string>{call + "-p"}},
              [&open_calls, call](Result<void, std::string> opened) {
                if (!opened) open_calls.erase(call);
              },
              now);
          break;
        }
        case 2:
          if (!open_calls.empty()) {
            tested.close(CallId{open_calls.begin()->first});
            open_calls.erase(open_calls.begin());
          }
          break;
        case 3: flaky.restart(); break;
        case 4: flaky.up = !flaky.up; break;
        default: flaky.answers_lost = 1 + static_cast<int>(random() % 3);
      }
      now += milliseconds{random() % 700};
      tested.step(now);
    }
    flaky.up = true;
    flaky.answers_lost = 0;
    for (int i = 0; i < 100; ++i) tested.step(now += milliseconds{100});
    std::set<std::string> wanted;
    for (const auto& [call, is_open] : open_calls) wanted.insert({call + "-c", call + "-p"});
    std::set<std::string> found;
    for (const auto& [email, id] : flaky.users) {
      if (email != "z.sentinel") found.insert(id);
    }
    EXPECT_EQ(found, wanted);
    EXPECT_EQ(tested.to_remove(), 0U);
  }
}

}  // namespace
}  // namespace zvonok::tunnel_xray
