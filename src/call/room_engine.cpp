#include "call/room_engine.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace zvonok::call {

Rooms::Rooms(RoomOptions options, Entropy& entropy) : options_{options}, entropy_{entropy} {}

void Rooms::handle(RoomCommand command, const Now& now, RoomEffects& effects) {
  std::visit([&](auto& which) { on(which, now, effects); }, command);
}

void Rooms::handle_timeout(const Now& now, RoomEffects& effects) {
  while (const auto key = grace_deadlines_.due(now.mono)) {
    Participant& participant = *participants_.at(ParticipantId{key->id});
    const bool failed = participant.media == ConnectionState::Failed;
    remove(participant, failed ? LeaveReason::Failed : LeaveReason::Timeout, EmptyRoom::Ends, now, effects);
  }
  while (const auto key = socket_deadlines_.due(now.mono)) {
    expire(*sockets_.at(ConnectionId{key->id}), now, effects);
  }
}

// ---- sockets --------------------------------------------------------------------------------------------------------

const RoomAddress* Rooms::address_of(ConnectionId connection) const {
  const auto socket = sockets_.find(connection);
  return socket == sockets_.end() ? nullptr : &socket->second->address;
}

RoomSocket* Rooms::find_socket(ConnectionId connection) {
  const auto socket = sockets_.find(connection);
  return socket == sockets_.end() ? nullptr : socket->second.get();
}

void Rooms::on(RoomSocketOpened& command, const Now& now, RoomEffects& effects) {
  auto [slot, is_new] = sockets_.try_emplace(command.connection);
  ZVONOK_CHECK(is_new);
  slot->second = std::make_unique<RoomSocket>();
  RoomSocket& socket = *slot->second;
  socket.id = command.connection;
  socket.room = std::move(command.room);
  socket.user = std::move(command.user);
  socket.name = std::move(command.name);
  socket.token = std::move(command.token);
  socket.role = command.role;
  socket.heard = now.mono;
  socket.join_until = now.mono + options_.join_within;
  users_[socket.user].sockets.push_back(&socket);
  if (is_banned(socket.room, socket.user)) return close(socket, RoomCloseReason::Removed, effects);
  arm(socket, std::min(socket.join_until, now.mono + options_.silence_max));
}

void Rooms::on(RoomSocketClosed& command, const Now& now, RoomEffects& effects) {
  const auto found = sockets_.find(command.connection);
  if (found == sockets_.end()) return;
  const std::unique_ptr<RoomSocket> socket = std::move(found->second);
  sockets_.erase(found);
  if (!socket->closing) withdraw(*socket);
  if (Participant* const participant = std::exchange(socket->participant, nullptr)) lose(*participant, now, effects);
  forget_user_if_idle(socket->user);
}

RoomSocket* Rooms::hear(ConnectionId connection, const Now& now) {
  RoomSocket* const socket = find_socket(connection);
  if (socket == nullptr || socket->closing) return nullptr;
  socket->heard = now.mono;  // the deadline is moved when it is due
  return socket;
}

Participant* Rooms::hear_joined(ConnectionId connection, const Now& now, RoomEffects& effects) {
  RoomSocket* const socket = hear(connection, now);
  if (socket == nullptr) return nullptr;
  if (socket->participant == nullptr) refuse(*socket, RoomErrorCode::NotJoined, "join first", effects);
  return socket->participant;
}

Participant* Rooms::hear_with_role(ConnectionId connection, RoomRole least, const Now& now, RoomEffects& effects) {
  Participant* const participant = hear_joined(connection, now, effects);
  if (participant == nullptr || participant->role >= least) return participant;
  refuse(*participant->socket, RoomErrorCode::Forbidden, "your role does not allow it", effects);
  return nullptr;
}

/// The socket takes no further part.
void Rooms::withdraw(RoomSocket& socket) {
  arm(socket, kNever);
  std::erase(users_.at(socket.user).sockets, &socket);
}

void Rooms::close(RoomSocket& socket, RoomCloseReason reason, RoomEffects& effects) {
  withdraw(socket);
  socket.closing = true;
  if (socket.participant != nullptr) socket.participant->socket = nullptr;
  socket.participant = nullptr;
  effects.emplace_back(CloseRoomConnection{.connection = socket.id, .reason = reason});
  forget_user_if_idle(socket.user);
}

