// The REST routes: one table, and the match of a request against it. Sockets (`/ws`) are not in it.
#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "proto/http_message.h"
#include "rest/problem.h"

namespace zvonok::rest {

enum class RouteId {
  Register,
  Login,
  Refresh,
  Logout,
  ShowMe,
  UpdateMe,
  IssueWsTicket,
  ListUsers,
  ListCalls,
  InitiateCall,
  TerminateCall,
  WatchCalls,
  ShowCall,
  AcceptCall,
  RejectCall,
  AnswerCall,
  RestartCallIce,
  WatchCall,
  SendDtmf,
  HoldCall,
  MuteCall,
  CreateChat,
  ListChats,
  ShowChat,
  ListChatMembers,
  CreateGroup,
  ListGroups,
  ShowGroup,
  RenameGroup,
  DeleteGroup,
  ListGroupMembers,
  PutGroupMember,
  RemoveGroupMember,
  ShowChatRoom,
  ShowGroupRoom,
  RemoveFromChatRoom,
  RemoveFromGroupRoom,
  InvitePhoneToChatRoom,
  InvitePhoneToGroupRoom,
  DropPhoneFromChatRoom,
  DropPhoneFromGroupRoom,
  ListIceServers,
  Health,
  Ready,
  Metrics,
  OpenApi,
};

enum class Access {
  Public,
  User,  // needs a good token
};

/// Which budget a request is counted against.
enum class RateClass {
  Probe,     // health, metrics, this API's description: never limited
  Ordinary,  // the API
  Register,
  Login,  // login and refresh
};

struct Route {
  Method method;
  std::string_view pattern;  // "/api/rooms/{id}": a segment in braces matches any one non-empty segment
  RouteId id;
  Access access;
  RateClass rate;
};

/// Every route there is.
[[nodiscard]] std::span<const Route> routes();

struct Match {
  const Route* route = nullptr;                             // into routes()
  std::vector<std::pair<std::string, std::string>> params;  // names without braces, values decoded

  /// The value of a parameter that the pattern has.
  [[nodiscard]] std::string_view param(std::string_view name) const;
};

/// `path` as HttpRequest has it (percent-encoded, without query). HEAD matches GET. The error is a 404 or a 405 with
/// its Allow list.
[[nodiscard]] Result<Match, Problem> match(Method method, std::string_view path);
/// The same over a table of one's own.
[[nodiscard]] Result<Match, Problem> match_in(std::span<const Route> table, Method method, std::string_view path);

/// The token of a request: `Authorization: Bearer ...`, else `?token=`. Empty when there is none.
[[nodiscard]] std::string token_of(const HttpRequest& request);

}  // namespace zvonok::rest
