// Slows down the guessing of passwords, and mass registration. Pure, bounded; used on the control thread, around the
// hashing that runs elsewhere.
//
// An account's first failures cost nothing; each further one doubles the wait before the next try. An address (IPv6:
// its /64) has a budget of failures of its own, so that trying one password on many accounts is slow too.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "base/token_bucket.h"
#include "identity/lru_map.h"

namespace zvonok::identity {

struct LoginThrottleOptions {
  std::size_t account_failures_free = 10;
  Duration account_delay_first = seconds{1};
  Duration account_delay_max = seconds{60};
  Duration account_forgiven_after = minutes{15};  // failures older than this no longer count
  std::size_t account_tries_at_once_max = 64;     // while there are few failures; then one
  TokenBucketOptions address_failures{.burst = 100, .per_second = 100.0 / 60};
  TokenBucketOptions address_registrations{.burst = 1000, .per_second = 20.0 / 60};
  std::size_t entries_max = 100'000;  // of accounts, and of addresses
};

enum class LoginOutcome {
  Succeeded,
  Failed,
  Undecided,  // the store was down, the client went away
};

/// What an address is counted as: an IPv4 address, an IPv4-mapped one as IPv4, an IPv6 one as its /64. A text that is
/// no address is itself.
[[nodiscard]] std::string address_group(std::string_view address);

class LoginThrottle {
 public:
  explicit LoginThrottle(LoginThrottleOptions options);

  struct Who {
    std::string_view email;    // normalized; of a longer text than an email can be, the beginning counts
    std::string_view address;  // numeric
  };
  /// Asks for one try. nullopt: go on, and report by end_login(). Otherwise how long to wait.
  [[nodiscard]] std::optional<Duration> begin_login(const Who& who, TimePoint now);
  void end_login(const Who& who, LoginOutcome outcome, TimePoint now);

  /// Takes one registration of the address. nullopt: go on. Otherwise how long to wait.
  [[nodiscard]] std::optional<Duration> take_registration(std::string_view address, TimePoint now);

  /// How many entries were forgotten early for lack of room.
  [[nodiscard]] std::uint64_t evicted() const;
  [[nodiscard]] std::size_t size() const { return accounts_.size() + addresses_.size(); }

 private:
  struct Account {
    std::size_t failures = 0;
    std::size_t pending = 0;
    TimePoint failed_at{};
    TimePoint blocked_until{};
  };
  struct Address {
    TokenBucket failures;
    TokenBucket registrations;
  };
  Account& account(std::string_view email, TimePoint now);
  Address& address(std::string_view text, TimePoint now);
  [[nodiscard]] Duration delay_after(std::size_t failures) const;

  LoginThrottleOptions options_;
  LruMap<std::string, Account> accounts_;
  LruMap<std::string, Address> addresses_;
};

}  // namespace zvonok::identity