void Rooms::close_all_of(const UserId& user, const RoomKey& room, RoomEffects& effects) {
  const auto found = users_.find(user);
  if (found == users_.end()) return;
  const std::vector<RoomSocket*> sockets = found->second.sockets;
  for (RoomSocket* const socket : sockets) {
    if (socket->room == room) close(*socket, RoomCloseReason::Removed, effects);
  }
}

void Rooms::forget_user_if_idle(const UserId& user) {
  const auto found = users_.find(user);
  if (found != users_.end() && found->second.sockets.empty() && found->second.rooms.empty()) users_.erase(found);
}

void Rooms::arm(RoomSocket& socket, TimePoint at) {
  socket_deadlines_.arm({.id = socket.id.value()}, socket.armed, at);
}

void Rooms::expire(RoomSocket& socket, const Now& now, RoomEffects& effects) {
  TimePoint at = socket.heard + options_.silence_max;
  if (socket.participant == nullptr) at = std::min(at, socket.join_until);
  if (at > now.mono) return arm(socket, at);
  Participant* const participant = socket.participant;
  close(socket, RoomCloseReason::Silent, effects);
  if (participant != nullptr) lose(*participant, now, effects);
}

// ---- joining --------------------------------------------------------------------------------------------------------

RoomCall* Rooms::find_room(const RoomKey& key) const {
  const auto room = rooms_.find(key);
  return room == rooms_.end() ? nullptr : room->second.get();
}

bool Rooms::is_banned(const RoomKey& key, const UserId& user) const {
  const RoomCall* const room = find_room(key);
  return room != nullptr && room->is_banned(user);
}

void Rooms::on(JoinRoom& command, const Now& now, RoomEffects& effects) {
  RoomSocket* const socket = hear(command.connection, now);
  if (socket == nullptr) return;
  socket->address.room_id = std::move(command.room_id);
  if (command.session.empty()) {
    command.session = socket->participant != nullptr ? socket->participant->session : SessionId{make_uuid(entropy_)};
  }
  RoomCall* room = find_room(socket->room);
  if (room != nullptr && room->encrypted() && command.encryption == JoinEncryption::Unable) {
    return refuse(*socket, RoomErrorCode::Encrypted, "the room is encrypted end to end", effects);
  }
  if (room != nullptr && !room->encrypted() && command.encryption == JoinEncryption::Required) {
    return refuse(*socket, RoomErrorCode::NotEncrypted, "the room is not encrypted end to end", effects);
  }
  if (Participant* const held = room == nullptr ? nullptr : room->find(command.session)) {
    if (held->user == socket->user) return resume(*held, *socket, now, effects);
    return refuse(*socket, RoomErrorCode::SessionTaken, "another user is here as that session", effects);
  }
  if (const auto refusal = refusal_of(*socket, room)) {
    return refuse(*socket, refusal->code, refusal->message, effects);
  }
  const bool begins = room == nullptr;
  if (begins) {
    const bool encrypts = command.encryption == JoinEncryption::Required;
    room = &begin_room(*socket, encrypts ? RoomCall::Encryption::EndToEnd : RoomCall::Encryption::Off, now);
  }
  if (socket->participant != nullptr) {
    remove(*socket->participant, LeaveReason::Replaced, EmptyRoom::Stays, now, effects);
  }
  users_.at(socket->user).rooms.insert(socket->room);
  const ParticipantId id{next_participant_++};
  participants_.emplace(id, &room->enter(id, std::move(command), *socket, now, effects));
  if (begins) effects.emplace_back(SaveRoomRecord{room->record()});
}

std::optional<Rooms::Refusal> Rooms::refusal_of(const RoomSocket& socket, const RoomCall* room) const {
  if (room == nullptr) {
    if (draining_) return Refusal{RoomErrorCode::Unavailable, "the server begins no new rooms"};
    if (rooms_.size() >= options_.rooms_max) return Refusal{RoomErrorCode::TooManyRooms, "the server is full of rooms"};
  } else {
    if (room->locked() && !room->has_user(socket.user)) return Refusal{RoomErrorCode::Locked, "the room is locked"};
    const std::size_t leaving = socket.participant != nullptr ? 1 : 0;
    const std::size_t most = room->encrypted()
                                 ? std::min(options_.participants_max, options_.encrypted_participants_max)
                                 : options_.participants_max;
    if (room->size() - leaving >= most) {
      return Refusal{RoomErrorCode::RoomFull, "the room is full"};
    }
  }
  const User& user = users_.at(socket.user);
  if (user.rooms.size() >= options_.rooms_per_user_max && !user.rooms.contains(socket.room)) {
    return Refusal{RoomErrorCode::TooManyRooms, "you are in too many rooms"};
  }
  return std::nullopt;
}

