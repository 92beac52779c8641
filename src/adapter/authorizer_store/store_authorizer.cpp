#include "adapter/authorizer_store/store_authorizer.h"

#include <cstdlib>

namespace zvonok::authorizer_store {
namespace {

port::AuthorizerUnavailable unavailable(const port::StoreError& error) {
  return {.detail = error.detail};
}

}  // namespace

port::RoomAnswer StoreAuthorizer::authorize(const port::RoomQuestion& question) {
  switch (question.room.kind) {
    case call::RoomKind::Chat: return ask_chat(question.room.id, question.user);
    case call::RoomKind::Group: return ask_group(port::GroupId{question.room.id.value()}, question.user);
  }
  std::abort();
}

port::RoomAnswer StoreAuthorizer::ask_chat(const ChatId& id, const UserId& user) {
  const auto chat = store_.find_private_chat(id);
  if (!chat) return unavailable(chat.error());
  if (!*chat || ((*chat)->first != user && (*chat)->second != user)) return port::RoomDenied{};
  const auto account = store_.find_user(user);
  if (!account) return unavailable(account.error());
  return port::RoomAllowed{.role = call::RoomRole::Moderator,
                           .display_name = *account ? (*account)->display_name : std::string{}};
}

port::RoomAnswer StoreAuthorizer::ask_group(const port::GroupId& id, const UserId& user) {
  auto member = store_.find_member(id, user);
  if (!member) return unavailable(member.error());
  if (!*member) return port::RoomDenied{};
  return port::RoomAllowed{.role = port::room_role_of((*member)->role), .display_name = std::move((*member)->display_name)};
}

}  // namespace zvonok::authorizer_store
