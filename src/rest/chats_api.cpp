#include "rest/chats_api.h"

#include "proto/jwt/jwt.h"
#include "rest/groups_api.h"
#include "rest/json_body.h"

namespace zvonok::rest {
namespace {

namespace json = boost::json;

json::object to_json(const port::PrivateChat& chat) {
  return {{"id", chat.id.value()},
          {"members", {chat.first.value(), chat.second.value()}},
          {"created_at", format_rfc3339(chat.created_at)}};
}

}  // namespace

std::string id_text(const json::value& value) {
  if (value.is_string()) return std::string{value.get_string()};
  if (value.is_uint64()) return std::to_string(value.get_uint64());
  if (value.is_int64() && value.get_int64() >= 0) return std::to_string(value.get_int64());
  return {};
}

Result<UserId, Problem> decode_create_chat(const HttpRequest& request) {
  const auto body = parse_body(request);
  if (!body) return fail(body.error());
  const json::value* member = body->if_contains("userId");
  if (member == nullptr) member = body->if_contains("user_id");
  if (member == nullptr) return fail(bad_request("`userId` is missing", "userId"));
  std::string id = id_text(*member);
  if (!jwt::is_user_id(id)) return fail(bad_request("`userId` must be a user's id", "userId"));
  return UserId{std::move(id)};
}

HttpResponse encode_chat(const port::PrivateChat& chat, ChatOrigin origin) {
  return json_response(origin == ChatOrigin::Made ? 201 : 200, to_json(chat));
}

HttpResponse encode_chats(const port::Page<port::PrivateChat>& page) {
  json::array chats;
  chats.reserve(page.items.size());
  for (const port::PrivateChat& chat : page.items) chats.push_back(to_json(chat));
  return json_response(200, {{"chats", std::move(chats)}, {"next", text_or_null(page.next)}});
}

Problem problem_of_create_chat(const port::StoreError& error) {
  switch (error.kind) {
    case port::StoreErrorKind::NotFound: return not_found("There is no such user");
    case port::StoreErrorKind::Conflict: return bad_request("A chat needs two different users", "userId");
    case port::StoreErrorKind::Invalid: return bad_request("`userId` must be a user's id", "userId");
    case port::StoreErrorKind::Unavailable: return unavailable();
  }
  return unavailable();
}

Result<ChatId, Problem> chat_id_of(std::string_view path_parameter) {
  // Ids of users and of chats are of the same kind of text.
  if (!jwt::is_user_id(path_parameter)) return fail(no_such_chat());
  return ChatId{std::string{path_parameter}};
}

Problem no_such_chat() {
  return not_found("There is no such chat, or you are not in it");
}

HttpResponse encode_chat_members(const ChatMembers& members) {
  const port::PrivateChat& chat = members.chat;
  const auto member = [&chat](const UserId& user, const std::string& name) {
    return port::GroupMember{
        .user = user, .display_name = name, .role = port::GroupRole::Member, .since = chat.created_at};
  };
  return encode_members(
      {.items = {member(chat.first, members.first_name), member(chat.second, members.second_name)}, .next = {}});
}

}  // namespace zvonok::rest
