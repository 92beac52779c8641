// Engine.IO on the server's HTTP and WebSocket connections: one mount point, such as /socket.io/, for both transports.
//
// Whoever owns the routes hands over the requests of the mount point by `handle`, and asks `body_rules` for those with
// a body (HttpHandler::on_body). Everything else goes by itself. Belongs to the loop's thread, and must outlive the
// server's connections.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "net/responder.h"
#include "net/server.h"
#include "proto/engineio/hub.h"
#include "proto/engineio/options.h"
#include "proto/engineio/wire.h"

namespace zvonok::net {

/// What a page of some origin may do. Requests without Origin come from no page.
enum class OriginRule {
  Refused,   // 403; the page can't read it either
  Own,       // the page's own server: needs no CORS headers
  Named,     // the origin is named, credentials are allowed
  Wildcard,  // any origin, without credentials
};

class EngineIoEdge final : public WsHandler, public RequestWatcher, private engineio::Wire {
 public:
  struct Options {
    engineio::Options engine;
    /// Asked for every request; its Origin header may be absent.
    std::function<OriginRule(const HttpRequest&)> origin_rule;  // looks at Origin and Host
  };
  EngineIoEdge(Server& server, engineio::Acceptor& acceptor, Options options);
  EngineIoEdge(const EngineIoEdge&) = delete;
  EngineIoEdge& operator=(const EngineIoEdge&) = delete;
  ~EngineIoEdge() override;

  void handle(HttpRequest request, Responder respond);
  [[nodiscard]] BodyRules body_rules(const RequestHead& head, ConnectionId connection);
  /// Of a request whose body was refused: pages of other origins may read that, too.
  void add_cors_to_refusal(const RequestHead& head, HttpResponse& response) const;
  /// Ends all sessions: the libraries reconnect, to another node.
  void shut_down();

  [[nodiscard]] engineio::Hub& hub() { return hub_; }

  // From the server.
  void on_ws_message(ConnectionId id, std::string_view text) override;
  void on_ws_binary(ConnectionId id, std::string_view bytes) override;
  void on_ws_close(ConnectionId id) override;
  void on_client_gone(ConnectionId id) override;
  void on_request_refused(ConnectionId id) override;

 private:
  /// A request that was not answered yet, with what its answer needs of it.
  struct Waiting {
    Responder respond;
    OriginRule rule;
    std::string origin;
  };
  struct Ready {
    Responder respond;
    HttpResponse response;
  };
  /// An answer may let the connection's next request in, which calls the hub. So answers leave when the hub has
  /// returned.
  class Turn {
   public:
    explicit Turn(EngineIoEdge& edge) : edge_{edge} { ++edge_.depth_; }
    ~Turn() {
      if (--edge_.depth_ == 0) edge_.send_ready();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    EngineIoEdge& edge_;
  };

  // From the hub.
  void answer(ConnectionId connection, const engineio::Answer& answer) override;
  bool ws_text(ConnectionId connection, std::string_view text) override;
  bool ws_binary(ConnectionId connection, std::string_view bytes) override;
  void ws_close(ConnectionId connection) override;
  void arm(TimePoint at) override;

  void open_websocket(const HttpRequest& http, const engineio::Request& request, Responder respond);
  void on_timer();
  void send_ready();
  [[nodiscard]] TimePoint now() const { return server_.now().mono; }

  Server& server_;
  Loop& loop_;
  const Options options_;
  engineio::Hub hub_;
  std::unordered_map<ConnectionId, Waiting> waiting_;
  std::vector<Ready> ready_;
  std::optional<Loop::TimerKey> timer_;
  unsigned depth_ = 0;
  bool send_posted_ = false;
  bool sending_ = false;
};

}  // namespace zvonok::net
