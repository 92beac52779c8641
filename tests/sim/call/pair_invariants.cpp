#include "pair_invariants.h"

#include <charconv>
#include <sstream>

#include "pair_lines.h"

namespace zvonok::sim {
namespace {

void must(bool condition, const std::string& what) {
  if (!condition) throw Violation(what);
}

std::string name_of(ConnectionId id) {
  return "#" + std::to_string(id.value());
}

}  // namespace

std::string Tag::text() const {
  return user.value() + "|" + std::to_string(connection.value()) + "|" + std::to_string(sequence) + "|" + call + "|";
}

Tag Tag::parse(const std::string& payload) {
  std::istringstream in{payload};
  std::string part;
  Tag tag;
  std::getline(in, part, '|');
  tag.user = UserId{part};
  std::getline(in, part, '|');
  tag.connection = ConnectionId{std::stoull(part)};
  std::getline(in, part, '|');
  tag.sequence = std::stoull(part);
  std::getline(in, tag.call, '|');
  return tag;
}

// ---- what goes in ---------------------------------------------------------------------------------------------------

void PairInvariants::command(const call::Command& command, const Now& now, const call::Effects& effects) {
  may_attempt_ = std::holds_alternative<call::Offer>(command) || std::holds_alternative<call::TargetFound>(command);
  acting_ = std::visit(
      [](const auto& c) -> std::optional<ConnectionId> {
        if constexpr (requires { c.connection; }) {
          return c.connection;
        } else {
          return std::nullopt;
        }
      },
      command);
  if (const auto* connect = std::get_if<call::DeviceConnected>(&command)) connected(*connect);
  if (const auto* hello = std::get_if<call::Hello>(&command)) {
    if (const auto found = clients_.find(hello->connection); found != clients_.end()) found->second.hello = true;
  }
  if (std::holds_alternative<call::Offer>(command) || std::holds_alternative<call::Answer>(command) ||
      std::holds_alternative<call::Ice>(command) || std::holds_alternative<call::Hangup>(command)) {
    spoke(*acting_);
  }
  if (const auto* drop = std::get_if<call::DeviceDisconnected>(&command)) gone(drop->connection);
  observe(now, effects);
  if (!may_attempt_) must(attempts_ == 0, "an attempt without an offer");
  must(attempts_ <= 1, "one offer, several records");
}

void PairInvariants::timeout(const Now& now, const call::Effects& effects) {
  acting_.reset();
  may_attempt_ = false;
  observe(now, effects);
  must(attempts_ == 0, "an attempt without an offer");
}

void PairInvariants::connected(const call::DeviceConnected& c) {
  for (auto& [id, call] : open_) {
    bool heir = call.orphans.erase({c.user, c.device}) > 0;
    for (const ConnectionId device : call.devices) {
      const auto old = clients_.find(device);
      if (old != clients_.end() && old->second.user == c.user && old->second.name == c.device && !c.device.empty()) {
        heir = true;
      }
    }
    if (!heir) continue;
    call.devices.insert(c.connection);
    ++tally_.heirs;
  }
  clients_[c.connection] = {.user = c.user, .name = c.device};
}

/// A device that speaks may take the place of its like that has dropped.
void PairInvariants::spoke(ConnectionId id) {
  const auto found = clients_.find(id);
  if (found == clients_.end()) return;
  for (auto& [call_id, call] : open_) {
    if (call.devices.contains(id) || call.dismissed.contains(id) ||
        !call.orphans.contains({found->second.user, found->second.name}))
      continue;
    call.devices.insert(id);
    ++tally_.heirs;
  }
}

void PairInvariants::gone(ConnectionId id) {
  const auto found = clients_.find(id);
  if (found == clients_.end()) return;
  for (auto& [call_id, call] : open_) {
    if (call.devices.erase(id) > 0) call.orphans.insert({found->second.user, found->second.name});
  }
  clients_.erase(found);
}

// ---- what comes out -------------------------------------------------------------------------------------------------

void PairInvariants::observe(const Now& now, const call::Effects& effects) {
  attempts_ = 0;
  // Records first: messages of a new call may come before its record, and those of its end as well.
  for (const call::Effect& effect : effects) {
    if (const auto* save = std::get_if<call::SaveRecord>(&effect)) record(save->record, now);
  }
  for (const call::Effect& effect : effects) deliver(effect);
  closing_.clear();
}

void PairInvariants::record(const call::CallRecord& record, const Now& now) {
  const std::string& id = record.id.value();
  must(!ended_.contains(id), "a record after the end of " + id);
  must(record.reason.has_value() == (record.state == call::CallState::Ended), "a reason is of ended calls");
  must(record.ended_at.has_value() == (record.state == call::CallState::Ended), "an end is of ended calls");
  check_times(record);
  const auto known = open_.find(id);
  if (known == open_.end()) return check_new(record, now);
  Call& call = known->second;
  must(record.caller == call.record.caller && record.callee == call.record.callee && record.chat == call.record.chat &&
           record.started_at == call.record.started_at && record.ringing_at == call.record.ringing_at,
       "a record was rewritten");
  const bool was_active = call.record.state == call::CallState::Active;
  if (record.state == call::CallState::Active) {
    must(!was_active, "answered twice: " + id);
    call.answered = now.mono;
    ++tally_.answered;
  } else {
    must(record.state == call::CallState::Ended, "a call can't ring again");
    must(record.answered_at == call.record.answered_at, "the time of the answer changed");
    const auto lasted = was_active ? std::chrono::floor<seconds>(now.mono - call.answered).count() : 0;
    must(record.duration_seconds == lasted, "duration");
    ++tally_.ended[std::string{to_text(*record.reason)}];
    ended_.insert(id);
  }
  call.record = record;
  if (record.state == call::CallState::Ended) closing_.insert(open_.extract(known));
}

void PairInvariants::check_new(const call::CallRecord& record, const Now& now) {
  ++attempts_;
  ++tally_.attempts;
  must(record.caller != record.callee, "a call to oneself");
  must(record.started_at == now.wall, "a call starts now");
  must(record.kind == call::CallKind::Pair && record.id.value().size() == 36, "kind and id");
  if (record.state == call::CallState::Ended) {
    must(record.reason == call::EndReason::Busy || record.reason == call::EndReason::Offline, "ended before it began");
    must(!record.ringing_at && !record.answered_at && record.duration_seconds == 0, "a refused attempt rang");
    ++tally_.ended[std::string{to_text(*record.reason)}];
    ended_.insert(record.id.value());
    return;
  }
  must(record.state == call::CallState::Ringing, "answered before it began");
  must(find_call(record.caller) == nullptr && find_call(record.callee) == nullptr, "two calls of one user");
  open_[record.id.value()].record = record;
}

void PairInvariants::check_times(const call::CallRecord& record) {
  WallTime last = record.started_at;
  for (const auto& next : {record.ringing_at, record.answered_at, record.ended_at}) {
    if (!next) continue;
    must(*next >= last, "started <= ringing <= answered <= ended");
    last = *next;
  }
}

void PairInvariants::deliver(const call::Effect& effect) {
  if (const auto to = receiver_of(effect))
    must(clients_.contains(*to), "a message to " + name_of(*to) + ", which is gone");
  std::visit(Overloaded{
                 [&](const call::DeliverOffer& e) { offer(e); },
                 [&](const call::DeliverAnswer& e) { message(e.to, Tag::parse(e.payload)); },
                 [&](const call::DeliverIce& e) { candidate(e); },
                 [&](const call::DeliverHangup& e) { hangup(e); },
                 [&](const call::DeliverError& e) {
                   // Without a command of its own a socket hears an error of an early candidate, of a look-up, or of
                   // the server's end only.
                   must(!acting_ || e.to == *acting_, "an error for somebody else");
                   ++tally_.errors[std::string{to_text(e.code)}];
                 },
                 [&](const call::DeliverCallStarted& e) { added(e.to, e.call, &e.peer); },
                 [&](const call::DeliverRinging& e) { added(e.to, e.call, nullptr); },
                 [&](const call::DeliverAnswered& e) { added(e.to, e.call, nullptr); },
                 [&](const call::DeliverPeerState& e) { added(e.to, e.call, nullptr); },
                 [&](const call::DeliverServerHello& e) {
                   must(acting_ == e.to && e.user == client(e.to).user, "whose hello");
                   if (e.call) added(e.to, e.call->call, &e.call->peer);
                 },
                 [&](const call::DeliverPresence& e) { must(client(e.to).hello, "presence without a hello"); },
                 [&](const call::CloseConnection& e) { gone(e.connection); },
                 [](const call::SaveRecord&) {},
                 [](const call::LookUpTarget&) {},
             },
             effect);
}

const PairInvariants::Client& PairInvariants::client(ConnectionId id) const {
  return clients_.at(id);
}

PairInvariants::Call* PairInvariants::find_call(const UserId& user) {
  for (auto* calls : {&open_, &closing_}) {
    for (auto& [id, call] : *calls) {
      if (call.record.caller == user || call.record.callee == user) return &call;
    }
  }
  return nullptr;
}

std::string PairInvariants::call_of(ConnectionId connection) const {
  for (const auto& [id, call] : open_) {
    if (call.involved.contains(connection) && !call.dismissed.contains(connection)) return id;
  }
  return {};
}

PairInvariants::Call& PairInvariants::call_between(ConnectionId to, const UserId& sender) {
  Call* const call = find_call(sender);
  must(call != nullptr, "a message of " + sender.value() + ", who is in no call, to " + name_of(to));
  must(call == find_call(client(to).user) && client(to).user != sender,
       "a message of " + sender.value() + " to " + name_of(to) + ", who is not in a call with them");
  return *call;
}

void PairInvariants::message(ConnectionId to, const Tag& tag) {
  Call& call = call_between(to, tag.user);
  must(call.devices.contains(to), "a message to " + name_of(to) + ", which is not part of the call");
  must(!call.dismissed.contains(to), "a message to " + name_of(to) + " after its hangup");
  call.involved.insert(to);
  ++tally_.delivered;
}

void PairInvariants::candidate(const call::DeliverIce& effect) {
  const Tag tag = Tag::parse(effect.payload);
  message(effect.to, tag);
  must(tag.call.empty() || tag.call == call_between(effect.to, tag.user).record.id.value(),
       "a candidate of another call");
  std::uint64_t& newest = ice_[{tag.connection, effect.to}];
  must(tag.sequence >= newest, "candidates of " + name_of(tag.connection) + " out of order at " + name_of(effect.to));
  newest = tag.sequence;
}

void PairInvariants::offer(const call::DeliverOffer& effect) {
  const Tag tag = Tag::parse(effect.payload);
  must(effect.from == tag.user, "an offer in somebody else's name");
  Call& call = call_between(effect.to, tag.user);
  if (tag.user == call.record.caller && call.record.state == call::CallState::Ringing) {
    if (call.devices.empty()) call.involved.insert(tag.connection);
    call.devices.insert(tag.connection);
    call.devices.insert(effect.to);  // rung
  }
  message(effect.to, tag);
}

void PairInvariants::hangup(const call::DeliverHangup& effect) {
  if (!effect.payload.empty()) {
    must(client(effect.to).user != Tag::parse(effect.payload).user, "one's own hangup");
    static_cast<void>(call_between(effect.to, Tag::parse(effect.payload).user));
  }
  Call* const call = find_call(client(effect.to).user);
  must(call != nullptr, "a hangup without a call");
  must(call->devices.contains(effect.to), "a hangup for " + name_of(effect.to) + ", which is not part of the call");
  must(call->dismissed.insert(effect.to).second, "two hangups for one device");
  const bool elsewhere = effect.reason == call::HangupReason::AnsweredElsewhere;
  must(!elsewhere || call->record.answered_at, "answered elsewhere without an answer");
  must(elsewhere || call->record.state == call::CallState::Ended, "a hangup of a call that goes on");
  must(elsewhere || to_text(effect.reason) == to_text(*call->record.reason), "the reason of a hangup");
  must(!elsewhere || client(effect.to).user == call->record.callee, "answered elsewhere by the caller");
}

void PairInvariants::added(ConnectionId to, const CallId& id, const UserId* peer) {
  must(client(to).hello, "an added event without a hello");
  const Call* const call = find_call(client(to).user);
  must(call != nullptr && call->record.id == id, "an added event of another call");
  const bool is_caller = call->record.caller == client(to).user;
  must(peer == nullptr || *peer == (is_caller ? call->record.callee : call->record.caller), "the peer's name");
}

void PairInvariants::at_the_end() const {
  must(open_.empty(), "a call without an end");
  must(clients_.empty(), "a socket that was not closed");
  must(ended_.size() == tally_.attempts, "one record, ended, for each attempt");
}

}  // namespace zvonok::sim
