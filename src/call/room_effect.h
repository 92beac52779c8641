// What the room engine wants done, in this order: messages to clients, orders to the media plane, records to keep.
// Everything named Deliver* goes to the one connection `to` and is put into text by a dialect; Rooms::address_of tells
// how that connection calls its room and itself.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/id.h"
#include "base/time.h"
#include "call/call.h"
#include "call/room_command.h"
#include "call/room_ids.h"
#include "call/room_words.h"

namespace zvonok::call {

/// What a participant that is a telephone has besides.
struct PhoneInfo {
  phone::Status status = phone::Status::Connecting;
  std::string number;  // masked
  UserId by;           // who invited it
  friend bool operator==(const PhoneInfo&, const PhoneInfo&) = default;
};

/// A telephone has no user id.
struct ParticipantInfo {
  SessionId session;
  UserId user;
  std::string name;
  RoomRole role = RoomRole::Member;
  ConnectionState state = ConnectionState::New;
  std::optional<PhoneInfo> phone = std::nullopt;
  friend bool operator==(const ParticipantInfo&, const ParticipantInfo&) = default;
};

struct TrackInfo {
  TrackId track;
  SessionId session;
  TrackKind kind = TrackKind::Audio;
  TrackSource source = TrackSource::Microphone;
  bool muted = false;
  friend bool operator==(const TrackInfo&, const TrackInfo&) = default;
};

// ---- messages -------------------------------------------------------------------------------------------------------

/// To who entered or came back. `participants` and `tracks` are those of the others, in the order in which they came.
struct DeliverJoined {
  ConnectionId to;
  SessionId session;
  UserId user;
  RoomRole role = RoomRole::Member;
  bool resumed = false;
  bool locked = false;
  bool encrypted = false;  // end to end
  /// The least role that may invite telephones; nothing where nobody may.
  std::optional<RoomRole> phone_role;
  Duration reconnect_grace{};
  std::vector<ParticipantInfo> participants;
  std::vector<TrackInfo> tracks;
  friend bool operator==(const DeliverJoined&, const DeliverJoined&) = default;
};
struct DeliverParticipantJoined {
  ConnectionId to;
  SessionId session;
  UserId user;
  std::string name;
  RoomRole role = RoomRole::Member;
  std::optional<PhoneInfo> phone = std::nullopt;
  friend bool operator==(const DeliverParticipantJoined&, const DeliverParticipantJoined&) = default;
};
/// To the others; to itself as well when it was not its own wish.
struct DeliverParticipantLeft {
  ConnectionId to;
  SessionId session;
  UserId user;
  LeaveReason reason = LeaveReason::Left;
  friend bool operator==(const DeliverParticipantLeft&, const DeliverParticipantLeft&) = default;
};
/// About tracks of others. `mid` is empty unless the message is about being offered it.
struct DeliverTrack {
  ConnectionId to;
  TrackInfo track;
  std::string mid;
  TrackState state = TrackState::Published;
  friend bool operator==(const DeliverTrack&, const DeliverTrack&) = default;
};
struct DeliverDescription {
  ConnectionId to;
  DescriptionKind kind = DescriptionKind::Offer;
  std::string sdp;
  friend bool operator==(const DeliverDescription&, const DeliverDescription&) = default;
};
struct Speaker {
  SessionId session;
  std::uint8_t level = 0;
  friend bool operator==(const Speaker&, const Speaker&) = default;
};
struct DeliverSpeakers {
  ConnectionId to;
  std::vector<Speaker> speakers;
  friend bool operator==(const DeliverSpeakers&, const DeliverSpeakers&) = default;
};
struct DeliverQuality {
  ConnectionId to;
  SessionId session;
  ConnectionQuality quality;
  friend bool operator==(const DeliverQuality&, const DeliverQuality&) = default;
};
struct DeliverLayers {
  ConnectionId to;
  std::string mid;
  std::vector<LayerActive> layers;
  friend bool operator==(const DeliverLayers&, const DeliverLayers&) = default;
};
struct DeliverState {
  ConnectionId to;
  SessionId session;
  ConnectionState state = ConnectionState::New;
  friend bool operator==(const DeliverState&, const DeliverState&) = default;
};
struct DeliverMute {
  ConnectionId to;
  TrackKind kind = TrackKind::Audio;
  SessionId by;
  friend bool operator==(const DeliverMute&, const DeliverMute&) = default;
};
struct DeliverLocked {
  ConnectionId to;
  bool locked = false;  // false: `unlocked`
  SessionId by;
  friend bool operator==(const DeliverLocked&, const DeliverLocked&) = default;
};
struct DeliverRole {
  ConnectionId to;
  SessionId session;
  RoomRole role = RoomRole::Member;
  SessionId by;  // empty: membership changed
  friend bool operator==(const DeliverRole&, const DeliverRole&) = default;
};
struct DeliverRoomError {
  ConnectionId to;
  RoomErrorCode code = RoomErrorCode::BadMessage;
  std::string_view message;  // a literal: lives as long as the program
  std::string request = {};  // raw JSON, as what it is about said it; empty where messages have none
  friend bool operator==(const DeliverRoomError&, const DeliverRoomError&) = default;
};
/// `data` as its sender said it: raw JSON.
struct DeliverKeyWords {
  ConnectionId to;
  SessionId from;
  std::string data;
  friend bool operator==(const DeliverKeyWords&, const DeliverKeyWords&) = default;
};
/// To who asked for it.
struct DeliverPhoneInvited {
  ConnectionId to;
  SessionId session;
  CallId call;
  std::string request;
  friend bool operator==(const DeliverPhoneInvited&, const DeliverPhoneInvited&) = default;
};
/// How far the call of a telephone is. After an end it leaves.
struct DeliverPhone {
  ConnectionId to;
  SessionId session;
  phone::Status status = phone::Status::Connecting;
  phone::Cause cause = phone::Cause::Provider;
  friend bool operator==(const DeliverPhone&, const DeliverPhone&) = default;
};
struct DeliverPong {
  ConnectionId to;
  friend bool operator==(const DeliverPong&, const DeliverPong&) = default;
};

// ---- orders to the media plane
// ----------------------------------------------------------------------------------------

/// The first effect about a stay; CloseMedia is the last. Exactly one of each.
struct OpenMedia {
  ParticipantId participant;
  RoomKey room;
  UserId user;
  SessionId session;
  FirstOffer first_offer = FirstOffer::Client;
  friend bool operator==(const OpenMedia&, const OpenMedia&) = default;
};
/// Also ends its tracks, without a TrackEnded (one that is under way is ignored).
struct CloseMedia {
  ParticipantId participant;
  friend bool operator==(const CloseMedia&, const CloseMedia&) = default;
};
/// The participant has a new socket, on which nothing was said yet: repeat an offer that waits for its answer, and
/// TrackOffered for each section in use.
struct ResumeMedia {
  ParticipantId participant;
  friend bool operator==(const ResumeMedia&, const ResumeMedia&) = default;
};
struct PassSignal {
  ParticipantId participant;
  RoomSignal kind = RoomSignal::Ice;
  std::string payload;
  Politeness politeness = Politeness::Polite;  // of an offer
  friend bool operator==(const PassSignal&, const PassSignal&) = default;
};
enum class MutedBy { Owner, Moderator };
/// Forward the track or not. On change only; a new track is forwarded.
struct SetTrackMuted {
  TrackId track;
  bool muted = false;
  MutedBy by = MutedBy::Owner;
  friend bool operator==(const SetTrackMuted&, const SetTrackMuted&) = default;
};
/// What the track shows is known, or is another thing now.
struct SetTrackSource {
  TrackId track;
  TrackSource source = TrackSource::Camera;
  friend bool operator==(const SetTrackSource&, const SetTrackSource&) = default;
};
/// The participant has too many tracks: as if this one had never been.
struct RefuseTrack {
  ParticipantId participant;
  TrackId track;
  friend bool operator==(const RefuseTrack&, const RefuseTrack&) = default;
};
/// Replaces the participant's view. Names tracks of others in its room only.
struct SetView {
  ParticipantId participant;
  std::vector<TrackWish> wishes;
  friend bool operator==(const SetView&, const SetView&) = default;
};

// ---- telephones -----------------------------------------------------------------------------------------------------

/// Who asked may: call it, and say PhoneInvited or PhoneNotInvited.
struct CallPhone {
  ConnectionId asker;
  RoomKey room;
  UserId by;
  phone::PhoneNumber number;
  std::string name;
  std::string request;
  friend bool operator==(const CallPhone&, const CallPhone&) = default;
};
/// The room has done with that call. At most one for each PhoneInvited, and none after its end was told.
struct DropPhone {
  CallId call;
  phone::Cause cause = phone::Cause::RoomEnded;
  friend bool operator==(const DropPhone&, const DropPhone&) = default;
};
/// In place of OpenMedia, for a telephone. Nothing is heard before ConnectPhone.
struct OpenPhone {
  ParticipantId participant;
  RoomKey room;
  CallId call;
  friend bool operator==(const OpenPhone&, const OpenPhone&) = default;
};
/// It was answered: it hears the room, and its sound is to be published.
struct ConnectPhone {
  ParticipantId participant;
  friend bool operator==(const ConnectPhone&, const ConnectPhone&) = default;
};
/// Let it hear that it is muted now, or not any more.
struct ConfirmMute {
  ParticipantId participant;
  bool muted = false;
  friend bool operator==(const ConfirmMute&, const ConfirmMute&) = default;
};

// ---- the rest
// ---------------------------------------------------------------------------------------------------------

/// Close the socket. The engine takes nothing from it any more, and waits for its RoomSocketClosed.
struct CloseRoomConnection {
  ConnectionId connection;
  RoomCloseReason reason = RoomCloseReason::Replaced;
  friend bool operator==(const CloseRoomConnection&, const CloseRoomConnection&) = default;
};
/// Upsert by id. One record for the life of a room, of kind Room: the caller is who began it, the callee is empty, the
/// chat is the chat or group. Ringing while one participant is alone, Active from the second one's join (the answer),
/// and exactly one that is Ended.
struct SaveRoomRecord {
  CallRecord record;
  friend bool operator==(const SaveRoomRecord&, const SaveRoomRecord&) = default;
};
/// The user was kicked: this token lets nobody into this room while it lives.
struct RevokeTokens {
  RoomKey room;
  UserId user;
  std::string token;
  friend bool operator==(const RevokeTokens&, const RevokeTokens&) = default;
};

using RoomEffect =
    std::variant<DeliverJoined, DeliverParticipantJoined, DeliverParticipantLeft, DeliverTrack, DeliverDescription,
                 DeliverSpeakers, DeliverQuality, DeliverLayers, DeliverState, DeliverMute, DeliverLocked, DeliverRole,
                 DeliverRoomError, DeliverPhoneInvited, DeliverPhone, DeliverKeyWords, DeliverPong, CallPhone,
                 DropPhone, OpenPhone, ConnectPhone, ConfirmMute, OpenMedia, CloseMedia, ResumeMedia, PassSignal,
                 SetTrackMuted, SetTrackSource, RefuseTrack, SetView, CloseRoomConnection, SaveRoomRecord,
                 RevokeTokens>;

/// Appended to, never cleared, by the engine.
using RoomEffects = std::vector<RoomEffect>;

}  // namespace zvonok::call
