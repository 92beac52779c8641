#include "app/tunnel/tunnel_control.h"

#include <algorithm>
#include <charconv>
#include <type_traits>
#include <utility>
#include <vector>

#include "app/blocking.h"
#include "base/base64.h"
#include "base/overloaded.h"
#include "proto/http_message.h"
#include "proto/json_scan.h"
#include "signal/tunnel/decode.h"

namespace zvonok::app {
namespace {

constexpr std::size_t kDeviceNameBytesMax = 64;
constexpr std::size_t kEncryptionKeyBytes = 32;

call::tunnel::Options call_options(const Config& config) {
  call::tunnel::Options options;
  options.ring_timeout = config.call_ring_timeout;
  options.reconnect_grace = config.call_reconnect_grace;
  options.setup_timeout = config.vpn_setup_timeout;
  options.length_max = config.vpn_call_max;
  options.calls_max = config.calls_max;
  return options;
}

/// Sockets of this kind have numbers of their own; the domain knows connections of all dialects by one kind of number.
ConnectionId connection_of(socketio::SocketId socket) {
  constexpr std::uint64_t kSocketIo = std::uint64_t{1} << 63;
  return ConnectionId{kSocketIo | socket.value()};
}

/// The text of a member of the `auth` object; empty when there is none.
std::string auth_text(std::string_view auth, std::string_view key) {
  std::string text;
  json::ObjectReader reader{auth};
  while (const auto member = reader.next()) {
    if (!json::raw_is(member->key, key)) continue;
    text = member->value.type == json::Type::String ? json::unescape(member->value.raw_string()) : "";
  }
  return text;
}

DeviceName device_name_of(std::string name) {
  const bool good =
      name.size() <= kDeviceNameBytesMax && std::ranges::all_of(name, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
      });
  return DeviceName{good ? std::move(name) : std::string{}};
}

std::string token_of(const engineio::Handshake& handshake, std::string_view auth) {
  if (std::string token = auth_text(auth, "token"); !token.empty()) return token;
  if (auto token = query_value(handshake.query, "token")) return std::move(*token);
  constexpr std::string_view kBearer = "Bearer ";
  if (handshake.authorization.starts_with(kBearer)) return handshake.authorization.substr(kBearer.size());
  return {};
}

/// "calls.example.org:8080", "[::1]:8080", "calls.example.org": the name without brackets, and the port when there is
/// one.
std::pair<std::string, std::optional<std::uint16_t>> split_host(std::string_view host) {
  const std::size_t bracket = host.starts_with('[') ? host.find(']') : 0;
  if (bracket == std::string_view::npos) return {};
  const std::size_t colon = host.find(':', bracket);
  const std::string_view name = bracket > 0 ? host.substr(1, bracket - 1) : host.substr(0, colon);
  std::optional<std::uint16_t> port;
  if (colon != std::string_view::npos) {
    std::uint16_t value = 0;
    const auto [end, error] = std::from_chars(host.data() + colon + 1, host.data() + host.size(), value);
    if (error == std::errc{} && end == host.data() + host.size()) port = value;
  }
  return {std::string{name}, port};
}

call::tunnel::Command find_callee(port::Store& store, const call::tunnel::LookUpCallee& question) {
  const auto found = store.find_user(question.user);
  if (!found) return call::tunnel::CalleeUnknown{question.lookup};
  if (!*found || (*found)->disabled) return call::tunnel::CalleeMissing{question.lookup};
  return call::tunnel::CalleeFound{question.lookup};
}

}  // namespace

TunnelControl::TunnelControl(Parts parts, const Config& config)
    : parts_{parts},
      config_{config},
      provider_{&parts.provider},
      calls_{call_options(config), parts.presence, parts.entropy} {}

// ---- who comes in --------------------------------------------------------------------------------------------------

