// Random worlds of clients whose connections are lost at any point, whether the server notices or not: nobody who comes
// back in time misses an event, gets one twice, or gets them in another order.
#include <algorithm>
#include <array>
#include <random>
#include <string>
#include <vector>

#include "unit/proto/socketio/recovery_scene.h"

namespace zvonok::test {
namespace {

constexpr Duration kAwayMax = seconds{60};
constexpr std::size_t kVisitors = 4;

class World final : private ReturnsScene {
 public:
  explicit World(std::uint64_t seed) : ReturnsScene{{.away_max = kAwayMax}, seed}, random_{seed} {
    for (std::size_t i = 0; i < kVisitors; ++i) {
      people_[i].visitor.user = "user" + std::to_string(i);
      come(people_[i].visitor);
      begin(people_[i]);
    }
  }

  void run() {
    for (int i = 0; i < 300 && !testing::Test::HasFailure(); ++i) step();
    for (Person& person : people_) {
      if (!person.here) come_back(person);
      receive(person, 1'000'000);
      check(person);
    }
    EXPECT_GT(counters().recovered, 0U);
    EXPECT_EQ(counters().events_forgotten, 0U);
    for (Person& person : people_) lose(person.visitor);
    scene.advance(kAwayMax);
    EXPECT_EQ(counters().away, 0U);
    EXPECT_EQ(counters().bytes, 0U);
  }

 private:
  struct Person {
    Visitor visitor;
    bool here = false;
    TimePoint left_at{};
    std::vector<int> sent;      // since the session began, but volatile ones
    std::vector<int> received;  // likewise
    int newest_seen = 0;        // of any kind
  };

  std::size_t below(std::size_t limit) { return random_() % limit; }

  void step() {
    Person& person = people_[below(kVisitors)];
    switch (below(10)) {
      case 0:
      case 1:
      case 2: speak_to_room(); return;
      case 3: speak_to(person); return;
      case 4:
      case 5: receive(person, below(6)); return;
      case 6: leave(person); return;
      case 7:
        if (!person.here) come_back(person);
        return;
      case 8: pass(milliseconds{below(8000)}); return;
      case 9:
        if (below(20) == 0) pass(kAwayMax / 2);
        return;
    }
  }

  /// Who has not answered a ping meanwhile was cut off by the server.
  void pass(Duration duration) {
    const TimePoint before = scene.now;
    scene.advance(duration);
    for (Person& person : people_) {
      if (!person.here || !scene.is_closed(person.visitor.connection)) continue;
      person.here = false;
      person.left_at = before;
    }
  }

  void speak_to_room() {
    const int number = ++last_;
    const bool is_volatile = below(5) == 0;
    const bool is_binary = below(4) == 0;
    const std::string bytes = "bytes";
    const std::string args = std::to_string(number) + (is_binary ? R"(,{"_placeholder":true,"num":0})" : "");
    server.emit({.nsp = "/call",
                 .room = "all",
                 .delivery = is_volatile ? socketio::Delivery::Volatile : socketio::Delivery::Kept},
                is_volatile ? "v" : "n", args, is_binary ? socketio::Attachments{&bytes, 1} : socketio::Attachments{});
    if (is_volatile) return;
    for (Person& person : people_) person.sent.push_back(number);
  }

  void speak_to(Person& person) {
    socketio::Socket* const socket = socket_of(person.visitor);
    if (socket == nullptr) return;
    const int number = ++last_;
    socket->emit("n", std::to_string(number));
    person.sent.push_back(number);
  }

  /// The first `count` packets of what is on its way.
  void receive(Person& person, std::size_t count) {
    if (!person.here) return;
    auto& wire = scene.sent[person.visitor.connection];
    for (; count > 0 && !wire.empty(); --count) {
      const std::size_t parts = wire.front().starts_with("451-") ? 2 : 1;
      if (wire.size() < parts) return;
      std::string packet = wire.front();
      wire.erase(wire.begin(), wire.begin() + static_cast<std::ptrdiff_t>(parts));
      if (packet == "2") {
        scene.say(person.visitor.connection, "3");
      } else {
        hear(person, packet);
      }
    }
  }

  void hear(Person& person, std::string& packet) {
    see(person.visitor, packet);
    const std::size_t quote = packet.find("[\"");
    ASSERT_NE(quote, std::string::npos) << packet;
    const int number = std::stoi(packet.substr(quote + 5));
    EXPECT_GT(number, person.newest_seen) << "of " << person.visitor.user;
    person.newest_seen = number;
    if (packet[quote + 2] == 'n') person.received.push_back(number);
  }

  void leave(Person& person) {
    if (!person.here) return;
    receive(person, below(4));
    person.here = false;
    person.left_at = scene.now;
    // Else the network is gone, and the server goes on until a ping is not answered.
    if (below(2) == 0) lose(person.visitor);
  }

  void come_back(Person& person) {
    // The server may have noticed late, never early.
    const bool is_in_time = scene.now - person.left_at < kAwayMax;
    come(person.visitor);
    if (is_in_time) {
      EXPECT_TRUE(person.visitor.recovered);
    }
    person.here = true;
    if (person.visitor.recovered) {
      EXPECT_EQ(socket_of(person.visitor)->rooms(), std::vector<std::string>{"all"});
    } else {
      check_is_prefix(person);
      begin(person);
    }
  }

  void begin(Person& person) {
    socket_of(person.visitor)->join("all");
    person.here = true;
    person.sent.clear();
    person.received.clear();
  }

  static void check(const Person& person) { EXPECT_EQ(person.received, person.sent) << person.visitor.user; }
  static void check_is_prefix(const Person& person) {
    ASSERT_LE(person.received.size(), person.sent.size());
    EXPECT_TRUE(std::equal(person.received.begin(), person.received.end(), person.sent.begin()));
  }

  std::mt19937_64 random_;
  std::array<Person, kVisitors> people_;
  int last_ = 0;
};

TEST(RecoveryWorld, WhoComesBackInTimeMissesNothingAndGetsNothingTwice) {
  for (std::uint64_t seed = 1; seed <= 300 && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World{seed}.run();
  }
}

}  // namespace
}  // namespace zvonok::test
