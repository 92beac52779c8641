// JSON of /api/v1/chats: private chats, each of two users.
#pragma once
#include "base/id.h"
#include "base/result.h"
#include "port/store.h"
#include "proto/http_message.h"
#include "rest/problem.h"

namespace zvonok::rest {

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

}  // namespace zvonok::rest
