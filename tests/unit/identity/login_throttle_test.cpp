// The brake on guessing: per account, per address, with tries side by side and bounded memory.
#include "identity/login_throttle.h"

#include <string>

#include <gtest/gtest.h>

#include "identity/account_rules.h"
#include "identity/lru_map.h"

namespace zvonok::identity {
namespace {

constexpr TimePoint kStart{hours{1}};

LoginThrottleOptions small_options() {
  LoginThrottleOptions options;
  options.account_failures_free = 3;
  options.account_delay_first = seconds{1};
  options.account_delay_max = seconds{8};
  options.account_forgiven_after = minutes{15};
  options.account_tries_at_once_max = 4;
  options.address_failures = {.burst = 1000, .per_second = 1};
  options.address_registrations = {.burst = 5, .per_second = 0.5};
  options.entries_max = 100;
  return options;
}

/// A try that fails. False when it was not let in.
bool fail_once(LoginThrottle& throttle, const LoginThrottle::Who& who, TimePoint now) {
  if (throttle.begin_login(who, now)) return false;
  throttle.end_login(who, LoginOutcome::Failed, now);
  return true;
}

TEST(LoginThrottle, FirstFailuresAreFreeAndThenTheWaitDoubles) {
  LoginThrottle throttle{small_options()};
  const LoginThrottle::Who alice{"alice@example.org", "192.0.2.1"};
  TimePoint now = kStart;
  EXPECT_TRUE(fail_once(throttle, alice, now));
  EXPECT_TRUE(fail_once(throttle, alice, now));
  EXPECT_TRUE(fail_once(throttle, alice, now));
  for (const auto wait : {seconds{1}, seconds{2}, seconds{4}, seconds{8}, seconds{8}, seconds{8}}) {
    EXPECT_EQ(throttle.begin_login(alice, now), wait);
    EXPECT_EQ(throttle.begin_login(alice, now + wait - Duration{1}), Duration{1});
    now += wait;
    EXPECT_TRUE(fail_once(throttle, alice, now)) << "after " << wait.count() << " s";
  }
}

TEST(LoginThrottle, AnotherAccountAndAnotherAddressAreNotSlowed) {
  LoginThrottle throttle{small_options()};
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(fail_once(throttle, {"alice@example.org", "192.0.2.1"}, kStart));
  EXPECT_TRUE(throttle.begin_login({"alice@example.org", "198.51.100.7"}, kStart))
      << "the account is slow from anywhere";
  EXPECT_FALSE(throttle.begin_login({"bob@example.org", "192.0.2.1"}, kStart));
}

TEST(LoginThrottle, SuccessForgetsTheFailures) {
  LoginThrottle throttle{small_options()};
  const LoginThrottle::Who alice{"alice@example.org", "192.0.2.1"};
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(fail_once(throttle, alice, kStart));
  const TimePoint later = kStart + seconds{1};
  ASSERT_FALSE(throttle.begin_login(alice, later));
  throttle.end_login(alice, LoginOutcome::Succeeded, later);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(fail_once(throttle, alice, later)) << i;
}

TEST(LoginThrottle, TimeForgetsTheFailures) {
  LoginThrottle throttle{small_options()};
  const LoginThrottle::Who alice{"alice@example.org", "192.0.2.1"};
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(fail_once(throttle, alice, kStart));
  const TimePoint later = kStart + minutes{15};
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(fail_once(throttle, alice, later)) << i;
  EXPECT_TRUE(throttle.begin_login(alice, later));
}

TEST(LoginThrottle, UndecidedTriesCountForNothing) {
  LoginThrottle throttle{small_options()};
  const LoginThrottle::Who alice{"alice@example.org", "192.0.2.1"};
  for (int i = 0; i < 20; ++i) {
    ASSERT_FALSE(throttle.begin_login(alice, kStart)) << i;
    throttle.end_login(alice, LoginOutcome::Undecided, kStart);
  }
}

TEST(LoginThrottle, TriesSideBySideAreFewAndOneWhenSuspicious) {
  LoginThrottle throttle{small_options()};
  const LoginThrottle::Who alice{"alice@example.org", "192.0.2.1"};
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(throttle.begin_login(alice, kStart)) << i;
  EXPECT_EQ(throttle.begin_login(alice, kStart), seconds{1}) << "four are being hashed";
  for (int i = 0; i < 4; ++i) throttle.end_login(alice, LoginOutcome::Failed, kStart);
  const TimePoint later = kStart + seconds{8};
  EXPECT_FALSE(throttle.begin_login(alice, later));
  EXPECT_EQ(throttle.begin_login(alice, later), seconds{1}) << "after failures, one at a time";
}

TEST(LoginThrottle, OneAddressHasABudgetOverAllAccounts) {
  LoginThrottleOptions options = small_options();
  options.address_failures = {.burst = 10, .per_second = 2};
  LoginThrottle throttle{options};
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(fail_once(throttle, {"user" + std::to_string(i) + "@example.org", "192.0.2.1"}, kStart)) << i;
  }
  const auto wait = throttle.begin_login({"new@example.org", "192.0.2.1"}, kStart);
  ASSERT_TRUE(wait.has_value());
  EXPECT_GT(*wait, milliseconds{499});
  EXPECT_LT(*wait, milliseconds{501});
  EXPECT_FALSE(throttle.begin_login({"new@example.org", "192.0.2.2"}, kStart));
  EXPECT_FALSE(throttle.begin_login({"new2@example.org", "192.0.2.1"}, kStart + milliseconds{501}));
}

TEST(LoginThrottle, SuccessfulLoginsCostAnAddressNothing) {
  LoginThrottleOptions options = small_options();
  options.address_failures = {.burst = 2, .per_second = 0.001};
  LoginThrottle throttle{options};
  for (int i = 0; i < 100; ++i) {
    const std::string email = "user" + std::to_string(i) + "@example.org";
    ASSERT_FALSE(throttle.begin_login({email, "192.0.2.1"}, kStart)) << i;
    throttle.end_login({email, "192.0.2.1"}, LoginOutcome::Succeeded, kStart);
  }
}

TEST(LoginThrottle, RegistrationsOfAnAddressAreABucket) {
  LoginThrottle throttle{small_options()};
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(throttle.take_registration("192.0.2.1", kStart)) << i;
  const auto wait = throttle.take_registration("192.0.2.1", kStart);
  ASSERT_TRUE(wait.has_value());
  EXPECT_GT(*wait, milliseconds{1999});
  EXPECT_LT(*wait, milliseconds{2001});
  EXPECT_FALSE(throttle.take_registration("192.0.2.2", kStart));
  EXPECT_FALSE(throttle.take_registration("192.0.2.1", kStart + milliseconds{2001}));
  EXPECT_TRUE(throttle.take_registration("192.0.2.1", kStart + milliseconds{2001}));
}

TEST(LoginThrottle, MemoryIsBoundedAndEvictionsAreCounted) {
  LoginThrottle throttle{small_options()};
  for (int i = 0; i < 1000; ++i) {
    const std::string number = std::to_string(i);
    fail_once(throttle, {"user" + number + "@example.org", "10.0." + std::to_string(i / 250) + "." + number}, kStart);
  }
  EXPECT_LE(throttle.size(), 200U);
  EXPECT_EQ(throttle.evicted(), 1800U);
}

TEST(LoginThrottle, TheSizeOfAnEntryIsNotTheClientsChoice) {
  LoginThrottle throttle{small_options()};
  const std::string beginning(kEmailBytesMax, 'a');
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(
        fail_once(throttle, {beginning + std::string(1'000'000, static_cast<char>('b' + i)), "192.0.2.1"}, kStart));
  }
  EXPECT_TRUE(throttle.begin_login({beginning, "192.0.2.1"}, kStart))
      << "texts too long for an email are one entry with their beginning";
  EXPECT_EQ(throttle.size(), 2U) << "one account, one address";
}

