// The part of Rooms about what happens within rooms: signals, tracks, moderation, what the media plane tells.
#include <algorithm>
#include <utility>
#include <vector>

#include "call/room_engine.h"

namespace zvonok::call {

// ---- clients --------------------------------------------------------------------------------------------------------

void Rooms::on(SendSignal& command, const Now& now, RoomEffects& effects) {
  const Participant* const from = hear_joined(command.connection, now, effects);
  if (from == nullptr) return;
  effects.emplace_back(PassSignal{.participant = from->id,
                                  .kind = command.kind,
                                  .payload = std::move(command.payload),
                                  .politeness = command.politeness});
}

void Rooms::on(UpdateTrack& command, const Now& now, RoomEffects& effects) {
  Participant* const from = hear_joined(command.connection, now, effects);
  if (from != nullptr) from->room->update_track(*from, command, effects);
}

void Rooms::on(ViewTracks& command, const Now& now, RoomEffects& effects) {
  const Participant* const from = hear_joined(command.connection, now, effects);
  if (from != nullptr) from->room->set_view(*from, std::move(command.wishes), effects);
}

void Rooms::on(SendKeyWords& command, const Now& now, RoomEffects& effects) {
  Participant* const from = hear_joined(command.connection, now, effects);
  if (from == nullptr) return;
  const RoomCall& room = *from->room;
  if (!room.encrypted()) {
    return refuse(*from->socket, RoomErrorCode::NotEncrypted, "the room is not encrypted end to end", effects);
  }
  if (!from->key_words) from->key_words.emplace(options_.key_words, now.mono);
  const std::size_t copies = command.to ? 1 : std::max<std::size_t>(room.size() - 1, 1);
  if (!from->key_words->take(static_cast<double>(copies), now.mono)) {
    return refuse(*from->socket, RoomErrorCode::TooManyMessages, "too many messages about keys", effects);
  }
  const Participant* const to = command.to ? room.find(*command.to) : nullptr;
  if (command.to && (to == nullptr || to == from)) return;  // left while it was under way: nobody's mistake
  room.pass_key_words(*from, to, std::move(command.data), effects);
}

void Rooms::on(PingRoom& command, const Now& now, RoomEffects& effects) {
  const RoomSocket* const socket = hear(command.connection, now);
  if (socket != nullptr) effects.emplace_back(DeliverPong{socket->id});
}

void Rooms::on(HeardFrom& command, const Now& now, RoomEffects&) {
  static_cast<void>(hear(command.connection, now));
}

// ---- moderation -----------------------------------------------------------------------------------------------------

void Rooms::on(MuteParticipant& command, const Now& now, RoomEffects& effects) {
  Participant* const by = hear_with_role(command.connection, RoomRole::Moderator, now, effects);
  if (by == nullptr) return;
  Participant* const target = by->room->find(command.session);
  if (target == nullptr) return refuse(*by->socket, RoomErrorCode::NotFound, "no such participant", effects);
  by->room->mute(*target, command.kind, *by, effects);
}

void Rooms::on(KickParticipant& command, const Now& now, RoomEffects& effects) {
  const Participant* const by = hear_with_role(command.connection, RoomRole::Moderator, now, effects);
  if (by == nullptr) return;
  RoomCall& room = *by->room;
  Participant* const target = room.find(command.session);
  if (target == nullptr) return refuse(*by->socket, RoomErrorCode::NotFound, "no such participant", effects);
  if (target->phone) return drop_phone(*target, phone::Cause::Moderator, now, effects);
  const UserId user = target->user;
  const bool outranked = std::ranges::any_of(room.participants_of(user),
                                             [by](const Participant* session) { return session->role > by->role; });
  if (outranked || user == by->user) {
    return refuse(*by->socket, RoomErrorCode::Forbidden, "not oneself, nor somebody of a higher role", effects);
  }
  if (room.banned_count() >= options_.banned_users_max) {
    return refuse(*by->socket, RoomErrorCode::Unavailable, "too many users were removed from this room", effects);
  }
  room.ban(user);
  std::set<std::string> tokens;
  for (const RoomSocket* const socket : users_.at(user).sockets) {
    if (socket->room == room.key() && !socket->token.empty()) tokens.insert(socket->token);
  }
  for (const std::string& token : tokens) {
    effects.emplace_back(RevokeTokens{.room = room.key(), .user = user, .token = token});
  }
  remove_user(room, user, LeaveReason::Kicked, now, effects);
}

void Rooms::on(LockRoom& command, const Now& now, RoomEffects& effects) {
  const Participant* const by = hear_with_role(command.connection, RoomRole::Moderator, now, effects);
  if (by != nullptr) by->room->set_locked(true, *by, effects);
}

void Rooms::on(UnlockRoom& command, const Now& now, RoomEffects& effects) {
  const Participant* const by = hear_with_role(command.connection, RoomRole::Moderator, now, effects);
  if (by != nullptr) by->room->set_locked(false, *by, effects);
}

void Rooms::on(SetRoomRole& command, const Now& now, RoomEffects& effects) {
  const Participant* const by = hear_with_role(command.connection, RoomRole::Host, now, effects);
  if (by == nullptr) return;
  const Participant* const target = by->room->find(command.session);
  if (target == nullptr) return refuse(*by->socket, RoomErrorCode::NotFound, "no such participant", effects);
  if (target->phone) return refuse(*by->socket, RoomErrorCode::Forbidden, "a telephone has no other role", effects);
  by->room->set_role(UserId{target->user}, command.role, by->session, effects);
}

// ---- the media plane ------------------------------------------------------------------------------------------------

void Rooms::on(MediaStateChanged& command, const Now&, RoomEffects& effects) {
  Participant* const participant = find(command.participant);
  if (participant == nullptr || participant->media == command.state) return;
  participant->room->set_media(*participant, command.state, effects);
  if (command.state != ConnectionState::Failed && command.state != ConnectionState::Closed) return;
  for (const TrackId track : participant->room->end_tracks(*participant, effects)) tracks_.erase(track);
}

void Rooms::on(DescriptionMade& command, const Now&, RoomEffects& effects) {
  const Participant* const participant = find(command.participant);
  if (participant == nullptr || participant->socket == nullptr) return;
  effects.emplace_back(
      DeliverDescription{.to = participant->socket->id, .kind = command.kind, .sdp = std::move(command.sdp)});
}

void Rooms::on(SignalRefused& command, const Now&, RoomEffects& effects) {
  const Participant* const participant = find(command.participant);
  if (participant == nullptr || participant->socket == nullptr) return;
  refuse(*participant->socket, command.code, command.message, effects);
}

void Rooms::on(TrackPublished& command, const Now&, RoomEffects& effects) {
  Participant* const participant = find(command.participant);
  if (participant == nullptr || tracks_.contains(command.track)) return;
  if (participant->room->publish(*participant, command, effects) == RoomCall::Published::Yes) {
    tracks_.emplace(command.track, participant->room);
  }
}

void Rooms::on(TrackEnded& command, const Now&, RoomEffects& effects) {
  const auto track = tracks_.find(command.track);
  if (track == tracks_.end()) return;
  track->second->end_track(command.track, effects);
  tracks_.erase(track);
}

void Rooms::on(TrackOffered& command, const Now&, RoomEffects& effects) {
  const Participant* const receiver = find(command.receiver);
  if (receiver != nullptr) receiver->room->offer_track(*receiver, command.track, std::move(command.mid), effects);
}

void Rooms::on(SpeakersChanged& command, const Now&, RoomEffects& effects) {
  const RoomCall* const room = find_room(command.room);
  if (room != nullptr) room->tell_speakers(command.speakers, effects);
}

void Rooms::on(QualityMeasured& command, const Now&, RoomEffects& effects) {
  const Participant* const participant = find(command.participant);
  if (participant == nullptr || participant->socket == nullptr) return;
  effects.emplace_back(DeliverQuality{
      .to = participant->socket->id, .session = participant->session, .quality = std::move(command.quality)});
}

void Rooms::on(LayersWanted& command, const Now&, RoomEffects& effects) {
  const Participant* const participant = find(command.participant);
  if (participant == nullptr || participant->socket == nullptr) return;
  effects.emplace_back(
      DeliverLayers{.to = participant->socket->id, .mid = std::move(command.mid), .layers = std::move(command.layers)});
}

}  // namespace zvonok::call
