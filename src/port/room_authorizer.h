// Who may enter a room, as a port. Implementations: adapter/authorizer_store (members kept here),
// adapter/authorizer_token (the token says so), adapter/authorizer_http (the messenger is asked), and AnyAuthorizer.
//
// Threads: `authorize` may block and may be called from any thread at once; callers run it on a pool, never on an event
// loop. It does not throw.
#pragma once
#include <functional>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/id.h"
#include "call/room_ids.h"
#include "call/room_words.h"
#include "port/group_rules.h"

namespace zvonok::port {

struct RoomQuestion {
  call::RoomKey room;
  UserId user;
  std::string rooms_claim;  // the token's `rooms` as JSON text, or empty
};

struct RoomAllowed {
  std::optional<call::RoomRole> role;  // absent: membership says nothing of it
  std::string display_name;            // may be empty; without control characters, kDisplayNameBytesMax at most
  friend bool operator==(const RoomAllowed&, const RoomAllowed&) = default;
};
struct RoomDenied {
  friend bool operator==(const RoomDenied&, const RoomDenied&) = default;
};
/// It could not be found out; trying again may help.
struct AuthorizerUnavailable {
  std::string detail;  // for logs: names no secret
  friend bool operator==(const AuthorizerUnavailable&, const AuthorizerUnavailable&) = default;
};
using RoomAnswer = std::variant<RoomAllowed, RoomDenied, AuthorizerUnavailable>;

class RoomAuthorizer {
 public:
  virtual ~RoomAuthorizer() = default;
  [[nodiscard]] virtual RoomAnswer authorize(const RoomQuestion& question) = 0;
  /// Membership has changed: what was found out before counts no more.
  virtual void forget(const call::RoomKey& room, const UserId& user) {
    static_cast<void>(room);
    static_cast<void>(user);
  }
};

/// What a role in a group is in its room.
[[nodiscard]] constexpr call::RoomRole room_role_of(GroupRole role) {
  switch (role) {
    case GroupRole::Owner: return call::RoomRole::Host;
    case GroupRole::Admin: return call::RoomRole::Moderator;
    case GroupRole::Member: break;
  }
  return call::RoomRole::Member;
}

/// In a private chat both are moderators, unless it is said otherwise.
[[nodiscard]] constexpr std::optional<call::RoomRole> role_in(call::RoomKind kind, std::optional<call::RoomRole> said) {
  if (!said && kind == call::RoomKind::Chat) return call::RoomRole::Moderator;
  return said;
}

/// Asks one after the other until one allows. When none does: Unavailable if one of them was, since it might have
/// allowed it, else Denied.
class AnyAuthorizer final : public RoomAuthorizer {
 public:
  /// The authorizers outlive this.
  explicit AnyAuthorizer(std::vector<std::reference_wrapper<RoomAuthorizer>> in_order)
      : authorizers_{std::move(in_order)} {}

  [[nodiscard]] RoomAnswer authorize(const RoomQuestion& question) override {
    RoomAnswer outcome = RoomDenied{};
    for (RoomAuthorizer& authorizer : authorizers_) {
      RoomAnswer answer = authorizer.authorize(question);
      if (std::holds_alternative<RoomAllowed>(answer)) return answer;
      if (std::holds_alternative<RoomDenied>(outcome)) outcome = std::move(answer);
    }
    return outcome;
  }
  void forget(const call::RoomKey& room, const UserId& user) override {
    for (RoomAuthorizer& authorizer : authorizers_) authorizer.forget(room, user);
  }

 private:
  std::vector<std::reference_wrapper<RoomAuthorizer>> authorizers_;
};

}  // namespace zvonok::port
