// The Socket.IO namespace `/call` and the domain of tunnelled calls behind it: events in, commands to the domain,
// effects performed, events out. Belongs to the loop's thread.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "app/access.h"
#include "app/call_journal.h"
#include "app/config/config.h"
#include "app/deadline_timer.h"
#include "app/worker_pool.h"
#include "base/entropy.h"
#include "base/log.h"
#include "call/presence.h"
#include "call/tunnel_calls.h"
#include "identity/principal.h"
#include "net/loop.h"
#include "port/store.h"
#include "port/tunnel_provider.h"
#include "proto/socketio/handler.h"
#include "proto/socketio/server.h"
#include "proto/socketio/socket.h"
#include "signal/tunnel/client_config.h"
#include "signal/tunnel/encode.h"

namespace zvonok::app {

struct TunnelCallCounters {
  std::uint64_t started = 0;
  std::uint64_t answered = 0;
  std::array<std::uint64_t, 9> ended{};  // by call::EndReason
  std::uint64_t answered_seconds = 0;    // of ended calls
  std::uint64_t bad_messages = 0;        // arguments missing or of a wrong type
  std::uint64_t errors = 0;              // call-error sent by the domain
  std::uint64_t auth_refused = 0;
  std::uint64_t too_many_sockets = 0;
  std::uint64_t tunnels_failed = 0;
};

class TunnelControl final : public socketio::Handler {
 public:
  struct Parts {
    net::Loop& loop;
    WorkerPool& storage;
    port::Store& store;
    CallJournal& journal;
    Access& access;
    call::Presence& presence;  // shared with the other dialects
    port::TunnelProvider& provider;
    Entropy& entropy;
    Logger& log;
  };
  TunnelControl(Parts parts, const Config& config);

  /// Before any socket. The server outlives its use here.
  void attach(socketio::Server& server) { server_ = &server; }
  /// Instead of that of `Parts`, before any call. It outlives its use here.
  void use_provider(port::TunnelProvider& provider) { provider_ = &provider; }
  /// PEM lines of the tunnel server's certificate when it is not publicly trusted; empty otherwise.
  void set_certificate(std::vector<std::string> lines) { certificate_ = std::move(lines); }
  /// Presence is one for all dialects: who hears of it elsewhere is told there.
  void on_foreign_presence(std::function<void(const call::DeliverPresence&)> tell) {
    tell_elsewhere_ = std::move(tell);
  }
  /// A watcher of ours has to hear of somebody who is connected elsewhere.
  void tell_presence(const call::DeliverPresence& presence);

  void close_session(const std::string& session_id);
  void drain();
  void shut_down();
  /// Whether the user is in a call with a tunnel that leads to the media plane.
  [[nodiscard]] bool reaches_media(const UserId& user) const { return reaching_.contains(user); }
  [[nodiscard]] bool owns(ConnectionId connection) const { return clients_.contains(connection); }
  [[nodiscard]] std::size_t calls() const { return calls_.call_count(); }
  /// Records of ended calls that are still to be told what was used of their tunnels.
  [[nodiscard]] std::size_t waiting_records() const { return waiting_.size(); }
  [[nodiscard]] std::size_t clients() const { return clients_.size(); }
  [[nodiscard]] const TunnelCallCounters& counters() const { return counters_; }

  void on_connect(socketio::Socket& socket, std::string_view auth) override;
  void on_event(socketio::Socket& socket, const socketio::Event& event) override;
  void on_disconnect(socketio::Socket& socket, socketio::DisconnectReason reason) override;

 private:
  struct Client {
    socketio::SocketId socket;
    std::string session_id;
    // How it reached this server: so it will reach the tunnel, where the settings don't say.
    std::string host;
    std::uint16_t port = 0;
    signal::tunnel::Security security = signal::tunnel::Security::None;
    signal::tunnel::VersionInside version_inside = signal::tunnel::VersionInside::Yes;
  };
  struct ClosedTunnel {
    CallId call;
    call::TunnelUse use;
    bool is_told = false;  // what its sides have used, or that nobody knows
  };
  struct Tunnel {
    std::array<UserId, 2> users;  // caller, callee
    Private<std::string> encryption_key;
    std::optional<port::TunnelAccesses> accesses;
    TimePoint opened{};
  };

  void admit(socketio::SocketId number, const identity::Principal& principal, DeviceName device, Client client);
  void run(call::tunnel::Command command);
  void perform_all();
  void perform(const call::SaveRecord& effect);
  void perform(const call::tunnel::LookUpCallee& effect);
  void perform(const call::tunnel::OpenTunnel& effect);
  void perform(const call::tunnel::CloseTunnel& effect);
  void perform(const call::CloseConnection& effect);
  void perform(const call::DeliverPresence& effect);
  void perform(const call::tunnel::ConfigReceived& effect);
  void perform(const call::tunnel::PeerConnected& effect);
  template <class Deliver>
  void perform(const Deliver& effect);
  void send(ConnectionId to, const signal::tunnel::Message& message);
  [[nodiscard]] signal::tunnel::ClientConfig config_for(const Client& client, const Tunnel& tunnel,
                                                        call::Role role) const;
  void take_use(const CallId& call, std::optional<std::array<call::TunnelTraffic, 2>> sides);
  [[nodiscard]] std::int64_t seconds_since(TimePoint then) const;
  void handle_timeout();

  Parts parts_;
  const Config& config_;
  port::TunnelProvider* provider_;
  socketio::Server* server_ = nullptr;
  std::function<void(const call::DeliverPresence&)> tell_elsewhere_;
  std::vector<std::string> certificate_;
  call::tunnel::TunnelCalls calls_;
  std::unordered_map<ConnectionId, Client> clients_;
  std::unordered_map<CallId, Tunnel> tunnels_;
  std::optional<ClosedTunnel> closed_;  // until the record of its call is saved
  // Saved without what the sides have used, which is asked for. The provider answers in bounded time.
  std::unordered_map<CallId, call::CallRecord> waiting_;
  std::unordered_multiset<UserId> reaching_;  // users of tunnels that lead to the media plane
  call::tunnel::Effects effects_;
  DeadlineTimer timer_{parts_.loop, [this] { return calls_.next_timeout(); }, [this] { handle_timeout(); }};
  TunnelCallCounters counters_;
};

}  // namespace zvonok::app
