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

bool is_good(int status) {
  return status >= 200 && status < 300;
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
  if (entry->second.under_way) {
    return fail(conflict("request_under_way", "The first request with this Idempotency-Key is not answered yet"));
  }
  if (entry->second.answer) return Repeated{*entry->second.answer};
  take_out(entry->second.order);
  entry->second.under_way = true;
  return First{std::move(key)};
}

void Idempotency::finish(const Key& key, const HttpResponse& answer, TimePoint now) {
  const auto entry = entries_.find(key);
  if (entry == entries_.end()) return;
  if (may_differ(answer.status)) {
    entries_.erase(entry);
    return;
  }
  entry->second.under_way = false;
  entry->second.order = next_order_;
  if (is_good(answer.status)) entry->second.answer = answer;
  answered_.emplace(next_order_, Answered{.at = now, .key = key});
  std::set<std::uint64_t>& own = by_user_[key.first];
  own.insert(next_order_++);
  if (own.size() > options_.answers_per_user_max) forget(*own.begin());
}

void Idempotency::forget(std::uint64_t order) {
  entries_.erase(answered_.at(order).key);
  take_out(order);
}

void Idempotency::take_out(std::uint64_t order) {
  const auto answered = answered_.find(order);
  const auto own = by_user_.find(answered->second.key.first);
  own->second.erase(order);
  if (own->second.empty()) by_user_.erase(own);
  answered_.erase(answered);
}

void Idempotency::forget_old(TimePoint now) {
  while (!answered_.empty()) {
    const auto oldest = answered_.begin();
    if (answered_.size() < options_.answers_max && now - oldest->second.at < options_.kept) return;
    forget(oldest->first);
  }
}

}  // namespace zvonok::rest
