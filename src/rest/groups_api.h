// JSON of /api/v1/groups, and of the members of groups and private chats. What is not one's own is not there: strangers
// get the same 404 for a group that exists as for one that does not.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/id.h"
#include "base/result.h"
#include "port/store.h"
#include "proto/http_message.h"
#include "rest/problem.h"

namespace zvonok::rest {

/// `{id}` of a path: 1 to 128 of A-Z a-z 0-9 _ . : - (what a room may be called). 404 for others: there is no such
/// group.
[[nodiscard]] Result<port::GroupId, Problem> group_id_of(std::string_view path_parameter);
/// `{userId}` of a path. 404 for what no user can be called.
[[nodiscard]] Result<UserId, Problem> member_id_of(std::string_view path_parameter);

struct CreateGroup {
  std::optional<port::GroupId> id;  // absent: to be made
  std::string title;                // trimmed
  std::vector<UserId> members;
};
/// {title, id?, members?}: ids are texts or whole numbers.
[[nodiscard]] Result<CreateGroup, Problem> decode_create_group(const HttpRequest& request);
/// {title}: the new one, trimmed.
[[nodiscard]] Result<std::string, Problem> decode_rename_group(const HttpRequest& request);
/// {role}: "member", "admin" or "owner".
[[nodiscard]] Result<port::GroupRole, Problem> decode_member_role(const HttpRequest& request);

/// 201 for Added, else 200. {id, title, role, member_count, created_by, created_at, since}; `role` and `since` are the
/// asker's own.
[[nodiscard]] HttpResponse encode_group(const port::Membership& membership, port::GroupOutcome outcome);
/// {groups: [...], next}
[[nodiscard]] HttpResponse encode_groups(const port::Page<port::Membership>& page);
/// 201 for Added, else 200. {user_id, display_name, role, since}
[[nodiscard]] HttpResponse encode_member(const port::GroupMember& member, port::GroupOutcome outcome);
/// {members: [...], next}
[[nodiscard]] HttpResponse encode_members(const port::Page<port::GroupMember>& page);
/// 204, for what is gone.
[[nodiscard]] HttpResponse encode_gone();

/// How a change ended: nullopt when it is as it was asked for.
[[nodiscard]] std::optional<Problem> problem_of(port::GroupOutcome outcome);
/// For strangers.
[[nodiscard]] Problem no_such_group();

}  // namespace zvonok::rest
