// Decides who may enter a room, or look into it: the token, else the messenger or the members kept here
// (docs/protocol/room_membership.md), and the moderators of the room as it lives. Belongs to the loop's thread.
#pragma once
#include <cstdint>
#include <functional>

#include "app/rooms/room_control.h"
#include "app/worker_pool.h"
#include "base/log.h"
#include "identity/principal.h"
#include "net/loop.h"
#include "port/room_authorizer.h"

namespace zvonok::app {

struct RoomAccessCounters {
  std::uint64_t allowed = 0;
  std::uint64_t denied = 0;
  std::uint64_t unavailable = 0;  // could not be found out
};

class RoomAccess {
 public:
  struct Parts {
    net::Loop& loop;
    port::RoomAuthorizer& token;    // does not block
    port::RoomAuthorizer& members;  // may block: is asked on `pool`
    WorkerPool& pool;
    const RoomControl& rooms;
    Logger& log;
  };
  explicit RoomAccess(Parts parts) : parts_{parts} {}

  using Done = std::move_only_function<void(port::RoomAnswer)>;
  /// `done` runs on the loop's thread, perhaps before this returns.
  void ask(const call::RoomKey& room, const identity::Principal& principal, Done done);
  /// Membership of that user has changed: the next question is asked anew.
  void forget(const call::RoomKey& room, const UserId& user) { parts_.members.forget(room, user); }
  [[nodiscard]] const RoomAccessCounters& counters() const { return counters_; }

 private:
  void ask_members(port::RoomQuestion question, unsigned times, Done done);
  void answer(const port::RoomQuestion& question, port::RoomAnswer answer, Done& done);

  Parts parts_;
  RoomAccessCounters counters_;
};

}  // namespace zvonok::app
