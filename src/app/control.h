// The sockets of the pair dialect and the call domain behind them: text in, commands to the domain, effects performed,
// text out. docs/life_of_a_message.md walks through it. Belongs to the loop's thread.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "app/access.h"
#include "app/call_journal.h"
#include "app/config/config.h"
#include "app/deadline_timer.h"
#include "app/worker_pool.h"
#include "base/entropy.h"
#include "base/log.h"
#include "call/pair_calls.h"
#include "call/presence.h"
#include "identity/principal.h"
#include "net/loop.h"
#include "net/responder.h"
#include "net/server.h"
#include "port/store.h"
#include "signal/pair/decode.h"

namespace zvonok::app {

struct CallCounters {
  std::uint64_t started = 0;
  std::uint64_t answered = 0;
  std::array<std::uint64_t, 9> ended{};  // by call::EndReason
  std::uint64_t answered_seconds = 0;    // of ended calls
  std::uint64_t bad_messages = 0;
  std::uint64_t errors = 0;  // call:error sent by the domain
  std::uint64_t auth_timeouts = 0;
  std::uint64_t auth_refused = 0;
  std::uint64_t too_many_sockets = 0;
};

class Control final : public net::WsHandler {
 public:
  struct Parts {
    net::Loop& loop;
    WorkerPool& storage;
    port::Store& store;
    CallJournal& journal;
    Access& access;
    Entropy& entropy;
    Logger& log;
  };
  Control(Parts parts, const Config& config);

  /// Before any socket. The server outlives its use here.
  void attach(net::Server& server) { server_ = &server; }

  /// A WebSocket that was let in.
  void open(ConnectionId id, const identity::Principal& principal, DeviceName device);
  /// A WebSocket whose first message has to bring its token.
  void open_unauthenticated(ConnectionId id, DeviceName device);
  /// A WebSocket whose token or ticket was no good: closed with 4001.
  void refuse(ConnectionId id);
  /// Closes the sockets of a login session that has ended.
  void close_session(const std::string& session_id);
  /// From now on offers that would make a new call are refused; running calls go on.
  void drain();
  /// Ends all calls, with their records, and takes no new ones.
  void shut_down();

  void on_ws_message(ConnectionId id, std::string_view text) override;
  void on_ws_close(ConnectionId id) override;

  /// Of all dialects.
  [[nodiscard]] call::Presence& presence() { return presence_; }
  /// Somebody whom a socket here watches is connected elsewhere, or no more. False: it is no socket of this dialect.
  bool tell_presence(const call::DeliverPresence& presence);
  /// Who hears of presence and is not connected here.
  void on_foreign_presence(std::function<void(const call::DeliverPresence&)> tell) {
    tell_elsewhere_ = std::move(tell);
  }

  [[nodiscard]] bool is_online(const UserId& user) const { return presence_.is_online(user); }
  [[nodiscard]] std::size_t online_users() const { return presence_.online_user_count(); }
  [[nodiscard]] std::size_t calls() const { return calls_.call_count(); }
  [[nodiscard]] bool is_in_call(const UserId& user) const { return calls_.is_in_call(user); }
  [[nodiscard]] const CallCounters& counters() const { return counters_; }

 private:
  struct Client {
    DeviceName device;
    std::string session_id;
    bool authenticated = false;
    bool auth_under_way = false;
    std::vector<std::string> waiting;  // sent behind a first message whose token is still being checked
    std::optional<net::Loop::TimerKey> auth_timer;
  };

  void authenticate(ConnectionId id, signal::pair::PairMessage message);
  void admit(ConnectionId id, Client& client, const identity::Principal& principal);

  void run(call::Command command);
  void perform_all();
  void perform(call::Effect& effect);
  void perform(const call::SaveRecord& effect);
  void perform(const call::LookUpTarget& effect);
  void perform(const call::CloseConnection& effect);
  void perform(const call::DeliverPresence& effect);
  template <class Deliver>
  void deliver(const Deliver& effect);
  void handle_timeout();

  Parts parts_;
  const Duration auth_timeout_;
  const std::size_t sockets_per_user_max_;
  net::Server* server_ = nullptr;
  std::function<void(const call::DeliverPresence&)> tell_elsewhere_;
  call::Presence presence_;
  call::PairCalls calls_;
  std::unordered_map<ConnectionId, Client> clients_;
  call::Effects effects_;  // reused, so that a relayed message allocates little
  std::string text_;       // likewise
  DeadlineTimer timer_{parts_.loop, [this] { return calls_.next_timeout(); }, [this] { handle_timeout(); }};
  CallCounters counters_;
};

}  // namespace zvonok::app