RoomCall& Rooms::begin_room(const RoomSocket& socket, RoomCall::Encryption encryption, const Now& now) {
  const std::uint64_t serial = next_serial_++;
  CallRecord record{.id = CallId{make_ordered_uuid(entropy_, now.wall, serial)},
                    .kind = CallKind::Room,
                    .state = CallState::Ringing,
                    .caller = socket.user,
                    .callee = {},
                    .chat = socket.room.id,
                    .started_at = now.wall,
                    .ringing_at = {},
                    .answered_at = {},
                    .ended_at = {},
                    .reason = {},
                    .duration_seconds = 0};
  auto room = std::make_unique<RoomCall>(serial, socket.room, std::move(record), encryption, options_);
  return *rooms_.emplace(socket.room, std::move(room)).first->second;
}

void Rooms::resume(Participant& participant, RoomSocket& socket, const Now& now, RoomEffects& effects) {
  if (socket.participant != nullptr && socket.participant != &participant) {
    remove(*socket.participant, LeaveReason::Replaced, EmptyRoom::Stays, now, effects);
  }
  if (participant.socket == &socket) return participant.room->tell_joined(participant, true, effects);  // said twice
  if (participant.socket != nullptr) close(*participant.socket, RoomCloseReason::Replaced, effects);
  grace_deadlines_.arm({.id = participant.id.value()}, participant.armed, kNever);
  participant.room->resume(participant, socket, effects);
}

// ---- leaving --------------------------------------------------------------------------------------------------------

Participant* Rooms::find(ParticipantId id) {
  const auto participant = participants_.find(id);
  return participant == participants_.end() ? nullptr : participant->second;
}

void Rooms::lose(Participant& participant, const Now& now, RoomEffects& effects) {
  participant.socket = nullptr;
  if (options_.reconnect_grace <= Duration::zero()) {
    return remove(participant, LeaveReason::Timeout, EmptyRoom::Ends, now, effects);
  }
  grace_deadlines_.arm({.id = participant.id.value()}, participant.armed, now.mono + options_.reconnect_grace);
  participant.room->show_state(participant, effects);
}

/// Drops what the engine knows of the participant around `leave`, which takes it out of its room.
template <class Leave>
void Rooms::forget_participant(Participant& participant, RoomEffects& effects, Leave leave) {
  const ParticipantId id = participant.id;
  const UserId user = participant.user;
  const RoomCall& room = *participant.room;
  const bool is_phone = participant.phone.has_value();
  if (is_phone) phones_.erase(participant.phone->call);
  grace_deadlines_.arm({.id = id.value()}, participant.armed, kNever);
  for (const TrackId track : participant.tracks) tracks_.erase(track);
  participants_.erase(id);
  leave();
  effects.emplace_back(CloseMedia{id});
  if (is_phone) return;
  if (!room.has_user(user)) users_.at(user).rooms.erase(room.key());
  forget_user_if_idle(user);
}

void Rooms::remove(Participant& participant, LeaveReason reason, EmptyRoom empty, const Now& now,
                   RoomEffects& effects) {
  RoomCall& room = *participant.room;
  if (RoomSocket* const socket = std::exchange(participant.socket, nullptr)) {
    if (reason != LeaveReason::Left && reason != LeaveReason::Replaced) {
      effects.emplace_back(DeliverParticipantLeft{
          .to = socket->id, .session = participant.session, .user = participant.user, .reason = reason});
    }
    socket->participant = nullptr;
    socket->join_until = now.mono + options_.join_within;
    arm(*socket, std::min(socket->join_until, socket->heard + options_.silence_max));
  }
  forget_participant(participant, effects, [&] { room.leave(participant, reason, effects); });
  if (empty == EmptyRoom::Ends) end_without_people(room, reason, now, effects);
}

void Rooms::remove_user(RoomCall& room, const UserId& user, LeaveReason reason, const Now& now, RoomEffects& effects) {
  // The room outlives the loop: it may be ended by nobody but the last line.
  for (Participant* const participant : room.participants_of(user)) {
    remove(*participant, reason, EmptyRoom::Stays, now, effects);
  }
  close_all_of(user, room.key(), effects);
  end_without_people(room, reason, now, effects);
}

