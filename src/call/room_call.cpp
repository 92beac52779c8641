#include "call/room_call.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace zvonok::call {
namespace {

bool has_failed(ConnectionState state) {
  return state == ConnectionState::Failed || state == ConnectionState::Closed;
}

/// How a room that its last participant left for this reason is called in the history.
EndReason end_reason(LeaveReason last, bool answered) {
  switch (last) {
    case LeaveReason::Left:
    case LeaveReason::Kicked:
    case LeaveReason::Removed:
    case LeaveReason::Busy:  // of telephones, which are never the last
    case LeaveReason::NoAnswer:
    case LeaveReason::HungUp:
    case LeaveReason::Replaced: return answered ? EndReason::Hangup : EndReason::Canceled;
    case LeaveReason::Timeout: return EndReason::Disconnected;
    case LeaveReason::Failed: return EndReason::Failed;
    case LeaveReason::ServerShutdown: return EndReason::ServerShutdown;
  }
  check_failed("a value of the enum", __FILE__, __LINE__);
}

}  // namespace

ParticipantInfo info_of(const Participant& participant) {
  const std::optional<PhoneStay>& phone = participant.phone;
  return {.session = participant.session,
          .user = participant.user,
          .name = participant.name,
          .role = participant.role,
          .state = participant.shown,
          .phone = phone ? std::optional{phone->info} : std::nullopt};
}

void refuse(const RoomSocket& socket, RoomErrorCode code, std::string_view literal, RoomEffects& effects) {
  effects.emplace_back(DeliverRoomError{.to = socket.id, .code = code, .message = literal});
}

RoomCall::RoomCall(std::uint64_t serial, RoomKey key, CallRecord record, Encryption encryption,
                   const RoomOptions& options)
    : serial_{serial}, key_{std::move(key)}, record_{std::move(record)}, encryption_{encryption}, options_{options} {}

Participant* RoomCall::find(const SessionId& session) const {
  const auto found = sessions_.find(session);
  return found == sessions_.end() ? nullptr : found->second;
}

Participant* RoomCall::find(ParticipantId id) const {
  const auto found = participants_.find(id);
  return found == participants_.end() ? nullptr : found->second.get();
}

std::vector<Participant*> RoomCall::participants() const {
  std::vector<Participant*> all;
  all.reserve(participants_.size());
  for (const auto& [id, participant] : participants_) all.push_back(participant.get());
  return all;
}

std::vector<Participant*> RoomCall::participants_of(const UserId& user) const {
  const auto found = users_.find(user);
  return found == users_.end() ? std::vector<Participant*>{} : found->second;
}

const RoomTrack* RoomCall::find(TrackId track) const {
  const auto found = tracks_.find(track);
  return found == tracks_.end() ? nullptr : &found->second;
}

// ---- coming and going -----------------------------------------------------------------------------------------------

RoomRole RoomCall::role_of(const RoomSocket& socket) {
  if (const auto granted = granted_.find(socket.user); granted != granted_.end()) return granted->second;
  if (key_.kind == RoomKind::Chat) return RoomRole::Moderator;
  if (socket.role) return *socket.role;
  if (record_.state != CallState::Ringing || !participants_.empty() || record_.caller != socket.user) {
    return RoomRole::Member;
  }
  grant(socket.user, RoomRole::Host);  // stays so when it goes and comes back
  return RoomRole::Host;
}

void RoomCall::grant(const UserId& user, RoomRole role) {
  if (granted_.size() < options_.participants_max || granted_.contains(user)) granted_[user] = role;
}

Participant& RoomCall::enter(ParticipantId id, JoinRoom command, RoomSocket& socket, const Now& now,
                             RoomEffects& effects) {
  auto owned = std::make_unique<Participant>();
  Participant& fresh = *owned;
  fresh.id = id;
  fresh.room = this;
  fresh.session = std::move(command.session);
  fresh.user = socket.user;
  fresh.name = command.name.empty() ? socket.name : std::move(command.name);
  fresh.role = role_of(socket);
  fresh.socket = &socket;
  socket.participant = &fresh;
  socket.address.session = fresh.session;
  const bool is_new = sessions_.emplace(fresh.session, &fresh).second;
  ZVONOK_CHECK(is_new);
  users_[fresh.user].push_back(&fresh);
  participants_.emplace(id, std::move(owned));
  tell_joined(fresh, false, effects);
  tell_all(&fresh, effects, [&](ConnectionId to) {
    return DeliverParticipantJoined{
        .to = to, .session = fresh.session, .user = fresh.user, .name = fresh.name, .role = fresh.role};
  });
  effects.emplace_back(OpenMedia{.participant = id,
                                 .room = key_,
                                 .user = fresh.user,
                                 .session = fresh.session,
                                 .first_offer = command.first_offer});
  note_talk(now, effects);
  return fresh;
}

