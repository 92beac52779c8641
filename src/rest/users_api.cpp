#include "rest/users_api.h"

#include "rest/json_body.h"
#include "rest/paging.h"

namespace zvonok::rest {

Result<port::UserStore::ListUsers, Problem> decode_list_users(const HttpRequest& request) {
  auto page = decode_page(request);
  if (!page) return fail(page.error());
  std::string search = query_value(request.query, "search").value_or("");
  if (search.size() > kSearchBytesMax) return fail(bad_request("`search` is longer than 200 bytes", "search"));
  return port::UserStore::ListUsers{.search = std::move(search), .include_disabled = false, .page = std::move(*page)};
}

HttpResponse encode_users(const port::Page<UserRow>& page, const UserId& viewer) {
  boost::json::array users;
  users.reserve(page.items.size());
  for (const UserRow& row : page.items) {
    boost::json::object user{
        {"id", row.user.id.value()}, {"display_name", row.user.display_name}, {"online", row.online == Online::Yes}};
    if (row.user.id == viewer && row.user.email) user["email"] = *row.user.email;
    users.push_back(std::move(user));
  }
  return json_response(200, {{"users", std::move(users)}, {"next", text_or_null(page.next)}});
}

}  // namespace zvonok::rest
