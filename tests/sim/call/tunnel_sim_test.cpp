// Thousands of random lives of tunnelled calls in virtual time: whatever clients do in whatever order, tunnels are
// opened and closed in pairs, every call ends once, and nothing is kept of what is over.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/overloaded.h"
#include "call/tunnel_calls.h"
#include "sim/call/sim_random.h"
#include "unit/call/pair_scene.h"

namespace zvonok::call::tunnel {
namespace {

class World {
 public:
  explicit World(std::uint64_t seed) : random_{seed}, calls_{options(), presence_, entropy_} {}

  void run(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFatalFailure(); ++i) {
      step();
      check();
    }
    while (!connections_.empty()) disconnect(connections_.begin()->first);
    wait(hours{5});
    check();
    EXPECT_EQ(calls_.call_count(), 0U);
    EXPECT_TRUE(tunnels_.empty());
    EXPECT_TRUE(open_.empty());
    EXPECT_EQ(calls_.counts().lookups, 0U);
    EXPECT_EQ(calls_.counts().deadlines, 0U);
    EXPECT_EQ(presence_.connection_count(), 0U);
  }

  [[nodiscard]] int answered() const { return answered_; }
  [[nodiscard]] int ended() const { return ended_; }

 private:
  static constexpr int kUsers = 5;

  static Options options() {
    Options options;
    options.rung_devices_max = 2;
    options.calls_max = 2;
    return options;
  }

  std::uint64_t up_to(std::uint64_t most) { return random_.next() % most; }
  UserId user(std::uint64_t n) { return UserId{"user-" + std::to_string(n)}; }

  void step() {
    if (connections_.empty() || (connections_.size() < 12 && up_to(6) == 0)) return connect();
    auto one = connections_.begin();
    std::advance(one, static_cast<std::ptrdiff_t>(up_to(connections_.size())));
    const ConnectionId from = one->first;
    switch (up_to(14)) {
      case 0: return disconnect(from);
      case 1: return wait(seconds{static_cast<std::int64_t>(up_to(60))});
      case 2:
      case 3: return wait(milliseconds{static_cast<std::int64_t>(up_to(5000))});
      case 4:
      case 5:
      case 6: return tell(Initiate{from, user(up_to(kUsers + 1))});
      case 7:
      case 8: return tell(Accept{from, some_call()});
      case 9: return tell(Reject{from, some_call()});
      case 10: return tell(Hangup{from, some_call()});
      case 11:
      case 12: return tell(Ready{from, some_call()});
      default: return answer_something();
    }
  }

  void connect() {
    const ConnectionId id{++last_connection_};
    const UserId who = user(up_to(kUsers));
    connections_.emplace(id, who);
    tell(Connected{id, who, DeviceName{up_to(2) == 0 ? "" : "device-" + std::to_string(up_to(2))}});
  }
  void disconnect(ConnectionId id) {
    connections_.erase(id);
    tell(Disconnected{id});
  }
  void answer_something() {
    if (!opening_.empty() && up_to(2) == 0) {
      const CallId call = *opening_.begin();
      opening_.erase(opening_.begin());
      return up_to(5) == 0 ? tell(TunnelRefused{call}) : tell(TunnelOpened{call});
    }
    if (!open_.empty() && up_to(20) == 0) return tell(TunnelLost{*open_.begin()});
    if (lookups_.empty()) return;
    const LookupId lookup = lookups_.back();
    lookups_.pop_back();
    switch (up_to(3)) {
      case 0: return tell(CalleeMissing{lookup});
      case 1: return tell(CalleeUnknown{lookup});
      default: return tell(CalleeFound{lookup});
    }
  }
  CallId some_call() {
    if (open_.empty() || up_to(10) == 0) return CallId{"no-such"};
    auto one = open_.begin();
    std::advance(one, static_cast<std::ptrdiff_t>(up_to(open_.size())));
    return *one;
  }

  void tell(Command command) {
    Effects effects;
    calls_.handle(std::move(command), now_, effects);
    take(effects);
  }
  void wait(Duration duration) {
    const TimePoint until = now_.mono + duration;
    while (calls_.next_timeout() <= until) {
      now_.mono = std::max(now_.mono, calls_.next_timeout());
      Effects effects;
      const TimePoint due = calls_.next_timeout();
      calls_.handle_timeout(now_, effects);
      ASSERT_NE(calls_.next_timeout(), due) << "a deadline that does not move would spin";
      take(effects);
    }
    now_.mono = until;
  }

  void take(const Effects& effects) {
    for (const Effect& effect : effects) {
      std::visit(
          Overloaded{
              [&](const SaveRecord& e) { saved(e.record); },
              [&](const OpenTunnel& e) {
                EXPECT_TRUE(tunnels_.insert(e.call).second) << "opened twice";
                opening_.insert(e.call);
              },
              [&](const CloseTunnel& e) { EXPECT_EQ(tunnels_.erase(e.call), 1U) << "closed without being open"; },
              [&](const LookUpCallee& e) { lookups_.push_back(e.lookup); },
              [&](const CloseConnection& e) { connections_.erase(e.connection); },
              [&](const DeliverPresence&) {},
              [&](const auto& e) { EXPECT_TRUE(connections_.contains(e.to)) << "told to nobody"; },
          },
          effect);
    }
  }

  void saved(const CallRecord& record) {
    switch (record.state) {
      case CallState::Ringing: EXPECT_TRUE(open_.insert(record.id).second); return;
      case CallState::Active:
        ++answered_;
        EXPECT_TRUE(open_.contains(record.id));
        return;
      case CallState::Ended: {
        const bool refused = record.reason == EndReason::Busy || record.reason == EndReason::Offline;
        EXPECT_EQ(open_.erase(record.id), refused ? 0U : 1U);
        EXPECT_TRUE(record.reason && record.ended_at);
        EXPECT_FALSE(tunnels_.contains(record.id)) << "its tunnel is closed before";
        if (!refused) ++ended_;
        return;
      }
    }
  }

  void check() {
    const auto counts = calls_.counts();
    ASSERT_EQ(counts.calls, open_.size());
    ASSERT_EQ(counts.users_in_calls, 2 * open_.size());
    ASSERT_EQ(presence_.engaged_count(), 2 * open_.size());
    ASSERT_EQ(counts.deadlines, open_.size()) << "each call is waited for";
    ASSERT_EQ(counts.devices, connections_.size());
    ASSERT_LE(open_.size(), options().calls_max);
  }

  sim::Random random_;
  Presence presence_;
  CountingEntropy entropy_;
  TunnelCalls calls_;
  Now now_{.mono = TimePoint{} + hours{1}, .wall = WallTime{} + hours{24 * 365 * 50}};
  std::map<ConnectionId, UserId> connections_;
  std::set<CallId> open_;
  std::set<CallId> tunnels_;
  std::set<CallId> opening_;
  std::vector<LookupId> lookups_;
  std::uint64_t last_connection_ = 0;
  int answered_ = 0;
  int ended_ = 0;
};

TEST(TunnelSim, TunnelsAreOpenedAndClosedInPairsAndNothingStays) {
  int answered = 0;
  int ended = 0;
  for (std::uint64_t seed = 1; seed <= 2000; ++seed) {
    World world{seed};
    world.run(150);
    answered += world.answered();
    ended += world.ended();
    ASSERT_FALSE(testing::Test::HasFailure()) << "seed " << seed;
  }
  EXPECT_GT(answered, 2000) << "the random clients do get to talk";
  EXPECT_GT(ended, 4000);
}

}  // namespace
}  // namespace zvonok::call::tunnel
