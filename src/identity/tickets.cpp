#include "identity/tickets.h"

#include "base/check.h"

namespace zvonok::identity {
namespace {

constexpr std::size_t kTicketBytes = 32;

}  // namespace

Tickets::Tickets(TicketOptions options) : options_{options} {
  ZVONOK_CHECK(options_.per_user_max > 0 && options_.total_max > 0);
}

std::string Tickets::issue(Principal principal, Entropy& entropy, TimePoint now) {
  forget_expired(now);
  const auto of_user = by_user_.find(principal.user);
  if (of_user != by_user_.end() && of_user->second.size() >= options_.per_user_max) {
    erase(of_user->second.front());
    ++dropped_;
  }
  if (tickets_.size() >= options_.total_max) {
    erase(tickets_.begin());
    ++dropped_;
  }
  const UserId user = principal.user;
  tickets_.push_back({make_secret(entropy, kTicketBytes), std::move(principal), now + options_.lifetime});
  const auto made = std::prev(tickets_.end());
  by_text_.emplace(made->text, made);
  by_user_[user].push_back(made);
  return made->text;
}

std::optional<Principal> Tickets::redeem(std::string_view ticket, TimePoint now) {
  forget_expired(now);
  const auto found = by_text_.find(std::string{ticket});
  if (found == by_text_.end()) return std::nullopt;
  Principal principal = std::move(found->second->principal);
  found->second->principal.user = principal.user;  // erase() looks the user up
  erase(found->second);
  return principal;
}

void Tickets::forget_expired(TimePoint now) {
  while (!tickets_.empty() && now >= tickets_.front().expires_at) erase(tickets_.begin());
}

void Tickets::erase(Order::iterator ticket) {
  const auto of_user = by_user_.find(ticket->principal.user);
  ZVONOK_CHECK(of_user != by_user_.end());
  of_user->second.remove(ticket);
  if (of_user->second.empty()) by_user_.erase(of_user);
  by_text_.erase(ticket->text);
  tickets_.erase(ticket);
}

}  // namespace zvonok::identity
