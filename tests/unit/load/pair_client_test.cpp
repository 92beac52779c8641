// Two devices and a server that relays as docs/protocol/pair.md says, in virtual time.
#include "load/pair_client.h"

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "load/pair_dialect.h"
#include "load/tally.h"

namespace zvonok::load {
namespace {

using State = PairClient::State;

/// Passes what either says to the other one, a few milliseconds later.
class Relay {
 public:
  static constexpr Duration kDelay = milliseconds{3};

  explicit Relay(const std::function<void(PairOptions&)>& change = {}) {
    for (const auto role : {PairOptions::Role::Calls, PairOptions::Role::IsCalled}) {
      const bool calls = role == PairOptions::Role::Calls;
      PairOptions options{
          .role = role, .user = calls ? "alice" : "bob", .partner = calls ? "bob" : "alice", .watched = {"carol"}};
      if (change) change(options);
      sides_.push_back(std::make_unique<Side>(*this, sides_.size(), std::move(options)));
    }
    course.window_begin = now();
    course.window_end = now() + minutes{10};
    for (const auto& side : sides_) side->client.on_open(now_);
  }
  PairClient& caller() { return sides_[0]->client; }
  PairClient& called() { return sides_[1]->client; }
  [[nodiscard]] TimePoint now() const { return now_; }

  void run_for(Duration duration) {
    for (const TimePoint end = now_ + duration; now_ < end; now_ += milliseconds{1}) {
      while (!flights_.empty() && flights_.front().at <= now_) {
        const Flight flight = std::move(flights_.front());
        flights_.pop_front();
        sides_[flight.to]->client.on_text(now_, flight.text);
      }
      for (const auto& side : sides_) {
        if (side->client.next_timeout() <= now_) side->client.handle_timeout(now_);
      }
    }
  }

  PairCourse course;
  /// Whether the server passes it on; otherwise it does nothing.
  std::function<bool(const PairMessage&)> passes = [](const PairMessage&) { return true; };
  std::vector<std::string> to_server;  // what is not relayed

 private:
  struct Side final : PairOutlet {
    Side(Relay& relay, std::size_t place, PairOptions options)
        : owner{relay}, index{place}, client{std::move(options), relay.course, *this} {}
    void send_text(std::string_view text) override { owner.serve(index, std::string{text}); }

    Relay& owner;
    std::size_t index;
    PairClient client;
  };
  struct Flight {
    TimePoint at{};
    std::size_t to = 0;
    std::string text;
  };

  void serve(std::size_t from, const std::string& text) {
    const auto message = read_pair_message(text);
    ASSERT_TRUE(message) << text;
    if (!message->sent) {
      to_server.push_back(text);
      if (text.find("client:hello") != std::string::npos) {
        flights_.push_back({now_ + kDelay, from, R"({"event":"server:hello","payload":{"userId":"u","call":null}})"});
      }
      return;
    }
    if (passes(*message)) flights_.push_back({now_ + kDelay, 1 - from, text});
  }