void TunnelControl::on_connect(socketio::Socket& socket, std::string_view auth) {
  const bool is_tls = socket.handshake().is_tls;
  auto [host, port] = split_host(socket.handshake().host);
  Client client{.socket = socket.number(),
                .session_id = {},
                .host = std::move(host),
                .port = port.value_or(is_tls ? 443 : 80),
                .security = is_tls ? signal::tunnel::Security::Tls : signal::tunnel::Security::None,
                .version_inside = signal::tunnel::version_inside_for(config_.vpn_client_xray_version)};
  if (const std::string version = auth_text(auth, "xrayVersion"); !version.empty()) {
    client.version_inside = signal::tunnel::version_inside_for(version);
  }
  auto done = [this, number = socket.number(), device = device_name_of(auth_text(auth, "device")),
               client = std::move(client)](Result<identity::Principal, AccessDenied> principal) mutable {
    socketio::Socket* const asker = server_->find(number);
    if (asker == nullptr) return;
    if (!principal) {
      ++counters_.auth_refused;
      asker->refuse(std::holds_alternative<AccessUnavailable>(principal.error()) ? "Unavailable" : "Unauthorized");
      return;
    }
    admit(number, *principal, std::move(device), std::move(client));
  };
  parts_.access.check_token(token_of(socket.handshake(), auth), std::move(done));
}

void TunnelControl::admit(socketio::SocketId number, const identity::Principal& principal, DeviceName device,
                          Client client) {
  socketio::Socket* const socket = server_->find(number);
  if (parts_.presence.devices_of(principal.user, call::Dialect::SocketIo).size() >= config_.ws_sockets_per_user_max) {
    ++counters_.too_many_sockets;
    socket->refuse("Too many connections");
    return;
  }
  const ConnectionId id = connection_of(number);
  client.session_id = principal.session_id;
  clients_.emplace(id, std::move(client));
  parts_.log.debug("socket opened", {{"connection", id}, {"user", principal.user}, {"device", device}});
  // What the domain says to it waits behind the answer; what it sent meanwhile is handled when the domain knows it.
  run(call::tunnel::Connected{id, principal.user, std::move(device)});
  if (socketio::Socket* const let_in = server_->find(number)) let_in->accept();
}

void TunnelControl::on_disconnect(socketio::Socket& socket, socketio::DisconnectReason) {
  const ConnectionId id = connection_of(socket.number());
  if (clients_.erase(id) == 0) return;
  parts_.log.debug("socket closed", {{"connection", id}});
  run(call::tunnel::Disconnected{id});
}

void TunnelControl::close_session(const std::string& session_id) {
  if (session_id.empty()) return;
  std::vector<socketio::SocketId> ended;
  for (const auto& [id, client] : clients_) {
    if (client.session_id == session_id) ended.push_back(client.socket);
  }
  for (const socketio::SocketId number : ended) {
    if (socketio::Socket* const socket = server_->find(number)) socket->disconnect();
  }
}

// ---- messages ------------------------------------------------------------------------------------------------------

void TunnelControl::on_event(socketio::Socket& socket, const socketio::Event& event) {
  const ConnectionId id = connection_of(socket.number());
  std::string arguments;
  arguments.reserve(event.args.size() + 2);
  arguments.append(1, '[').append(event.args).append(1, ']');
  auto command = signal::tunnel::decode(id, event.name, arguments);
  if (event.ack) socket.acknowledge(*event.ack);
  if (!command) {
    ++counters_.bad_messages;
    send(id, signal::tunnel::encode_error(signal::tunnel::to_text(command.error())));
    return;
  }
  if (*command) run(std::move(**command));
}

void TunnelControl::drain() {
  run(call::tunnel::Drain{});
}

void TunnelControl::shut_down() {
  run(call::tunnel::Shutdown{});
}

// ---- the domain ----------------------------------------------------------------------------------------------------

void TunnelControl::run(call::tunnel::Command command) {
  calls_.handle(std::move(command), parts_.loop.now(), effects_);
  perform_all();
  timer_.arm();
}

void TunnelControl::perform_all() {
  // Taken out: closing a connection tells the domain of its end while the rest of the effects wait.
  const call::tunnel::Effects effects = std::exchange(effects_, {});
  for (const call::tunnel::Effect& effect : effects) {
    std::visit([this](const auto& which) { perform(which); }, effect);
  }
}

