// How many requests of a kind a user may make in a minute, and the header fields that say how many are left
// (draft-ietf-httpapi-ratelimit-headers-07 section 5). Windows begin for all at once, so there is nothing to keep of
// the last one.
#pragma once
#include <cstddef>
#include <unordered_map>

#include "base/id.h"
#include "base/time.h"
#include "proto/http_message.h"

namespace zvonok::rest {

class RateLimit {
 public:
  static constexpr Duration kWindow = minutes{1};

  explicit RateLimit(std::size_t requests_max) : requests_max_{requests_max} {}

  struct Verdict {
    bool allowed = true;
    std::size_t limit = 0;
    std::size_t remaining = 0;
    Duration reset{};  // until there are as many as ever
  };
  [[nodiscard]] Verdict take(const UserId& user, TimePoint now);
  [[nodiscard]] std::size_t users() const { return taken_.size(); }

 private:
  std::size_t requests_max_;
  TimePoint window_{};
  std::unordered_map<UserId, std::size_t> taken_;
};

/// RateLimit-Limit, RateLimit-Remaining and RateLimit-Reset (whole seconds).
void add_rate_limit(HttpResponse& response, const RateLimit::Verdict& verdict);

}  // namespace zvonok::rest
