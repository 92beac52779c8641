// The pair-call engine: every rule of docs/protocol/pair.md that is not about bytes. Commands and time in, effects out.
// This class knows who is in which call and who is being looked up; what happens inside one call is PairCall's.
//
// Pure: no clock, no I/O. Belongs to the control thread.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "base/entropy.h"
#include "base/time.h"
#include "call/deadlines.h"
#include "call/pair_call.h"
#include "call/pair_command.h"
#include "call/pair_effect.h"
#include "call/pair_endpoint.h"
#include "call/pair_options.h"
#include "call/presence.h"

namespace zvonok::call {

class PairCalls {
 public:
  /// `presence` (shared with other dialects) and `entropy` (for call ids) must outlive the engine.
  PairCalls(PairOptions options, Presence& presence, Entropy& entropy);
  PairCalls(const PairCalls&) = delete;
  PairCalls& operator=(const PairCalls&) = delete;

  /// Takes one command; what must be done because of it is appended to `effects`. Commands of unknown connections are
  /// ignored: the socket was replaced and its last messages were still under way.
  void handle(Command command, const Now& now, Effects& effects);
  /// Does everything that is due at `now`. Earlier calls do nothing.
  void handle_timeout(const Now& now, Effects& effects);
  /// When to call `handle_timeout` next; TimePoint::max() when nothing is waited for.
  [[nodiscard]] TimePoint next_timeout() const { return deadlines_.next(); }

  [[nodiscard]] std::size_t call_count() const { return calls_.size(); }
  [[nodiscard]] bool is_in_call(const UserId& user) const { return users_in_calls_.contains(user); }
  [[nodiscard]] const PairOptions& options() const { return options_; }

  /// Everything that is held, for tests. Walks all of it.
  struct Counts {
    std::size_t endpoints = 0;
    std::size_t calls = 0;
    std::size_t users_in_calls = 0;
    std::size_t endpoints_in_calls = 0;
    std::size_t lookups = 0;
    std::size_t deadlines = 0;
    std::size_t kept_messages = 0;
    std::size_t kept_bytes = 0;
  };
  [[nodiscard]] Counts counts() const;

 private:
  enum class Placed { Yes, No };

  void on(DeviceConnected& command, const Now& now, Effects& effects);
  void on(DeviceDisconnected& command, const Now& now, Effects& effects);
  void on(Offer& command, const Now& now, Effects& effects);
  void on(Answer& command, const Now& now, Effects& effects);
  void on(Ice& command, const Now& now, Effects& effects);
  void on(Hangup& command, const Now& now, Effects& effects);
  void on(Hello& command, const Now& now, Effects& effects);
  void on(WatchPresence& command, const Now& now, Effects& effects);
  void on(TargetFound& command, const Now& now, Effects& effects);
  void on(TargetMissing& command, const Now& now, Effects& effects);
  void on(LookupFailed& command, const Now& now, Effects& effects);
  void on(Drain& command, const Now& now, Effects& effects);
  void on(Shutdown& command, const Now& now, Effects& effects);

  // Offers, from naming a target to the call.
  [[nodiscard]] std::optional<UserId> known_target(const PairEndpoint& from, const CallTarget& target);
  void look_up(PairEndpoint& from, PendingOffer offer, Effects& effects);
  void place_with_candidates(PairEndpoint& from, PendingOffer offer, const UserId& target, const Now& now,
                             Effects& effects);
  Placed place(PairEndpoint& from, PendingOffer& offer, const UserId& target, const Now& now, Effects& effects);
  Placed relay_offer(PairEndpoint& from, PendingOffer& offer, const Now& now, Effects& effects);
  void start_call(PairEndpoint& from, PendingOffer& offer, const UserId& target, const Now& now, Effects& effects);
  void save_refused(const PairEndpoint& from, const PendingOffer& offer, const UserId& target, EndReason reason,
                    const Now& now, Effects& effects);
  [[nodiscard]] std::unique_ptr<PendingOffer> take_pending(LookupId lookup, PairEndpoint*& from);
  /// The pending offer, if there is one; the answer to its look-up will be ignored.
  std::unique_ptr<PendingOffer> withdraw_pending(PairEndpoint& endpoint);
  void refuse_pending(LookupId lookup, ErrorCode code, std::string_view literal, const Now& now, Effects& effects);

  // Candidates that came before everything they belong to.
  void release_held(PairEndpoint& from, KeptMessages held, Placed placed, const Now& now, Effects& effects);
  void hold_early(PairEndpoint& from, std::string payload, const Now& now, Effects& effects);
  void expire_early(PairEndpoint& endpoint, TimePoint now, Effects& effects);
  [[nodiscard]] KeptMessages take_early(PairEndpoint& endpoint);

  // Devices coming and going.
  void replace(PairEndpoint& old, PairEndpoint& fresh, Effects& effects);
  /// The endpoint is gone afterwards.
  PresenceChange drop(PairEndpoint& endpoint);
  void join_call_of_user(PairEndpoint& fresh, const Now& now, Effects& effects);
  void ring_devices(PairCall& call, Effects& effects);

  // Calls as a whole.
  [[nodiscard]] PairCall* call_of(const UserId& user);
  void settle(PairCall& call, std::optional<EndReason> end, const Now& now, Effects& effects);
  void expire(PairCall& call, const Now& now, Effects& effects);
  void end(PairCall& call, EndReason reason, const Now& now, Effects& effects);
  void forget(PairCall& call);
  void arm(PairCall& call);

  [[nodiscard]] PairEndpoint* find(ConnectionId connection);
  [[nodiscard]] PairEndpoint* find_seated(ConnectionId connection, const CallTarget* wants, const Now& now,
                                          Effects& effects);

  PairOptions options_;
  Presence& presence_;
  Entropy& entropy_;
  std::unordered_map<ConnectionId, PairEndpoint> endpoints_;
  std::unordered_map<std::uint64_t, std::unique_ptr<PairCall>> calls_;  // by serial
  std::unordered_map<UserId, PairCall*> users_in_calls_;                // two for each call
  std::unordered_map<LookupId, ConnectionId> lookups_;
  Deadlines deadlines_;
  std::uint64_t next_serial_ = 1;
  LookupId::rep next_lookup_ = 1;
  bool draining_ = false;
};

}  // namespace zvonok::call
