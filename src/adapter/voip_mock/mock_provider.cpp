#include "adapter/voip_mock/mock_provider.h"

#include <utility>

namespace zvonok::voip_mock {

using call::phone::Answered;
using call::phone::Over;
using call::phone::ProviderEvent;
using call::phone::Switch;

MockProvider::~MockProvider() {
  for (const auto& [id, dialed] : calls_) {
    dialed.switches->over = true;
    if (dialed.timer) loop_.cancel(*dialed.timer);
  }
  for (const auto& [id, promise] : promised_) loop_.cancel(promise.timer);
}

void MockProvider::dial(const CallId& call, const call::phone::PhoneNumber& number) {
  const auto [place, is_new] =
      calls_.emplace(call, Dialed{loop_.now().mono, in_a_hurry(script_of(number)), manner_of(number)});
  if (is_new) wait_for_next(call, place->second);
  if (const auto how = call_back_of(number)) promise_call_back(call, number, *how);
}

std::vector<Step> MockProvider::in_a_hurry(std::vector<Step> script) const {
  for (Step& step : script) step.after /= hurry_;
  return script;
}

/// Whatever becomes of the call meanwhile.
void MockProvider::promise_call_back(const CallId& call, const call::phone::PhoneNumber& number, const CallBack& how) {
  if (promised_.contains(call)) return;
  const auto timer = loop_.schedule(loop_.now().mono + how.after / hurry_, [this, call] { call_back(call); });
  promised_.emplace(call, Promise{.number = number, .how = how, .timer = timer});
}

void MockProvider::call_back(const CallId& call) {
  const auto promised = promised_.extract(call);
  const Promise& promise = promised.mapped();
  const CallId id = tell_incoming_({.from = promise.number.value(), .to = "mock", .calls_back = call});
  Dialed calling{loop_.now().mono, {}, manner_of(promise.number)};
  if (promise.how.gives_up) calling.script = in_a_hurry({{.after = *promise.how.gives_up, .what = Over{}}});
  calling.leaves = promise.how.leaves;
  const auto [place, is_new] = calls_.emplace(id, std::move(calling));
  if (is_new) wait_for_next(id, place->second);
}

void MockProvider::ring(const CallId& call) {
  log_.debug("the mock telephone hears that it rings", {{"call", call}});
}

void MockProvider::accept(const CallId& call) {
  const auto place = calls_.find(call);
  if (place == calls_.end()) return;
  Dialed& calling = place->second;
  if (calling.timer) loop_.cancel(*calling.timer);
  std::vector<Step> script{{.after = {}, .what = Answered{}}};
  if (calling.leaves) script.push_back({.after = *calling.leaves, .what = Over{}});
  calling = Dialed{loop_.now().mono, in_a_hurry(std::move(script)), calling.manner};
  wait_for_next(call, calling);
}

void MockProvider::reject(const CallId& call, call::phone::Rejection why) {
  log_.debug("the mock telephone is turned away", {{"call", call}, {"why", to_text(why)}});
  hang_up(call);
}

void MockProvider::wait_for_next(const CallId& call, Dialed& dialed) {
  dialed.timer.reset();
  if (dialed.next == dialed.script.size()) return;  // nothing comes by itself any more
  const TimePoint at = dialed.at + dialed.script[dialed.next].after;
  dialed.timer = loop_.schedule(at, [this, call] { step(call); });
}

void MockProvider::step(const CallId& call) {
  const auto place = calls_.find(call);
  if (place == calls_.end()) return;
  Dialed& dialed = place->second;
  const Step done = dialed.script[dialed.next++];
  const std::uint64_t sequence = dialed.next;
  if (std::holds_alternative<Over>(done.what)) {
    dialed.switches->over = true;
    calls_.erase(place);
  } else {
    wait_for_next(call, dialed);
  }
  tell_(ProviderEvent{.call = call, .sequence = sequence, .what = done.what});
}

/// The line knows the script as well as we do, so nobody has to tell it when the call is answered.
std::unique_ptr<port::PhoneLine> MockProvider::take_line(const CallId& call) {
  const auto place = calls_.find(call);
  if (place == calls_.end()) return nullptr;
  const Dialed& dialed = place->second;
  MockTelephone::Script script;
  for (const Step& step : dialed.script) {
    if (std::holds_alternative<call::phone::Rings>(step.what)) script.rings = step.after;
    if (std::holds_alternative<call::phone::Answered>(step.what)) script.answers = step.after;
  }
  return std::make_unique<MockLine>(MockLine::Options{
      .dialed_at = dialed.at, .script = script, .manner = dialed.manner, .switches = dialed.switches});
}

void MockProvider::hang_up(const CallId& call) {
  const auto place = calls_.find(call);
  if (place == calls_.end()) return;
  place->second.switches->over = true;
  if (place->second.timer) loop_.cancel(*place->second.timer);
  calls_.erase(place);
}

void MockProvider::send_dtmf(const CallId& call, std::string_view digits) {
  // What is typed may be a PIN: how much of it is all that is logged.
  log_.debug("the mock telephone hears digits", {{"call", call}, {"count", digits.size()}});
  const auto place = calls_.find(call);
  if (place != calls_.end()) place->second.switches->press(digits);
}

void MockProvider::set_hold(const CallId& call, Switch to) {
  log_.debug("the mock telephone is put on hold or back", {{"call", call}, {"hold", to == Switch::On ? "on" : "off"}});
  const auto place = calls_.find(call);
  if (place != calls_.end()) place->second.switches->held = to == Switch::On;
}

void MockProvider::set_mute(const CallId& call, Switch to) {
  log_.debug("the mock telephone hears silence or speech", {{"call", call}, {"mute", to == Switch::On ? "on" : "off"}});
  const auto place = calls_.find(call);
  if (place != calls_.end()) place->second.switches->muted = to == Switch::On;
}

}  // namespace zvonok::voip_mock
