// Who may enter, when memberships change between the question and its answer.
#include "app/rooms/room_access.h"

#include <atomic>
#include <memory>

#include <gtest/gtest.h>

#include "support/memory_store.h"
#include "support/seeded_entropy.h"

namespace zvonok::app {
namespace {

/// Allows up to `yes` questions, and no more.
class Counting final : public port::RoomAuthorizer {
 public:
  explicit Counting(int yes) : yes_{yes} {}
  port::RoomAnswer authorize(const port::RoomQuestion&) override {
    if (++asked_ <= yes_) return port::RoomAllowed{.role = {}, .display_name = {}};
    return port::RoomDenied{};
  }
  [[nodiscard]] int asked() const { return asked_; }

 private:
  const int yes_;
  std::atomic<int> asked_ = 0;
};

class RoomAccessTest : public ::testing::Test {
 protected:
  /// Asks, does `meanwhile` before any answer can have come, and returns the answer.
  template <class Meanwhile>
  port::RoomAnswer ask(port::RoomAuthorizer& token, port::RoomAuthorizer& members, Meanwhile meanwhile) {
    RoomAccess access{
        {.loop = *loop_, .token = token, .members = members, .pool = pool_, .rooms = rooms_, .log = log_}};
    identity::Principal alice;
    alice.user = UserId{"alice"};
    port::RoomAnswer answer = port::AuthorizerUnavailable{.detail = "no answer"};
    access.ask(kRoom, alice, [&](port::RoomAnswer found) {
      answer = std::move(found);
      loop_->stop();
    });
    meanwhile();
    loop_->run();
    counters_ = access.counters();
    return answer;
  }

  const call::RoomKey kRoom{.kind = call::RoomKind::Group, .id = ChatId{"team"}};
  NullLogger log_;
  test::MemoryStore store_;
  test::SeededEntropy entropy_{1};
  std::unique_ptr<net::Loop> loop_ = std::move(*net::Loop::create());
  CallJournal journal_{store_, log_, {.node = "test"}};
  RoomControl rooms_{{.loop = *loop_, .journal = journal_, .entropy = entropy_, .log = log_}, {}};
  RoomAccessCounters counters_;
  WorkerPool pool_{{.threads = 1, .queue_max = 10}};
};

TEST_F(RoomAccessTest, TheTokensYesNeedsNobodyElse) {
  Counting token{1};
  Counting members{0};
  EXPECT_TRUE(std::holds_alternative<port::RoomAllowed>(ask(token, members, [] {})));
  EXPECT_EQ(members.asked(), 0);
  EXPECT_EQ(counters_.allowed, 1U);
}

TEST_F(RoomAccessTest, ARemovalMeanwhileMakesItAskAgain) {
  Counting token{0};
  Counting members{1};
  const auto answer = ask(token, members, [this] { rooms_.remove_member(kRoom, UserId{"alice"}); });
  EXPECT_TRUE(std::holds_alternative<port::RoomDenied>(answer));
  EXPECT_EQ(members.asked(), 2);
  EXPECT_EQ(counters_.denied, 1U);
}

TEST_F(RoomAccessTest, SoDoesADeletedGroup) {
  Counting token{0};
  Counting members{1};
  const auto answer = ask(token, members, [this] { rooms_.remove_everybody(kRoom); });
  EXPECT_TRUE(std::holds_alternative<port::RoomDenied>(answer));
}

TEST_F(RoomAccessTest, WithoutOneItIsAskedOnce) {
  Counting token{0};
  Counting members{1};
  EXPECT_TRUE(std::holds_alternative<port::RoomAllowed>(ask(token, members, [] {})));
  EXPECT_EQ(members.asked(), 1);
}

TEST_F(RoomAccessTest, AFullQueueIsNoAnswer) {
  Counting token{0};
  Counting members{1};
  pool_.finish();
  const auto answer = ask(token, members, [] {});
  EXPECT_TRUE(std::holds_alternative<port::AuthorizerUnavailable>(answer));
  EXPECT_EQ(counters_.unavailable, 1U);
}

}  // namespace
}  // namespace zvonok::app
