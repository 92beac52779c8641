// Remembers for a minute what the store said about users, so that most tokens are decided without asking it.
// Pure, bounded; used on the control thread.
#pragma once
#include <cstddef>
#include <optional>

#include "base/id.h"
#include "base/time.h"
#include "identity/lru_map.h"

namespace zvonok::identity {

enum class UserStanding { Active, Disabled };

struct KnownUsersOptions {
  Duration fresh_for = seconds{60};
  std::size_t users_max = 200'000;
};

class KnownUsers {
 public:
  explicit KnownUsers(KnownUsersOptions options);

  /// nullopt: not known (any more), ask the store.
  [[nodiscard]] std::optional<UserStanding> find(const UserId& user, TimePoint now);
  void remember(const UserId& user, UserStanding standing, TimePoint now);
  void forget(const UserId& user);
  [[nodiscard]] std::size_t size() const { return users_.size(); }

 private:
  struct Entry {
    UserStanding standing = UserStanding::Active;
    TimePoint learned_at{};
  };
  KnownUsersOptions options_;
  LruMap<UserId, Entry> users_;
};

}  // namespace zvonok::identity