void RoomCall::note_talk(const Now& now, RoomEffects& effects) {
  if (record_.state != CallState::Ringing) return;
  const auto talks = [](const auto& entry) {
    const std::optional<PhoneStay>& phone = entry.second->phone;
    return !phone || phone->info.status == phone::Status::InProgress;
  };
  if (std::ranges::count_if(participants_, talks) < 2) return;
  record_.state = CallState::Active;
  record_.answered_at = std::max(now.wall, record_.started_at);
  answered_ = now.mono;
  effects.emplace_back(SaveRoomRecord{record_});
}

std::optional<RoomRole> RoomCall::phone_role() const {
  if (encrypted() || options_.phones_max == 0) return std::nullopt;
  return options_.phone_role;
}

void RoomCall::tell_joined(const Participant& participant, bool resumed, RoomEffects& effects) const {
  DeliverJoined joined{.to = participant.socket->id,
                       .session = participant.session,
                       .user = participant.user,
                       .role = participant.role,
                       .resumed = resumed,
                       .locked = locked_,
                       .encrypted = encrypted(),
                       .phone_role = phone_role(),
                       .reconnect_grace = options_.reconnect_grace,
                       .participants = {},
                       .tracks = {}};
  joined.participants.reserve(participants_.size() - 1);
  for (const auto& [id, other] : participants_) {
    if (other.get() != &participant) joined.participants.push_back(info_of(*other));
  }
  for (const auto& [id, track] : tracks_) {
    if (track.owner != &participant) joined.tracks.push_back(track.info);
  }
  effects.emplace_back(std::move(joined));
}

void RoomCall::resume(Participant& participant, RoomSocket& socket, RoomEffects& effects) {
  participant.socket = &socket;
  socket.participant = &participant;
  socket.address.session = participant.session;
  tell_joined(participant, true, effects);
  effects.emplace_back(DeliverState{.to = socket.id, .session = participant.session, .state = participant.media});
  effects.emplace_back(ResumeMedia{participant.id});
  show_state(participant, effects);
}

void RoomCall::leave(Participant& participant, LeaveReason reason, RoomEffects& effects) {
  end_tracks(participant, effects);
  tell_all(&participant, effects, [&](ConnectionId to) {
    return DeliverParticipantLeft{.to = to, .session = participant.session, .user = participant.user, .reason = reason};
  });
  forget(participant);
}

void RoomCall::forget(Participant& participant) {
  for (const TrackId track : participant.tracks) tracks_.erase(track);
  sessions_.erase(participant.session);
  if (participant.phone) {
    --phones_;
  } else {
    const auto of_user = users_.find(participant.user);
    std::erase(of_user->second, &participant);
    if (of_user->second.empty()) users_.erase(of_user);
  }
  participants_.erase(ParticipantId{participant.id});
}

void RoomCall::end(LeaveReason last, const Now& now, RoomEffects& effects) {
  ZVONOK_CHECK(participants_.empty() && tracks_.empty());
  const bool answered = record_.state == CallState::Active;
  record_.state = CallState::Ended;
  record_.reason = end_reason(last, answered);
  record_.ended_at = std::max(now.wall, record_.answered_at.value_or(record_.started_at));
  if (answered) record_.duration_seconds = std::chrono::floor<seconds>(now.mono - answered_).count();
  effects.emplace_back(SaveRoomRecord{record_});
}

// ---- media
// ------------------------------------------------------------------------------------------------------------

