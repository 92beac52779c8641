// JSON of /api/v1/chats: private chats, each of two users.
#pragma once
#include <string>
#include <string_view>

#include <boost/json/fwd.hpp>

#include "base/id.h"
#include "base/result.h"
#include "port/store.h"
#include "proto/http_message.h"
#include "rest/problem.h"

namespace zvonok::rest {

/// An id as clients write it: a text, or a whole number taken as its digits. Empty for anything else.
[[nodiscard]] std::string id_text(const boost::json::value& value);

/// {userId} or {user_id}: the other member, a text or a whole number.
[[nodiscard]] Result<UserId, Problem> decode_create_chat(const HttpRequest& request);

enum class ChatOrigin {
  Made,   // 201
  Found,  // 200: the two had it already
};
/// {id, members: [two user ids], created_at}
[[nodiscard]] HttpResponse encode_chat(const port::PrivateChat& chat, ChatOrigin origin);
/// {chats: [...], next}
[[nodiscard]] HttpResponse encode_chats(const port::Page<port::PrivateChat>& page);
/// NotFound: 404, Conflict: 400 (a chat with oneself), else 503.
[[nodiscard]] Problem problem_of_create_chat(const port::StoreError& error);

/// `{id}` of a path. 404 for what no chat can be called.
[[nodiscard]] Result<ChatId, Problem> chat_id_of(std::string_view path_parameter);
/// For strangers, who are told the same as when there is none.
[[nodiscard]] Problem no_such_chat();

/// A chat as its two members know each other.
struct ChatMembers {
  port::PrivateChat chat;
  std::string first_name;
  std::string second_name;
};
/// In the shape of a group's members: both `member`, since the chat was made; `next` is null.
[[nodiscard]] HttpResponse encode_chat_members(const ChatMembers& members);

}  // namespace zvonok::rest
