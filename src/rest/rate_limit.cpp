#include "rest/rate_limit.h"

#include <string>

namespace zvonok::rest {

RateLimit::Verdict RateLimit::take(const UserId& user, TimePoint now) {
  if (now - window_ >= kWindow) {
    window_ = now - (now - window_) % kWindow;
    taken_.clear();
  }
  std::size_t& taken = taken_[user];
  Verdict verdict{
      .allowed = taken < requests_max_, .limit = requests_max_, .remaining = 0, .reset = window_ + kWindow - now};
  if (verdict.allowed) ++taken;
  verdict.remaining = requests_max_ - taken;
  return verdict;
}

void add_rate_limit(HttpResponse& response, const RateLimit::Verdict& verdict) {
  response.add_header("RateLimit-Limit", std::to_string(verdict.limit));
  response.add_header("RateLimit-Remaining", std::to_string(verdict.remaining));
  response.add_header("RateLimit-Reset", std::to_string(std::chrono::ceil<seconds>(verdict.reset).count()));
}

}  // namespace zvonok::rest
