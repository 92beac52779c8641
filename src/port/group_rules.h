// Who may do what in a group, as functions of roles. Every GroupStore decides by these.
#pragma once
#include <optional>

namespace zvonok::port {

/// In order of what they may do.
enum class GroupRole { Member, Admin, Owner };

/// The one who asks, seen from the member that it is about.
enum class Asker { Other, Self };

[[nodiscard]] constexpr bool may_rename_group(GroupRole role) {
  return role >= GroupRole::Admin;
}

[[nodiscard]] constexpr bool may_delete_group(GroupRole role) {
  return role == GroupRole::Owner;
}

/// `current`: the role that the user has; absent when the user is to be added.
/// Owners decide about roles. Admins bring members in. Everybody may step down.
[[nodiscard]] constexpr bool may_set_role(GroupRole role, Asker asker, std::optional<GroupRole> current,
                                          GroupRole wanted) {
  if (role == GroupRole::Owner) return true;
  if (asker == Asker::Self) return current && wanted <= *current;
  const bool is_plain = !current || *current == GroupRole::Member;
  return role == GroupRole::Admin && is_plain && wanted == GroupRole::Member;
}

/// Owners remove anybody, admins members without a role, everybody oneself.
[[nodiscard]] constexpr bool may_remove_member(GroupRole role, Asker asker, GroupRole removed) {
  if (asker == Asker::Self || role == GroupRole::Owner) return true;
  return role == GroupRole::Admin && removed == GroupRole::Member;
}

}  // namespace zvonok::port
