// One-time tickets for opening a WebSocket: a URL with a ticket in a proxy's log is worth nothing afterwards.
// Pure, bounded; used on the control thread.
#pragma once
#include <cstddef>
#include <cstdint>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/entropy.h"
#include "base/time.h"
#include "identity/principal.h"

namespace zvonok::identity {

struct TicketOptions {
  Duration lifetime = seconds{30};
  std::size_t per_user_max = 10;
  std::size_t total_max = 100'000;
};

class Tickets {
 public:
  explicit Tickets(TicketOptions options);

  /// A fresh ticket (43 characters of base64url). When the user, or everybody together, has too many, the oldest goes.
  [[nodiscard]] std::string issue(Principal principal, Entropy& entropy, TimePoint now);
  /// The principal that the ticket was made for; once, and within the lifetime. The caller still asks the Authenticator
  /// whether the session was revoked meanwhile.
  [[nodiscard]] std::optional<Principal> redeem(std::string_view ticket, TimePoint now);

  [[nodiscard]] std::size_t size() const { return tickets_.size(); }
  /// How many tickets were dropped for lack of room.
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }
  [[nodiscard]] Duration lifetime() const { return options_.lifetime; }

 private:
  struct Ticket {
    std::string text;
    Principal principal;
    TimePoint expires_at{};
  };
  using Order = std::list<Ticket>;
  void forget_expired(TimePoint now);
  void erase(Order::iterator ticket);

  TicketOptions options_;
  Order tickets_;  // oldest first
  std::unordered_map<std::string, Order::iterator> by_text_;
  std::unordered_map<UserId, std::list<Order::iterator>> by_user_;  // oldest first
  std::uint64_t dropped_ = 0;
};

}  // namespace zvonok::identity
