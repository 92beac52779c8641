// The three authorizers behind one face, for the contract that they share.
#pragma once
#include <memory>
#include <optional>
#include <ostream>
#include <string>

#include <gtest/gtest.h>

#include "port/room_authorizer.h"

namespace zvonok::test {

/// An authorizer with a membership that tests may change.
class AuthorizerSubject {
 public:
  virtual ~AuthorizerSubject() = default;
  /// Makes the user a member, or changes the role. In a chat the role is Moderator.
  virtual void let_in(const call::RoomKey& room, const UserId& user, call::RoomRole role) = 0;
  virtual void keep_out(const call::RoomKey& room, const UserId& user) = 0;
  /// Whatever the answers come from fails from now on, or works again. False where nothing can fail.
  virtual bool set_broken(bool broken) = 0;
  [[nodiscard]] virtual port::RoomAuthorizer& authorizer() = 0;
  /// What `user`'s token says at this moment.
  [[nodiscard]] virtual std::string rooms_claim(const UserId& user) = 0;
};

enum class AuthorizerKind { Store, Token, Http };
[[nodiscard]] std::string to_text(AuthorizerKind kind);
void PrintTo(AuthorizerKind kind, std::ostream* out);
[[nodiscard]] std::unique_ptr<AuthorizerSubject> make_subject(AuthorizerKind kind);

[[nodiscard]] inline call::RoomKey chat_room(const std::string& id) {
  return {.kind = call::RoomKind::Chat, .id = ChatId{id}};
}
[[nodiscard]] inline call::RoomKey group_room(const std::string& id) {
  return {.kind = call::RoomKind::Group, .id = ChatId{id}};
}

/// "host", "moderator", "member", "allowed" (no role), "denied" or "unavailable", for tables.
[[nodiscard]] std::string summary(const port::RoomAnswer& answer);

}  // namespace zvonok::test
