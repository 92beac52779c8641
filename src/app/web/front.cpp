#include "app/web/front.h"

#include <algorithm>

#include <openssl/crypto.h>

#include "app/blocking.h"
#include "app/web/openapi.h"
#include "rest/rooms_api.h"
#include "rest/router.h"

namespace zvonok::app {
namespace {

constexpr std::size_t kDeviceNameBytesMax = 64;

/// docs/protocol/pair.md: 1 to 64 of A-Z a-z 0-9 _ -; anything else counts as no name.
DeviceName device_name_of(const HttpRequest& request) {
  auto name = query_value(request.query, "device").value_or("");
  const bool good =
      name.size() <= kDeviceNameBytesMax && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
      });
  return DeviceName{good ? std::move(name) : std::string{}};
}

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

HttpResponse json_response(int status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.add_header("Content-Type", "application/json");
  response.body = std::move(body);
  return response;
}

/// /api/v1/chat/{id}/call and /api/v1/group/{id}/call (docs/protocol/room.md).
std::optional<call::RoomKey> room_of(std::string_view path) {
  constexpr std::string_view kPrefix = "/api/v1/";
  constexpr std::string_view kSuffix = "/call";
  if (!path.starts_with(kPrefix) || !path.ends_with(kSuffix)) return std::nullopt;
  path.remove_prefix(kPrefix.size());
  path.remove_suffix(kSuffix.size());
  call::RoomKey key;
  if (path.starts_with("chat/")) {
    key.kind = call::RoomKind::Chat;
  } else if (path.starts_with("group/")) {
    key.kind = call::RoomKind::Group;
  } else {
    return std::nullopt;
  }
  const std::string_view id = path.substr(path.find('/') + 1);
  static constexpr std::string_view kOthers = "_.:-";
  const bool good = !id.empty() && id.size() <= port::kIdBytesMax && std::ranges::all_of(id, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || kOthers.contains(c);
  });
  if (!good) return std::nullopt;
  key.id = ChatId{std::string{id}};
  return key;
}

bool is_api_path(std::string_view path) {
  return path.starts_with("/api/") || path == "/api";
}

}  // namespace

Front::Front(Parts parts, const Config& config, StaticFiles files)
    : parts_{parts},
      files_{std::move(files)},
      metrics_access_{config.metrics_access},
      metrics_token_{config.metrics_token.reveal()} {}

void Front::on_request(HttpRequest request, net::Responder respond) {
  parts_.policy.resolve_client(request);
  if (TunnelService::is_for_us(request)) {
    parts_.tunnels.handle(std::move(request), std::move(respond));
    return;
  }
  const bool preflight =
      request.method == Method::Options && request.header("Origin") && request.header("Access-Control-Request-Method");
  Exchange exchange{{parts_.policy, parts_.log, parts_.loop}, std::move(request), std::move(respond)};
  if (preflight) {
    exchange.reply(parts_.policy.preflight(exchange.request()));
    return;
  }
  if (PhoneDoor* const door = parts_.phone.door(); door != nullptr && door->is_for_us(exchange.request().path)) {
    door->handle(std::move(exchange));
    return;
  }
  if (exchange.request().path == "/ws" || exchange.request().path == "/ws/") {
    open_socket(std::move(exchange));
    return;
  }
  if (auto room = room_of(exchange.request().path)) {
    open_room(std::move(exchange), std::move(*room));
    return;
  }
  auto match = rest::match(exchange.request().method, exchange.request().path);
  if (!match) {
    if (is_api_path(exchange.request().path) || match.error().status == 405) {
      exchange.reply(match.error());
    } else {
      answer_file(std::move(exchange));
    }
    return;
  }
  if (match->route->rate == rest::RateClass::Probe) {
    answer_probe(match->route->id, std::move(exchange));
  } else {
    parts_.api.handle(*match, std::move(exchange));
  }
}

net::BodyRules Front::on_body(const net::RequestHead& head, ConnectionId connection) {
  const PhoneDoor* const door = parts_.phone.door();
  if (door != nullptr && door->is_for_us(head.path)) return {.bytes_max = door->body_bytes_max(), .watcher = nullptr};
  return parts_.tunnels.body_rules(head, connection);
}

void Front::on_body_refused(const net::RequestHead& head, HttpResponse& response) {
  if (parts_.tunnels.add_cors_to_refusal(head, response)) return;
  HttpRequest request;
  request.headers.assign(head.headers.begin(), head.headers.end());
  parts_.policy.add_cors(request, response);
}

// ---- WebSockets -----------------------------------------------------------------------------------------------------