void TunnelControl::handle_timeout() {
  calls_.handle_timeout(parts_.loop.now(), effects_);
  perform_all();
}

void TunnelControl::send(ConnectionId to, const signal::tunnel::Message& message) {
  const auto client = clients_.find(to);
  if (client == clients_.end()) return;
  if (socketio::Socket* const socket = server_->find(client->second.socket)) {
    socket->emit(message.event, message.argument);
  }
}

template <class Deliver>
void TunnelControl::perform(const Deliver& effect) {
  if constexpr (std::is_same_v<Deliver, call::tunnel::CallError>) ++counters_.errors;
  send(effect.to, signal::tunnel::encode(effect));
}

void TunnelControl::perform(const call::DeliverPresence& effect) {
  if (clients_.contains(effect.to)) {
    send(effect.to, signal::tunnel::encode(effect));
  } else if (tell_elsewhere_) {
    tell_elsewhere_(effect);
  }
}

void TunnelControl::tell_presence(const call::DeliverPresence& presence) {
  send(presence.to, signal::tunnel::encode(presence));
}

void TunnelControl::perform(const call::SaveRecord& effect) {
  call::CallRecord record = effect.record;
  // The tunnel is closed just before the record of its call's end.
  if (closed_ && closed_->call == record.id) {
    const ClosedTunnel closed = *std::exchange(closed_, std::nullopt);
    record.tunnel = closed.use;
    if (!closed.is_told) waiting_.emplace(record.id, record);
  }
  switch (record.state) {
    case call::CallState::Ringing:
      ++counters_.started;
      parts_.log.info("tunnelled call started",
                      {{"call", record.id}, {"caller", record.caller}, {"callee", record.callee}});
      break;
    case call::CallState::Active:
      ++counters_.answered;
      parts_.log.info("tunnelled call answered", {{"call", record.id}});
      break;
    case call::CallState::Ended: {
      const auto reason = record.reason.value_or(call::EndReason::Failed);
      ++counters_.ended[static_cast<std::size_t>(reason)];
      counters_.answered_seconds += static_cast<std::uint64_t>(record.duration_seconds);
      parts_.log.info(
          "tunnelled call ended",
          {{"call", record.id}, {"reason", call::to_text(reason)}, {"duration_seconds", record.duration_seconds}});
      break;
    }
  }
  parts_.journal.save(record);
}

void TunnelControl::perform(const call::tunnel::LookUpCallee& effect) {
  const bool accepted = run_blocking(
      parts_.storage, parts_.loop, [&store = parts_.store, effect] { return find_callee(store, effect); },
      [this](call::tunnel::Command answer) { run(std::move(answer)); });
  if (!accepted) {
    parts_.loop.post([this, lookup = effect.lookup] { run(call::tunnel::CalleeUnknown{lookup}); });
  }
}

void TunnelControl::perform(const call::CloseConnection& effect) {
  const auto client = clients_.find(effect.connection);
  if (client == clients_.end()) return;
  socketio::Socket* const socket = server_->find(client->second.socket);
  clients_.erase(client);  // the domain has forgotten it
  if (socket != nullptr) socket->disconnect();
}

// ---- tunnels -------------------------------------------------------------------------------------------------------

void TunnelControl::perform(const call::tunnel::OpenTunnel& effect) {
  std::array<std::uint8_t, kEncryptionKeyBytes> key{};
  parts_.entropy.fill(key);
  tunnels_[effect.call] = {.users = {effect.caller, effect.callee},
                           .encryption_key = Private<std::string>{base64_encode(key)},
                           .accesses = {}};
  provider_->open(effect.call, [this, call = effect.call](Result<port::TunnelAccesses, std::string> accesses) {
    const auto tunnel = tunnels_.find(call);
    if (tunnel == tunnels_.end()) return;  // the call is over
    if (!accesses) {
      ++counters_.tunnels_failed;
      parts_.log.error("no tunnel for a call", {{"call", call}, {"error", accesses.error()}});
      // Not from within the effect that asked: the domain may still be at work.
      parts_.loop.post([this, call] { run(call::tunnel::TunnelRefused{call}); });
      return;
    }
    for (std::size_t i = 0; i < accesses->size(); ++i) {
      if (!(*accesses)[i].sfu_endpoint.empty()) reaching_.insert(tunnel->second.users[i]);
    }
    tunnel->second.accesses = std::move(*accesses);
    tunnel->second.opened = parts_.loop.now().mono;
    parts_.loop.post([this, call] { run(call::tunnel::TunnelOpened{call}); });
  });
}

