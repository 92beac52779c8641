// Contract of PhoneProvider and PhoneLine: what is told of a call, in which order, what is told no more, and what is
// heard. One suite for every provider.
#include <algorithm>
#include <string>
#include <vector>

#include "contract/phone/provider_world.h"
#include "net/clock.h"

namespace zvonok::test {
namespace {

using namespace call::phone;

class Providers : public ProviderWorld {};
INSTANTIATE_TEST_SUITE_P(All, Providers, testing::Values(ProviderKind::Mock, ProviderKind::Sip, ProviderKind::Twilio),
                         [](const auto& parameter) { return to_text(parameter.param); });

TEST_P(Providers, TellAnAnsweredCallInItsOrder) {
  plug_in(Telephone::Answers);
  const CallId call = dial();
  ASSERT_TRUE(wait_for<Answered>(call)) << story(call);
  EXPECT_EQ(story(call), "took-on rings answered");
  hang_up(call);
  world_.pass(milliseconds{300});
  EXPECT_EQ(count<Answered>(call), 1U);
  EXPECT_LE(count<Over>(call), 1U);
  expect_in_order(call);
  EXPECT_TRUE(wait_until_nobody_is_there());
}

TEST_P(Providers, TellThatTheTelephoneHungUp) {
  plug_in(Telephone::AnswersAndLeaves);
  const CallId call = dial();
  ASSERT_TRUE(wait_for<Over>(call, seconds{20})) << story(call);
  EXPECT_EQ(story(call), "took-on rings answered hangup");
  expect_in_order(call);
  EXPECT_TRUE(wait_until_nobody_is_there());
}

TEST_P(Providers, TellThatItIsBusy) {
  plug_in(Telephone::Busy);
  const CallId call = dial();
  ASSERT_TRUE(wait_for<Over>(call)) << story(call);
  EXPECT_TRUE(story(call).ends_with("busy")) << story(call);
  EXPECT_EQ(count<TookOn>(call), 1U) << "the provider had it";
  EXPECT_EQ(count<Answered>(call), 0U);
  expect_in_order(call);
}

TEST_P(Providers, TellThatThereIsNoSuchNumber) {
  plug_in(Telephone::NoSuchNumber);
  const CallId call = dial();
  ASSERT_TRUE(wait_for<Over>(call)) << story(call);
  EXPECT_TRUE(story(call).ends_with("failed:" + std::string{call::phone::to_text(ProviderFault::BadNumber)}))
      << story(call);
  EXPECT_EQ(count<Rings>(call), 0U);
  expect_in_order(call);
}

TEST_P(Providers, TellThatTheyFailed) {
  plug_in(Telephone::Fails);
  const CallId call = dial();
  ASSERT_TRUE(wait_for<Over>(call)) << story(call);
  EXPECT_NE(story(call).find("failed:"), std::string::npos) << story(call);
  EXPECT_EQ(count<Answered>(call), 0U);
  expect_in_order(call);
}

TEST_P(Providers, TellThatNobodyCanBeReached) {
  plug_in(Telephone::Unreachable);
  const CallId call = dial();
  ASSERT_TRUE(wait_for<Over>(call, seconds{40})) << story(call);
  EXPECT_EQ(story(call), "failed:" + std::string{call::phone::to_text(ProviderFault::Unreachable)});
}

TEST_P(Providers, StopRingingWhenTheCallerGivesUp) {
  plug_in(Telephone::RingsForever);
  const CallId call = dial();
  ASSERT_TRUE(wait_for<Rings>(call)) << story(call);
  hang_up(call);
  hang_up(call);
  world_.pass(milliseconds{500});
  EXPECT_EQ(count<Answered>(call), 0U);
  EXPECT_LE(count<Over>(call), 1U);
  EXPECT_EQ(count<Rings>(call), 1U);
  expect_in_order(call);
  EXPECT_TRUE(wait_until_nobody_is_there());
}

TEST_P(Providers, StopWhereverTheCallIs) {
  plug_in(Telephone::Answers);
  // From before the first word of the other side to after the answer: wherever the end meets an event on its way.
  std::vector<CallId> calls;
  for (int i = 0; i < 12; ++i) calls.push_back(dial());
  const TimePoint dialed = net::read_clocks().mono;
  for (int i = 0; i < 12; ++i) {
    const CallId& call = calls[static_cast<std::size_t>(i)];
    world_.pass(dialed + milliseconds{i * i * 13} - net::read_clocks().mono);
    const std::size_t told = events_[call].size();
    hang_up(call);
    world_.pass(milliseconds{20});
    EXPECT_LE(events_[call].size(), told + 1) << story(call);
  }
  EXPECT_TRUE(wait_until_nobody_is_there());
  for (const CallId& call : calls) {
    expect_in_order(call);
    EXPECT_LE(count<Over>(call), 1U);
  }
}

TEST_P(Providers, BearCommandsForCallsThatAreNot) {
  plug_in(Telephone::Answers);
  const CallId stranger{"nobody"};
  hang_up(stranger);
  provider().send_dtmf(stranger, "12,3#");
  provider().set_hold(stranger, Switch::On);
  provider().set_mute(stranger, Switch::On);
  const CallId call = dial();
  // Before the answer there is nobody yet to do it to.
  provider().send_dtmf(call, "1");
  provider().set_hold(call, Switch::On);
  provider().set_hold(call, Switch::Off);
  provider().set_mute(call, Switch::On);
  provider().set_mute(call, Switch::Off);
  ASSERT_TRUE(wait_for<Answered>(call)) << story(call);
  hang_up(call);
  provider().send_dtmf(call, "1");
  provider().set_hold(call, Switch::Off);
  EXPECT_TRUE(events_[stranger].empty());
  EXPECT_TRUE(wait_until_nobody_is_there());
  expect_in_order(call);
}

TEST_P(Providers, CarryManyCallsApart) {
  plug_in(Telephone::Answers);
  std::vector<CallId> calls;
  for (int i = 0; i < 20; ++i) calls.push_back(dial());
  EXPECT_TRUE(world_.wait(
      [&] { return std::ranges::all_of(calls, [&](const CallId& call) { return count<Answered>(call) == 1; }); }));
  for (std::size_t i = 0; i < calls.size(); i += 2) hang_up(calls[i]);
  world_.pass(milliseconds{500});
  for (std::size_t i = 0; i < calls.size(); ++i) {
    expect_in_order(calls[i]);
    if (i % 2 == 1) {
      EXPECT_EQ(story(calls[i]), "took-on rings answered") << "goes on";
    }
    hang_up(calls[i]);
  }
  EXPECT_TRUE(wait_until_nobody_is_there());
}

TEST_P(Providers, CarrySoundBothWays) {
  plug_in(Telephone::Answers);
  const CallId call = dial();
  ASSERT_TRUE(wait_for<Answered>(call)) << story(call);
  if (!subject_->has_sound()) return hang_up(call);
  Talker& talker = *talkers_.at(call);
  talker.speak(1000);
  EXPECT_TRUE(world_.wait([&] { return talker.hears(1000) > 0.8; })) << talker.heard();
  talker.speak(640);
  EXPECT_TRUE(world_.wait([&] { return talker.hears(640) > 0.8; })) << talker.heard();

  // Muted: the telephone hears silence, and says it.
  provider().set_mute(call, Switch::On);
  EXPECT_TRUE(world_.wait([&] { return talker.hears(640) < 0.05; }));
  provider().set_mute(call, Switch::Off);
  EXPECT_TRUE(world_.wait([&] { return talker.hears(640) > 0.8; }));

  // On hold nobody hears anybody.
  provider().set_hold(call, Switch::On);
  EXPECT_TRUE(world_.wait([&] {
    talker.forget();
    world_.pass(milliseconds{300});
    return talker.heard() == 0 || talker.hears(640) < 0.05;
  }));
  provider().set_hold(call, Switch::Off);
  EXPECT_TRUE(world_.wait([&] { return talker.hears(640) > 0.8; }));
  hang_up(call);
  EXPECT_TRUE(wait_until_nobody_is_there());
}

TEST_P(Providers, SendDigits) {
  plug_in(Telephone::Answers);
  const CallId call = dial();
  ASSERT_TRUE(wait_for<Answered>(call)) << story(call);
  provider().send_dtmf(call, "12,A#");
  if (subject_->echoes_digits()) {
    Talker& talker = *talkers_.at(call);
    EXPECT_TRUE(world_.wait([&] { return talker.digits() == "12A#"; })) << talker.digits();
    talker.press('7');
    EXPECT_TRUE(world_.wait([&] { return talker.digits() == "12A#7"; })) << talker.digits();
  }
  if (subject_->digits_heard()) {
    EXPECT_TRUE(world_.wait([&] { return subject_->digits_heard() == "12A#"; })) << *subject_->digits_heard();
    talkers_.at(call)->press('7');
    EXPECT_TRUE(world_.wait([&] { return subject_->digits_heard() == "12A#7"; })) << *subject_->digits_heard();
  }
  hang_up(call);
  EXPECT_TRUE(wait_until_nobody_is_there());
}

TEST_P(Providers, LeaveALineThatOutlivesItsCallSilent) {
  plug_in(Telephone::Answers);
  const CallId call = dial();
  ASSERT_TRUE(wait_for<Answered>(call)) << story(call);
  if (!subject_->has_sound()) return hang_up(call);
  talkers_.at(call)->speak(1000);
  EXPECT_TRUE(world_.wait([&] { return talkers_.at(call)->heard() > 0; }));
  hang_up(call);
  world_.pass(milliseconds{300});
  talkers_.at(call)->forget();
  world_.pass(milliseconds{300});
  EXPECT_EQ(talkers_.at(call)->heard(), 0U);
  // And its provider.
  const CallId second = dial();
  ASSERT_TRUE(wait_for<Answered>(second)) << story(second);
  subject_.reset();
  world_.pass(milliseconds{100});
  talkers_.at(second)->speak(500);
  talkers_.at(second)->press('1');
  world_.pass(milliseconds{100});
}

TEST_P(Providers, MayGoWithCallsUnderWay) {
  plug_in(Telephone::RingsForever);
  for (int i = 0; i < 5; ++i) (void)dial();
  world_.pass(milliseconds{100});
  (void)dial();
  subject_.reset();
  world_.pass(milliseconds{100});
}

TEST_P(Providers, LogNoNumbers) {
  plug_in(Telephone::Busy);
  const std::string number = subject_->number().value();
  const CallId call = dial();
  ASSERT_TRUE(wait_for<Over>(call)) << story(call);
  EXPECT_EQ(log_.text().find(number.substr(3)), std::string::npos) << log_.text();
}

}  // namespace
}  // namespace zvonok::test
