// The running server: every part, made in order, and the loop that drives them.
#pragma once
#include <atomic>
#include <memory>
#include <string>

#include "adapter/authorizer_store/store_authorizer.h"
#include "adapter/authorizer_token/token_authorizer.h"
#include "adapter/store_sql/store_sql.h"
#include "app/access.h"
#include "app/call_journal.h"
#include "app/config/config.h"
#include "app/control.h"
#include "app/media/media_shards.h"
#include "app/media/stun_server.h"
#include "app/metrics.h"
#include "app/phone/phone_service.h"
#include "app/phone/room_calls.h"
#include "app/rooms/messenger.h"
#include "app/rooms/room_access.h"
#include "app/rooms/room_control.h"
#include "app/signals.h"
#include "app/tunnel/tunnel_service.h"
#include "app/web/api.h"
#include "app/web/front.h"
#include "app/web/web_policy.h"
#include "app/worker_pool.h"
#include "base/log.h"
#include "identity/authenticator.h"
#include "identity/known_users.h"
#include "identity/login_throttle.h"
#include "identity/revocations.h"
#include "identity/service.h"
#include "identity/tickets.h"
#include "net/loop.h"
#include "net/server.h"
#include "net/system_entropy.h"

namespace zvonok::app {

/// Whether the node takes over SIGTERM, SIGINT and SIGHUP of the process. Tests run several nodes and don't.
enum class SignalUse { Handle, LeaveAlone };

class Node {
 public:
  /// Opens the database (and migrates it), the listener and everything between. The error is one line for the operator.
  [[nodiscard]] static Result<std::unique_ptr<Node>, std::string> create(const Config& config, Logger& log,
                                                                         SignalUse signals);
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  [[nodiscard]] std::uint16_t port() const { return server_->port(); }
  /// Serves until SIGTERM, SIGINT or stop().
  void run();
  /// Ends run() in order: no new sockets, running calls may finish within SHUTDOWN_TIMEOUT. Twice: at once.
  /// Thread-safe.
  void stop();

 private:
  struct Opened {
    Config config;
    Logger& log;
    std::unique_ptr<net::Loop> loop;
    MadeProvider phone_provider;
    std::unique_ptr<store_sql::StoreSql> store;
    jwt::KeySet keys;
    jwt::Key signing_key;
    identity::PasswordHasher passwords;
    WebPolicy policy;
    StaticFiles files;
    std::unique_ptr<Messenger> messenger;
    std::string name;
  };
  explicit Node(Opened opened);
  [[nodiscard]] Result<void, std::string> start(SignalUse signals);
  [[nodiscard]] Result<void, std::string> load_tls();
  [[nodiscard]] Result<void, std::string> start_media();
  [[nodiscard]] std::vector<IpAddress> media_addresses();
  [[nodiscard]] RoomControl::Candidates candidates_of(std::size_t thread,
                                                      const std::vector<IpAddress>& addresses) const;
  void start_stun(const std::vector<IpAddress>& addresses);
  [[nodiscard]] std::size_t calls() const;
  void begin_shutdown();
  void check_shutdown();
  void stop_when_hung_up(TimePoint at_last);
  void reload();
  void on_signal(int signal);
  void tend();
  void adopt_revocations(const std::vector<port::RevokedSession>& sessions);

  // In this order: what stands below uses what stands above.
  const Config config_;
  Logger& log_;
  const std::string name_;
  net::SystemEntropy entropy_;
  std::unique_ptr<net::Loop> loop_;
  std::unique_ptr<store_sql::StoreSql> store_;
  WebPolicy policy_;
  identity::Revocations revocations_;
  identity::Authenticator authenticator_;
  identity::KnownUsers known_users_;
  identity::Tickets tickets_;
  identity::LoginThrottle throttle_;
  identity::IdentityService service_;
  WorkerPool storage_;
  WorkerPool passwords_;
  CallJournal journal_;
  Access access_;
  Control control_;
  TunnelService tunnels_;
  PhoneService phone_;
  RoomControl rooms_;
  authorizer_token::TokenAuthorizer token_authorizer_;
  authorizer_store::StoreAuthorizer store_authorizer_;
  std::unique_ptr<Messenger> messenger_;  // null when members are kept here
  RoomAccess room_access_;
  RoomCalls room_calls_;
  Metrics metrics_;
  Api api_;
  Front front_;
  std::unique_ptr<net::Server> server_;
  std::optional<dtls::Certificate> media_certificate_;
  std::unique_ptr<MediaShards> media_;
  std::unique_ptr<StunServer> stun_;  // null when it is off
  std::unique_ptr<Signals> signals_;
  TimePoint shutdown_deadline_ = TimePoint::max();
  WallTime revocations_read_{};
  TimePoint trimmed_at_{};
  bool shutting_down_ = false;
  bool asked_twice_ = false;
};

}  // namespace zvonok::app