void TunnelControl::perform(const call::tunnel::CloseTunnel& effect) {
  if (const auto found = tunnels_.find(effect.call); found != tunnels_.end()) {
    const Tunnel& tunnel = found->second;
    for (std::size_t i = 0; tunnel.accesses && i < tunnel.accesses->size(); ++i) {
      const auto user = reaching_.find(tunnel.users[i]);
      if (!(*tunnel.accesses)[i].sfu_endpoint.empty() && user != reaching_.end()) reaching_.erase(user);
    }
    if (tunnel.accesses) {
      closed_ = ClosedTunnel{.call = effect.call, .use = {.seconds = seconds_since(tunnel.opened)}};
    }
    tunnels_.erase(found);
  }
  provider_->close(effect.call, [this, call = effect.call](auto sides) { take_use(call, sides); });
}

/// At once, or when the end of the call is in the history already: then that is completed.
void TunnelControl::take_use(const CallId& call, std::optional<std::array<call::TunnelTraffic, 2>> sides) {
  if (closed_ && closed_->call == call) {
    closed_->use.sides = sides;
    closed_->is_told = true;
    return;
  }
  const auto found = waiting_.find(call);
  if (found == waiting_.end()) return;
  if (sides) {
    found->second.tunnel->sides = sides;
    parts_.journal.save(std::move(found->second));
  }
  waiting_.erase(found);
}

std::int64_t TunnelControl::seconds_since(TimePoint then) const {
  return std::chrono::floor<seconds>(parts_.loop.now().mono - then).count();
}

void TunnelControl::perform(const call::tunnel::ConfigReceived& effect) {
  const auto client = clients_.find(effect.to);
  const auto tunnel = tunnels_.find(effect.call);
  if (client == clients_.end() || tunnel == tunnels_.end() || !tunnel->second.accesses) return;
  send(effect.to, signal::tunnel::encode(effect, config_for(client->second, tunnel->second, effect.role)));
}

void TunnelControl::perform(const call::tunnel::PeerConnected& effect) {
  const auto tunnel = tunnels_.find(effect.call);
  if (tunnel == tunnels_.end() || !tunnel->second.accesses) return;
  const port::TunnelAccess& access = (*tunnel->second.accesses)[effect.role == call::Role::Caller ? 0 : 1];
  send(effect.to, signal::tunnel::encode(effect, access.peer_endpoint));
}

signal::tunnel::ClientConfig TunnelControl::config_for(const Client& client, const Tunnel& tunnel,
                                                       call::Role role) const {
  const port::TunnelAccess& access = (*tunnel.accesses)[role == call::Role::Caller ? 0 : 1];
  signal::tunnel::ClientConfig out;
  out.server = config_.vpn_server.empty() ? client.host : config_.vpn_server;
  out.port = config_.vpn_port != 0 ? config_.vpn_port : client.port;
  out.user = access.user;
  out.encryption_key = tunnel.encryption_key;
  out.peer_endpoint = access.peer_endpoint;
  out.sfu_endpoint = access.sfu_endpoint;
  out.security = client.security;
  // An external server is reached in its own way, wherever the client has come in here.
  if (config_.vpn_provider != "embedded") {
    out.security = config_.xray_tls ? signal::tunnel::Security::Tls : signal::tunnel::Security::None;
  }
  if (out.security == signal::tunnel::Security::Tls) out.certificate = certificate_;
  out.version_inside = client.version_inside;
  return out;
}

}  // namespace zvonok::app
