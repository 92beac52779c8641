// A stage for tests of phone calls: calls have names, time is a number, and what the engine does is told in short
// lines.
#pragma once
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/overloaded.h"
#include "call/phone_calls.h"

namespace zvonok::call::phone {

using Lines = std::vector<std::string>;

class PhoneScene {
 public:
  static constexpr const char* kNumber = "+491512345678";

  explicit PhoneScene(Options options = {}) : calls_{std::move(options), presence_} {}

  Lines initiate(const std::string& call, const std::string& user, const std::string& number = kNumber) {
    return tell(Initiate{
        .call = CallId{call}, .session_id = "sess_" + call, .user = UserId{user}, .number = PhoneNumber{number}});
  }
  /// A telephone calls the user.
  Lines incoming(const std::string& call, const std::string& user, bool reachable = true) {
    return tell(Incoming{.call = CallId{call},
                         .session_id = "sess_" + call,
                         .user = UserId{user},
                         .from = kNumber,
                         .reachable = reachable});
  }
  Lines accept(const std::string& call, const std::string& user) {
    return tell(Accept{.call = CallId{call}, .user = UserId{user}});
  }
  Lines decline(const std::string& call, const std::string& user) {
    return tell(Decline{.call = CallId{call}, .user = UserId{user}});
  }
  Lines terminate(const std::string& call, const std::string& user) {
    return tell(Terminate{.call = CallId{call}, .user = UserId{user}});
  }
  Lines hold(const std::string& call, const std::string& user, Switch to) {
    return tell(SetHold{.call = CallId{call}, .user = UserId{user}, .to = to});
  }
  Lines mute(const std::string& call, const std::string& user, Switch to) {
    return tell(SetMute{.call = CallId{call}, .user = UserId{user}, .to = to});
  }
  Lines dtmf(const std::string& call, const std::string& user, const std::string& digits) {
    return tell(SendDtmf{.call = CallId{call}, .user = UserId{user}, .digits = digits});
  }
  template <class What>
  Lines event(const std::string& call, What what, std::uint64_t sequence = 0) {
    return tell(ProviderEvent{.call = CallId{call}, .sequence = sequence, .what = what});
  }

  Lines tell(const Command& command) {
    Effects effects;
    outcome_ = calls_.handle(command, now_, effects);
    return describe(effects);
  }

  /// Lets time pass and does what is due on the way, each thing at its own time.
  Lines wait(Duration duration) {
    const TimePoint until = now_.mono + duration;
    Effects effects;
    while (calls_.next_timeout() <= until) {
      go_to(std::max(now_.mono, calls_.next_timeout()));
      calls_.handle_timeout(now_, effects);
    }
    go_to(until);
    return describe(effects);
  }

  /// `call` of `user` is answered.
  void talking(const std::string& call, const std::string& user) {
    initiate(call, user);
    event(call, Rings{});
    event(call, Answered{});
  }

  [[nodiscard]] Outcome outcome() const { return outcome_; }
  [[nodiscard]] PhoneCalls& calls() { return calls_; }
  [[nodiscard]] Presence& presence() { return presence_; }
  [[nodiscard]] const CallRecord& last_record() const { return records_.back(); }
  [[nodiscard]] const Now& now() const { return now_; }
  void set_wall(WallTime wall) { now_.wall = wall; }

 private:
  void go_to(TimePoint at) {
    now_.wall += std::chrono::duration_cast<milliseconds>(at - now_.mono);
    now_.mono = at;
  }

  static std::string on_off(Switch to) { return to == Switch::On ? "on" : "off"; }

  Lines describe(const Effects& effects) {
    Lines lines;
    for (const Effect& effect : effects) {
      std::visit(Overloaded{
                     [&](const Dial& e) { lines.push_back("dial " + e.number.value()); },
                     [&](const Ring&) { lines.emplace_back("ring"); },
                     [&](const TakeUp&) { lines.emplace_back("take up"); },
                     [&](const TurnAway& e) { lines.push_back("turn away: " + std::string{to_text(e.why)}); },
                     [&](const HangUp&) { lines.emplace_back("hang up"); },
                     [&](const PassDtmf& e) { lines.push_back("dtmf " + e.digits); },
                     [&](const PassHold& e) { lines.push_back("hold " + on_off(e.to)); },
                     [&](const PassMute& e) { lines.push_back("mute " + on_off(e.to)); },
                     [&](const SaveRecord& e) { records_.push_back(e.record); },
                     [&](const Changed& e) {
                       std::string line{to_text(e.view.status)};
                       line += " by " + std::string{to_text(e.cause)};
                       if (e.fault) line += " (" + std::string{to_text(*e.fault)} + ")";
                       if (e.view.record.state == CallState::Ended) {
                         line += " " + std::to_string(e.view.record.duration_seconds) + "s";
                       }
                       lines.push_back(line);
                     },
                 },
                 effect);
    }
    return lines;
  }

  Presence presence_;
  PhoneCalls calls_;
  Now now_{.mono = TimePoint{} + hours{1}, .wall = WallTime{} + hours{24 * 365 * 56} + hours{12}};
  Outcome outcome_ = Outcome::Done;
  std::vector<CallRecord> records_;
};

}  // namespace zvonok::call::phone