void RoomCall::set_media(Participant& participant, ConnectionState state, RoomEffects& effects) {
  participant.media = state;
  if (participant.socket != nullptr) {
    effects.emplace_back(DeliverState{.to = participant.socket->id, .session = participant.session, .state = state});
    if (state == ConnectionState::Failed) {
      refuse(*participant.socket, RoomErrorCode::Failed, "the connection failed, offer anew", effects);
    }
  }
  if (has_failed(state)) participant.hints.clear();
  show_state(participant, effects);
}

void RoomCall::show_state(Participant& participant, RoomEffects& effects) {
  const bool away = participant.socket == nullptr && !participant.phone && !has_failed(participant.media);
  const ConnectionState shown = away ? ConnectionState::Disconnected : participant.media;
  if (shown == participant.shown) return;
  participant.shown = shown;
  tell_all(&participant, effects,
           [&](ConnectionId to) { return DeliverState{.to = to, .session = participant.session, .state = shown}; });
}

RoomCall::Published RoomCall::publish(Participant& participant, const TrackPublished& track, RoomEffects& effects) {
  if (participant.tracks.size() >= options_.tracks_per_participant_max) {
    effects.emplace_back(RefuseTrack{.participant = participant.id, .track = track.track});
    return Published::Refused;
  }
  const TrackSource otherwise = track.kind == TrackKind::Audio ? TrackSource::Microphone : TrackSource::Camera;
  TrackHint hint;
  if (auto found = participant.hints.extract(track.mid)) hint = found.mapped();
  TrackSource source = hint.source.value_or(track.source.value_or(otherwise));
  if (kind_of(source) != track.kind) source = otherwise;
  RoomTrack fresh{.info = {.track = track.track,
                           .session = participant.session,
                           .kind = track.kind,
                           .source = source,
                           .muted = hint.muted.value_or(false)},
                  .owner = &participant,
                  .mid = track.mid};
  const RoomTrack& added = tracks_.emplace(track.track, std::move(fresh)).first->second;
  participant.tracks.push_back(track.track);
  if (added.info.muted) {
    effects.emplace_back(SetTrackMuted{.track = track.track, .muted = true, .by = MutedBy::Owner});
  }
  tell_track(added, TrackState::Published, effects);
  return Published::Yes;
}

void RoomCall::tell_track(const RoomTrack& track, TrackState state, RoomEffects& effects) const {
  tell_all(track.owner, effects,
           [&](ConnectionId to) { return DeliverTrack{.to = to, .track = track.info, .mid = {}, .state = state}; });
}

void RoomCall::end_track(TrackId id, RoomEffects& effects) {
  const auto track = tracks_.find(id);
  ZVONOK_CHECK(track != tracks_.end());
  tell_track(track->second, TrackState::Ended, effects);
  std::erase(track->second.owner->tracks, id);
  tracks_.erase(track);
}

std::vector<TrackId> RoomCall::end_tracks(Participant& participant, RoomEffects& effects) {
  const std::vector<TrackId> ended = participant.tracks;
  for (const TrackId track : ended) end_track(track, effects);
  return ended;
}

void RoomCall::set_muted(RoomTrack& track, bool muted, MutedBy by, RoomEffects& effects) {
  if (track.info.muted == muted) return;
  track.info.muted = muted;
  if (!muted) track.silenced = false;
  effects.emplace_back(SetTrackMuted{.track = track.info.track, .muted = muted, .by = by});
}

void RoomCall::set_source(RoomTrack& track, TrackSource source, RoomEffects& effects) {
  if (track.info.source == source) return;
  track.info.source = source;
  effects.emplace_back(SetTrackSource{.track = track.info.track, .source = source});
}

void RoomCall::update_track(Participant& owner, const UpdateTrack& update, RoomEffects& effects) {
  // The newest: a section that was reused holds its last track.
  const auto id = std::find_if(owner.tracks.rbegin(), owner.tracks.rend(),
                               [&](TrackId track) { return tracks_.at(track).mid == update.mid; });
  if (id == owner.tracks.rend()) {
    if (owner.hints.size() >= options_.tracks_per_participant_max && !owner.hints.contains(update.mid)) {
      return refuse(*owner.socket, RoomErrorCode::NotFound, "no track of yours has this mid", effects);
    }
    TrackHint& hint = owner.hints[update.mid];
    if (update.source) hint.source = update.source;
    if (update.muted) hint.muted = update.muted;
    return;
  }
  RoomTrack& track = tracks_.at(*id);
  if (update.source && kind_of(*update.source) != track.info.kind) {
    return refuse(*owner.socket, RoomErrorCode::BadMessage, "the source is not of the track's kind", effects);
  }
  const TrackInfo before = track.info;
  if (update.source) set_source(track, *update.source, effects);
  if (update.muted) set_muted(track, *update.muted, MutedBy::Owner, effects);
  if (track.info != before) tell_track(track, TrackState::Updated, effects);
}

