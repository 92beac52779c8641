// Telephones in rooms: the part of RoomControl about their media.
#include <utility>

#include "app/rooms/room_control.h"

namespace zvonok::app {

void RoomControl::with_phone(const Stay& stay, std::move_only_function<void(PhoneLegs&, ParticipantId)> task) {
  shards_->at(stay.shard).with_phone([telephone = stay.id, task = std::move(task)](PhoneLegs& legs) mutable {
    task(legs, telephone);
  });
}

void RoomControl::perform(const call::OpenPhone& effect) {
  Stay& stay = add_stay(effect.participant, effect.room);
  stay.call = effect.call;
  stay.stream = "phone" + std::to_string(effect.participant.value());
  phones_.emplace(effect.call, effect.participant);
  with_phone(stay, [](PhoneLegs& legs, ParticipantId telephone) { legs.open_in_room(telephone); });
}

void RoomControl::attach_line(const CallId& call, std::unique_ptr<port::PhoneLine> line) {
  const auto phone = phones_.find(call);
  const Stay* const stay = phone == phones_.end() ? nullptr : find(phone->second);
  if (stay == nullptr) return;
  with_phone(*stay, [line = std::move(line)](PhoneLegs& legs, ParticipantId telephone) mutable {
    legs.attach(telephone, std::move(line));
  });
}

void RoomControl::perform(const call::ConnectPhone& effect) {
  Stay* const stay = find(effect.participant);
  if (stay == nullptr) return;
  const TrackId track = new_track();
  stay->connected_after = parts_.loop.now().mono - stay->joined_at.mono;
  stay->published.push_back({.track = track, .kind = media::Kind::Audio, .mid = {}, .codecs = room_phone_codecs()});
  track_shards_.emplace(track, stay->shard);
  phone_tracks_.insert(track);
  with_phone(*stay, [room = media_rooms_.at(stay->room).id, track](PhoneLegs& legs, ParticipantId telephone) {
    legs.connect({.telephone = telephone, .room = room, .track = track});
  });
  run(call::TrackPublished{.participant = effect.participant,
                           .track = track,
                           .kind = call::TrackKind::Audio,
                           .mid = {},
                           .source = call::TrackSource::Microphone});
  update_wanted_soon(stay->room);
}

void RoomControl::perform(const call::ConfirmMute& effect) {
  const Stay* const stay = find(effect.participant);
  if (stay == nullptr) return;
  const media::phone::Cue cue = effect.muted ? media::phone::Cue::Muted : media::phone::Cue::Unmuted;
  with_phone(*stay, [cue](PhoneLegs& legs, ParticipantId telephone) { legs.play(telephone, cue); });
}

void RoomControl::perform(const call::SetTrackMuted& effect) {
  // An owner who mutes sends silence itself, but a telephone's keys stop no sound; what a moderator muted is not passed
  // on.
  if (effect.by == call::MutedBy::Moderator || !effect.muted || phone_tracks_.contains(effect.track)) {
    post(effect.track, media::MuteTrack{.track = effect.track, .muted = effect.muted});
  }
  if (effect.by == call::MutedBy::Owner) {
    post(effect.track, media::SetTrackQuiet{.track = effect.track, .quiet = effect.muted});
  }
}

void RoomControl::on_phone_digit(ParticipantId telephone, char digit) {
  const Stay* const stay = find(telephone);
  if (stay != nullptr && stay->call) run(call::PhonePressed{.participant = telephone, .digit = digit});
}

}  // namespace zvonok::app
