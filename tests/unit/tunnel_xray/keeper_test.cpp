// UserKeeper with a server of a few lines, in virtual time: what it does when the server is away, restarts, or still
// knows users of an earlier life.
#include <map>
#include <optional>
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
  TrafficAnswer traffic(const std::string& email_prefix, Reset reset) override {
    ++readings;
    if (!up) return {.status = ApiStatus::Unavailable, .detail = "away", .counters = {}};
    if (has_no_stats) return {.status = ApiStatus::Refused, .detail = "unknown service", .counters = {}};
    if (is_slow) return {.status = ApiStatus::Unavailable, .detail = "timed out", .counters = {}};
    TrafficAnswer answer{.status = ApiStatus::Done, .detail = {}, .counters = {}};
    for (auto& [key, bytes] : counters) {
      if (!key.first.starts_with(email_prefix)) continue;
      answer.counters.push_back({.email = key.first, .way = key.second, .bytes = bytes});
      if (reset == Reset::Yes) bytes = 0;
    }
    if (restarts_after_reading) restart();
    restarts_after_reading = false;
    return answer;
  }
  /// Somebody with that id, or who had it and is still connected, sends and gets.
  void use(const std::string& email, std::int64_t sent, std::int64_t received) {
    if (!counts_users) return;
    counters[{email, TrafficWay::Uplink}] += sent;
    counters[{email, TrafficWay::Downlink}] += received;
  }
  void restart() {
    users.clear();
    counters.clear();
  }

  std::map<std::string, std::string> users;
  bool up = true;
  bool refuses = false;
  int answers_lost = 0;  // the n-th addition from now is done, and not answered
  int asked = 0;
  std::map<std::pair<std::string, TrafficWay>, std::int64_t> counters;
  bool has_no_stats = false;
  bool is_slow = false;
  bool counts_users = true;
  bool restarts_after_reading = false;
  int readings = 0;
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
  void close(const std::string& call) {
    keeper.close(
        CallId{call}, [this, call](std::optional<TrafficMeter::Sides> sides) { used[call].push_back(sides); }, now);
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
  std::map<std::string, std::vector<std::optional<TrafficMeter::Sides>>> used;
};

TEST_F(Keeper, LetsBothSidesInAndTakesThemAway) {
  open("a");
  run_for(milliseconds{10});
  EXPECT_EQ(answers, Ids{"a opened"});
  EXPECT_EQ(let_in(), (Ids{"a-c", "a-p"}));
  close("a");
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
    close("call" + std::to_string(i));
    run_for(seconds{100});  // until its connections are gone
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
  close("a");
  run_for(seconds{5});
  server.up = true;
  run_for(seconds{3});
  EXPECT_EQ(let_in(), (Ids{"b-c", "b-p"}));
}

