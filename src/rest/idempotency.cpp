#include "rest/idempotency.h"

#include <algorithm>
#include <functional>

namespace zvonok::rest {
namespace {

bool is_key(std::string_view text) {
  return !text.empty() && text.size() <= kIdempotencyKeyBytesMax &&
         std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

bool may_differ(int status) {
  return status >= 500 || status == 429;
}

}  // namespace

Problem idempotency_key_reused() {
  Problem problem = bad_request("This Idempotency-Key was used for another request");
  problem.status = 422;
  problem.code = "idempotency_key_reused";
  return problem;
}

Result<Idempotency::Begun, Problem> Idempotency::begin(const HttpRequest& request, const UserId& user, TimePoint now) {
  const auto text = request.header("Idempotency-Key");
  if (!text) return NotAsked{};
  if (!is_key(*text)) return fail(bad_request("Idempotency-Key must be 1 to 255 printable ASCII characters"));
  forget_old(now);
  Key key{user, std::string{*text}};
  const std::size_t hash = std::hash<std::string>{}(request.path + '\n' + request.body);
  const auto [entry, is_new] = entries_.try_emplace(key);
  if (is_new) {
    entry->second.request_hash = hash;
    return First{std::move(key)};
  }
  if (entry->second.request_hash != hash) {
    return fail(idempotency_key_reused());
  }
  if (!entry->second.answer) {
    return fail(conflict("request_under_way", "The first request with this Idempotency-Key is not answered yet"));
  }
  return Repeated{*entry->second.answer};
}

void Idempotency::finish(const Key& key, const HttpResponse& answer, TimePoint now) {
  const auto entry = entries_.find(key);
  if (entry == entries_.end()) return;
  if (may_differ(answer.status)) {
    entries_.erase(entry);
    return;
  }
  entry->second.answer = answer;
  answered_.emplace(next_order_++, Answered{.at = now, .key = key});
}

void Idempotency::forget_old(TimePoint now) {
  while (!answered_.empty()) {
    const auto oldest = answered_.begin();
    if (answered_.size() < options_.answers_max && now - oldest->second.at < options_.kept) return;
    entries_.erase(oldest->second.key);
    answered_.erase(oldest);
  }
}

}  // namespace zvonok::rest
