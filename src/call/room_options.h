// The settings and limits of rooms.
#pragma once
#include <cstddef>

#include "base/time.h"

namespace zvonok::call {

struct RoomOptions {
  Duration reconnect_grace = seconds{30};  // zero: a closed socket leaves at once
  Duration join_within = seconds{10};      // of the socket's opening, and of a leave
  Duration silence_max = seconds{60};
  std::size_t participants_max = 1000;  // of a room
  std::size_t rooms_max = 10'000;
  std::size_t rooms_per_user_max = 10;
  std::size_t tracks_per_participant_max = 16;
  std::size_t banned_users_max = 10'000;  // of a room; then nobody can be kicked any more
  std::size_t speakers_max = 16;          // told of at once
};

}  // namespace zvonok::call