TEST_F(Keeper, RemovesLaterWhatItCouldNotRemove) {
  open("a");
  run_for(milliseconds{10});
  server.up = false;
  close("a");
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
  close("a");
  open("a");
  close("a");
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
            tested.close(CallId{open_calls.begin()->first}, {}, now);
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

// ---- what calls use -------------------------------------------------------------------------------------------------

using Sides = TrafficMeter::Sides;
using AllUsed = std::vector<std::optional<Sides>>;

TEST_F(Keeper, ACallIsToldWhatItHasUsedAtItsEnd) {
  open("a");
  run_for(milliseconds{10});
  server.use("z.0c", 100, 7);
  server.use("z.0p", 8, 200);
  run_for(seconds{100});
  server.use("z.0c", 1000, 0);
  close("a");
  EXPECT_TRUE(used.empty()) << "the end of the call does not wait";
  run_for(milliseconds{10});
  EXPECT_EQ(used["a"], (AllUsed{Sides{SideBytes{1100, 7}, SideBytes{8, 200}}}));
  EXPECT_EQ(keeper.counters().traffic.counted, 1U);
}

TEST_F(Keeper, ARestartOfTheServerTakesNothingAwayThatWasRead) {
  open("a");
  run_for(milliseconds{10});
  server.use("z.0c", 100, 10);
  run_for(seconds{31});
  server.restart();
  run_for(milliseconds{1100});
  server.use("z.0c", 500, 50);  // more than before the restart
  run_for(seconds{31});
  server.use("z.0c", 1, 1);
  close("a");
  run_for(milliseconds{10});
  EXPECT_EQ(used["a"], (AllUsed{Sides{SideBytes{601, 61}, SideBytes{}}}));
}

TEST_F(Keeper, AReadingInWhichTheServerRestartsIsNotCountedTwice) {
  open("a");
  run_for(milliseconds{10});
  server.use("z.0c", 100, 0);
  run_for(seconds{31});
  server.use("z.0c", 50, 0);
  server.restarts_after_reading = true;
  run_for(seconds{31});
  server.use("z.0c", 9, 0);
  close("a");
  run_for(milliseconds{10});
  EXPECT_EQ(used["a"], (AllUsed{Sides{SideBytes{109, 0}, SideBytes{}}})) << "the 50 may be of either life";
}

TEST_F(Keeper, WhatConnectionsSendAfterTheirCallIsNobodys) {
  open("a");
  run_for(milliseconds{10});
  server.use("z.0c", 100, 0);
  close("a");
  run_for(milliseconds{10});
  open("b");
  run_for(milliseconds{10});
  EXPECT_FALSE(server.users.contains("z.0c")) << "its connections may be there still";
  server.use("z.0c", 5000, 0);
  server.use("z.1c", 3, 0);
  close("b");
  run_for(seconds{60});
  server.use("z.0c", 5000, 0);
  run_for(seconds{40});
  open("still");
  run_for(milliseconds{10});
  EXPECT_FALSE(server.users.contains("z.0c")) << "they have just been used";
  close("still");
  run_for(seconds{100});
  open("c");
  run_for(milliseconds{10});
  ASSERT_TRUE(server.users.contains("z.0c"));
  server.use("z.0c", 4, 0);
  close("c");
  run_for(milliseconds{10});
  EXPECT_EQ(used["a"], (AllUsed{Sides{SideBytes{100, 0}, SideBytes{}}}));
  EXPECT_EQ(used["b"], (AllUsed{Sides{SideBytes{3, 0}, SideBytes{}}}));
  EXPECT_EQ(used["c"], (AllUsed{Sides{SideBytes{4, 0}, SideBytes{}}}));
}

TEST_F(Keeper, WhatAnEarlierLifeHasUsedIsNobodysEither) {
  server.use("z.0c", 7000, 7000);
  open("a");
  run_for(milliseconds{10});
  EXPECT_EQ(answers, Ids{"a opened"});
  server.use("z.0c", 1, 2);
  close("a");
  run_for(milliseconds{10});
  EXPECT_EQ(used["a"], (AllUsed{Sides{SideBytes{1, 2}, SideBytes{}}}));
}

TEST_F(Keeper, LeavesZerosBehindWhenNobodyIsThere) {
  open("a");
  run_for(milliseconds{10});
  server.use("z.0c", 100, 10);
  close("a");
  run_for(seconds{200});
  for (const auto& [key, bytes] : server.counters) EXPECT_EQ(bytes, 0) << key.first;
  const int readings = server.readings;
  run_for(seconds{3600});
  EXPECT_EQ(server.readings, readings) << "nothing is asked for nobody";
}

TEST_F(Keeper, WithoutStatisticsCallsGoAsEverAndAreToldNothing) {
  server.has_no_stats = true;
  for (int i = 0; i < 50; ++i) {
    const std::string call = "call" + std::to_string(i);
    open(call);
    run_for(milliseconds{10});
    EXPECT_EQ(answers.back(), call + " opened");
    close(call);
    run_for(milliseconds{10});
    EXPECT_EQ(used[call], AllUsed{std::nullopt});
  }
  EXPECT_LT(server.readings, 3);
  EXPECT_EQ(keeper.counters().traffic.uncounted[static_cast<std::size_t>(Uncounted::NoStart)], 50U);
}

TEST_F(Keeper, AServerThatCountsNobodyIsNotTakenForSilence) {
  server.counts_users = false;
  open("a");
  run_for(seconds{60});
  close("a");
  run_for(milliseconds{10});
  EXPECT_EQ(used["a"], AllUsed{std::nullopt});
  EXPECT_EQ(keeper.counters().traffic.uncounted[static_cast<std::size_t>(Uncounted::NoCounters)], 1U);
}

TEST_F(Keeper, ACallThatEndsWhileStatisticsAreSlowIsToldLater) {
  open("a");
  run_for(milliseconds{10});
  server.use("z.0c", 100, 10);
  server.is_slow = true;
  close("a");
  run_for(seconds{5});
  EXPECT_TRUE(used["a"].empty());
  EXPECT_EQ(let_in(), Ids{}) << "users are removed all the same";
  server.is_slow = false;
  run_for(seconds{5});
  EXPECT_EQ(used["a"], (AllUsed{Sides{SideBytes{100, 10}, SideBytes{}}}));
}

TEST_F(Keeper, OrWhatWasReadLastOrNothingWhenTheyStaySo) {
  open("long");
  run_for(milliseconds{10});
  server.use("z.0c", 100, 10);
  run_for(seconds{40});
  open("short");
  run_for(milliseconds{10});
  server.use("z.0c", 100, 10);
  server.use("z.1c", 100, 10);
  server.is_slow = true;
  close("long");
  close("short");
  run_for(seconds{9});
  EXPECT_TRUE(used["long"].empty());
  run_for(seconds{2});
  EXPECT_EQ(used["long"], (AllUsed{Sides{SideBytes{100, 10}, SideBytes{}}}));
  EXPECT_EQ(used["short"], AllUsed{std::nullopt});
  EXPECT_EQ(keeper.counters().traffic.partly, 1U);
  EXPECT_EQ(keeper.counters().traffic.uncounted[static_cast<std::size_t>(Uncounted::NoAnswer)], 1U);
  EXPECT_EQ(keeper.counters().traffic.counted, 0U);
}

TEST_F(Keeper, SlowStatisticsAreAskedLessAndLessOften) {
  run_for(milliseconds{10});
  open("a");
  run_for(milliseconds{10});
  server.is_slow = true;
  const int readings = server.readings;
  run_for(seconds{600});
  EXPECT_LT(server.readings - readings, 30);
  EXPECT_EQ(answers, Ids{"a opened"});
}

TEST_F(Keeper, ManyCallsThatEndAtOnceAreToldByOneReading) {
  for (int i = 0; i < 100; ++i) open("call" + std::to_string(i));
  run_for(milliseconds{10});
  for (int i = 0; i < 100; ++i) server.use("z." + std::to_string(i) + "p", i + 1, 0);
  const int readings = server.readings;
  for (int i = 0; i < 100; ++i) close("call" + std::to_string(i));
  run_for(milliseconds{10});
  EXPECT_EQ(server.readings, readings + 1);
  std::int64_t all = 0;
  for (const auto& [call, answer] : used) all += answer.at(0).value()[1].sent;
  EXPECT_EQ(used.size(), 100U);
  EXPECT_EQ(all, 5050);
}

TEST_F(Keeper, CallsThatGoOnAtTheEndAreToldOnItsLastReading) {
  open("a");
  run_for(milliseconds{10});
  server.use("z.0c", 100, 10);
  close("a");
  keeper.finish();
  EXPECT_EQ(used["a"], (AllUsed{Sides{SideBytes{100, 10}, SideBytes{}}}));
}

/// Whatever comes between, no byte of one call is another's, none is counted twice, and none that was there at a
/// reading is lost.
TEST_F(Keeper, AtRandomEachCallIsToldNoMoreThanItsOwn) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random{seed};
    FakeServer flaky;
    SeededEntropy chance{seed};
    UserKeeper tested{options(), flaky, chance, log};
    std::map<std::string, std::int64_t> sent;  // of open calls
    std::map<std::string, int> told;
    int ended = 0;
    bool has_restarted = false;
    std::uint64_t partly = 0;
    for (int i = 0; i < 300; ++i) {
      switch (random() % 8) {
        case 0:
        case 1: {
          const std::string call = "call" + std::to_string(i);
          tested.open(
              CallId{call}, {Private<std::string>{call}, Private<std::string>{call + "-p"}},
              [&sent, call](Result<void, std::string> opened) {
                if (opened) sent[call] = 0;
              },
              now);
          break;
        }
        case 2: {
          if (sent.empty()) break;
          const auto [call, bytes] = *sent.begin();
          ++ended;
          tested.close(
              CallId{call},
              [&, bytes, call](std::optional<Sides> sides) {
                ++told[call];
                if (!sides) return;
                EXPECT_LE((*sides)[0].sent, bytes);
                const bool is_whole =
                    tested.counters().traffic.partly == std::exchange(partly, tested.counters().traffic.partly);
                if (is_whole && !has_restarted) {
                  EXPECT_EQ((*sides)[0].sent, bytes);
                }
              },
              now);
          sent.erase(call);
          break;
        }
        case 3:
          if (random() % 8 == 0) {
            flaky.restart();
            has_restarted = true;
          }
          break;
        case 4: flaky.is_slow = random() % 4 == 0; break;
        default:
          for (const auto& [email, id] : flaky.users) {
            const auto user = sent.find(id);
            if (user == sent.end()) continue;
            const auto bytes = static_cast<std::int64_t>(random() % 1000);
            flaky.use(email, bytes, 0);
            user->second += bytes;
          }
      }
      now += milliseconds{random() % 9000};
      tested.step(now);
    }
    flaky.is_slow = false;
    for (int i = 0; i < 100; ++i) tested.step(now += milliseconds{500});
    EXPECT_EQ(told.size(), static_cast<std::size_t>(ended));
    for (const auto& [call, times] : told) EXPECT_EQ(times, 1) << call;
  }
}

}  // namespace
}  // namespace zvonok::tunnel_xray
