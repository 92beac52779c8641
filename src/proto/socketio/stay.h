// What a client is in a namespace besides its connection: its rooms, and, when it may come back to it, all that is kept
// for then. Owned by its Socket, and while the client is away by the Recovery.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "proto/socketio/handler.h"
#include "proto/socketio/replay_log.h"

namespace zvonok::socketio {

/// What a client comes back to.
struct Memory {
  std::string id;     // Socket::id
  std::string pid;    // a secret that only the client has
  std::string owner;  // whose it is; nobody else gets it
  ReplayLog log;
  /// Number of the newest event at the last pong: at the next one the client has it.
  EventNumber at_last_pong = 0;
  // While the client is away.
  std::uint64_t left_as = 0;  // orders those who are
  TimePoint expires_at{};
};

struct Stay {
  std::uint64_t number = 0;  // orders the members of a room
  std::string_view nsp;      // lives in the server
  SocketId socket{};         // while it has one
  std::vector<std::string> rooms;
  std::string data;
  std::unique_ptr<Memory> memory{};  // null: it ends with its socket

  [[nodiscard]] bool is_away() const { return socket == SocketId{}; }
};

}  // namespace zvonok::socketio
