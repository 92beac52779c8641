#include "identity/revocations.h"

#include "base/check.h"

namespace zvonok::identity {

Revocations::Revocations(RevocationOptions options) : options_{options} {
  ZVONOK_CHECK(options_.sessions_max > 0);
}

void Revocations::revoke(std::string_view session_id, WallTime revoked_at) {
  if (session_id.empty()) return;
  if (const auto found = by_id_.find(session_id); found != by_id_.end()) {
    if (found->second->first >= revoked_at) return;
    by_time_.erase(found->second);
    found->second = by_time_.emplace(revoked_at, session_id);
    return;
  }
  if (by_id_.size() >= options_.sessions_max) {
    by_id_.erase(by_time_.begin()->second);
    by_time_.erase(by_time_.begin());
    ++dropped_;
  }
  by_id_.emplace(session_id, by_time_.emplace(revoked_at, session_id));
}

bool Revocations::is_revoked(std::string_view session_id) const {
  return !session_id.empty() && by_id_.contains(session_id);
}

void Revocations::forget_old(WallTime now) {
  const WallTime since = relevant_since(now);
  while (!by_time_.empty() && by_time_.begin()->first < since) {
    by_id_.erase(by_time_.begin()->second);
    by_time_.erase(by_time_.begin());
  }
}

WallTime Revocations::relevant_since(WallTime now) const {
  return now - std::chrono::ceil<milliseconds>(options_.access_token_lifetime + options_.margin);
}

}  // namespace zvonok::identity