void Front::open_socket(Exchange exchange) {
  const HttpRequest& request = exchange.request();
  if (!parts_.policy.allows_origin(request)) {
    exchange.reply(rest::forbidden("this origin is not in CORS_ALLOWED_ORIGINS"));
    return;
  }
  DeviceName device = device_name_of(request);
  const auto ticket = query_value(request.query, "ticket");
  const std::string token = rest::token_of(request);
  const bool has_query_token = query_value(request.query, "token").has_value();
  if (!ticket && token.empty() && !has_query_token && !request.header("Authorization")) {
    if (draining_) {
      exchange.reply(rest::unavailable());
      return;
    }
    const ConnectionId id = exchange.connection();
    if (exchange.upgrade(parts_.control)) parts_.control.open_unauthenticated(id, std::move(device));
    return;
  }
  auto done = [this, waiting = std::move(exchange),
               device](Result<identity::Principal, AccessDenied> principal) mutable {
    let_in(std::move(waiting), std::move(principal), std::move(device));
  };
  if (ticket) {
    parts_.access.check_ticket(*ticket, std::move(done));
  } else {
    parts_.access.check_token(token, std::move(done));
  }
}

void Front::let_in(Exchange exchange, Result<identity::Principal, AccessDenied> principal, DeviceName device) {
  if (!principal && std::holds_alternative<AccessUnavailable>(principal.error())) {
    exchange.reply(rest::unavailable());
    return;
  }
  // While calls are given time to end, their devices may still come back; nobody else comes in.
  if (draining_ && !(principal && parts_.control.is_in_call(principal->user))) {
    exchange.reply(rest::unavailable());
    return;
  }
  // The contract wants the refusal as a WebSocket close code, which browsers can see; an HTTP status they can't.
  const ConnectionId id = exchange.connection();
  if (!exchange.upgrade(parts_.control)) return;
  if (principal) {
    parts_.control.open(id, *principal, std::move(device));
  } else {
    parts_.control.refuse(id);
  }
}

// ---- rooms ----------------------------------------------------------------------------------------------------------

void Front::open_room(Exchange exchange, call::RoomKey room) {
  const HttpRequest& request = exchange.request();
  if (!parts_.policy.allows_origin(request)) {
    exchange.reply(rest::forbidden("this origin is not in CORS_ALLOWED_ORIGINS"));
    return;
  }
  const auto ticket = query_value(request.query, "ticket");
  const std::string token = rest::token_of(request);
  auto done = [this, waiting = std::move(exchange),
               room = std::move(room)](Result<identity::Principal, AccessDenied> principal) mutable {
    if (!principal) {
      waiting.reply(problem_of(principal.error()));
    } else {
      authorize(std::move(waiting), std::move(room), std::move(*principal));
    }
  };
  if (ticket) {
    parts_.access.check_ticket(*ticket, std::move(done));
  } else {
    parts_.access.check_token(token, std::move(done));
  }
}

void Front::authorize(Exchange exchange, call::RoomKey room, identity::Principal principal) {
  auto done = [this, waiting = std::move(exchange), room, principal](port::RoomAnswer answer) mutable {
    enter_room(std::move(waiting), room, principal, std::move(answer));
  };
  parts_.room_access.ask(room, principal, std::move(done));
}

void Front::enter_room(Exchange exchange, call::RoomKey room, const identity::Principal& principal,
                       port::RoomAnswer answer) {
  if (std::holds_alternative<port::AuthorizerUnavailable>(answer)) {
    exchange.reply(rest::unavailable());
    return;
  }
  auto* const allowed = std::get_if<port::RoomAllowed>(&answer);
  if (allowed == nullptr) {
    exchange.reply(rest::no_member_of_room());
    return;
  }
  if (draining_ && !parts_.rooms.describe(room)) {
    exchange.reply(rest::unavailable());
    return;
  }
  const ConnectionId id = exchange.connection();
  if (!exchange.upgrade(parts_.rooms)) return;
  parts_.rooms.open(id, std::move(room), principal, std::move(allowed->display_name), allowed->role);
}

// ---- probes and files -----------------------------------------------------------------------------------------------

