// The telephone company of developers and tests: rings, answers and calls back by the rules of mock_rules.h, on timers
// of the loop, and calls nobody else.
#pragma once
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "adapter/voip_mock/mock_line.h"
#include "adapter/voip_mock/mock_rules.h"
#include "base/log.h"
#include "net/loop.h"
#include "port/phone_provider.h"

namespace zvonok::voip_mock {

class MockProvider final : public port::PhoneProvider {
 public:
  /// `hurry`: so many times as fast as the rules say.
  MockProvider(net::Loop& loop, Logger& log, int hurry = 1) : loop_{loop}, log_{log}, hurry_{hurry} {}
  /// Before the loop goes.
  ~MockProvider() override;

  [[nodiscard]] std::string_view name() const override { return "mock"; }
  void on_event(OnEvent tell) override { tell_ = std::move(tell); }
  void on_incoming(OnIncoming tell) override { tell_incoming_ = std::move(tell); }
  void dial(const CallId& call, const call::phone::PhoneNumber& number) override;
  void ring(const CallId& call) override;
  void accept(const CallId& call) override;
  void reject(const CallId& call, call::phone::Rejection why) override;
  [[nodiscard]] std::unique_ptr<port::PhoneLine> take_line(const CallId& call) override;
  void hang_up(const CallId& call) override;
  void send_dtmf(const CallId& call, std::string_view digits) override;
  void set_hold(const CallId& call, call::phone::Switch to) override;
  void set_mute(const CallId& call, call::phone::Switch to) override;

 private:
  struct Dialed {
    Dialed(TimePoint when, std::vector<Step> what, Manner how)
        : at{when}, script{std::move(what)}, manner{std::move(how)} {}
    TimePoint at;
    std::vector<Step> script;
    Manner manner;
    std::optional<Duration> leaves{};                                           // of one that calls: once it is taken
    std::shared_ptr<MockSwitches> switches = std::make_shared<MockSwitches>();  // the line's as well
    std::size_t next = 0;                                                       // of the script
    std::optional<net::Loop::TimerKey> timer;
  };
  struct Promise {
    call::phone::PhoneNumber number;
    CallBack how;
    net::Loop::TimerKey timer;
  };
  void promise_call_back(const CallId& call, const call::phone::PhoneNumber& number, const CallBack& how);
  void call_back(const CallId& call);
  void wait_for_next(const CallId& call, Dialed& dialed);
  void step(const CallId& call);
  [[nodiscard]] std::vector<Step> in_a_hurry(std::vector<Step> script) const;

  net::Loop& loop_;
  Logger& log_;
  const int hurry_;
  OnEvent tell_;
  OnIncoming tell_incoming_;
  std::unordered_map<CallId, Dialed> calls_;      // dialed, or calling
  std::unordered_map<CallId, Promise> promised_;  // by the call that is to be called back
};

}  // namespace zvonok::voip_mock
