// The engine of calls through a tunnel: every rule of docs/protocol/tunnel.md that is not about bytes. Commands and
// time in, effects out. Shares presence with pair calls: one user is in one call at most, whatever its kind.
//
// Pure: no clock, no I/O. Belongs to the control thread.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>

#include "base/entropy.h"
#include "base/time.h"
#include "base/token_bucket.h"
#include "call/deadlines.h"
#include "call/presence.h"
#include "call/tunnel_call.h"
#include "call/tunnel_words.h"

namespace zvonok::call::tunnel {

struct Options {
  Duration ring_timeout = seconds{45};
  Duration setup_timeout = seconds{30};    // from accept until both are ready
  Duration reconnect_grace = seconds{10};  // zero: a closed socket of a side ends the call at once
  Duration length_max = hours{4};          // from accept: tunnels do not live for ever
  std::size_t rung_devices_max = 32;
  std::size_t calls_max = 100'000;
  /// `e2e` of one side: an agreement takes two or three, and again after each reconnect.
  TokenBucketOptions words{.burst = 64, .per_second = 4};
};

class TunnelCalls {
 public:
  /// `presence` (shared with other dialects) and `entropy` (for call ids) must outlive the engine.
  TunnelCalls(Options options, Presence& presence, Entropy& entropy);
  TunnelCalls(const TunnelCalls&) = delete;
  TunnelCalls& operator=(const TunnelCalls&) = delete;

  /// Takes one command; what must be done because of it is appended to `effects`. Commands of unknown connections are
  /// ignored.
  void handle(Command command, const Now& now, Effects& effects);
  void handle_timeout(const Now& now, Effects& effects);
  /// When to call `handle_timeout` next; TimePoint::max() when nothing is waited for.
  [[nodiscard]] TimePoint next_timeout() const { return deadlines_.next(); }

  [[nodiscard]] std::size_t call_count() const { return calls_.size(); }

  /// Everything that is held, for tests.
  struct Counts {
    std::size_t devices = 0;
    std::size_t calls = 0;
    std::size_t users_in_calls = 0;
    std::size_t lookups = 0;
    std::size_t deadlines = 0;
  };
  [[nodiscard]] Counts counts() const;

 private:
  struct Endpoint {
    UserId user;
    DeviceName name;
    std::optional<LookupId> lookup;  // a call that it is placing
  };
  struct Lookup {
    ConnectionId from;
    UserId callee;
  };

  void on(Connected& command, const Now& now, Effects& effects);
  void on(Disconnected& command, const Now& now, Effects& effects);
  void on(Initiate& command, const Now& now, Effects& effects);
  void on(Accept& command, const Now& now, Effects& effects);
  void on(Reject& command, const Now& now, Effects& effects);
  void on(Ready& command, const Now& now, Effects& effects);
  void on(Hangup& command, const Now& now, Effects& effects);
  void on(Relay& command, const Now& now, Effects& effects);
  void on(Watch& command, const Now& now, Effects& effects);
  void on(CalleeFound& command, const Now& now, Effects& effects);
  void on(CalleeMissing& command, const Now& now, Effects& effects);
  void on(CalleeUnknown& command, const Now& now, Effects& effects);
  void on(TunnelOpened& command, const Now& now, Effects& effects);
  void on(TunnelRefused& command, const Now& now, Effects& effects);
  void on(TunnelLost& command, const Now& now, Effects& effects);
  void on(Drain& command, const Now& now, Effects& effects);
  void on(Shutdown& command, const Now& now, Effects& effects);

  // Placing a call.
  void place(ConnectionId from, const UserId& callee, const Now& now, Effects& effects);
  [[nodiscard]] std::optional<Error> obstacle(const UserId& caller, const UserId& callee) const;
  void start(ConnectionId from, const UserId& callee, const Now& now, Effects& effects);
  void save_refused(const UserId& caller, const UserId& callee, EndReason reason, const Now& now, Effects& effects);
  [[nodiscard]] std::optional<Lookup> take_lookup(LookupId id);

  // Messages about a call.
  struct Party {
    TunnelCall& call;
    Role role;
  };
  /// The call and the sender's part in it; nothing when the sender has been told that there is none.
  [[nodiscard]] std::optional<Party> party(ConnectionId from, const CallId& id, Error stranger, Effects& effects);
  void take_seat(TunnelCall& call, Role role, ConnectionId device);
  void send_config(TunnelCall& call, Role role, Effects& effects);

  // Devices coming and going.
  void drop(ConnectionId connection, const Now& now, Effects& effects);
  void lose_seat(TunnelCall& call, Role role, const Now& now, Effects& effects);
  void ring(TunnelCall& call, ConnectionId device, Effects& effects);
  void resume(TunnelCall& call, Role role, ConnectionId device, Effects& effects);

  // The end.
  struct Ending {
    EndReason reason;
    Over to_caller;
    Over to_callee;
    std::optional<ConnectionId> by;  // is not told
  };
  void end(TunnelCall& call, const Ending& ending, const Now& now, Effects& effects);
  void expire(TunnelCall& call, const Now& now, Effects& effects);
  void arm(TunnelCall& call);

  [[nodiscard]] TunnelCall* find_call(const CallId& id);
  [[nodiscard]] TunnelCall* call_of(const UserId& user);

  Options options_;
  Presence& presence_;
  Entropy& entropy_;
  std::unordered_map<ConnectionId, Endpoint> endpoints_;
  std::unordered_map<std::uint64_t, std::unique_ptr<TunnelCall>> calls_;  // by serial
  std::unordered_map<CallId, TunnelCall*> by_id_;
  std::unordered_map<UserId, TunnelCall*> by_user_;  // two for each call
  std::unordered_map<LookupId, Lookup> lookups_;
  Deadlines deadlines_;
  std::uint64_t next_serial_ = 1;
  LookupId::rep next_lookup_ = 1;
  bool draining_ = false;
};

}  // namespace zvonok::call::tunnel
