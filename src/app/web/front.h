// The front door: every HTTP request of the server comes here and goes to a socket, a probe, the API or the web app.
#pragma once
#include <string>

#include "app/access.h"
#include "app/control.h"
#include "app/metrics.h"
#include "app/phone/phone_service.h"
#include "app/rooms/room_access.h"
#include "app/rooms/room_control.h"
#include "app/tunnel/tunnel_service.h"
#include "app/web/api.h"
#include "app/web/static_files.h"
#include "app/web/web_policy.h"
#include "net/server.h"

namespace zvonok::app {

class Front final : public net::HttpHandler {
 public:
  struct Parts {
    net::Loop& loop;
    WorkerPool& storage;
    port::Store& store;
    Access& access;
    Control& control;
    RoomControl& rooms;
    RoomAccess& room_access;
    Api& api;
    Metrics& metrics;
    TunnelService& tunnels;
    PhoneService& phone;
    const WebPolicy& policy;
    Logger& log;
  };
  Front(Parts parts, const Config& config, StaticFiles files);

  void on_request(HttpRequest request, net::Responder respond) override;
  net::BodyRules on_body(const net::RequestHead& head, ConnectionId connection) override;
  void on_body_refused(const net::RequestHead& head, HttpResponse& response) override;
  [[nodiscard]] bool has_files() const { return !files_.empty(); }
  void replace_files(StaticFiles files) { files_ = std::move(files); }
  /// From now on /readyz says 503, and new WebSockets are refused with 503, but for users who are in a call.
  void set_draining() { draining_ = true; }

 private:
  void open_socket(Exchange exchange);
  void open_room(Exchange exchange, call::RoomKey room);
  void authorize(Exchange exchange, call::RoomKey room, identity::Principal principal);
  void enter_room(Exchange exchange, call::RoomKey room, const identity::Principal& principal, port::RoomAnswer answer);
  void let_in(Exchange exchange, Result<identity::Principal, AccessDenied> principal, DeviceName device);
  void answer_probe(rest::RouteId route, Exchange exchange);
  void answer_ready(Exchange exchange);
  void answer_metrics(Exchange exchange);
  void answer_file(Exchange exchange);

  Parts parts_;
  StaticFiles files_;
  const MetricsAccess metrics_access_;
  const std::string metrics_token_;
  bool draining_ = false;
};

}  // namespace zvonok::app
