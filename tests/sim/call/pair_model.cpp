#include "pair_model.h"

#include <algorithm>

#include "pair_lines.h"

namespace zvonok::sim {
namespace {

using call::EndReason;
using call::ErrorCode;
using call::HangupReason;

const std::string& text_of(const std::string& payload) {
  return payload;
}
template <class Item>
const std::string& text_of(const Item& item) {
  return item.payload;
}

template <class Item>
bool fits(const std::vector<Item>& list, const std::string& payload, const call::KeepLimits& limits) {
  std::size_t bytes = payload.size();
  for (const Item& item : list) bytes += text_of(item).size();
  return list.size() < limits.messages_max && bytes <= limits.bytes_max;
}

HangupReason told_as(EndReason reason) {
  switch (reason) {
    case EndReason::Hangup: return HangupReason::Hangup;
    case EndReason::Declined: return HangupReason::Declined;
    case EndReason::Canceled: return HangupReason::Canceled;
    case EndReason::NoAnswer: return HangupReason::NoAnswer;
    case EndReason::Disconnected: return HangupReason::Disconnected;
    case EndReason::ServerShutdown: return HangupReason::ServerShutdown;
    case EndReason::Busy:
    case EndReason::Offline:
    case EndReason::Failed: break;
  }
  throw Violation("a call can't end that way");
}

}  // namespace

// ---- comparing ------------------------------------------------------------------------------------------------------

void PairModel::command(const call::Command& command, const Now& now, const call::Effects& effects) {
  now_ = now;
  std::visit([this](const auto& c) { on(c); }, command);
  compare(effects);
}

void PairModel::timeout(const Now& now, const call::Effects& effects) {
  now_ = now;
  for (auto next = calls_.begin(); next != calls_.end();) {
    Call& call = *next++;  // expiring may erase it
    expire(call);
  }
  for (Client& client : clients_) {
    while (!client.loose.empty() && client.loose.front().until <= now.mono) {
      client.loose.erase(client.loose.begin());
      refuse(client, ErrorCode::NotInCall);
    }
  }
  compare(effects);
}

void PairModel::compare(const call::Effects& effects) {
  std::map<ConnectionId, std::vector<std::string>> told;
  std::vector<std::string> records;
  std::vector<std::string> lookups;
  for (const call::Effect& effect : effects) {
    if (const auto line = contract_line(effect)) told[*receiver_of(effect)].push_back(*line);
    if (const auto* save = std::get_if<call::SaveRecord>(&effect)) records.push_back(record_line(save->record));
    if (const auto* lookup = std::get_if<call::LookUpTarget>(&effect)) {
      lookups.push_back(target_text(lookup->target) + " for " + lookup->asker.value());
      for (Client& client : clients_) {
        if (client.pending && !client.pending->lookup) client.pending->lookup = lookup->lookup;
      }
    }
  }
  std::string difference;
  const auto differ = [&](const std::string& whose, const std::vector<std::string>& is,
                          const std::vector<std::string>& expected) {
    if (is == expected) return;
    difference += "\n  " + whose + ":";
    for (const std::string& line : expected) difference += "\n    expected " + line;
    for (const std::string& line : is) difference += "\n    got      " + line;
  };
  for (const auto& [id, lines] : expected_) differ("#" + std::to_string(id.value()), told[id], lines);
  for (const auto& [id, lines] : told) {
    if (!expected_.contains(id)) differ("#" + std::to_string(id.value()), lines, {});
  }
  std::ranges::sort(records);
  std::ranges::sort(expected_records_);
  differ("history", records, expected_records_);
  differ("look-ups", lookups, expected_lookups_);
  expected_.clear();
  expected_records_.clear();
  expected_lookups_.clear();
  if (!difference.empty()) throw Violation("the engine and the model differ:" + difference);
}

void PairModel::refuse(const Client& client, ErrorCode code) {
  tell(client.id, error_line(code));
}

void PairModel::record(const UserId& caller, const UserId& callee, const std::optional<ChatId>& chat,
                       const std::string& rest) {
  const auto space = rest.find(' ');
  std::string line = caller.value() + ">" + callee.value() + " " + rest.substr(0, space);
  if (chat) line += " chat " + chat->value();
  expected_records_.push_back(line + rest.substr(space));
}

// ---- finding --------------------------------------------------------------------------------------------------------

PairModel::Client* PairModel::find(ConnectionId id) {
  const auto client = std::ranges::find(clients_, id, &Client::id);
  return client == clients_.end() ? nullptr : &*client;
}

PairModel::Client* PairModel::client_of(call::LookupId lookup) {
  for (Client& client : clients_) {
    if (client.pending && client.pending->lookup == lookup) return &client;
  }
  return nullptr;
}

PairModel::Call* PairModel::call_of(const UserId& user) {
  for (Call& call : calls_) {
    if (call.caller == user || call.callee == user) return &call;
  }
  return nullptr;
}

PairModel::Place PairModel::place_of(ConnectionId id) {
  for (Call& call : calls_) {
    if (call.caller_seat.device == id) return {&call, &call.caller_seat};
    for (Seat& seat : call.callee_seats) {
      if (seat.device == id) return {&call, &seat};
    }
  }
  return {};
}

// ---- devices --------------------------------------------------------------------------------------------------------

void PairModel::erase_client(ConnectionId id) {
  clients_.remove_if([id](const Client& client) { return client.id == id; });
}

void PairModel::on(const call::DeviceConnected& c) {
  Client& fresh =
      clients_.emplace_back(Client{.id = c.connection, .user = c.user, .name = c.device, .loose = {}, .pending = {}});
  const auto same = std::ranges::find_if(clients_, [&](const Client& client) {
    return client.id != fresh.id && client.user == fresh.user && client.name == fresh.name && !fresh.name.empty();
  });
  if (same != clients_.end()) {
    tell(same->id, "close");
    const Place place = place_of(same->id);
    if (place.seat != nullptr) {
      place.seat->device = fresh.id;
      if (!place.call->active && place.seat != &place.call->caller_seat) present(*place.call, fresh.id);
    }
    erase_client(same->id);
    if (place.seat != nullptr) return;
  }
  Call* const call = call_of(fresh.user);
  if (call == nullptr || take_empty_seat(*call, fresh)) return;
  if (call->callee == fresh.user && has_room(*call)) ring(*call, fresh);
}

/// The seat of a device of the same user and name that has dropped.
bool PairModel::take_empty_seat(Call& call, Client& fresh) {
  const auto waits = [&](const Seat& seat) {
    return !seat.device && seat.user == fresh.user && seat.name == fresh.name;
  };
  Seat* seat = waits(call.caller_seat) ? &call.caller_seat : nullptr;
  const auto callee_seat = std::ranges::find_if(call.callee_seats, waits);
  if (callee_seat != call.callee_seats.end()) seat = &*callee_seat;
  if (seat == nullptr) return false;
  seat->device = fresh.id;
  seat->missing_until = TimePoint::max();
  if (!call.active && seat != &call.caller_seat) {
    present(call, fresh.id);
    return true;
  }
  const auto due = std::exchange(seat->due, {});
  for (const Message& message : due) static_cast<void>(send(call, *seat, message));
  return true;
}

/// The device that a command comes from: whoever speaks of its user's call takes the empty seat of its like.
PairModel::Client* PairModel::speaker(ConnectionId id, const call::CallTarget* wants) {
  Client* const client = find(id);
  if (client == nullptr || client->pending || place_of(id).seat != nullptr) return client;
  Call* const call = call_of(client->user);
  if (call == nullptr || call->serial == client->left_call) return client;
  const UserId& peer = client->user == call->caller ? call->callee : call->caller;
  const bool of_this_call =
      wants == nullptr || *wants == call::CallTarget{peer} || (call->chat && *wants == call::CallTarget{*call->chat});
  if (of_this_call) static_cast<void>(take_empty_seat(*call, *client));
  return client;
}

void PairModel::leave(const Call& call, ConnectionId device) {
  Client& client = *find(device);
  client.left_call = call.serial;
  client.left_call_at = now_.mono;
}

void PairModel::on(const call::DeviceDisconnected& c) {
  if (find(c.connection) == nullptr) return;
  const Place place = place_of(c.connection);
  erase_client(c.connection);
  if (place.seat == nullptr) return;
  place.seat->device.reset();
  place.seat->missing_until = now_.mono + options_.reconnect_grace;
  place.seat->seen = place.call->candidates.size();
  expire(*place.call);
}

bool PairModel::has_room(const Call& call) const {
  if (call.active) return false;
  return call.callee_seats.size() < options_.rung_devices_max ||
         std::ranges::any_of(call.callee_seats, [](const Seat& seat) { return !seat.device && !seat.crossed; });
}

void PairModel::present(const Call& call, ConnectionId to) {
  tell(to, "offer " + call.offer + " from " + call.caller.value());
  for (const std::string& candidate : call.candidates) tell(to, "ice " + candidate);
}

void PairModel::ring(Call& call, Client& client) {
  auto& seats = call.callee_seats;
  if (seats.size() >= options_.rung_devices_max) {
    seats.erase(std::ranges::find_if(seats, [](const Seat& seat) { return !seat.device && !seat.crossed; }));
  }
  Seat seat{.user = client.user, .name = client.name, .device = client.id, .due = {}, .held = {}};
  for (const Loose& loose : client.loose) seat.held.push_back(loose.payload);
  client.loose.clear();
  seats.push_back(std::move(seat));
  present(call, client.id);
}

void PairModel::ring_more(Call& call) {
  for (auto client = clients_.rbegin(); client != clients_.rend(); ++client) {
    if (client->user != call.callee || place_of(client->id).seat != nullptr) continue;
    if (!has_room(call)) return;
    ring(call, *client);
  }
}

// ---- offers ---------------------------------------------------------------------------------------------------------

void PairModel::on(const call::Offer& c) {
  Client* const client = speaker(c.connection, &c.target);
  if (client == nullptr) return;
  const Place place = place_of(c.connection);
  const Call* const own = call_of(client->user);
  if (draining_ && own == nullptr) return refuse(*client, ErrorCode::Unavailable);
  std::optional<UserId> target;
  std::optional<UserId> peer;
  if (place.call != nullptr) peer = client->user == place.call->caller ? place.call->callee : place.call->caller;
  if (const auto* user = std::get_if<UserId>(&c.target)) {
    const bool online = std::ranges::any_of(clients_, [&](const Client& other) { return other.user == *user; });
    if (*user == client->user || online || call_of(*user) != nullptr) target = *user;
  } else if (place.call != nullptr && place.call->chat == std::get<ChatId>(c.target)) {
    target = peer;
  }
  Pending offer{.lookup = {}, .target = c.target, .payload = c.payload, .candidates = {}};
  if (!client->pending) {
    for (const Loose& loose : client->loose) offer.candidates.push_back({loose.payload, 0});
    client->loose.clear();
  } else if (client->pending->target == c.target) {
    client->pending->payload = c.payload;
    return;
  } else if (peer && target == peer) {
    offer.candidates = client->pending->candidates;
    client->pending.reset();
  } else {
    return refuse(*client, ErrorCode::Busy);
  }
  if (target) return place_and_release(*client, offer, *target);
  expected_lookups_.push_back(target_text(c.target) + " for " + client->user.value());
  client->pending = std::move(offer);
}

void PairModel::on(const call::TargetFound& c) {
  Client* const client = client_of(c.lookup);
  if (client == nullptr) return;
  const Pending offer = *std::exchange(client->pending, std::nullopt);
  place_and_release(*client, offer, c.user);
}

void PairModel::on(const call::TargetMissing& c) {
  Client* const client = client_of(c.lookup);
  if (client == nullptr) return;
  refuse(*client, ErrorCode::TargetUnknown);
  release(*client, std::exchange(client->pending, std::nullopt)->candidates, Placed::No);
}

void PairModel::on(const call::LookupFailed& c) {
  Client* const client = client_of(c.lookup);
  if (client == nullptr) return;
  refuse(*client, ErrorCode::Unavailable);
  release(*client, std::exchange(client->pending, std::nullopt)->candidates, Placed::No);
}

void PairModel::place_and_release(Client& client, Pending offer, const UserId& target) {
  const Placed placed = place(client, offer, target);
  release(client, offer.candidates, placed);
}

PairModel::Placed PairModel::place(Client& client, const Pending& offer, const UserId& target) {
  const auto refused = [&](ErrorCode code) {
    refuse(client, code);
    return Placed::No;
  };
  const auto* const chat = std::get_if<ChatId>(&offer.target);
  const std::optional<ChatId> in_chat = chat != nullptr ? std::optional{*chat} : std::nullopt;
  if (target == client.user) return refused(ErrorCode::BadMessage);
  const Call* const own = call_of(client.user);
  const Call* const theirs = call_of(target);
  if (own != nullptr && own == theirs) {
    if (relay_offer(client, offer.payload)) return Placed::Yes;
    return refused(ErrorCode::Busy);
  }
  if (own != nullptr || theirs != nullptr) {
    record(client.user, target, in_chat, "ended busy 0s");
    return refused(ErrorCode::Busy);
  }
  if (std::ranges::none_of(clients_, [&](const Client& other) { return other.user == target; })) {
    record(client.user, target, in_chat, "ended offline 0s");
    return refused(ErrorCode::Offline);
  }
  if (draining_ || calls_.size() >= options_.calls_max) return refused(ErrorCode::Unavailable);
  start(client, offer, target);
  return Placed::Yes;
}

void PairModel::start(Client& client, const Pending& offer, const UserId& target) {
  Call& call = calls_.emplace_back();
  call.serial = next_serial_++;
  call.caller = client.user;
  call.callee = target;
  if (const auto* const chat = std::get_if<ChatId>(&offer.target)) call.chat = *chat;
  call.ring_until = now_.mono + options_.ring_timeout;
  call.caller_seat = {.user = client.user, .name = client.name, .device = client.id, .due = {}, .held = {}};
  call.offer = offer.payload;
  record(call.caller, call.callee, call.chat, "ringing 0s");
  ring_more(call);
}

void PairModel::release(Client& client, const std::vector<Held>& held, Placed placed) {
  for (const Held& candidate_held : held) {
    const Place place = place_of(client.id);
    if (place.call == nullptr) return;
    if (candidate_held.call == place.call->serial || (candidate_held.call == 0 && placed == Placed::Yes)) {
      candidate(client, candidate_held.payload);
    }
  }
}

/// False when it is refused as busy.
bool PairModel::relay_offer(Client& client, const std::string& payload) {
  const Place place = place_of(client.id);
  if (place.call == nullptr) return false;
  Call& call = *place.call;
  const Message message{Kind::Offer, payload};
  if (call.active) {
    static_cast<void>(say(call, *place.seat, message));
    return true;
  }
  if (place.seat == &call.caller_seat) {
    call.offer = payload;
    for (Seat& seat : call.callee_seats) {
      if (seat.device) static_cast<void>(send(call, seat, message));
    }
    return true;
  }
  for (const Seat& seat : call.callee_seats) {
    if (seat.crossed && &seat != place.seat) return false;
  }
  place.seat->crossed = true;
  if (!send(call, call.caller_seat, message)) return true;
  const auto held = std::exchange(place.seat->held, {});
  for (const std::string& candidate_held : held) {
    if (!send(call, call.caller_seat, {Kind::Ice, candidate_held})) return true;
  }
  return true;
}

// ---- answers, candidates, hangups -----------------------------------------------------------------------------------

/// To the other side of an active call. False when that ended the call.
bool PairModel::say(Call& call, Seat& from, const Message& message) {
  return send(call, &from == &call.caller_seat ? call.callee_seats.front() : call.caller_seat, message);
}

bool PairModel::send(Call& call, Seat& to, const Message& message) {
  if (to.device) {
    const UserId& from = to.user == call.caller ? call.callee : call.caller;
    switch (message.kind) {
      case Kind::Offer: tell(*to.device, "offer " + message.payload + " from " + from.value()); break;
      case Kind::Answer: tell(*to.device, "answer " + message.payload); break;
      case Kind::Ice: tell(*to.device, "ice " + message.payload); break;
    }
    return true;
  }
  if (fits(to.due, message.payload, options_.for_missing_device)) {
    to.due.push_back(message);
    return true;
  }
  end(call, EndReason::Disconnected);
  return false;
}

void PairModel::on(const call::Answer& c) {
  Client* const client = speaker(c.connection, nullptr);
  if (client == nullptr) return;
  const Place place = place_of(c.connection);
  if (place.call == nullptr) return refuse(*client, ErrorCode::NotInCall);
  Call& call = *place.call;
  const bool is_caller = place.seat == &call.caller_seat;
  const bool crossed = std::ranges::any_of(call.callee_seats, &Seat::crossed);
  if (!call.active && is_caller && !crossed) return refuse(*client, ErrorCode::NotInCall);
  const auto withdrawn = std::exchange(client->pending, std::nullopt);
  if (call.active) {
    static_cast<void>(say(call, *place.seat, {Kind::Answer, c.payload}));
  } else if (is_caller) {
    answer_crossing(call, c.payload);
  } else {
    const auto winner = static_cast<std::size_t>(place.seat - call.callee_seats.data());
    bool alive = send(call, call.caller_seat, {Kind::Answer, c.payload});
    const auto held = alive ? std::exchange(place.seat->held, {}) : std::vector<std::string>{};
    for (const std::string& candidate_held : held) {
      alive = alive && send(call, call.caller_seat, {Kind::Ice, candidate_held});
    }
    if (alive) activate(call, winner);
  }
  if (withdrawn) release(*client, withdrawn->candidates, Placed::No);
}

void PairModel::answer_crossing(Call& call, const std::string& payload) {
  const auto winner = std::ranges::find(call.callee_seats, true, &Seat::crossed);
  if (!winner->device) {
    for (std::size_t i = winner->seen; i < call.candidates.size(); ++i) {
      if (!send(call, *winner, {Kind::Ice, call.candidates[i]})) return;
    }
  }
  if (!send(call, *winner, {Kind::Answer, payload})) return;
  activate(call, static_cast<std::size_t>(winner - call.callee_seats.begin()));
}

void PairModel::activate(Call& call, std::size_t winner) {
  for (std::size_t i = 0; i < call.callee_seats.size(); ++i) {
    const Seat& seat = call.callee_seats[i];
    if (i != winner && seat.device) {
      tell(*seat.device, hangup_line(HangupReason::AnsweredElsewhere, "", call::ReasonFrom::Server));
      leave(call, *seat.device);
    }
  }
  Seat seat = call.callee_seats[winner];
  call.callee_seats = {std::move(seat)};
  call.candidates.clear();
  call.active = true;
  call.answered = now_.mono;
  record(call.caller, call.callee, call.chat, "active 0s");
}

void PairModel::on(const call::Ice& c) {
  Client* const client = speaker(c.connection, nullptr);
  if (client == nullptr) return;
  const Place place = place_of(c.connection);
  if (client->pending) {
    auto& held = client->pending->candidates;
    if (!fits(held, c.payload, options_.candidates)) return refuse(*client, ErrorCode::BadMessage);
    held.push_back({c.payload, place.call != nullptr ? place.call->serial : 0});
    return;
  }
  if (place.call != nullptr) return candidate(*client, c.payload);
  const bool just_left = client->left_call_at && now_.mono - *client->left_call_at < options_.early_ice_hold;
  if (just_left || call_of(client->user) != nullptr || options_.early_ice_hold == Duration::zero() ||
      !fits(client->loose, c.payload, options_.candidates)) {
    return refuse(*client, ErrorCode::NotInCall);
  }
  client->loose.push_back({c.payload, now_.mono + options_.early_ice_hold});
}

/// Of a device with a seat.
void PairModel::candidate(Client& client, const std::string& payload) {
  const Place place = place_of(client.id);
  Call& call = *place.call;
  const Message message{Kind::Ice, payload};
  if (call.active) {
    static_cast<void>(say(call, *place.seat, message));
  } else if (place.seat == &call.caller_seat) {
    for (Seat& seat : call.callee_seats) {
      if (seat.device) static_cast<void>(send(call, seat, message));
    }
    if (fits(call.candidates, payload, options_.candidates)) call.candidates.push_back(payload);
  } else if (place.seat->crossed) {
    static_cast<void>(send(call, call.caller_seat, message));
  } else if (fits(place.seat->held, payload, options_.candidates)) {
    place.seat->held.push_back(payload);
  } else {
    refuse(client, ErrorCode::BadMessage);
  }
}

void PairModel::on(const call::Hangup& c) {
  Client* const client = speaker(c.connection, nullptr);
  if (client == nullptr) return;
  const bool withdrew = std::exchange(client->pending, std::nullopt).has_value();
  const Place place = place_of(c.connection);
  if (place.call == nullptr) {
    if (!withdrew) refuse(*client, ErrorCode::NotInCall);
    return;
  }
  const bool is_caller = place.seat == &place.call->caller_seat;
  const EndReason reason = place.call->active ? EndReason::Hangup
                           : is_caller        ? EndReason::Canceled
                                              : EndReason::Declined;
  end(*place.call, reason, place.seat, c.payload, c.reason ? call::ReasonFrom::Client : call::ReasonFrom::Server);
}

// ---- ends -----------------------------------------------------------------------------------------------------------

void PairModel::end(Call& call, EndReason reason, const Seat* by, const std::string& payload,
                    call::ReasonFrom reason_from) {
  const auto bid_farewell = [&](const Seat& seat) {
    if (!seat.device) return;
    leave(call, *seat.device);
    if (&seat == by) return;
    const bool other_side = by != nullptr && by->user != seat.user;
    tell(*seat.device, other_side ? hangup_line(told_as(reason), payload, reason_from)
                                  : hangup_line(told_as(reason), "", call::ReasonFrom::Server));
  };
  bid_farewell(call.caller_seat);
  for (const Seat& seat : call.callee_seats) bid_farewell(seat);
  const auto lasted = call.active ? std::chrono::floor<seconds>(now_.mono - call.answered).count() : 0;
  record(call.caller, call.callee, call.chat,
         "ended " + std::string{to_text(reason)} + " " + std::to_string(lasted) + "s");
  calls_.remove_if([&call](const Call& other) { return &other == &call; });
}

/// Ends the call when its time is over; else seats that are over go to devices that had none.
void PairModel::expire(Call& call) {
  const auto over = [this](const Seat& seat) { return !seat.device && seat.missing_until <= now_.mono; };
  if (!call.active && call.ring_until <= now_.mono) return end(call, EndReason::NoAnswer);
  if (over(call.caller_seat) || (call.active && over(call.callee_seats.front()))) {
    return end(call, EndReason::Disconnected);
  }
  if (call.active) return;
  std::erase_if(call.callee_seats, over);
  ring_more(call);
  if (call.callee_seats.empty()) end(call, EndReason::Disconnected);
}

void PairModel::on(const call::Hello& c) {
  if (Client* const client = find(c.connection)) client->hello = true;
}

void PairModel::on(const call::WatchPresence& c) {
  const Client* const client = find(c.connection);
  if (client != nullptr && !client->hello) refuse(*client, ErrorCode::BadMessage);
}

void PairModel::on(const call::Drain&) {
  draining_ = true;
}

void PairModel::on(const call::Shutdown&) {
  draining_ = true;
  while (!calls_.empty()) end(calls_.front(), EndReason::ServerShutdown);
  for (Client& client : clients_) {
    if (!client.pending) continue;
    client.pending.reset();
    refuse(client, ErrorCode::Unavailable);
  }
}

}  // namespace zvonok::sim
