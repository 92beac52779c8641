// The part of RoomCall about telephones among its participants.
#include <utility>

#include "base/check.h"
#include "call/room_call.h"

namespace zvonok::call {
namespace {

constexpr char kMuteKey = '6';  // behind a star
constexpr Duration kKeysApartMost = seconds{5};

}  // namespace

SessionId session_of_phone(const CallId& call) {
  return SessionId{"phone-" + call.value()};
}

Participant& RoomCall::enter_phone(ParticipantId id, const PhoneInvited& invited, RoomEffects& effects) {
  auto owned = std::make_unique<Participant>();
  Participant& fresh = *owned;
  fresh.id = id;
  fresh.room = this;
  fresh.session = session_of_phone(invited.call);
  fresh.name = invited.name.empty() ? invited.number : invited.name;
  fresh.phone = PhoneStay{.call = invited.call,
                          .info = {.status = phone::Status::Connecting, .number = invited.number, .by = invited.by}};
  const bool is_new = sessions_.emplace(fresh.session, &fresh).second;
  ZVONOK_CHECK(is_new);
  ++phones_;
  participants_.emplace(id, std::move(owned));
  tell_all(&fresh, effects, [&](ConnectionId to) {
    return DeliverParticipantJoined{.to = to,
                                    .session = fresh.session,
                                    .user = fresh.user,
                                    .name = fresh.name,
                                    .role = fresh.role,
                                    .phone = fresh.phone->info};
  });
  effects.emplace_back(OpenPhone{.participant = id, .room = key_, .call = invited.call});
  return fresh;
}

void RoomCall::tell_phone(const Participant& telephone, phone::Status status, phone::Cause cause,
                          RoomEffects& effects) const {
  tell_all(&telephone, effects, [&](ConnectionId to) {
    return DeliverPhone{.to = to, .session = telephone.session, .status = status, .cause = cause};
  });
}

void RoomCall::progress(Participant& telephone, const PhoneProgressed& news, const Now& now, RoomEffects& effects) {
  if (news.status <= telephone.phone->info.status) return;
  telephone.phone->info.status = news.status;
  tell_phone(telephone, news.status, news.cause, effects);
  if (news.status != phone::Status::InProgress) return;
  telephone.media = ConnectionState::Connected;
  show_state(telephone, effects);
  effects.emplace_back(ConnectPhone{telephone.id});
  note_talk(now, effects);
}

void RoomCall::press(Participant& telephone, char digit, const Now& now, RoomEffects& effects) {
  PhoneStay& stay = *telephone.phone;
  const TimePoint star = std::exchange(stay.star_pressed, digit == '*' ? now.mono : kNever);
  if (digit != kMuteKey || star == kNever || now.mono - star > kKeysApartMost || telephone.tracks.empty()) return;
  RoomTrack& track = tracks_.at(telephone.tracks.front());
  const bool muted = !track.info.muted;
  set_muted(track, muted, MutedBy::Owner, effects);
  tell_track(track, TrackState::Updated, effects);
  effects.emplace_back(ConfirmMute{.participant = telephone.id, .muted = muted});
}

}  // namespace zvonok::call