  TimePoint now_{seconds{50}};
  std::vector<std::unique_ptr<Side>> sides_;
  std::deque<Flight> flights_;
};

TEST(PairClient, SaysHelloAndWatchesPresence) {
  Relay relay;
  EXPECT_FALSE(relay.caller().is_ready());
  relay.run_for(milliseconds{10});
  EXPECT_TRUE(relay.caller().is_ready());
  EXPECT_TRUE(relay.called().is_ready());
  ASSERT_EQ(relay.to_server.size(), 4U);
  EXPECT_EQ(relay.to_server[1], R"({"event":"presence:watch","payload":{"userIds":["carol"]}})");
  EXPECT_EQ(relay.course.news, 2U);
}

TEST(PairClient, ACallIsSetUpHeldAndHungUp) {
  Relay relay;
  relay.run_for(seconds{1});
  relay.caller().call(relay.now(), seconds{5});
  EXPECT_EQ(relay.caller().state(), State::Calling);
  relay.run_for(seconds{1});
  EXPECT_EQ(relay.caller().state(), State::InCall);
  EXPECT_EQ(relay.called().state(), State::InCall);
  EXPECT_EQ(relay.course.calls_begun, 1U);
  EXPECT_EQ(relay.course.calls_set_up, 1U);
  EXPECT_EQ(relay.course.set_up.most(), 2 * Relay::kDelay);
  // Offer and answer, and six candidates of each side.
  EXPECT_EQ(relay.course.relays_sent, 14U);
  EXPECT_EQ(relay.course.relays_came, 14U);
  EXPECT_EQ(relay.course.relay.most(), Relay::kDelay);
  relay.run_for(seconds{5});
  EXPECT_EQ(relay.caller().state(), State::Idle);
  EXPECT_EQ(relay.called().state(), State::Idle);
  EXPECT_EQ(relay.course.calls_ended, 1U);
  EXPECT_EQ(relay.course.calls_failed, 0U);
  relay.caller().call(relay.now(), seconds{1});
  relay.run_for(seconds{2});
  EXPECT_EQ(relay.course.calls_ended, 2U);
}

TEST(PairClient, TalksWithinACallAtItsRate) {
  Relay relay{[](PairOptions& options) {
    options.messages_per_second = 20;
    options.candidates = 0;
  }};
  relay.run_for(milliseconds{10});
  relay.caller().call(relay.now(), Duration::max());
  relay.run_for(seconds{10});
  EXPECT_NEAR(static_cast<double>(relay.course.relays_came), 2 * 20 * 10, 8);
  EXPECT_EQ(relay.caller().state(), State::InCall);
  relay.caller().hang_up(relay.now());
  EXPECT_EQ(relay.caller().next_timeout(), TimePoint::max());
}

TEST(PairClient, ACallThatNobodyAnswersFails) {
  Relay relay;
  relay.passes = [](const PairMessage& message) { return message.event != PairMessage::Event::Answer; };
  relay.run_for(milliseconds{10});
  relay.caller().call(relay.now(), seconds{5});
  relay.run_for(seconds{11});
  EXPECT_EQ(relay.caller().state(), State::Idle);
  EXPECT_EQ(relay.course.calls_failed, 1U);
  EXPECT_EQ(relay.course.refusals.at("no answer"), 1U);
  EXPECT_EQ(relay.course.relays_came + 1, relay.course.relays_sent) << "the answer";
}

TEST(PairClient, WhatIsRefusedFailsTheCall) {
  Relay relay;
  relay.run_for(milliseconds{10});
  relay.passes = [](const PairMessage&) { return false; };
  relay.caller().call(relay.now(), seconds{5});
  relay.caller().on_text(relay.now(), R"({"event":"call:error","payload":{"code":"busy","message":"m"}})");
  EXPECT_EQ(relay.caller().state(), State::Idle);
  EXPECT_EQ(relay.course.calls_failed, 1U);
  EXPECT_EQ(relay.course.refusals.at("error busy"), 1U);
}

TEST(PairClient, ACallThatTheServerEndsFails) {
  Relay relay;
  relay.run_for(milliseconds{10});
  relay.caller().call(relay.now(), seconds{5});
  relay.run_for(seconds{1});
  relay.caller().on_text(relay.now(), R"({"event":"call:hangup","payload":{"reason":"disconnected"}})");
  EXPECT_EQ(relay.course.calls_failed, 1U);
  EXPECT_EQ(relay.course.refusals.at("hangup disconnected"), 1U);
}

TEST(PairDialect, ReadsWhatMattersAndNoMore) {
  const TimePoint sent{Duration{123'456'789}};
  const std::string text = pair_message("call:ice", stamped_payload("candidate", 200, ",\"userId\":\"bob\"", sent));
  const auto message = read_pair_message(text);
  ASSERT_TRUE(message) << text;
  EXPECT_EQ(message->event, PairMessage::Event::Ice);
  EXPECT_EQ(message->sent, sent);
  EXPECT_GT(text.size(), 200U);
  EXPECT_EQ(read_pair_message(R"({"event":"presence","payload":{"users":[]}})")->event, PairMessage::Event::Presence);
  EXPECT_EQ(read_pair_message(R"({"event":"call:started","payload":{}})")->event, PairMessage::Event::Other);
  for (const char* bad : {"", "{", "[]", "{}", R"({"payload":{}})", R"({"event":7})"}) {
    EXPECT_FALSE(read_pair_message(bad)) << bad;
  }
}

TEST(Tally, CountsByReasonAndKeepsWhoWasFirst) {
  Tally tally;
  tally.add("refused", "alice");
  tally.add("refused", "bob");
  for (int i = 0; i < 100; ++i) tally.add("reason " + std::to_string(i), "carol");
  EXPECT_EQ(tally.count(), 102U);
  EXPECT_EQ(tally.reasons().at("refused").count, 2U);
  EXPECT_EQ(tally.reasons().at("refused").first, "alice");
  EXPECT_LE(tally.reasons().size(), 17U);
  EXPECT_EQ(tally.reasons().at("other reasons").count, 85U);
}

}  // namespace
}  // namespace zvonok::load
