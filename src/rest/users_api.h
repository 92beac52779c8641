// JSON of GET /api/users: who there is to call.
#pragma once
#include <string_view>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "port/store.h"
#include "proto/http_message.h"
#include "rest/problem.h"

namespace zvonok::rest {

constexpr std::size_t kSearchBytesMax = 200;

enum class Online { No, Yes };

struct UserRow {
  port::User user;
  Online online = Online::No;
};

/// ?search=&after=&limit=
[[nodiscard]] Result<port::UserStore::ListUsers, Problem> decode_list_users(const HttpRequest& request);
/// {users: [{id, display_name, online, email?}], next}; an email is shown to its owner only.
[[nodiscard]] HttpResponse encode_users(const port::Page<UserRow>& page, const UserId& viewer);

}  // namespace zvonok::rest
