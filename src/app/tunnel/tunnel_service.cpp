#include "app/tunnel/tunnel_service.h"

#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

namespace zvonok::app {
namespace {

constexpr std::string_view kSocketIoPath = "/socket.io/";
constexpr std::string_view kNamespace = "/call";

bool is_socketio(std::string_view path) {
  return path == kSocketIoPath || path == kSocketIoPath.substr(0, kSocketIoPath.size() - 1);
}

std::vector<std::string> lines_of(const std::string& pem) {
  std::vector<std::string> lines;
  std::istringstream text{pem};
  for (std::string line; std::getline(text, line);) lines.push_back(std::move(line));
  return lines;
}

}  // namespace

TunnelService::TunnelService(Parts parts, const Config& config)
    : policy_{parts.policy},
      tunnel_{{.loop = parts.loop, .entropy = parts.entropy, .log = parts.log}, {}},
      socketio_{{}, parts.entropy},
      control_{{.loop = parts.loop,
                .storage = parts.storage,
                .store = parts.store,
                .journal = parts.journal,
                .access = parts.access,
                .presence = parts.presence,
                .provider = tunnel_,
                .entropy = parts.entropy,
                .log = parts.log},
               config} {
  control_.attach(socketio_);
  socketio_.add_namespace(std::string{kNamespace}, control_);
}

void TunnelService::attach(net::Server& server) {
  tunnel_.attach(server);
  net::EngineIoEdge::Options options;
  options.engine.sessions_max = server.options().connections_max;
  options.engine.sessions_per_address_max = server.options().connections_per_address_max;
  options.origin_rule = [this](const HttpRequest& request) {
    if (!policy_.allows_origin(request)) return net::OriginRule::Refused;
    return policy_.is_own_origin(request) ? net::OriginRule::Own : net::OriginRule::Named;
  };
  edge_ = std::make_unique<net::EngineIoEdge>(server, socketio_, std::move(options));
}

void TunnelService::set_certificate(const std::string& pem) {
  if (!external_.provider) control_.set_certificate(lines_of(pem));
}

void TunnelService::use(ExternalTunnel external) {
  if (!external.provider) return;
  external_ = std::move(external);
  control_.use_provider(*external_.provider);
  control_.set_certificate(lines_of(external_.certificate));
}

void TunnelService::finish() {
  control_.use_provider(tunnel_);  // sockets that end later may still end calls
  external_.provider.reset();
}

const engineio::Counters* TunnelService::engine_counters() const {
  return edge_ ? &edge_->hub().counters() : nullptr;
}

bool TunnelService::is_for_us(const HttpRequest& request) {
  return is_socketio(request.path) || TunnelEdge::is_tunnel(request);
}

void TunnelService::handle(HttpRequest request, net::Responder respond) {
  if (is_socketio(request.path)) {
    edge_->handle(std::move(request), std::move(respond));
  } else {
    tunnel_.handle(request, std::move(respond));
  }
}

net::BodyRules TunnelService::body_rules(const net::RequestHead& head, ConnectionId connection) {
  return is_socketio(head.path) ? edge_->body_rules(head, connection) : net::BodyRules{};
}

bool TunnelService::add_cors_to_refusal(const net::RequestHead& head, HttpResponse& response) const {
  if (!is_socketio(head.path)) return false;
  edge_->add_cors_to_refusal(head, response);
  return true;
}

void TunnelService::shut_down() {
  control_.shut_down();
  if (edge_) edge_->shut_down();
}

}  // namespace zvonok::app
