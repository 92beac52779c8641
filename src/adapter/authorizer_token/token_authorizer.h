// Lets in those whose token says so: its claim `rooms`, in the forms of docs/protocol/room_membership.md. Pure; never
// unavailable.
#pragma once
#include "port/room_authorizer.h"

namespace zvonok::authorizer_token {

class TokenAuthorizer final : public port::RoomAuthorizer {
 public:
  /// What is in the claim and is not understood allows nothing.
  [[nodiscard]] port::RoomAnswer authorize(const port::RoomQuestion& question) override;
};

}  // namespace zvonok::authorizer_token
