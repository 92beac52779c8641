#include "pair_world.h"

#include <algorithm>

#include "pair_lines.h"

namespace zvonok::sim {
namespace {

const std::vector<std::string> kUserNames{"ann", "ben", "cat", "dan", "eve"};

/// The private chat of two users; "x" leads nowhere.
ChatId chat_of(const UserId& a, const UserId& b) {
  return ChatId{a < b ? a.value() + "+" + b.value() : b.value() + "+" + a.value()};
}

}  // namespace

PairWorld::PairWorld(std::uint64_t seed, Trace trace)
    : random_{seed},
      tracing_{trace == Trace::On},
      entropy_{seed},
      options_{make_options(random_)},
      engine_{options_, presence_, entropy_},
      model_{options_} {
  make_devices();
}

call::PairOptions PairWorld::make_options(Random& random) {
  call::PairOptions options;
  options.ring_timeout = random.pick<Duration>({seconds{45}, seconds{5}});
  options.reconnect_grace = random.pick<Duration>({seconds{10}, seconds{10}, seconds{1}, Duration::zero()});
  options.early_ice_hold = random.pick<Duration>({milliseconds{500}, milliseconds{500}, Duration::zero()});
  options.rung_devices_max = random.pick<std::size_t>({32, 32, 2, 1});
  if (random.chance(40)) options.candidates = {.messages_max = random.between(1, 4), .bytes_max = 400};
  if (random.chance(40)) options.for_missing_device = {.messages_max = random.between(1, 6), .bytes_max = 500};
  if (random.chance(10)) options.calls_max = 1;
  return options;
}

void PairWorld::make_devices() {
  const std::size_t users = random_.between(2, kUserNames.size());
  for (std::size_t i = 0; i < users; ++i) {
    const UserId user{kUserNames[i]};
    users_.push_back(user);
    const std::size_t devices = random_.between(1, 4);
    for (std::size_t k = 0; k < devices; ++k) {
      const DeviceName name{random_.chance(30) ? "" : "d" + std::to_string(k)};
      devices_.push_back({.user = user, .name = name, .connection = {}, .peer = {}, .outbox = {}});
    }
  }
  for (Device& device : devices_) {
    if (random_.chance(80)) connect(device);
  }
}

void PairWorld::run() {
  const std::size_t steps = random_.between(50, 250);
  const bool drains = random_.chance(5);
  for (std::size_t i = 0; i < steps; ++i) {
    if (drains && i == steps * 3 / 4) tell(call::Drain{});
    step();
  }
  finish();
}

void PairWorld::step() {
  switch (random_.weighted({55, 14, 9, 6, 4, 12})) {
    case 0: return send_something();
    case 1: return want_something();
    case 2: return come_or_go();
    case 3: return answer_look_up();
    case 4: return talk_nonsense();
    default: return pass_time();
  }
}

// ---- what devices do ------------------------------------------------------------------------------------------------

std::vector<PairWorld::Device*> PairWorld::connected_devices() {
  std::vector<Device*> result;
  for (Device& device : devices_) {
    if (device.connection) result.push_back(&device);
  }
  return result;
}

UserId PairWorld::somebody() {
  return random_.pick(users_);
}

void PairWorld::send_something() {
  std::vector<Device*> waiting = connected_devices();
  std::erase_if(waiting, [](const Device* device) { return device->outbox.empty(); });
  if (waiting.empty()) return want_something();
  Device& device = *random_.pick(waiting);
  const Intent intent = device.outbox.front();
  device.outbox.pop_front();
  send(device, intent);
}

void PairWorld::want_something() {
  const auto devices = connected_devices();
  if (devices.empty()) return come_or_go();
  Device& device = *random_.pick(devices);
  const auto want = [&](Intent intent) { device.outbox.push_back(intent); };
  switch (random_.weighted({8, 4, 4, 3, 2, 1, 1})) {
    case 0: return call_somebody(device);
    case 1: return want(device.peer ? Intent::Offer : Intent::Ice);
    case 2: return want(Intent::Ice);
    case 3: return want(random_.chance(50) ? Intent::Hangup : Intent::HangupWithReason);
    case 4: return want(Intent::Answer);
    case 5: return want(Intent::Hello);
    default: return want(Intent::Watch);
  }
}

void PairWorld::call_somebody(Device& device) {
  if (device.peer && random_.chance(70)) return;
  device.peer = somebody();
  if (random_.chance(15)) device.outbox.push_back(Intent::Ice);
  device.outbox.push_back(random_.chance(75) ? Intent::Offer : Intent::OfferChat);
  for (std::size_t i = random_.below(4); i > 0; --i) device.outbox.push_back(Intent::Ice);
}

std::string PairWorld::payload(Device& device) {
  const Tag tag{.user = device.user,
                .connection = *device.connection,
                .sequence = ++device.sent,
                .call = invariants_.call_of(*device.connection)};
  return tag.text() + std::string(random_.chance(10) ? random_.below(200) : 0, 'x');
}

void PairWorld::send(Device& device, Intent intent) {
  const ConnectionId id = *device.connection;
  const UserId target = device.peer ? *device.peer : somebody();
  switch (intent) {
    case Intent::Offer: return tell(call::Offer{id, target, payload(device)});
    case Intent::OfferChat: return tell(call::Offer{id, chat_of(device.user, target), payload(device)});
    case Intent::Answer: return tell(call::Answer{id, payload(device)});
    case Intent::Ice: return tell(call::Ice{id, payload(device)});
    case Intent::Hangup:
      device.peer.reset();
      return tell(call::Hangup{id, random_.chance(50) ? payload(device) : "", {}});
    case Intent::HangupWithReason: device.peer.reset(); return tell(call::Hangup{id, payload(device), "own"});
    case Intent::Hello: return tell(call::Hello{id});
    case Intent::Watch: return tell(call::WatchPresence{id, {somebody(), UserId{"ghost"}, somebody()}});
  }
}

void PairWorld::hear(const call::Effects& effects) {
  for (const call::Effect& effect : effects) {
    if (const auto* look_up = std::get_if<call::LookUpTarget>(&effect)) {
      look_ups_.emplace_back(look_up->lookup, *look_up);
    }
    const auto to = receiver_of(effect);
    if (!to) continue;
    const auto device = std::ranges::find(devices_, to, &Device::connection);
    if (device != devices_.end()) heard(*device, effect);
  }
}

/// A client that mostly does what clients do.
void PairWorld::heard(Device& device, const call::Effect& effect) {
  const auto want = [&](Intent intent, std::size_t times) {
    for (std::size_t i = 0; i < times; ++i) device.outbox.push_back(intent);
  };
  if (const auto* offer = std::get_if<call::DeliverOffer>(&effect)) {
    const bool renegotiation = device.peer == offer->from;
    device.peer = offer->from;
    switch (random_.weighted({60, 8, 8, 24})) {
      case 0:
        want(Intent::Ice, random_.below(3));
        want(Intent::Answer, 1);
        want(Intent::Ice, random_.below(3));
        return;
      case 1: return want(Intent::Hangup, renegotiation ? 0 : 1);
      case 2: want(Intent::Offer, 1); return want(Intent::Ice, random_.below(3));
      default: return;
    }
  }
  if (std::holds_alternative<call::DeliverAnswer>(effect)) {
    want(Intent::Ice, random_.below(4));
    if (random_.chance(20)) want(Intent::Offer, 1);
  } else if (std::holds_alternative<call::DeliverHangup>(effect)) {
    device.peer.reset();
    if (random_.chance(70)) device.outbox.clear();
  } else if (std::holds_alternative<call::CloseConnection>(effect)) {
    device.connection.reset();
  } else if (std::holds_alternative<call::DeliverError>(effect) && random_.chance(50)) {
    device.peer.reset();
  }
}

// ---- sockets --------------------------------------------------------------------------------------------------------

void PairWorld::come_or_go() {
  Device& device = devices_[random_.below(devices_.size())];
  if (!device.connection) return connect(device);
  if (random_.chance(30) && !device.name.empty()) return connect(device);  // before the old socket is known to be dead
  disconnect(device);
  if (random_.chance(50)) connect(device);
}

void PairWorld::connect(Device& device) {
  const ConnectionId id{next_connection_++};
  device.connection = id;
  device.sent = 0;
  if (random_.chance(50)) device.outbox.clear();
  if (random_.chance(40)) device.outbox.push_front(Intent::Hello);
  tell(call::DeviceConnected{id, device.user, device.name});
}

void PairWorld::disconnect(Device& device) {
  const ConnectionId id = *std::exchange(device.connection, std::nullopt);
  tell(call::DeviceDisconnected{id});
}

// ---- the store ------------------------------------------------------------------------------------------------------

void PairWorld::answer_look_up() {
  if (look_ups_.empty()) return;
  const std::size_t index = random_.below(look_ups_.size());
  const auto [lookup, question] = look_ups_[index];
  if (!random_.chance(10)) look_ups_.erase(look_ups_.begin() + static_cast<std::ptrdiff_t>(index));  // else: twice
  if (random_.chance(8)) return tell(call::LookupFailed{lookup});
  if (const auto* user = std::get_if<UserId>(&question.target)) {
    if (std::ranges::find(users_, *user) == users_.end()) return tell(call::TargetMissing{lookup});
    return tell(call::TargetFound{lookup, *user});
  }
  for (const UserId& other : users_) {
    if (chat_of(question.asker, other) == std::get<ChatId>(question.target)) {
      return tell(call::TargetFound{lookup, other});
    }
  }
  tell(call::TargetMissing{lookup});
}

// ---- nonsense -------------------------------------------------------------------------------------------------------

void PairWorld::talk_nonsense() {
  const ConnectionId stranger{1'000'000 + random_.below(10)};
  const auto devices = connected_devices();
  Device* const device = devices.empty() ? nullptr : random_.pick(devices);
  switch (random_.below(9)) {
    case 0: return tell(call::Offer{stranger, somebody(), "x|0|0||"});
    case 1: return tell(call::Answer{stranger, "x|0|0||"});
    case 2: return tell(call::Ice{stranger, "x|0|0||"});
    case 3: return tell(call::Hangup{stranger, "", {}});
    case 4: return tell(call::DeviceDisconnected{stranger});
    case 5: return tell(call::TargetFound{call::LookupId{999'999}, somebody()});
    case 6: return say_it_again();
    case 7:
      if (device != nullptr) tell(call::Offer{*device->connection, UserId{"ghost"}, payload(*device)});
      return;
    default:
      if (device != nullptr) tell(call::Offer{*device->connection, device->user, payload(*device)});
      return;
  }
}

void PairWorld::say_it_again() {
  if (!last_) return;
  // A candidate that was for a call which is over by now would be taken for one of the next call.
  if (const auto* ice = std::get_if<call::Ice>(&*last_)) {
    if (Tag::parse(ice->payload).call != invariants_.call_of(ice->connection)) return;
  }
  tell(call::Command{*last_});
}

// ---- time -----------------------------------------------------------------------------------------------------------

void PairWorld::pass_time() {
  const Duration duration =
      random_.pick<Duration>({Duration::zero(), milliseconds{1}, milliseconds{40}, milliseconds{499}, milliseconds{500},
                              seconds{1}, seconds{3}, seconds{11}, seconds{46}});
  if (random_.chance(10)) now_.wall -= minutes{10};  // somebody set the clock
  if (random_.chance(80)) return let_pass(duration);
  // The timer is late: commands come before it.
  now_.mono += duration;
  now_.wall += std::chrono::floor<milliseconds>(duration);
  for (std::size_t i = random_.below(3); i > 0; --i) send_something();
  if (engine_.next_timeout() <= now_.mono) fire();
}

void PairWorld::let_pass(Duration duration) {
  settle_time(now_.mono + duration);
}

/// Fires every timer at its own time.
void PairWorld::settle_time(TimePoint until) {
  const auto go_to = [this](TimePoint at) {
    now_.wall += std::chrono::floor<milliseconds>(at - now_.mono);
    now_.mono = at;
  };
  while (engine_.next_timeout() <= until) {
    go_to(std::max(now_.mono, engine_.next_timeout()));
    const TimePoint before = engine_.next_timeout();
    fire();
    if (engine_.next_timeout() <= before) throw Violation("a timer that does not go away");
  }
  go_to(until);
}

void PairWorld::finish() {
  switch (random_.below(3)) {
    case 0:
      for (Device* device : connected_devices()) {
        if (device->connection) send(*device, Intent::Hangup);
      }
      break;
    case 1: break;  // everybody just goes
    default: tell(call::Shutdown{}); break;
  }
  if (random_.chance(50)) let_pass(minutes{2});
  while (!look_ups_.empty()) answer_look_up();
  for (Device* device : connected_devices()) disconnect(*device);
  let_pass(minutes{2});
  const auto counts = engine_.counts();
  const auto nothing = [](std::size_t value, const char* what) {
    if (value != 0) throw Violation("at the end there are still " + std::to_string(value) + " " + what);
  };
  nothing(counts.calls + engine_.call_count(), "calls");
  nothing(counts.users_in_calls, "users in calls");
  nothing(counts.endpoints_in_calls, "devices in calls");
  nothing(counts.endpoints + presence_.connection_count(), "devices");
  nothing(counts.lookups, "look-ups");
  nothing(counts.deadlines, "deadlines");
  nothing(counts.kept_messages + counts.kept_bytes, "kept messages or bytes");
  nothing(presence_.online_user_count() + presence_.watched_user_count(), "users online or watched");
  if (engine_.next_timeout() != TimePoint::max()) throw Violation("at the end there is still a timer");
  invariants_.at_the_end();
}

// ---- telling the engine ---------------------------------------------------------------------------------------------

void PairWorld::tell(call::Command command) {
  if (tracing_) note(command_line(command));
  if (!std::holds_alternative<call::DeviceConnected>(command)) last_ = command;
  call::Effects effects;
  engine_.handle(call::Command{command}, now_, effects);
  if (tracing_) note_effects(effects);
  invariants_.command(command, now_, effects);
  model_.command(command, now_, effects);
  hear(effects);
}

void PairWorld::fire() {
  if (tracing_) note("the timer");
  call::Effects effects;
  engine_.handle_timeout(now_, effects);
  if (tracing_) note_effects(effects);
  invariants_.timeout(now_, effects);
  model_.timeout(now_, effects);
  hear(effects);
}

void PairWorld::note(const std::string& line) {
  const auto at = std::chrono::floor<milliseconds>(now_.mono - TimePoint{hours{1}}).count();
  trace_text_ += std::to_string(at) + " ms  " + line + "\n";
}

void PairWorld::note_effects(const call::Effects& effects) {
  for (const call::Effect& effect : effects) {
    if (const auto line = contract_line(effect)) {
      note("    -> #" + std::to_string(receiver_of(effect)->value()) + " " + *line);
    }
    if (const auto* save = std::get_if<call::SaveRecord>(&effect)) note("    -> save " + record_line(save->record));
    if (const auto* look_up = std::get_if<call::LookUpTarget>(&effect)) {
      note("    -> look up " + std::to_string(look_up->lookup.value()) + " " + target_text(look_up->target));
    }
  }
}

}  // namespace zvonok::sim
