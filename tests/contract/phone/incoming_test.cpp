// Contract of PhoneProvider for telephones that call us: one suite for every provider.
#include "contract/phone/provider_world.h"

namespace zvonok::test {
namespace {

using call::phone::Rejection;

class IncomingCalls : public ProviderWorld {
 protected:
  /// A telephone calls, and has been told of.
  [[nodiscard]] bool is_called(Caller caller) {
    plug_in(Telephone::Answers);
    subject_->call_in(caller);
    return world_.wait([&] { return !incoming_.empty(); });
  }
  void ring() {
    within_ = true;
    provider().ring(call_);
    within_ = false;
  }
  void accept() {
    within_ = true;
    provider().accept(call_);
    take_line(call_);
    within_ = false;
  }
  void reject(Rejection why) {
    within_ = true;
    provider().reject(call_, why);
    within_ = false;
  }
  const CallId call_{"in-1"};
};
INSTANTIATE_TEST_SUITE_P(All, IncomingCalls,
                         testing::Values(ProviderKind::Mock, ProviderKind::Sip, ProviderKind::Twilio),
                         [](const auto& parameter) { return to_text(parameter.param); });

TEST_P(IncomingCalls, RingAreTakenAndHeardBothWays) {
  ASSERT_TRUE(is_called(Caller::Talks));
  EXPECT_FALSE(incoming_[0].from.empty());
  EXPECT_FALSE(incoming_[0].to.empty());
  ring();
  world_.pass(milliseconds{100});
  EXPECT_EQ(story(call_), "") << "nothing is told before it is taken";
  accept();
  ASSERT_TRUE(wait_for<Answered>(call_)) << story(call_);
  Talker& talker = *talkers_.at(call_);
  talker.speak(640);
  EXPECT_TRUE(world_.wait([&] { return talker.hears(640) > 0.8; })) << talker.heard();
  hang_up(call_);
  EXPECT_TRUE(wait_until_nobody_is_there());
  EXPECT_EQ(count<Answered>(call_), 1U);
  EXPECT_LE(count<Over>(call_), 1U);
  expect_in_order(call_);
  EXPECT_EQ(incoming_.size(), 1U) << "told once";
}

TEST_P(IncomingCalls, MayBeTakenWithoutRinging) {
  ASSERT_TRUE(is_called(Caller::Talks));
  accept();
  ASSERT_TRUE(wait_for<Answered>(call_)) << story(call_);
  hang_up(call_);
  hang_up(call_);
  EXPECT_TRUE(wait_until_nobody_is_there());
  expect_in_order(call_);
}

TEST_P(IncomingCalls, EndWhenTheCallerHangsUp) {
  ASSERT_TRUE(is_called(Caller::Leaves));
  ring();
  accept();
  ASSERT_TRUE(wait_for<Over>(call_)) << story(call_);
  EXPECT_EQ(story(call_), "answered hangup");
  expect_in_order(call_);
  EXPECT_TRUE(wait_until_nobody_is_there());
}

TEST_P(IncomingCalls, EndWhenTheCallerGivesUp) {
  ASSERT_TRUE(is_called(Caller::GivesUp));
  ring();
  ASSERT_TRUE(wait_for<Over>(call_)) << story(call_);
  EXPECT_EQ(story(call_), "hangup");
  // Too late, and harmless.
  provider().accept(call_);
  provider().reject(call_, Rejection::Busy);
  hang_up(call_);
  world_.pass(milliseconds{200});
  EXPECT_EQ(story(call_), "hangup");
  EXPECT_TRUE(wait_until_nobody_is_there());
}

TEST_P(IncomingCalls, AreRefused) {
  ASSERT_TRUE(is_called(Caller::Talks));
  ring();
  reject(Rejection::Declined);
  EXPECT_TRUE(wait_until_nobody_is_there());
  world_.pass(milliseconds{200});
  EXPECT_EQ(story(call_), "") << "nothing is told of it any more";
  EXPECT_EQ(provider().take_line(call_), nullptr);
  EXPECT_TRUE(world_.wait([&] { return provider().pending() == 0; }));
}

TEST_P(IncomingCalls, MayLoseTheirProvider) {
  ASSERT_TRUE(is_called(Caller::Talks));
  ring();
  subject_.reset();
  world_.pass(milliseconds{100});
}

}  // namespace
}  // namespace zvonok::test
