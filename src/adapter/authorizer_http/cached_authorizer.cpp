#include "adapter/authorizer_http/cached_authorizer.h"

#include "base/check.h"

namespace zvonok::authorizer_http {

std::size_t CachedAuthorizer::KeyHash::operator()(const Key& key) const noexcept {
  return std::hash<call::RoomKey>{}(key.room) * 31 + std::hash<UserId>{}(key.user);
}

CachedAuthorizer::CachedAuthorizer(port::RoomAuthorizer& inner, CacheOptions options)
    : inner_{inner}, options_{std::move(options)} {
  ZVONOK_CHECK(options_.entries_max > 0 && options_.clock);
}

port::RoomAnswer CachedAuthorizer::authorize(const port::RoomQuestion& question) {
  Key key{.room = question.room, .user = question.user};
  if (auto known = find(key)) return std::move(*known);
  // The age counts from the question: what the messenger decided while it answered may be older than the answer.
  const TimePoint asked_at = options_.clock();
  port::RoomAnswer answer = inner_.authorize(question);
  if (!std::holds_alternative<port::AuthorizerUnavailable>(answer)) remember(std::move(key), answer, asked_at);
  return answer;
}

std::optional<port::RoomAnswer> CachedAuthorizer::find(const Key& key) {
  const TimePoint now = options_.clock();
  const std::lock_guard lock{mutex_};
  const auto found = index_.find(key);
  if (found == index_.end()) return std::nullopt;
  if (now - found->second->learned_at >= options_.fresh_for) {
    entries_.erase(found->second);
    index_.erase(found);
    return std::nullopt;
  }
  entries_.splice(entries_.begin(), entries_, found->second);
  return found->second->answer;
}

void CachedAuthorizer::remember(Key key, port::RoomAnswer answer, TimePoint learned_at) {
  if (options_.fresh_for <= Duration::zero()) return;
  const std::lock_guard lock{mutex_};
  if (const auto found = index_.find(key); found != index_.end()) {
    // Two asked at once; the later question has the newer answer.
    if (found->second->learned_at > learned_at) return;
    entries_.erase(found->second);
    index_.erase(found);
  }
  if (entries_.size() >= options_.entries_max) {
    index_.erase(entries_.back().key);
    entries_.pop_back();
  }
  entries_.push_front({.key = key, .answer = std::move(answer), .learned_at = learned_at});
  index_.emplace(std::move(key), entries_.begin());
}

void CachedAuthorizer::forget(const call::RoomKey& room, const UserId& user) {
  const std::lock_guard lock{mutex_};
  const auto found = index_.find(Key{.room = room, .user = user});
  if (found == index_.end()) return;
  entries_.erase(found->second);
  index_.erase(found);
}

std::size_t CachedAuthorizer::size() const {
  const std::lock_guard lock{mutex_};
  return entries_.size();
}

}  // namespace zvonok::authorizer_http
