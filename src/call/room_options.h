// The settings and limits of rooms.
#pragma once
#include <cstddef>

#include "base/time.h"
#include "base/token_bucket.h"
#include "call/room_words.h"

namespace zvonok::call {

struct RoomOptions {
  Duration reconnect_grace = seconds{30};  // zero: a closed socket leaves at once
  Duration join_within = seconds{10};      // of the socket's opening, and of a leave
  Duration silence_max = seconds{60};
  std::size_t participants_max = 1000;  // of a room
  std::size_t rooms_max = 10'000;
  std::size_t rooms_per_user_max = 10;
  std::size_t tracks_per_participant_max = 16;
  // Of an encrypted room: whoever leaves makes everybody tell everybody a new key.
  std::size_t encrypted_participants_max = 100;
  /// Of each participant; a message to everybody counts once for each who gets it.
  TokenBucketOptions key_words{.burst = 512, .per_second = 64};
  std::size_t banned_users_max = 10'000;      // of a room; then nobody can be kicked any more
  std::size_t speakers_max = 16;              // told of at once
  std::size_t phones_max = 8;                 // telephones of a room, those that are being called among them
  RoomRole phone_role = RoomRole::Moderator;  // may invite them, that role and those above
};

}  // namespace zvonok::call
