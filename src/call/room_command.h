// What the room engine is told: by clients (through a dialect), by the media plane, by the process.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/id.h"
#include "base/time.h"
#include "call/phone_number.h"
#include "call/phone_words.h"
#include "call/room_ids.h"
#include "call/room_words.h"

namespace zvonok::call {

// ---- sockets --------------------------------------------------------------------------------------------------------

/// A socket whose user is known and may enter the room. `connection` is new. Exactly one RoomSocketClosed follows some
/// day, also when the engine itself asked for the close.
struct RoomSocketOpened {
  ConnectionId connection;
  RoomKey room;
  UserId user;
  std::string name;              // shown to others unless the join brings one; may be empty
  std::string token;             // `jti` or `sid` of the token in use; empty when it has neither
  std::optional<RoomRole> role;  // as membership says; absent when it knows no owner or admin of this room
};
struct RoomSocketClosed {
  ConnectionId connection;
};

// ---- messages of clients; each counts as a sign of life -------------------------------------------------------------

/// An empty `session` lets the server make one up. `room_id` is raw JSON to be sent back, or empty.
struct JoinRoom {
  ConnectionId connection;
  SessionId session;
  std::string name;
  std::string room_id;
  JoinEncryption encryption = JoinEncryption::Unable;
  FirstOffer first_offer = FirstOffer::Client;
};
struct LeaveRoom {
  ConnectionId connection;
};
/// About the sender's own track in the m-section `mid`, also before the media plane has seen it.
struct UpdateTrack {
  ConnectionId connection;
  std::string mid;
  std::optional<TrackSource> source;
  std::optional<bool> muted;
};
struct TrackWish {
  TrackId track;
  std::uint32_t height = 0;  // in device pixels; 0: not at all
  std::int32_t priority = 0;
  friend bool operator==(const TrackWish&, const TrackWish&) = default;
};
struct ViewTracks {
  ConnectionId connection;
  std::vector<TrackWish> wishes;
};
struct MuteParticipant {
  ConnectionId connection;
  SessionId session;
  TrackKind kind = TrackKind::Audio;
};
struct KickParticipant {
  ConnectionId connection;
  SessionId session;
};
struct LockRoom {
  ConnectionId connection;
};
struct UnlockRoom {
  ConnectionId connection;
};
struct SetRoomRole {
  ConnectionId connection;
  SessionId session;
  RoomRole role = RoomRole::Member;
};
/// A telephone is to be called into the room. `name` is what the others see, or empty: the number, masked. `request` is
/// raw JSON that comes back with the answer, or empty.
struct InvitePhone {
  ConnectionId connection;
  phone::PhoneNumber number;
  std::string name;
  std::string request;
};
/// Of who invited it, or of a moderator.
struct HangUpPhone {
  ConnectionId connection;
  SessionId session;
};
/// Payloads: the SDP of an offer or answer, the raw JSON of a candidate, nothing for a restart.
struct SendSignal {
  ConnectionId connection;
  RoomSignal kind = RoomSignal::Ice;
  std::string payload;
  Politeness politeness = Politeness::Polite;  // of an offer
};
/// What a participant says of its keys to another one, or to all others. `data` is the raw JSON of an object; nobody
/// here reads it. Whoever is gone or away misses it.
struct SendKeyWords {
  ConnectionId connection;
  std::optional<SessionId> to;
  std::string data;
};
struct PingRoom {
  ConnectionId connection;
};
/// Anything else was heard of the socket: a WebSocket ping or pong, a message that could not be read. Cheap.
struct HeardFrom {
  ConnectionId connection;
};

// ---- membership -----------------------------------------------------------------------------------------------------

struct MemberRemoved {
  RoomKey room;
  UserId user;
};
/// Membership gives the user another role.
struct MemberRoleChanged {
  RoomKey room;
  UserId user;
  RoomRole role = RoomRole::Member;
};
/// The chat or group is no more: nobody is a member.
struct MembershipEnded {
  RoomKey room;
};

// ---- the media plane; what is about a participant or track that is gone is ignored
// ------------------------------------

struct MediaStateChanged {
  ParticipantId participant;
  ConnectionState state = ConnectionState::New;
};
/// A description for the participant. Thrown away while it has no socket: after ResumeMedia the media plane says again
/// what still matters.
struct DescriptionMade {
  ParticipantId participant;
  DescriptionKind kind = DescriptionKind::Offer;
  std::string sdp;
};
/// A signal of the participant could not be used. `message` is a literal: lives as long as the program.
struct SignalRefused {
  ParticipantId participant;
  RoomErrorCode code = RoomErrorCode::BadSdp;
  std::string_view message;
};
struct TrackPublished {
  ParticipantId participant;
  TrackId track;
  TrackKind kind = TrackKind::Audio;
  std::string mid;
  std::optional<TrackSource> source;  // as far as the description tells; else microphone or camera
};
struct TrackEnded {
  TrackId track;
};
/// The m-section in which the receiver gets the track.
struct TrackOffered {
  ParticipantId receiver;
  TrackId track;
  std::string mid;
};
struct SpeakerLevel {
  ParticipantId participant;
  std::uint8_t level = 0;  // 0 (silent) to 127
};
/// Loudest first.
struct SpeakersChanged {
  RoomKey room;
  std::vector<SpeakerLevel> speakers;
};
/// The layer of a simulcast track that the participant is sent.
struct SentLayer {
  TrackId track;
  std::string rid;
  friend bool operator==(const SentLayer&, const SentLayer&) = default;
};
struct ConnectionQuality {
  double score = 0;  // 1.0 to 4.5
  std::uint32_t rtt_ms = 0;
  double loss_percent = 0;
  std::uint64_t bitrate = 0;   // bit/s, of what it gets
  std::uint64_t estimate = 0;  // bit/s that its path carries; 0: not known
  std::vector<SentLayer> layers;
  friend bool operator==(const ConnectionQuality&, const ConnectionQuality&) = default;
};
struct QualityMeasured {
  ParticipantId participant;
  ConnectionQuality quality;
};
struct LayerActive {
  std::string rid;
  bool active = true;
  friend bool operator==(const LayerActive&, const LayerActive&) = default;
};
struct LayersWanted {
  ParticipantId participant;
  std::string mid;
  std::vector<LayerActive> layers;
};

// ---- telephones -----------------------------------------------------------------------------------------------------

/// A telephone is being called into the room.
struct PhoneInvited {
  CallId call;  // new
  RoomKey room;
  UserId by;
  /// Who asked over that socket is told so; nothing when it was asked otherwise.
  std::optional<ConnectionId> asker;
  std::string number;  // masked
  std::string name;    // "": the number
  std::string request;
};
/// It is not: who asked is told.
struct PhoneNotInvited {
  ConnectionId asker;
  RoomErrorCode code = RoomErrorCode::Unavailable;
  std::string_view message;  // a literal: lives as long as the program
  std::string request;
};
/// Statuses come in order, an end as the last one. Unknown calls are ignored: the room has hung up, or never had it.
struct PhoneProgressed {
  CallId call;
  phone::Status status = phone::Status::Connecting;
  phone::Cause cause = phone::Cause::Provider;
};
/// A key was pressed at the telephone.
struct PhonePressed {
  ParticipantId participant;
  char digit = '0';
};
/// Over REST, by somebody who may.
struct PhoneDismissed {
  RoomKey room;
  SessionId session;
  phone::Cause cause = phone::Cause::Moderator;
};

// ---- the process ----------------------------------------------------------------------------------------------------

/// No new rooms from now on; running ones go on and may be entered.
struct DrainRooms {};
/// Ends every room, and begins none from now on.
struct ShutDownRooms {};

using RoomCommand =
    std::variant<RoomSocketOpened, RoomSocketClosed, JoinRoom, LeaveRoom, UpdateTrack, ViewTracks, MuteParticipant,
                 KickParticipant, LockRoom, UnlockRoom, SetRoomRole, InvitePhone, HangUpPhone, PhoneInvited,
                 PhoneNotInvited, PhoneProgressed, PhonePressed, PhoneDismissed, SendSignal, SendKeyWords, PingRoom,
                 HeardFrom, MemberRemoved, MemberRoleChanged, MembershipEnded, MediaStateChanged, DescriptionMade,
                 SignalRefused, TrackPublished, TrackEnded, TrackOffered, SpeakersChanged, QualityMeasured,
                 LayersWanted, DrainRooms, ShutDownRooms>;

}  // namespace zvonok::call
