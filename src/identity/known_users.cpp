#include "identity/known_users.h"

namespace zvonok::identity {

KnownUsers::KnownUsers(KnownUsersOptions options) : options_{options}, users_{options.users_max} {}

std::optional<UserStanding> KnownUsers::find(const UserId& user, TimePoint now) {
  const Entry* entry = users_.find(user);
  if (entry == nullptr) return std::nullopt;
  if (now - entry->learned_at < options_.fresh_for) return entry->standing;
  users_.erase(user);
  return std::nullopt;
}

void KnownUsers::remember(const UserId& user, UserStanding standing, TimePoint now) {
  users_.find_or_insert(user, [] { return Entry{}; }) = Entry{standing, now};
}

void KnownUsers::forget(const UserId& user) {
  users_.erase(user);
}

}  // namespace zvonok::identity
