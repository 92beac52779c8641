// `Idempotency-Key`: a request that is sent again gets the answer of the first one, and nothing is done twice
// (draft-ietf-httpapi-idempotency-key-header-06). Kept in memory: what began a phone call the books know besides
// (CallStore::find_keyed_call).
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <variant>

#include "base/id.h"
#include "base/result.h"
#include "base/time.h"
#include "proto/http_message.h"
#include "rest/problem.h"

namespace zvonok::rest {

inline constexpr std::size_t kIdempotencyKeyBytesMax = 255;

/// 422.
[[nodiscard]] Problem idempotency_key_reused();

class Idempotency {
 public:
  struct Options {
    Duration kept = hours{24};
    std::size_t answers_max = 20'000;
    std::size_t answers_per_user_max = 1'000;  // nobody pushes out the others' answers
  };
  /// Whose request under which key.
  using Key = std::pair<UserId, std::string>;

  explicit Idempotency(Options options) : options_{options} {}

  struct NotAsked {};  // the request has no key
  struct First {       // to be ended by `finish`
    Key key;
  };
  struct Repeated {
    HttpResponse answer;  // of the first time
  };
  using Begun = std::variant<NotAsked, First, Repeated>;
  /// 400 for a key that is none, 409 while the first request is not answered, 422 when it was another request.
  [[nodiscard]] Result<Begun, Problem> begin(const HttpRequest& request, const UserId& user, TimePoint now);
  /// Answers of 2xx alone are kept: what was refused has done nothing, and may go better next time. Its key stands for
  /// that request all the same, unless the answer was 5xx or 429.
  void finish(const Key& key, const HttpResponse& answer, TimePoint now);

  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::size_t request_hash = 0;
    bool under_way = true;
    std::uint64_t order = 0;             // in answered_, when it is not
    std::optional<HttpResponse> answer;  // likewise; none when it was refused
  };
  void forget_old(TimePoint now);
  void forget(std::uint64_t order);
  void take_out(std::uint64_t order);

  Options options_;
  std::map<Key, Entry> entries_;
  struct Answered {
    TimePoint at;
    Key key;
  };
  std::map<std::uint64_t, Answered> answered_;                   // by order
  std::unordered_map<UserId, std::set<std::uint64_t>> by_user_;  // of them; no empty set
  std::uint64_t next_order_ = 1;
};

}  // namespace zvonok::rest
