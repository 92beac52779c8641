// One socket, and one participant, as the room engine sees them.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/id.h"
#include "base/token_bucket.h"
#include "call/deadlines.h"
#include "call/room_effect.h"
#include "call/room_ids.h"
#include "call/room_words.h"

namespace zvonok::call {

class RoomCall;
struct Participant;

/// How a client calls what its messages are about: goes into every message to it.
struct RoomAddress {
  std::string room_id;  // raw JSON as its join said it, or empty
  SessionId session;    // empty until it has joined
};

struct RoomSocket {
  ConnectionId id;
  RoomKey room;
  UserId user;
  std::string name;
  std::string token;
  std::optional<RoomRole> role;  // as membership says
  RoomAddress address;
  Participant* participant = nullptr;  // null until it has joined, and after its leave
  TimePoint heard{};
  TimePoint join_until = kNever;  // while it has not joined
  TimePoint armed = kNever;       // kNever for a socket that is being closed
  bool closing = false;           // the engine asked for the close
};

/// What the owner said of a track before the media plane did.
struct TrackHint {
  std::optional<TrackSource> source;
  std::optional<bool> muted;
};

/// Of a participant that is a telephone: it has no user and no socket.
struct PhoneStay {
  CallId call;
  PhoneInfo info;
  TimePoint star_pressed = kNever;  // and nothing after it
};

struct Participant {
  ParticipantId id;
  RoomCall* room = nullptr;
  SessionId session;
  UserId user;
  std::string name;
  RoomRole role = RoomRole::Member;
  RoomSocket* socket = nullptr;  // null during the grace
  ConnectionState media = ConnectionState::New;
  ConnectionState shown = ConnectionState::New;  // what the others were told last
  std::vector<TrackId> tracks;
  std::map<std::string, TrackHint> hints;  // by mid
  std::optional<TokenBucket> key_words;    // of what it says of its keys; from the first on
  TimePoint armed = kNever;                // the end of the grace
  std::optional<PhoneStay> phone;
};

}  // namespace zvonok::call
