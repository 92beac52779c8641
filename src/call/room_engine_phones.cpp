// The part of Rooms about telephones: who may invite them, and when they go.
#include <utility>

#include "call/room_engine.h"

namespace zvonok::call {
namespace {

/// Why a telephone leaves whose call has ended.
LeaveReason leave_reason(const PhoneProgressed& end) {
  if (end.cause == phone::Cause::Shutdown) return LeaveReason::ServerShutdown;
  switch (end.status) {
    case phone::Status::Busy: return LeaveReason::Busy;
    case phone::Status::NoAnswer: return LeaveReason::NoAnswer;
    case phone::Status::Failed: return LeaveReason::Failed;
    default: return end.cause == phone::Cause::Provider ? LeaveReason::Left : LeaveReason::HungUp;
  }
}

DeliverRoomError refusal_to(ConnectionId to, RoomErrorCode code, std::string_view literal, std::string request) {
  return {.to = to, .code = code, .message = literal, .request = std::move(request)};
}

}  // namespace

std::optional<Rooms::Refusal> Rooms::phone_refusal(const RoomKey& key, RoomRole role) const {
  const RoomCall* const room = find_room(key);
  if (room == nullptr || room->people() == 0) return Refusal{RoomErrorCode::NotFound, "nobody is in the room"};
  if (role < options_.phone_role) return Refusal{RoomErrorCode::Forbidden, "your role does not allow it"};
  // It has no keys: it would hear noise, and what it says would be open to the server.
  if (room->encrypted()) return Refusal{RoomErrorCode::Encrypted, "the room is encrypted end to end"};
  // Who may unlock it needs not to.
  if (room->locked() && role < RoomRole::Moderator) return Refusal{RoomErrorCode::Locked, "the room is locked"};
  if (room->size() >= options_.participants_max || room->phones() >= options_.phones_max) {
    return Refusal{RoomErrorCode::RoomFull, "the room has no place for another telephone"};
  }
  return std::nullopt;
}

std::optional<UserId> Rooms::inviter_of(const RoomKey& key, const SessionId& session) const {
  const RoomCall* const room = find_room(key);
  const Participant* const telephone = room == nullptr ? nullptr : room->find(session);
  if (telephone == nullptr || !telephone->phone) return std::nullopt;
  return telephone->phone->info.by;
}

// ---- clients --------------------------------------------------------------------------------------------------------

void Rooms::on(InvitePhone& command, const Now& now, RoomEffects& effects) {
  RoomSocket* const socket = hear(command.connection, now);
  if (socket == nullptr) return;
  const Participant* const by = socket->participant;
  if (by == nullptr) {
    effects.emplace_back(refusal_to(socket->id, RoomErrorCode::NotJoined, "join first", std::move(command.request)));
    return;
  }
  if (const auto refusal = phone_refusal(by->room->key(), by->role)) {
    effects.emplace_back(refusal_to(socket->id, refusal->code, refusal->message, std::move(command.request)));
    return;
  }
  effects.emplace_back(CallPhone{.asker = socket->id,
                                 .room = by->room->key(),
                                 .by = by->user,
                                 .number = std::move(command.number),
                                 .name = std::move(command.name),
                                 .request = std::move(command.request)});
}

void Rooms::on(HangUpPhone& command, const Now& now, RoomEffects& effects) {
  const Participant* const by = hear_joined(command.connection, now, effects);
  if (by == nullptr) return;
  Participant* const telephone = by->room->find(command.session);
  if (telephone == nullptr || !telephone->phone) {
    return refuse(*by->socket, RoomErrorCode::NotFound, "no such telephone", effects);
  }
  const bool invited_it = telephone->phone->info.by == by->user;
  if (!invited_it && by->role < RoomRole::Moderator) {
    return refuse(*by->socket, RoomErrorCode::Forbidden, "your role does not allow it", effects);
  }
  drop_phone(*telephone, invited_it ? phone::Cause::Caller : phone::Cause::Moderator, now, effects);
}

// ---- what becomes of calls ------------------------------------------------------------------------------------------

void Rooms::on(PhoneInvited& command, const Now&, RoomEffects& effects) {
  RoomCall* const room = find_room(command.room);
  const bool there = room != nullptr && room->people() > 0 && !room->encrypted() &&
                     room->find(session_of_phone(command.call)) == nullptr;
  if (!there || phones_.contains(command.call)) {
    effects.emplace_back(DropPhone{.call = command.call, .cause = phone::Cause::RoomEnded});
    return;
  }
  if (command.asker) {
    const RoomSocket* const socket = find_socket(*command.asker);
    if (socket != nullptr && socket->participant != nullptr && socket->participant->room == room) {
      effects.emplace_back(DeliverPhoneInvited{.to = socket->id,
                                               .session = session_of_phone(command.call),
                                               .call = command.call,
                                               .request = command.request});
    }
  }
  const ParticipantId id{next_participant_++};
  Participant& telephone = room->enter_phone(id, command, effects);
  participants_.emplace(id, &telephone);
  phones_.emplace(command.call, &telephone);
}

void Rooms::on(PhoneNotInvited& command, const Now&, RoomEffects& effects) {
  const RoomSocket* const socket = find_socket(command.asker);
  if (socket == nullptr || socket->closing) return;
  effects.emplace_back(refusal_to(socket->id, command.code, command.message, std::move(command.request)));
}

void Rooms::on(PhoneProgressed& command, const Now& now, RoomEffects& effects) {
  const auto found = phones_.find(command.call);
  if (found == phones_.end()) return;
  Participant& telephone = *found->second;
  RoomCall& room = *telephone.room;
  if (!phone::is_over(command.status)) return room.progress(telephone, command, now, effects);
  room.tell_phone(telephone, command.status, command.cause, effects);
  remove(telephone, leave_reason(command), EmptyRoom::Stays, now, effects);
}

void Rooms::on(PhonePressed& command, const Now& now, RoomEffects& effects) {
  Participant* const telephone = find(command.participant);
  if (telephone != nullptr && telephone->phone) telephone->room->press(*telephone, command.digit, now, effects);
}

void Rooms::on(PhoneDismissed& command, const Now& now, RoomEffects& effects) {
  const RoomCall* const room = find_room(command.room);
  Participant* const telephone = room == nullptr ? nullptr : room->find(command.session);
  if (telephone != nullptr && telephone->phone) drop_phone(*telephone, command.cause, now, effects);
}

void Rooms::drop_phone(Participant& telephone, phone::Cause cause, const Now& now, RoomEffects& effects) {
  const bool answered = telephone.phone->info.status == phone::Status::InProgress;
  effects.emplace_back(DropPhone{.call = telephone.phone->call, .cause = cause});
  telephone.room->tell_phone(telephone, answered ? phone::Status::Completed : phone::Status::Canceled, cause, effects);
  remove(telephone, LeaveReason::HungUp, EmptyRoom::Stays, now, effects);
}

void Rooms::end_without_people(RoomCall& room, LeaveReason last, const Now& now, RoomEffects& effects) {
  if (room.people() > 0) return;
  for (Participant* const telephone : room.participants()) {
    drop_phone(*telephone, phone::Cause::RoomEnded, now, effects);
  }
  end(room, last, now, effects);
}

}  // namespace zvonok::call
