#include "identity/login_throttle.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <arpa/inet.h>

#include "identity/account_rules.h"

namespace zvonok::identity {
namespace {

constexpr std::size_t kAddressKeyBytesMax = 64;
constexpr std::size_t kIpv6PrefixBytes = 8;
constexpr std::array<std::uint8_t, 12> kIpv4Mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

std::string dotted(const std::uint8_t* bytes) {
  return std::to_string(bytes[0]) + '.' + std::to_string(bytes[1]) + '.' + std::to_string(bytes[2]) + '.' +
         std::to_string(bytes[3]);
}

/// Longer texts are no emails; what anybody may send must not decide how much is kept.
std::string account_key(std::string_view email) {
  return std::string{email.substr(0, kEmailBytesMax)};
}

/// The wait until `bucket` has a whole token; zero when it has one. Takes nothing.
Duration wait_for_token(TokenBucket bucket, TimePoint now) {
  bucket.charge(1, now);
  return bucket.wait(now);
}

}  // namespace

std::string address_group(std::string_view address) {
  std::string text{address.substr(0, kAddressKeyBytesMax)};
  std::array<std::uint8_t, 16> bytes{};
  if (inet_pton(AF_INET6, text.c_str(), bytes.data()) != 1) return text;
  if (std::equal(kIpv4Mapped.begin(), kIpv4Mapped.end(), bytes.begin())) return dotted(bytes.data() + 12);
  std::fill(bytes.begin() + kIpv6PrefixBytes, bytes.end(), std::uint8_t{0});
  std::array<char, INET6_ADDRSTRLEN> prefix{};
  inet_ntop(AF_INET6, bytes.data(), prefix.data(), prefix.size());
  return std::string{prefix.data()} + "/64";
}

LoginThrottle::LoginThrottle(LoginThrottleOptions options)
    : options_{options}, accounts_{options.entries_max}, addresses_{options.entries_max} {}

LoginThrottle::Account& LoginThrottle::account(std::string_view email, TimePoint now) {
  Account& account = accounts_.find_or_insert(account_key(email), [] { return Account{}; });
  if (account.failures > 0 && now - account.failed_at >= options_.account_forgiven_after) account.failures = 0;
  return account;
}

LoginThrottle::Address& LoginThrottle::address(std::string_view text, TimePoint now) {
  return addresses_.find_or_insert(address_group(text), [this, now] {
    return Address{TokenBucket{options_.address_failures, now}, TokenBucket{options_.address_registrations, now}};
  });
}

Duration LoginThrottle::delay_after(std::size_t failures) const {
  if (failures < options_.account_failures_free) return Duration::zero();
  Duration delay = options_.account_delay_first;
  for (std::size_t i = options_.account_failures_free; i < failures && delay < options_.account_delay_max; ++i) {
    delay *= 2;
  }
  return std::min(delay, options_.account_delay_max);
}

std::optional<Duration> LoginThrottle::begin_login(const Who& who, TimePoint now) {
  if (const Duration wait = wait_for_token(address(who.address, now).failures, now); wait > Duration::zero()) {
    return wait;
  }
  Account& tried = account(who.email, now);
  if (now < tried.blocked_until) return tried.blocked_until - now;
  // Tries that run side by side see each other, or a burst of them would all pass before the first one fails.
  const bool suspicious = tried.failures >= options_.account_failures_free;
  if (tried.pending >= (suspicious ? 1 : options_.account_tries_at_once_max)) return options_.account_delay_first;
  ++tried.pending;
  return std::nullopt;
}

void LoginThrottle::end_login(const Who& who, LoginOutcome outcome, TimePoint now) {
  Account& tried = account(who.email, now);
  if (tried.pending > 0) --tried.pending;  // zero when the entry was evicted meanwhile
  switch (outcome) {
    case LoginOutcome::Undecided: return;
    case LoginOutcome::Succeeded:
      tried.failures = 0;
      tried.blocked_until = {};
      if (tried.pending == 0) accounts_.erase(account_key(who.email));
      return;
    case LoginOutcome::Failed:
      ++tried.failures;
      tried.failed_at = now;
      tried.blocked_until = now + delay_after(tried.failures);
      address(who.address, now).failures.charge(1, now);
      return;
  }
}

std::optional<Duration> LoginThrottle::take_registration(std::string_view text, TimePoint now) {
  TokenBucket& bucket = address(text, now).registrations;
  if (bucket.take(1, now)) return std::nullopt;
  return wait_for_token(bucket, now);
}

std::uint64_t LoginThrottle::evicted() const {
  return accounts_.evicted() + addresses_.evicted();
}

}  // namespace zvonok::identity
