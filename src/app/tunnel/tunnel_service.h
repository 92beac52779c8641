// Calls through a tunnel, as one part of the server: Socket.IO at /socket.io/, the namespace /call on it, and the
// tunnel at /call. Belongs to the loop's thread.
#pragma once
#include <memory>
#include <string>

#include "app/config/config.h"
#include "app/tunnel/external_tunnel.h"
#include "app/tunnel/tunnel_control.h"
#include "app/tunnel/tunnel_edge.h"
#include "app/web/web_policy.h"
#include "net/engineio_edge.h"
#include "net/server.h"
#include "proto/socketio/server.h"

namespace zvonok::app {

class TunnelService {
 public:
  struct Parts {
    net::Loop& loop;
    WorkerPool& storage;
    port::Store& store;
    CallJournal& journal;
    Access& access;
    call::Presence& presence;
    const WebPolicy& policy;
    Entropy& entropy;
    Logger& log;
  };
  TunnelService(Parts parts, const Config& config);

  /// Before the first request. The server outlives its use here.
  void attach(net::Server& server);
  /// Likewise.
  void attach(MediaShards& media) { tunnel_.attach(media); }
  /// For the media threads.
  [[nodiscard]] TunnelDoor& media_door() { return tunnel_; }

  /// Whether the request is for one of the two.
  [[nodiscard]] static bool is_for_us(const HttpRequest& request);
  void handle(HttpRequest request, net::Responder respond);
  [[nodiscard]] net::BodyRules body_rules(const net::RequestHead& head, ConnectionId connection);
  /// False: the request is not for Socket.IO.
  bool add_cors_to_refusal(const net::RequestHead& head, HttpResponse& response) const;

  /// Calls go through this server from now on, before any call. Nothing is changed when it holds no provider.
  void use(ExternalTunnel external);
  /// Ends its thread: before the loop forgets what was posted to it.
  void finish();
  /// Null when tunnels are made here.
  [[nodiscard]] const tunnel_xray::XrayProvider* external() const { return external_.provider.get(); }

  /// As TlsContext::own_certificate gives it. Of this server: an external tunnel server has its own.
  void set_certificate(const std::string& pem);

  /// Null before `attach`.
  [[nodiscard]] const engineio::Counters* engine_counters() const;
  [[nodiscard]] TunnelControl& control() { return control_; }
  [[nodiscard]] const TunnelControl& control() const { return control_; }
  [[nodiscard]] const TunnelEdge& tunnel() const { return tunnel_; }
  void shut_down();

 private:
  const WebPolicy& policy_;
  TunnelEdge tunnel_;
  ExternalTunnel external_;
  socketio::Server socketio_;
  TunnelControl control_;
  std::unique_ptr<net::EngineIoEdge> edge_;  // from attach on
};

}  // namespace zvonok::app
