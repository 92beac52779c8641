// Lets in the members that this server keeps. Of a group: its owners as hosts, its admins as moderators, the others as
// members. Of a private chat: both, as moderators.
#pragma once
#include "port/room_authorizer.h"
#include "port/store.h"

namespace zvonok::authorizer_store {

class StoreAuthorizer final : public port::RoomAuthorizer {
 public:
  /// `store` outlives this.
  explicit StoreAuthorizer(port::Store& store) : store_{store} {}
  [[nodiscard]] port::RoomAnswer authorize(const port::RoomQuestion& question) override;

 private:
  [[nodiscard]] port::RoomAnswer ask_chat(const ChatId& id, const UserId& user);
  [[nodiscard]] port::RoomAnswer ask_group(const port::GroupId& id, const UserId& user);

  port::Store& store_;
};

}  // namespace zvonok::authorizer_store
