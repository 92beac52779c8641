#include "rest/groups_api.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <utility>

#include "identity/account_rules.h"
#include "proto/jwt/jwt.h"
#include "rest/chats_api.h"
#include "rest/json_body.h"

namespace zvonok::rest {
namespace {

namespace json = boost::json;
using port::GroupOutcome;
using port::GroupRole;

constexpr std::array<std::pair<std::string_view, GroupRole>, 3> kRoles{{
    {"member", GroupRole::Member},
    {"admin", GroupRole::Admin},
    {"owner", GroupRole::Owner},
}};

std::string_view to_text(GroupRole role) {
  for (const auto& [text, value] : kRoles) {
    if (value == role) return text;
  }
  std::abort();
}

bool is_room_id(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
           c == ':' || c == '-';
  };
  return !text.empty() && text.size() <= port::kIdBytesMax && std::all_of(text.begin(), text.end(), allowed);
}

Result<std::string, Problem> title_of(const json::object& body) {
  const auto text = text_member(body, "title");
  if (!text) return fail(text.error());
  // What is good for a person's name is good for a group's.
  auto title = identity::normalize_display_name(*text);
  if (!title) {
    return fail(bad_request("The title must have 1 to 100 characters, none of them a control character", "title"));
  }
  return std::move(*title);
}

Result<std::optional<port::GroupId>, Problem> wanted_id(const json::object& body) {
  const json::value* value = body.if_contains("id");
  if (value == nullptr || value->is_null()) return std::nullopt;
  std::string text = id_text(*value);
  if (!is_room_id(text)) {
    return fail(bad_request("`id` must be 1 to 128 of A-Z a-z 0-9 _ . : - or a whole number", "id"));
  }
  return port::GroupId{std::move(text)};
}

Result<std::vector<UserId>, Problem> wanted_members(const json::object& body) {
  std::vector<UserId> members;
  const json::value* value = body.if_contains("members");
  if (value == nullptr || value->is_null()) return members;
  if (!value->is_array()) return fail(bad_request("`members` must be a list of users' ids", "members"));
  if (value->get_array().size() > port::kNewGroupMembersMax) {
    return fail(bad_request("`members` may name 100 users; add the others afterwards", "members"));
  }
  for (const json::value& one : value->get_array()) {
    std::string id = id_text(one);
    if (!jwt::is_user_id(id)) return fail(bad_request("`members` must be a list of users' ids", "members"));
    members.emplace_back(std::move(id));
  }
  return members;
}

json::object to_json(const port::Membership& membership) {
  const port::Group& group = membership.group;
  return {{"id", group.id.value()},
          {"title", group.title},
          {"role", to_text(membership.role)},
          {"member_count", group.member_count},
          {"created_by", group.created_by.value()},
          {"created_at", format_rfc3339(group.created_at)},
          {"since", format_rfc3339(membership.since)}};
}

json::object to_json(const port::GroupMember& member) {
  return {{"user_id", member.user.value()},
          {"display_name", member.display_name},
          {"role", to_text(member.role)},
          {"since", format_rfc3339(member.since)}};
}

}  // namespace

Result<port::GroupId, Problem> group_id_of(std::string_view path_parameter) {
  if (!is_room_id(path_parameter)) return fail(no_such_group());
  return port::GroupId{std::string{path_parameter}};
}

Result<UserId, Problem> member_id_of(std::string_view path_parameter) {
  if (!jwt::is_user_id(path_parameter)) return fail(not_found("There is no such user"));
  return UserId{std::string{path_parameter}};
}

Result<CreateGroup, Problem> decode_create_group(const HttpRequest& request) {
  const auto body = parse_body(request);
  if (!body) return fail(body.error());
  auto id = wanted_id(*body);
  if (!id) return fail(id.error());
  auto title = title_of(*body);
  if (!title) return fail(title.error());
  auto members = wanted_members(*body);
  if (!members) return fail(members.error());
  return CreateGroup{.id = std::move(*id), .title = std::move(*title), .members = std::move(*members)};
}

Result<std::string, Problem> decode_rename_group(const HttpRequest& request) {
  const auto body = parse_body(request);
  if (!body) return fail(body.error());
  return title_of(*body);
}

Result<GroupRole, Problem> decode_member_role(const HttpRequest& request) {
  const auto body = parse_body(request);
  if (!body) return fail(body.error());
  const auto text = text_member(*body, "role");
  if (!text) return fail(text.error());
  for (const auto& [name, role] : kRoles) {
    if (name == *text) return role;
  }
  return fail(bad_request("`role` must be `member`, `admin` or `owner`", "role"));
}

HttpResponse encode_group(const port::Membership& membership, GroupOutcome outcome) {
  return json_response(outcome == GroupOutcome::Added ? 201 : 200, to_json(membership));
}

HttpResponse encode_groups(const port::Page<port::Membership>& page) {
  json::array groups;
  groups.reserve(page.items.size());
  for (const port::Membership& membership : page.items) groups.push_back(to_json(membership));
  return json_response(200, {{"groups", std::move(groups)}, {"next", text_or_null(page.next)}});
}

HttpResponse encode_member(const port::GroupMember& member, GroupOutcome outcome) {
  return json_response(outcome == GroupOutcome::Added ? 201 : 200, to_json(member));
}

HttpResponse encode_members(const port::Page<port::GroupMember>& page) {
  json::array members;
  members.reserve(page.items.size());
  for (const port::GroupMember& member : page.items) members.push_back(to_json(member));
  return json_response(200, {{"members", std::move(members)}, {"next", text_or_null(page.next)}});
}

HttpResponse encode_gone() {
  HttpResponse response{.status = 204, .headers = {}, .body = {}};
  response.add_header("Cache-Control", "no-store");
  return response;
}

std::optional<Problem> problem_of(GroupOutcome outcome) {
  switch (outcome) {
    case GroupOutcome::Added:
    case GroupOutcome::Changed:
    case GroupOutcome::Unchanged: return std::nullopt;
    case GroupOutcome::NoSuchGroup: return no_such_group();
    case GroupOutcome::NoSuchMember: return not_found("This user is not in the group");
    case GroupOutcome::Forbidden: return forbidden("Your role in the group does not allow this");
    case GroupOutcome::LastOwner:
      return conflict("last_owner", "A group needs an owner: make somebody else one first, or delete the group");
    case GroupOutcome::NoSuchUser: return not_found("There is no such user");
    case GroupOutcome::GroupFull: return conflict("group_full", "The group has as many members as it may have");
    case GroupOutcome::TooManyGroups:
      return conflict("too_many_groups", "A user is in as many groups as one may be in");
    case GroupOutcome::IdTaken: return conflict("id_taken", "There is a group with this id already");
  }
  std::abort();
}

Problem no_such_group() {
  return not_found("There is no such group, or you are not in it");
}

}  // namespace zvonok::rest
