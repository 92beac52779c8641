// Login sessions that ended before their access tokens did. A revoked session is remembered for as long as an access
// token of it can still be valid. Pure, bounded; used on the control thread.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/time.h"

namespace zvonok::identity {

struct RevocationOptions {
  Duration access_token_lifetime = minutes{15};
  Duration margin = minutes{1};  // clocks of nodes differ
  std::size_t sessions_max = 1'000'000;
};

class Revocations {
 public:
  explicit Revocations(RevocationOptions options);

  /// Idempotent; the latest time counts. `revoked_at` may lie in the past (read from the store).
  void revoke(std::string_view session_id, WallTime revoked_at);
  [[nodiscard]] bool is_revoked(std::string_view session_id) const;
  /// Forgets what no longer matters. Call it now and then (every minute is plenty).
  void forget_old(WallTime now);
  /// From when on the store has to be asked (SessionStore::revoked_since) to know everything that matters.
  [[nodiscard]] WallTime relevant_since(WallTime now) const;

  [[nodiscard]] std::size_t size() const { return by_id_.size(); }
  /// How many revocations were forgotten early for lack of room.
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

 private:
  using Order = std::multimap<WallTime, std::string>;
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
  };
  RevocationOptions options_;
  Order by_time_;
  std::unordered_map<std::string, Order::iterator, TextHash, std::equal_to<>> by_id_;
  std::uint64_t dropped_ = 0;
};

}  // namespace zvonok::identity
