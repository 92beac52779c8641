#include "call/tunnel_calls.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "call/presence_news.h"

namespace zvonok::call::tunnel {
namespace {

void refuse(ConnectionId to, Error error, const std::optional<CallId>& call, Effects& effects) {
  effects.emplace_back(CallError{.to = to, .error = error, .call = call});
}

}  // namespace

TunnelCalls::TunnelCalls(Options options, Presence& presence, Entropy& entropy)
    : options_{options}, presence_{presence}, entropy_{entropy} {}

void TunnelCalls::handle(Command command, const Now& now, Effects& effects) {
  std::visit([&](auto& which) { on(which, now, effects); }, command);
}

TunnelCall* TunnelCalls::find_call(const CallId& id) {
  const auto call = by_id_.find(id);
  return call == by_id_.end() ? nullptr : call->second;
}

TunnelCall* TunnelCalls::call_of(const UserId& user) {
  const auto call = by_user_.find(user);
  return call == by_user_.end() ? nullptr : call->second;
}

// ---- placing a call -------------------------------------------------------------------------------------------------

void TunnelCalls::on(Initiate& command, const Now& now, Effects& effects) {
  const auto from = endpoints_.find(command.connection);
  if (from == endpoints_.end()) return;
  if (from->second.lookup) return refuse(from->first, Error::StillPlacing, {}, effects);
  if (command.callee == from->second.user) return refuse(from->first, Error::CallYourself, {}, effects);
  if (presence_.is_online(command.callee)) return place(from->first, command.callee, now, effects);
  // Not there, or not a user at all: only the store knows.
  const LookupId lookup{next_lookup_++};
  lookups_.emplace(lookup, Lookup{.from = from->first, .callee = command.callee});
  from->second.lookup = lookup;
  effects.emplace_back(LookUpCallee{.lookup = lookup, .user = command.callee});
}

std::optional<TunnelCalls::Lookup> TunnelCalls::take_lookup(LookupId id) {
  const auto found = lookups_.find(id);
  if (found == lookups_.end()) return std::nullopt;  // whoever asked has gone
  Lookup lookup = std::move(found->second);
  lookups_.erase(found);
  endpoints_.at(lookup.from).lookup.reset();
  return lookup;
}

void TunnelCalls::on(CalleeFound& command, const Now& now, Effects& effects) {
  if (const auto lookup = take_lookup(command.lookup)) place(lookup->from, lookup->callee, now, effects);
}

void TunnelCalls::on(CalleeMissing& command, const Now&, Effects& effects) {
  if (const auto lookup = take_lookup(command.lookup)) refuse(lookup->from, Error::UserNotFound, {}, effects);
}

void TunnelCalls::on(CalleeUnknown& command, const Now&, Effects& effects) {
  if (const auto lookup = take_lookup(command.lookup)) refuse(lookup->from, Error::Unavailable, {}, effects);
}

std::optional<Error> TunnelCalls::obstacle(const UserId& caller, const UserId& callee) const {
  if (draining_ || calls_.size() >= options_.calls_max) return Error::Unavailable;
  if (presence_.is_engaged(caller)) return Error::InAnotherCall;
  if (presence_.is_engaged(callee)) return Error::UserBusy;
  if (presence_.has_device(callee, Dialect::SocketIo)) return std::nullopt;
  return presence_.is_online(callee) ? Error::OtherKind : Error::UserOffline;
}

void TunnelCalls::place(ConnectionId from, const UserId& callee, const Now& now, Effects& effects) {
  const UserId& caller = endpoints_.at(from).user;
  const std::optional<Error> error = obstacle(caller, callee);
  if (!error) return start(from, callee, now, effects);
  refuse(from, *error, {}, effects);
  if (*error == Error::Unavailable) return;  // nobody's missed call: the server's own fault
  const bool busy = *error == Error::InAnotherCall || *error == Error::UserBusy;
  save_refused(caller, callee, busy ? EndReason::Busy : EndReason::Offline, now, effects);
}

void TunnelCalls::save_refused(const UserId& caller, const UserId& callee, EndReason reason, const Now& now,
                               Effects& effects) {
  effects.emplace_back(SaveRecord{{.id = CallId{make_ordered_uuid(entropy_, now.wall, next_serial_++)},
                                   .kind = CallKind::Tunnel,
                                   .state = CallState::Ended,
                                   .caller = caller,
                                   .callee = callee,
                                   .chat = {},
                                   .started_at = now.wall,
                                   .ringing_at = {},
                                   .answered_at = {},
                                   .ended_at = now.wall,
                                   .reason = reason,
                                   .duration_seconds = 0}});
}

void TunnelCalls::start(ConnectionId from, const UserId& callee, const Now& now, Effects& effects) {
  const Endpoint& caller = endpoints_.at(from);
  const std::uint64_t serial = next_serial_++;
  auto owned = std::make_unique<TunnelCall>();
  TunnelCall& call = *owned;
  call.serial = serial;
  call.record = {.id = CallId{make_ordered_uuid(entropy_, now.wall, serial)},
                 .kind = CallKind::Tunnel,
                 .state = CallState::Ringing,
                 .caller = caller.user,
                 .callee = callee,
                 .chat = {},
                 .started_at = now.wall,
                 .ringing_at = now.wall,
                 .answered_at = {},
                 .ended_at = {},
                 .reason = {},
                 .duration_seconds = 0};
  call.phase_until = now.mono + options_.ring_timeout;
  calls_.emplace(serial, std::move(owned));
  by_id_.emplace(call.record.id, &call);
  for (const UserId* user : {&call.record.caller, &call.record.callee}) {
    by_user_.emplace(*user, &call);
    presence_.engage(*user);
  }
  take_seat(call, Role::Caller, from);
  effects.emplace_back(
      CallInitiated{.to = from, .call = call.record.id, .caller = call.record.caller, .callee = call.record.callee});
  for (const ConnectionId device : presence_.devices_of(callee, Dialect::SocketIo)) ring(call, device, effects);
  effects.emplace_back(SaveRecord{call.record});
  arm(call);
}

// ---- messages about a call ------------------------------------------------------------------------------------------

std::optional<TunnelCalls::Party> TunnelCalls::party(ConnectionId from, const CallId& id, Error stranger,
                                                     Effects& effects) {
  const auto endpoint = endpoints_.find(from);
  if (endpoint == endpoints_.end()) return std::nullopt;
  TunnelCall* const call = find_call(id);
  if (call == nullptr) {
    refuse(from, Error::CallNotFound, id, effects);
    return std::nullopt;
  }
  const std::optional<Role> role = call->role_of(endpoint->second.user);
  if (!role) {
    refuse(from, stranger, id, effects);
    return std::nullopt;
  }
  return Party{.call = *call, .role = *role};
}

void TunnelCalls::on(Accept& command, const Now& now, Effects& effects) {
  const auto found = party(command.connection, command.call, Error::NotAuthorizedToAccept, effects);
  if (!found) return;
  TunnelCall& call = found->call;
  const CallId& id = call.record.id;
  if (found->role != Role::Callee) return refuse(command.connection, Error::NotAuthorizedToAccept, id, effects);
  if (call.phase != Phase::Ringing) return refuse(command.connection, Error::AlreadyAccepted, id, effects);
  for (const ConnectionId device : std::exchange(call.rung, {})) {
    if (device == command.connection) continue;
    effects.emplace_back(CallOver{.to = device, .call = id, .over = Over::AnsweredElsewhere});
  }
  call.callee_missing_until = kNever;
  take_seat(call, Role::Callee, command.connection);
  call.phase = Phase::Opening;
  call.phase_until = now.mono + options_.setup_timeout;
  call.answered = now.mono;
  call.record.state = CallState::Active;
  call.record.answered_at = std::max(now.wall, call.record.started_at);
  if (call.caller.device) effects.emplace_back(CallAccepted{.to = *call.caller.device, .call = id});
  effects.emplace_back(OpenTunnel{.call = id, .caller = call.record.caller, .callee = call.record.callee});
  effects.emplace_back(SaveRecord{call.record});
  arm(call);
}

void TunnelCalls::on(TunnelOpened& command, const Now&, Effects& effects) {
  TunnelCall* const call = find_call(command.call);
  if (call == nullptr || call->phase != Phase::Opening) return;
  call->phase = Phase::Connecting;
  for (const Role role : {Role::Caller, Role::Callee}) send_config(*call, role, effects);
}

void TunnelCalls::send_config(TunnelCall& call, Role role, Effects& effects) {
  const Side& side = call.side(role);
  if (side.device) effects.emplace_back(ConfigReceived{.to = *side.device, .call = call.record.id, .role = role});
}

void TunnelCalls::on(TunnelRefused& command, const Now& now, Effects& effects) {
  TunnelCall* const call = find_call(command.call);
  if (call == nullptr || call->phase != Phase::Opening) return;
  for (const Side* side : {&call->caller, &call->callee}) {
    if (side->device) refuse(*side->device, Error::Unavailable, command.call, effects);
  }
  end(*call, {.reason = EndReason::Failed, .to_caller = Over::TunnelFailed, .to_callee = Over::TunnelFailed, .by = {}},
      now, effects);
}

void TunnelCalls::on(TunnelLost& command, const Now& now, Effects& effects) {
  TunnelCall* const call = find_call(command.call);
  if (call == nullptr || call->phase == Phase::Ringing) return;
  end(*call, {.reason = EndReason::Failed, .to_caller = Over::TunnelFailed, .to_callee = Over::TunnelFailed, .by = {}},
      now, effects);
}

void TunnelCalls::on(Ready& command, const Now& now, Effects& effects) {
  const auto found = party(command.connection, command.call, Error::NotAuthorized, effects);
  if (!found) return;
  auto& [call, role] = *found;
  if (call.phase == Phase::Ringing || call.phase == Phase::Opening) {
    return refuse(command.connection, Error::NotAccepted, call.record.id, effects);
  }
  Side& side = call.side(role);
  take_seat(call, role, command.connection);
  if (std::exchange(side.ready, true)) return arm(call);
  const Side& peer = call.side(other(role));
  if (peer.device) {
    effects.emplace_back(PeerConnected{.to = *peer.device, .call = call.record.id, .role = other(role)});
  }
  if (peer.ready) {
    call.phase = Phase::Active;
    call.phase_until = now.mono + options_.length_max;
  }
  arm(call);
}

/// To whoever is not there nothing is kept: the ends say it again when they come back.
void TunnelCalls::on(Relay& command, const Now& now, Effects& effects) {
  const auto found = party(command.connection, command.call, Error::NotAuthorized, effects);
  if (!found) return;
  auto& [call, role] = *found;
  if (call.phase == Phase::Ringing) {
    return refuse(command.connection, Error::NotAccepted, call.record.id, effects);
  }
  Side& side = call.side(role);
  if (!side.words) side.words.emplace(options_.words, now.mono);
  if (!side.words->take(1, now.mono)) {
    return refuse(command.connection, Error::TooManyWords, call.record.id, effects);
  }
  take_seat(call, role, command.connection);
  arm(call);
  const Side& peer = call.side(other(role));
  if (!peer.device) return;
  effects.emplace_back(Relayed{.to = *peer.device, .call = call.record.id, .data = std::move(command.data)});
}

void TunnelCalls::on(Reject& command, const Now& now, Effects& effects) {
  const auto found = party(command.connection, command.call, Error::NotAuthorized, effects);
  if (!found) return;
  TunnelCall& call = found->call;
  if (found->role != Role::Callee) return refuse(command.connection, Error::NotAuthorized, command.call, effects);
  if (call.phase != Phase::Ringing) return refuse(command.connection, Error::AlreadyAccepted, command.call, effects);
  if (call.caller.device) effects.emplace_back(CallRejected{.to = *call.caller.device, .call = call.record.id});
  call.caller.device.reset();  // has been told
  end(call,
      {.reason = EndReason::Declined,
       .to_caller = Over::Declined,
       .to_callee = Over::Declined,
       .by = command.connection},
      now, effects);
}

void TunnelCalls::on(Hangup& command, const Now& now, Effects& effects) {
  const auto found = party(command.connection, command.call, Error::NotAuthorized, effects);
  if (!found) return;
  TunnelCall& call = found->call;
  Ending ending{.reason = EndReason::Hangup, .to_caller = Over::Hangup, .to_callee = Over::Hangup, .by = {}};
  if (call.phase == Phase::Ringing) {
    const bool canceled = found->role == Role::Caller;
    ending.reason = canceled ? EndReason::Canceled : EndReason::Declined;
    ending.to_callee = canceled ? Over::Canceled : Over::Declined;
  }
  ending.by = command.connection;
  end(call, ending, now, effects);
}

/// The device that speaks for its user is the one in the call, even if another one of the user was before: apps come
/// back on a new socket long before the old one is known to be dead.
void TunnelCalls::take_seat(TunnelCall& call, Role role, ConnectionId device) {
  Side& side = call.side(role);
  side.device = device;
  side.name = endpoints_.at(device).name;
  side.missing_until = kNever;
}

// ---- devices coming and going ---------------------------------------------------------------------------------------

void TunnelCalls::on(Connected& command, const Now& now, Effects& effects) {
  const auto same_device = presence_.find_named(command.user, command.device, Dialect::SocketIo);
  const PresenceChange change = presence_.connect(
      {.connection = command.connection, .user = command.user, .name = command.device, .dialect = Dialect::SocketIo});
  endpoints_.emplace(command.connection, Endpoint{.user = command.user, .name = command.device, .lookup = {}});
  tell_watchers(presence_, command.user, change, effects);
  if (TunnelCall* const call = call_of(command.user)) {
    const Role role = *call->role_of(command.user);
    if (call->phase == Phase::Ringing && role == Role::Callee) {
      ring(*call, command.connection, effects);
    } else if (!call->side(role).device) {
      resume(*call, role, command.connection, effects);
    }
    arm(*call);
  }
  if (!same_device) return;
  effects.emplace_back(CloseConnection{.connection = *same_device, .reason = CloseReason::Replaced});
  drop(*same_device, now, effects);
}

void TunnelCalls::ring(TunnelCall& call, ConnectionId device, Effects& effects) {
  if (call.rung.size() >= options_.rung_devices_max) return;
  call.rung.push_back(device);
  call.callee_missing_until = kNever;
  effects.emplace_back(
      IncomingCall{.to = device, .call = call.record.id, .caller = call.record.caller, .callee = call.record.callee});
}

/// A device that has come back, or takes over, hears again what its side has to know.
void TunnelCalls::resume(TunnelCall& call, Role role, ConnectionId device, Effects& effects) {
  take_seat(call, role, device);
  const CallId& id = call.record.id;
  if (role == Role::Caller) {
    effects.emplace_back(
        CallInitiated{.to = device, .call = id, .caller = call.record.caller, .callee = call.record.callee});
    if (call.phase != Phase::Ringing) effects.emplace_back(CallAccepted{.to = device, .call = id});
  }
  if (call.phase == Phase::Connecting || call.phase == Phase::Active) send_config(call, role, effects);
  if (call.side(other(role)).ready) effects.emplace_back(PeerConnected{.to = device, .call = id, .role = role});
}

void TunnelCalls::on(Disconnected& command, const Now& now, Effects& effects) {
  drop(command.connection, now, effects);
}

void TunnelCalls::drop(ConnectionId connection, const Now& now, Effects& effects) {
  const auto endpoint = endpoints_.find(connection);
  if (endpoint == endpoints_.end()) return;
  if (endpoint->second.lookup) lookups_.erase(*endpoint->second.lookup);
  const UserId user = std::move(endpoint->second.user);
  endpoints_.erase(endpoint);
  const PresenceChange change = presence_.disconnect(connection);
  tell_watchers(presence_, user, change, effects);
  TunnelCall* const call = call_of(user);
  if (call == nullptr) return;
  const Role role = *call->role_of(user);
  if (role == Role::Callee && call->phase == Phase::Ringing) {
    std::erase(call->rung, connection);
    if (call->rung.empty() && call->callee_missing_until == kNever) {
      call->callee_missing_until = now.mono + options_.reconnect_grace;
    }
  } else if (call->side(role).device == connection) {
    lose_seat(*call, role, now, effects);
  }
  expire(*call, now, effects);
}

/// Another socket of the same device may have been there for a while: then the side goes on with the newest.
void TunnelCalls::lose_seat(TunnelCall& call, Role role, const Now& now, Effects& effects) {
  Side& side = call.side(role);
  side.device.reset();
  const UserId& user = role == Role::Caller ? call.record.caller : call.record.callee;
  for (const ConnectionId device : presence_.devices_of(user, Dialect::SocketIo)) {
    if (endpoints_.at(device).name == side.name) return resume(call, role, device, effects);
  }
  side.missing_until = now.mono + options_.reconnect_grace;
}

void TunnelCalls::on(Watch& command, const Now&, Effects& effects) {
  if (!endpoints_.contains(command.connection)) return;
  presence_.watch(command.connection, std::move(command.users));
  DeliverPresence presence{.to = command.connection, .users = {}};
  for (UserId& user : presence_.watched_by(command.connection)) {
    const bool online = presence_.is_online(user);
    presence.users.push_back({.user = std::move(user), .online = online});
  }
  effects.emplace_back(std::move(presence));
}

// ---- time and the end -----------------------------------------------------------------------------------------------

void TunnelCalls::arm(TunnelCall& call) {
  deadlines_.arm({DeadlineKey::Kind::Call, call.serial}, call.armed, call.deadline());
}

void TunnelCalls::expire(TunnelCall& call, const Now& now, Effects& effects) {
  const auto ended = [&](EndReason reason, Over over) {
    end(call, {.reason = reason, .to_caller = over, .to_callee = over, .by = {}}, now, effects);
  };
  if (std::min({call.callee_missing_until, call.caller.missing_until, call.callee.missing_until}) <= now.mono) {
    return ended(EndReason::Disconnected, Over::Disconnected);
  }
  if (call.phase_until > now.mono) return arm(call);
  switch (call.phase) {
    case Phase::Ringing: return ended(EndReason::NoAnswer, Over::NoAnswer);
    case Phase::Opening:
    case Phase::Connecting: return ended(EndReason::Failed, Over::SetupTimeout);
    case Phase::Active: return ended(EndReason::Hangup, Over::TooLong);
  }
}

void TunnelCalls::handle_timeout(const Now& now, Effects& effects) {
  while (const auto key = deadlines_.due(now.mono)) expire(*calls_.at(key->id), now, effects);
}

void TunnelCalls::end(TunnelCall& call, const Ending& ending, const Now& now, Effects& effects) {
  const auto tell = [&](ConnectionId device, Over over) {
    if (device == ending.by) return;
    effects.emplace_back(CallOver{.to = device, .call = call.record.id, .over = over});
  };
  if (call.caller.device) tell(*call.caller.device, ending.to_caller);
  if (call.callee.device) tell(*call.callee.device, ending.to_callee);
  for (const ConnectionId device : call.rung) tell(device, ending.to_callee);
  if (call.phase != Phase::Ringing) {
    effects.emplace_back(CloseTunnel{call.record.id});
    call.record.duration_seconds = std::chrono::floor<seconds>(now.mono - call.answered).count();
  }
  call.record.state = CallState::Ended;
  call.record.reason = ending.reason;
  call.record.ended_at = std::max(now.wall, call.record.answered_at.value_or(call.record.started_at));
  effects.emplace_back(SaveRecord{call.record});

  deadlines_.arm({DeadlineKey::Kind::Call, call.serial}, call.armed, kNever);
  for (const UserId* user : {&call.record.caller, &call.record.callee}) {
    by_user_.erase(*user);
    presence_.disengage(*user);
  }
  by_id_.erase(call.record.id);
  calls_.erase(call.serial);
}

void TunnelCalls::on(Drain&, const Now&, Effects&) {
  draining_ = true;
}

void TunnelCalls::on(Shutdown&, const Now& now, Effects& effects) {
  draining_ = true;
  std::vector<std::uint64_t> serials;
  for (const auto& [serial, call] : calls_) serials.push_back(serial);
  std::ranges::sort(serials);
  for (const std::uint64_t serial : serials) {
    end(*calls_.at(serial),
        {.reason = EndReason::ServerShutdown,
         .to_caller = Over::ServerShutdown,
         .to_callee = Over::ServerShutdown,
         .by = {}},
        now, effects);
  }
}

TunnelCalls::Counts TunnelCalls::counts() const {
  return {.devices = endpoints_.size(),
          .calls = calls_.size(),
          .users_in_calls = by_user_.size(),
          .lookups = lookups_.size(),
          .deadlines = deadlines_.size()};
}

}  // namespace zvonok::call::tunnel