void RoomCall::offer_track(const Participant& receiver, TrackId id, std::string mid, RoomEffects& effects) const {
  const RoomTrack* const track = find(id);
  if (track == nullptr || track->owner == &receiver || receiver.socket == nullptr) return;
  effects.emplace_back(DeliverTrack{
      .to = receiver.socket->id, .track = track->info, .mid = std::move(mid), .state = TrackState::Updated});
}

void RoomCall::set_view(const Participant& viewer, std::vector<TrackWish> wishes, RoomEffects& effects) const {
  // Tracks end while messages are under way, so an unknown one is nobody's mistake.
  std::erase_if(wishes, [&](const TrackWish& wish) {
    const RoomTrack* const track = find(wish.track);
    return track == nullptr || track->owner == &viewer;
  });
  effects.emplace_back(SetView{.participant = viewer.id, .wishes = std::move(wishes)});
}

void RoomCall::tell_speakers(const std::vector<SpeakerLevel>& levels, RoomEffects& effects) const {
  std::vector<Speaker> speakers;
  for (const SpeakerLevel& level : levels) {
    if (speakers.size() == options_.speakers_max) break;
    const Participant* const participant = find(level.participant);
    if (participant != nullptr) speakers.push_back({.session = participant->session, .level = level.level});
  }
  tell_all(nullptr, effects, [&](ConnectionId to) { return DeliverSpeakers{.to = to, .speakers = speakers}; });
}

void RoomCall::pass_key_words(const Participant& from, const Participant* to, std::string data,
                              RoomEffects& effects) const {
  if (to == nullptr) {
    return tell_all(&from, effects, [&](ConnectionId connection) {
      return DeliverKeyWords{.to = connection, .from = from.session, .data = data};
    });
  }
  if (to->socket == nullptr) return;  // asks again when it is back
  effects.emplace_back(DeliverKeyWords{.to = to->socket->id, .from = from.session, .data = std::move(data)});
}

// ---- moderation
// -------------------------------------------------------------------------------------------------------

void RoomCall::mute(Participant& target, TrackKind kind, const Participant& by, RoomEffects& effects) {
  if (target.phone && kind == TrackKind::Audio && !target.tracks.empty()) {
    effects.emplace_back(ConfirmMute{.participant = target.id, .muted = true});
  }
  if (target.socket != nullptr) {
    effects.emplace_back(DeliverMute{.to = target.socket->id, .kind = kind, .by = by.session});
  }
  for (const TrackId id : target.tracks) {
    RoomTrack& track = tracks_.at(id);
    if (track.info.kind != kind || track.silenced) continue;
    track.silenced = true;
    // Also when its owner says that it is muted already: an owner's word stops nothing.
    const bool was_muted = std::exchange(track.info.muted, true);
    effects.emplace_back(SetTrackMuted{.track = track.info.track, .muted = true, .by = MutedBy::Moderator});
    if (!was_muted) tell_track(track, TrackState::Updated, effects);
  }
}

void RoomCall::set_locked(bool locked, const Participant& by, RoomEffects& effects) {
  if (locked_ == locked) return;
  locked_ = locked;
  tell_all(nullptr, effects,
           [&](ConnectionId to) { return DeliverLocked{.to = to, .locked = locked, .by = by.session}; });
}

void RoomCall::set_role(const UserId& user, RoomRole role, const SessionId& by, RoomEffects& effects) {
  grant(user, role);
  for (Participant* const participant : participants_of(user)) {
    if (participant->role == role) continue;
    participant->role = role;
    tell_all(nullptr, effects, [&](ConnectionId to) {
      return DeliverRole{.to = to, .session = participant->session, .role = role, .by = by};
    });
  }
}

}  // namespace zvonok::call