TEST(LoginThrottle, AnEvictedEntryDoesNotMiscountTriesThatEndLater) {
  LoginThrottleOptions options = small_options();
  options.entries_max = 1;
  LoginThrottle throttle{options};
  ASSERT_FALSE(throttle.begin_login({"alice@example.org", "192.0.2.1"}, kStart));
  ASSERT_FALSE(throttle.begin_login({"bob@example.org", "192.0.2.1"}, kStart));
  throttle.end_login({"alice@example.org", "192.0.2.1"}, LoginOutcome::Undecided, kStart);
  throttle.end_login({"bob@example.org", "192.0.2.1"}, LoginOutcome::Undecided, kStart);
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(throttle.begin_login({"bob@example.org", "192.0.2.1"}, kStart)) << i;
  EXPECT_TRUE(throttle.begin_login({"bob@example.org", "192.0.2.1"}, kStart));
}

TEST(LoginThrottle, AddressesAreCountedByWhoCanHaveThem) {
  const std::pair<std::string, std::string> table[] = {
      {"192.0.2.1", "192.0.2.1"},
      {"::ffff:192.0.2.1", "192.0.2.1"},
      {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
      {"2001:db8:1:2::", "2001:db8:1:2::/64"},
      {"2001:0DB8:0001:0002:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"},
      {"2001:db8:1:3::1", "2001:db8:1:3::/64"},
      {"::1", "::/64"},
      {"", ""},
      {"not an address", "not an address"},
      {std::string(1000, 'x'), std::string(64, 'x')},
  };
  for (const auto& [address, group] : table) EXPECT_EQ(address_group(address), group) << address;
}

TEST(LruMap, ForgetsWhatWasNotUsedForLongest) {
  LruMap<std::string, int> map{2};
  map.find_or_insert("a", [] { return 1; });
  map.find_or_insert("b", [] { return 2; });
  ASSERT_NE(map.find("a"), nullptr);
  map.find_or_insert("c", [] { return 3; });
  EXPECT_EQ(map.find("b"), nullptr);
  ASSERT_NE(map.find("a"), nullptr);
  EXPECT_EQ(*map.find("a"), 1);
  EXPECT_EQ(map.size(), 2U);
  EXPECT_EQ(map.evicted(), 1U);
  map.erase("a");
  map.erase("a");
  EXPECT_EQ(map.size(), 1U);
  EXPECT_EQ(map.evicted(), 1U) << "an erased entry was not evicted";
}

}  // namespace
}  // namespace zvonok::identity
