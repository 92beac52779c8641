#include "rest/router.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/check.h"

namespace zvonok::rest {
namespace {

constexpr std::array kRoutes{
    Route{Method::Post, "/api/auth/register", RouteId::Register, Access::Public, RateClass::Register},
    Route{Method::Post, "/api/auth/login", RouteId::Login, Access::Public, RateClass::Login},
    Route{Method::Post, "/api/auth/refresh", RouteId::Refresh, Access::Public, RateClass::Login},
    Route{Method::Post, "/api/auth/logout", RouteId::Logout, Access::Public, RateClass::Ordinary},
    Route{Method::Get, "/api/auth/me", RouteId::ShowMe, Access::User, RateClass::Ordinary},
    Route{Method::Patch, "/api/auth/me", RouteId::UpdateMe, Access::User, RateClass::Ordinary},
    Route{Method::Post, "/api/auth/ws-ticket", RouteId::IssueWsTicket, Access::User, RateClass::Ordinary},
    Route{Method::Get, "/api/users", RouteId::ListUsers, Access::User, RateClass::Ordinary},
    Route{Method::Get, "/api/calls/history", RouteId::ListCalls, Access::User, RateClass::Ordinary},
    Route{Method::Post, "/api/calls/initiate", RouteId::InitiateCall, Access::User, RateClass::Ordinary},
    Route{Method::Post, "/api/calls/terminate", RouteId::TerminateCall, Access::User, RateClass::Ordinary},
    Route{Method::Get, "/api/calls/events", RouteId::WatchCalls, Access::User, RateClass::Ordinary},
    Route{Method::Get, "/api/calls/{id}", RouteId::ShowCall, Access::User, RateClass::Ordinary},
    Route{Method::Post, "/api/calls/{id}/accept", RouteId::AcceptCall, Access::User, RateClass::Ordinary},
    Route{Method::Post, "/api/calls/{id}/reject", RouteId::RejectCall, Access::User, RateClass::Ordinary},
    Route{Method::Post, "/api/calls/{id}/answer", RouteId::AnswerCall, Access::User, RateClass::Ordinary},
    Route{Method::Post, "/api/calls/{id}/ice-restart", RouteId::RestartCallIce, Access::User, RateClass::Ordinary},
    Route{Method::Get, "/api/calls/{id}/events", RouteId::WatchCall, Access::User, RateClass::Ordinary},
    Route{Method::Post, "/api/calls/{id}/dtmf", RouteId::SendDtmf, Access::User, RateClass::Ordinary},
    Route{Method::Post, "/api/calls/{id}/hold", RouteId::HoldCall, Access::User, RateClass::Ordinary},
    Route{Method::Post, "/api/calls/{id}/mute", RouteId::MuteCall, Access::User, RateClass::Ordinary},
    Route{Method::Post, "/api/v1/chats", RouteId::CreateChat, Access::User, RateClass::Ordinary},
    Route{Method::Get, "/api/v1/chats", RouteId::ListChats, Access::User, RateClass::Ordinary},
    Route{Method::Get, "/api/v1/chats/{id}", RouteId::ShowChat, Access::User, RateClass::Ordinary},
    Route{Method::Get, "/api/v1/chats/{id}/members", RouteId::ListChatMembers, Access::User, RateClass::Ordinary},
    Route{Method::Post, "/api/v1/groups", RouteId::CreateGroup, Access::User, RateClass::Ordinary},
    Route{Method::Get, "/api/v1/groups", RouteId::ListGroups, Access::User, RateClass::Ordinary},
    Route{Method::Get, "/api/v1/groups/{id}", RouteId::ShowGroup, Access::User, RateClass::Ordinary},
    Route{Method::Patch, "/api/v1/groups/{id}", RouteId::RenameGroup, Access::User, RateClass::Ordinary},
    Route{Method::Delete, "/api/v1/groups/{id}", RouteId::DeleteGroup, Access::User, RateClass::Ordinary},
    Route{Method::Get, "/api/v1/groups/{id}/members", RouteId::ListGroupMembers, Access::User, RateClass::Ordinary},
    Route{Method::Put, "/api/v1/groups/{id}/members/{userId}", RouteId::PutGroupMember, Access::User,
          RateClass::Ordinary},
    Route{Method::Delete, "/api/v1/groups/{id}/members/{userId}", RouteId::RemoveGroupMember, Access::User,
          RateClass::Ordinary},
    Route{Method::Get, "/api/v1/chat/{id}/room", RouteId::ShowChatRoom, Access::User, RateClass::Ordinary},
    Route{Method::Get, "/api/v1/group/{id}/room", RouteId::ShowGroupRoom, Access::User, RateClass::Ordinary},
    Route{Method::Delete, "/api/v1/chat/{id}/room/users/{userId}", RouteId::RemoveFromChatRoom, Access::User,
          RateClass::Ordinary},
    Route{Method::Delete, "/api/v1/group/{id}/room/users/{userId}", RouteId::RemoveFromGroupRoom, Access::User,
          RateClass::Ordinary},
    Route{Method::Post, "/api/v1/chat/{id}/room/phones", RouteId::InvitePhoneToChatRoom, Access::User,
          RateClass::Ordinary},
    Route{Method::Post, "/api/v1/group/{id}/room/phones", RouteId::InvitePhoneToGroupRoom, Access::User,
          RateClass::Ordinary},
    Route{Method::Delete, "/api/v1/chat/{id}/room/phones/{sessionId}", RouteId::DropPhoneFromChatRoom, Access::User,
          RateClass::Ordinary},
    Route{Method::Delete, "/api/v1/group/{id}/room/phones/{sessionId}", RouteId::DropPhoneFromGroupRoom, Access::User,
          RateClass::Ordinary},
    Route{Method::Get, "/api/v1/ice-servers", RouteId::ListIceServers, Access::User, RateClass::Ordinary},
    Route{Method::Get, "/healthz", RouteId::Health, Access::Public, RateClass::Probe},
    Route{Method::Get, "/readyz", RouteId::Ready, Access::Public, RateClass::Probe},
    Route{Method::Get, "/metrics", RouteId::Metrics, Access::Public, RateClass::Probe},
    Route{Method::Get, "/openapi.yaml", RouteId::OpenApi, Access::Public, RateClass::Probe},
};

using Params = std::vector<std::pair<std::string, std::string>>;

/// Takes the first segment off `path`, which begins with '/'.
std::string_view take_segment(std::string_view& path) {
  path.remove_prefix(1);
  const std::string_view segment = path.substr(0, path.find('/'));
  path.remove_prefix(segment.size());
  return segment;
}

/// In a path, unlike in a query, '+' is a plus.
std::optional<std::string> decode_segment(std::string_view segment) {
  std::string escaped;
  for (const char c : segment) {
    if (c == '+') {
      escaped += "%2B";
    } else {
      escaped += c;
    }
  }
  return percent_decode(escaped);
}

std::optional<Params> match_path(std::string_view pattern, std::string_view path) {
  Params params;
  while (!pattern.empty() && !path.empty()) {
    if (path.front() != '/') return std::nullopt;
    const std::string_view wanted = take_segment(pattern);
    const std::optional<std::string> found = decode_segment(take_segment(path));
    if (!found) return std::nullopt;
    if (wanted.starts_with('{')) {
      if (found->empty()) return std::nullopt;
      params.emplace_back(wanted.substr(1, wanted.size() - 2), *found);
    } else if (wanted != *found) {
      return std::nullopt;
    }
  }
  if (!pattern.empty() || !path.empty()) return std::nullopt;
  return params;
}

std::string_view name_of(Method method) {
  switch (method) {
    case Method::Get: return "GET";
    case Method::Head: return "HEAD";
    case Method::Post: return "POST";
    case Method::Put: return "PUT";
    case Method::Patch: return "PATCH";
    case Method::Delete: return "DELETE";
    case Method::Options: return "OPTIONS";
    case Method::Other: return "";
  }
  std::abort();
}

Problem method_not_allowed(const std::vector<Method>& allowed) {
  Problem problem{.status = 405,
                  .code = "method_not_allowed",
                  .detail = "This path does not take this method",
                  .field = {},
                  .retry_after = std::nullopt,
                  .allow = {}};
  for (const Method method : allowed) {
    if (!problem.allow.empty()) problem.allow += ", ";
    problem.allow += name_of(method);
    if (method == Method::Get) problem.allow += ", HEAD";
  }
  return problem;
}

}  // namespace

std::span<const Route> routes() {
  return kRoutes;
}

std::string_view Match::param(std::string_view name) const {
  const auto found =
      std::find_if(params.begin(), params.end(), [name](const auto& param) { return param.first == name; });
  ZVONOK_CHECK(found != params.end());
  return found->second;
}

Result<Match, Problem> match(Method method, std::string_view path) {
  return match_in(kRoutes, method, path);
}

Result<Match, Problem> match_in(std::span<const Route> table, Method method, std::string_view path) {
  const Method wanted = method == Method::Head ? Method::Get : method;
  std::vector<Method> allowed;
  bool named = false;  // a route is called just like that: others that would take the name as a parameter are not meant
  for (const Route& route : table) {
    std::optional<Params> params = match_path(route.pattern, path);
    if (!params || (named && !params->empty())) continue;
    named = named || params->empty();
    if (route.method == wanted) return Match{.route = &route, .params = std::move(*params)};
    allowed.push_back(route.method);
  }
  if (allowed.empty()) return fail(not_found("There is nothing at this path"));
  return fail(method_not_allowed(allowed));
}

std::string token_of(const HttpRequest& request) {
  constexpr std::string_view kScheme = "Bearer ";
  const std::string_view header = request.header("Authorization").value_or("");
  // Another scheme is a proxy's business and says nothing about us.
  if (!equal_ignoring_case(header.substr(0, kScheme.size()), kScheme)) {
    return query_value(request.query, "token").value_or("");
  }
  std::string_view token = header.substr(kScheme.size());
  while (token.starts_with(' ')) token.remove_prefix(1);
  while (token.ends_with(' ')) token.remove_suffix(1);
  return std::string{token};
}

}  // namespace zvonok::rest