void Front::answer_probe(rest::RouteId route, Exchange exchange) {
  switch (route) {
    case rest::RouteId::Health: exchange.reply(json_response(200, R"({"status":"ok"})")); return;
    case rest::RouteId::Ready: answer_ready(std::move(exchange)); return;
    case rest::RouteId::Metrics: answer_metrics(std::move(exchange)); return;
    case rest::RouteId::OpenApi: {
      HttpResponse response;
      response.add_header("Content-Type", "application/yaml");
      response.body = openapi_document();
      exchange.reply(std::move(response));
      return;
    }
    case rest::RouteId::Register:
    case rest::RouteId::Login:
    case rest::RouteId::Refresh:
    case rest::RouteId::Logout:
    case rest::RouteId::ShowMe:
    case rest::RouteId::UpdateMe:
    case rest::RouteId::IssueWsTicket:
    case rest::RouteId::ListUsers:
    case rest::RouteId::ListCalls:
    case rest::RouteId::InitiateCall:
    case rest::RouteId::TerminateCall:
    case rest::RouteId::WatchCalls:
    case rest::RouteId::ShowCall:
    case rest::RouteId::AcceptCall:
    case rest::RouteId::RejectCall:
    case rest::RouteId::AnswerCall:
    case rest::RouteId::RestartCallIce:
    case rest::RouteId::WatchCall:
    case rest::RouteId::SendDtmf:
    case rest::RouteId::HoldCall:
    case rest::RouteId::MuteCall:
    case rest::RouteId::CreateChat:
    case rest::RouteId::ListChats:
    case rest::RouteId::ShowChat:
    case rest::RouteId::ListChatMembers:
    case rest::RouteId::CreateGroup:
    case rest::RouteId::ListGroups:
    case rest::RouteId::ShowGroup:
    case rest::RouteId::RenameGroup:
    case rest::RouteId::DeleteGroup:
    case rest::RouteId::ListGroupMembers:
    case rest::RouteId::PutGroupMember:
    case rest::RouteId::RemoveGroupMember:
    case rest::RouteId::ShowChatRoom:
    case rest::RouteId::ShowGroupRoom:
    case rest::RouteId::RemoveFromChatRoom:
    case rest::RouteId::RemoveFromGroupRoom:
    case rest::RouteId::InvitePhoneToChatRoom:
    case rest::RouteId::InvitePhoneToGroupRoom:
    case rest::RouteId::DropPhoneFromChatRoom:
    case rest::RouteId::DropPhoneFromGroupRoom:
    case rest::RouteId::ListIceServers: break;
  }
  exchange.reply(rest::internal_error());
}

void Front::answer_ready(Exchange exchange) {
  if (draining_) {
    exchange.reply(json_response(503, R"({"status":"draining"})"));
    return;
  }
  const auto shared = std::make_shared<Exchange>(std::move(exchange));  // owners: the pool's task, and this call
  const auto finish = [shared](port::StoreResult<void> result) {
    shared->reply(result ? json_response(200, R"({"status":"ready","database":"ok"})")
                         : json_response(503, R"({"status":"not ready","database":"unavailable"})"));
  };
  if (!run_blocking(parts_.storage, parts_.loop, [&store = parts_.store] { return store.ping(); }, finish)) {
    shared->reply(json_response(503, R"({"status":"not ready","database":"queue full"})"));
  }
}

void Front::answer_metrics(Exchange exchange) {
  const HttpRequest& request = exchange.request();
  const auto authorization = request.header("Authorization").value_or("");
  const bool has_token = !metrics_token_.empty() && equal_in_constant_time(authorization, "Bearer " + metrics_token_);
  const bool local =
      metrics_access_ == MetricsAccess::Any || (metrics_token_.empty() && WebPolicy::is_local(request.remote_address));
  if (!has_token && !local) {
    exchange.reply(rest::forbidden("metrics are for local addresses, or for the bearer of METRICS_TOKEN"));
    return;
  }
  HttpResponse response;
  response.add_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8");
  response.body = parts_.metrics.render();
  exchange.reply(std::move(response));
}

void Front::answer_file(Exchange exchange) {
  const HttpRequest& request = exchange.request();
  if (request.method != Method::Get && request.method != Method::Head) {
    exchange.reply(rest::Problem{.status = 405,
                                 .code = "method_not_allowed",
                                 .detail = "only GET and HEAD here",
                                 .field = {},
                                 .retry_after = std::nullopt,
                                 .allow = "GET, HEAD"});
    return;
  }
  if (auto response = files_.answer(request)) {
    exchange.reply(std::move(*response));
    return;
  }
  if (files_.empty() && request.path == "/") {
    HttpResponse response;
    response.add_header("Content-Type", "text/plain; charset=utf-8");
    response.body = "Zvonok is running. The web app is not built: `make web`, or set WEB_ROOT.\n";
    exchange.reply(std::move(response));
    return;
  }
  exchange.reply(rest::not_found("there is nothing here"));
}

}  // namespace zvonok::app