void Rooms::end(RoomCall& room, LeaveReason last, const Now& now, RoomEffects& effects) {
  room.end(last, now, effects);
  rooms_.erase(RoomKey{room.key()});
}

void Rooms::on(LeaveRoom& command, const Now& now, RoomEffects& effects) {
  Participant* const participant = hear_joined(command.connection, now, effects);
  if (participant != nullptr) remove(*participant, LeaveReason::Left, EmptyRoom::Ends, now, effects);
}

void Rooms::on(MemberRemoved& command, const Now& now, RoomEffects& effects) {
  if (RoomCall* const room = find_room(command.room); room != nullptr && room->has_user(command.user)) {
    return remove_user(*room, command.user, LeaveReason::Removed, now, effects);
  }
  close_all_of(command.user, command.room, effects);
}

void Rooms::on(MemberRoleChanged& command, const Now&, RoomEffects& effects) {
  if (RoomCall* const room = find_room(command.room)) room->set_role(command.user, command.role, {}, effects);
}

void Rooms::on(MembershipEnded& command, const Now& now, RoomEffects& effects) {
  if (RoomCall* const room = find_room(command.room)) dismiss(*room, LeaveReason::Removed, now, effects);
  std::vector<RoomSocket*> sockets;  // also of those who have not joined
  for (const auto& [id, socket] : sockets_) {
    if (socket->room == command.room && !socket->closing) sockets.push_back(socket.get());
  }
  std::ranges::sort(sockets, {}, &RoomSocket::id);
  for (RoomSocket* const socket : sockets) close(*socket, RoomCloseReason::Removed, effects);
}

void Rooms::on(DrainRooms&, const Now&, RoomEffects&) {
  draining_ = true;
}

void Rooms::on(ShutDownRooms&, const Now& now, RoomEffects& effects) {
  draining_ = true;
  std::vector<RoomCall*> rooms;
  for (const auto& [key, room] : rooms_) rooms.push_back(room.get());
  std::ranges::sort(rooms, {}, &RoomCall::serial);
  for (RoomCall* const room : rooms) dismiss(*room, LeaveReason::ServerShutdown, now, effects);
}

void Rooms::dismiss(RoomCall& room, LeaveReason reason, const Now& now, RoomEffects& effects) {
  for (Participant* const participant : room.participants()) {
    if (participant->phone) {
      effects.emplace_back(DropPhone{.call = participant->phone->call, .cause = phone::Cause::RoomEnded});
    }
    // Everybody hears of itself alone: of a thousand, a million messages would tell nobody anything.
    if (participant->socket != nullptr) {
      effects.emplace_back(DeliverParticipantLeft{
          .to = participant->socket->id, .session = participant->session, .user = participant->user, .reason = reason});
      participant->socket->participant = nullptr;
      participant->socket->join_until = now.mono + options_.join_within;
      arm(*participant->socket, participant->socket->join_until);
    }
    forget_participant(*participant, effects, [&] { room.forget(*participant); });
  }
  end(room, reason, now, effects);
}

// ---- looking on -----------------------------------------------------------------------------------------------------

std::optional<RoomView> Rooms::describe(const RoomKey& key) const {
  const RoomCall* const room = find_room(key);
  if (room == nullptr) return std::nullopt;
  RoomView view{.key = key,
                .call = room->record().id,
                .started_at = room->record().started_at,
                .locked = room->locked(),
                .encrypted = room->encrypted(),
                .members = {}};
  for (const Participant* const participant : room->participants()) {
    RoomView::Member member{.participant = participant->id, .info = info_of(*participant), .tracks = {}};
    for (const TrackId track : participant->tracks) member.tracks.push_back(room->find(track)->info);
    view.members.push_back(std::move(member));
  }
  return view;
}

std::size_t Rooms::present_count() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(participants_, [](const auto& entry) { return entry.second->socket != nullptr; }));
}

Rooms::Counts Rooms::counts() const {
  return {.sockets = sockets_.size(),
          .rooms = rooms_.size(),
          .participants = participants_.size(),
          .tracks = tracks_.size(),
          .users = users_.size(),
          .deadlines = socket_deadlines_.size() + grace_deadlines_.size(),
          .phones = phones_.size()};
}

}  // namespace zvonok::call
