// Remembers for a while what another authorizer answered, so that a reconnect or a crowd costs the messenger little.
// Thread-safe. Answers that could not be found out are not remembered.
#pragma once
#include <cstddef>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/time.h"
#include "port/room_authorizer.h"

namespace zvonok::authorizer_http {

struct CacheOptions {
  Duration fresh_for = seconds{10};  // zero: nothing is remembered
  std::size_t entries_max = 10'000;  // then what was not asked for longest goes
  std::function<TimePoint()> clock;
};

class CachedAuthorizer final : public port::RoomAuthorizer {
 public:
  /// `inner` outlives this.
  CachedAuthorizer(port::RoomAuthorizer& inner, CacheOptions options);
  /// The token's claim is no part of the key: `inner` must not look at it.
  [[nodiscard]] port::RoomAnswer authorize(const port::RoomQuestion& question) override;
  void forget(const call::RoomKey& room, const UserId& user) override;
  [[nodiscard]] std::size_t size() const;

 private:
  struct Key {
    call::RoomKey room;
    UserId user;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept;
  };
  struct Entry {
    Key key;
    port::RoomAnswer answer;
    TimePoint learned_at{};
  };
  using Entries = std::list<Entry>;

  [[nodiscard]] std::optional<port::RoomAnswer> find(const Key& key);
  void remember(Key key, port::RoomAnswer answer, TimePoint learned_at);

  port::RoomAuthorizer& inner_;
  const CacheOptions options_;
  mutable std::mutex mutex_;
  Entries entries_;  // most recently asked first
  std::unordered_map<Key, Entries::iterator, KeyHash> index_;
};

}  // namespace zvonok::authorizer_http
