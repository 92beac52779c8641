// Connection state recovery: a client that lost its connection comes back to the same id, rooms and data, and is sent
// what it has missed.
//
// A client that may come back is told a secret (`pid`), and each event to it ends with an offset, an opaque text that
// its library remembers. Coming back it names both. The offset is a position in everything that this server has sent,
// so a client that was quiet for hours, or was sent nothing yet, is recovered as well as any other; it may even come
// back while its old connection looks alive. How much is kept, and for how long, is bounded; what the answer to a ping
// shows to have arrived is not kept.
//
// A session is given to its owner alone, and whoever comes back was let in by the namespace as at the first time: the
// secret is no admission. Sans-IO and not thread-safe.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/entropy.h"
#include "base/result.h"
#include "base/time.h"
#include "proto/socketio/counters.h"
#include "proto/socketio/replay_log.h"
#include "proto/socketio/rooms.h"
#include "proto/socketio/stay.h"

namespace zvonok::socketio {

struct RecoveryOptions {
  /// How long a client may be away. Zero: nobody comes back, and events carry no offset.
  Duration away_max{};
  std::size_t away_clients_max = 10'000;
  /// Of one owner; of nobody's (an empty owner) only the above holds.
  std::size_t away_per_owner_max = 8;
  /// For each client, here or away.
  ReplayLimits replay{};
  /// Of what is kept for all of them.
  std::size_t bytes_max = 64 * 1024 * 1024;
};

/// What a client says of its session of before.
struct Claim {
  std::string pid;
  std::optional<std::string> offset;  // none: it has seen no event
};
/// Of the payload of a CONNECT, "" or a JSON object; nullopt when it speaks of none.
[[nodiscard]] std::optional<Claim> read_claim(std::string_view payload);

class Recovery {
 public:
  struct Parts {
    Entropy& entropy;
    Counters& counters;
    Rooms& rooms;
  };
  Recovery(const RecoveryOptions& options, Parts parts);

  // ---- events
  /// Numbers an event packet and puts its offset in, as the last argument.
  EventNumber seal(std::string& packet);
  void remember(Stay& stay, const SharedEvent& event);
  /// The client has answered a ping.
  void on_pong(Memory& memory);

  // ---- clients
  /// From now on it may come back. `stay` is that of a socket.
  void begin(Stay& stay, std::string id, std::string_view owner);
  /// Ends that: it may not.
  void end(Stay& stay);
  /// Its connection was lost.
  void keep(std::unique_ptr<Stay> stay, TimePoint now);

  struct Asker {
    std::string_view nsp;
    std::string_view owner;
  };
  struct Found {
    Stay* stay = nullptr;  // may still have a socket
    EventNumber seen = 0;
  };
  /// The session that is claimed. One that is of no use any more is gone afterwards.
  [[nodiscard]] Result<Found, NotRecovered> look_up(const Claim& claim, Asker asker, TimePoint now);
  /// Of one who was away; null when he is not.
  [[nodiscard]] std::unique_ptr<Stay> take(std::string_view pid);

  [[nodiscard]] TimePoint next_timeout() const;
  void handle_timeout(TimePoint now);

 private:
  using Away = std::map<std::uint64_t, std::unique_ptr<Stay>>;  // by Memory::left_as: the longest away first
  [[nodiscard]] std::optional<EventNumber> read_offset(std::string_view offset) const;
  [[nodiscard]] std::unique_ptr<Stay> take(Away::iterator place);
  void hold_to_limits(const Memory& newest);
  void forget(Away::iterator place, Forgotten why);

  const RecoveryOptions options_;
  Entropy& entropy_;
  RecoveryCounters& counters_;
  Rooms& rooms_;
  const std::string epoch_;  // what offsets of this server begin with, and of none before it
  EventNumber last_event_ = 0;
  std::uint64_t last_left_ = 0;
  std::unordered_map<std::string_view, Stay*> by_pid_;  // here or away; the key lives in its memory
  Away away_;
  std::set<std::pair<std::string_view, std::uint64_t>>
      away_by_owner_;  // owner, Memory::left_as; nobody's are not in it
};

}  // namespace zvonok::socketio
