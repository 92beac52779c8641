// What the tests of the contract share: a provider of any kind with its telephone, and the rules that hold for every
// call, checked as the calls go by.
#pragma once
#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "base/overloaded.h"
#include "contract/phone/fixture.h"

namespace zvonok::test {

class ProviderWorld : public testing::TestWithParam<ProviderKind> {
 protected:
  using Answered = call::phone::Answered;
  using Over = call::phone::Over;
  using ProviderEvent = call::phone::ProviderEvent;
  using Rings = call::phone::Rings;
  using TookOn = call::phone::TookOn;

  /// Makes the provider, with that telephone behind it.
  void plug_in(Telephone telephone) {
    subject_ = make_subject(GetParam(), telephone, {.loop = world_.loop(), .log = log_});
    provider().on_event([this](const ProviderEvent& event) {
      EXPECT_FALSE(within_) << "an event from within a call of ours";
      events_[event.call].push_back(event);
    });
    provider().on_incoming([this](const call::phone::IncomingCall& incoming) {
      EXPECT_FALSE(within_) << "a call from within a call of ours";
      incoming_.push_back(incoming);
      return CallId{"in-" + std::to_string(incoming_.size())};
    });
  }
  ~ProviderWorld() override {
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
    take_line(call);
    within_ = false;
    return call;
  }
  void take_line(const CallId& call) {
    auto line = provider().take_line(call);
    EXPECT_EQ(line != nullptr, subject_->has_sound());
    if (line) talkers_[call] = std::make_unique<Talker>(media_, std::move(line));
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
  std::vector<call::phone::IncomingCall> incoming_;
  std::size_t dialed_ = 0;
  bool within_ = false;
};

}  // namespace zvonok::test
