// Contract of PhoneProvider and PhoneLine: what is told of a call, in which order, what is told no more, and what is
// heard. One suite for every provider.
#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "base/overloaded.h"
#include "contract/phone/fixture.h"

namespace zvonok::test {
namespace {

using namespace call::phone;

class Providers : public testing::TestWithParam<ProviderKind> {
 protected:
  /// Makes the provider, with that telephone behind it.
  void plug_in(Telephone telephone) {
    subject_ = make_subject(GetParam(), telephone, {.loop = world_.loop(), .log = log_});
    provider().on_event([this](const ProviderEvent& event) {
      EXPECT_FALSE(within_) << "an event from within a call of ours";
      events_[event.call].push_back(event);
    });
  }
  ~Providers() override {
    talkers_.clear();
    subject_.reset();
    world_.loop().discard_posted();
  }

  port::PhoneProvider& provider() { return subject_->provider(); }

  /// The rules that hold for every call are checked as the calls go by.
  CallId dial() {
    const CallId call{"call-" + std::to_string(++dialed_)};
    within_ = true;
    provider().dial(call, subject_->number());
    auto line = provider().take_line(call);
    within_ = false;
    EXPECT_EQ(line != nullptr, subject_->has_sound());
    if (line) talkers_[call] = std::make_unique<Talker>(media_, std::move(line));
    return call;
  }
  void hang_up(const CallId& call) {
    within_ = true;
    provider().hang_up(call);
    within_ = false;
  }

  template <class What>
  [[nodiscard]] std::size_t count(const CallId& call) {
    std::size_t found = 0;
    for (const ProviderEvent& event : events_[call]) found += std::holds_alternative<What>(event.what) ? 1U : 0U;
    return found;
  }
  /// "took-on rings answered busy": the whole story.
  std::string story(const CallId& call) {
    std::string text;
    for (const ProviderEvent& event : events_[call]) {
      text += text.empty() ? "" : " ";
      text += std::visit(Overloaded{[](const TookOn&) { return std::string{"took-on"}; },
                                    [](const Rings&) { return std::string{"rings"}; },
                                    [](const Answered&) { return std::string{"answered"}; },
                                    [](const Over& over) {
                                      switch (over.how) {
                                        case Over::How::Hangup: return std::string{"hangup"};
                                        case Over::How::Busy: return std::string{"busy"};
                                        case Over::How::NoAnswer: return std::string{"no-answer"};
                                        case Over::How::Failed:
                                          return "failed:" + std::string{call::phone::to_text(over.fault)};
                                      }
                                      return std::string{"?"};
                                    }},
                         event.what);
    }
    return text;
  }
  template <class What>
  [[nodiscard]] bool wait_for(const CallId& call, Duration patience = seconds{15}) {
    return world_.wait([&] { return count<What>(call) > 0; }, patience);
  }
  /// Nothing after the end, and numbers that grow.
  void expect_in_order(const CallId& call) {
    std::uint64_t last = 0;
    bool over = false;
    for (const ProviderEvent& event : events_[call]) {
      EXPECT_FALSE(over) << story(call);
      over = std::holds_alternative<Over>(event.what);
      if (event.sequence == 0) continue;
      EXPECT_GT(event.sequence, last) << story(call);
      last = event.sequence;
    }
  }
  bool wait_until_nobody_is_there() {
    return world_.wait([&] { return subject_->calls_there().value_or(0) == 0; });
  }

  PhoneWorld world_;
  MediaThread media_;
  KeptLines log_;
  std::unique_ptr<PhoneSubject> subject_;
  std::map<CallId, std::unique_ptr<Talker>> talkers_;
  std::map<CallId, std::vector<ProviderEvent>> events_;
  std::size_t dialed_ = 0;
  bool within_ = false;
};
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
  for (int i = 0; i < 12; ++i) {
    const CallId call = dial();
    calls.push_back(call);
    world_.pass(milliseconds{i * i * 13});
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
