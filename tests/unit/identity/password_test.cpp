// Password hashes: what is made verifies, what is foreign or broken does not, options are kept in range.
#include "identity/password.h"

#include <string>

#include <gtest/gtest.h>

namespace zvonok::identity {
namespace {

using namespace std::string_literals;

constexpr PasswordOptions kCheap{.passes = 1, .memory_bytes = 8 * 1024};

PasswordHasher hasher(PasswordOptions options = kCheap) {
  auto made = PasswordHasher::create(options);
  EXPECT_TRUE(made.has_value());
  return std::move(*made);
}

TEST(Passwords, AHashVerifiesItsPasswordOnly) {
  const PasswordHasher passwords = hasher();
  const std::string table[] = {"password123", "with\0a NUL"s, "with\0another NUL"s, std::string(256, 'p'), "пароль12"};
  for (const std::string& password : table) {
    const auto hash = passwords.hash(password);
    ASSERT_TRUE(hash.has_value());
    EXPECT_TRUE(hash->starts_with("$argon2id$")) << *hash;
    for (const std::string& tried : table) EXPECT_EQ(passwords.verify(*hash, tried), tried == password);
    EXPECT_FALSE(passwords.verify(*hash, password + " "));
    EXPECT_FALSE(passwords.verify(*hash, ""));
  }
}

TEST(Passwords, EveryHashHasASaltOfItsOwn) {
  const PasswordHasher passwords = hasher();
  EXPECT_NE(passwords.hash("password123"), passwords.hash("password123"));
}

TEST(Passwords, NoTextThatIsNoHashVerifies) {
  const PasswordHasher passwords = hasher();
  const std::string good = *passwords.hash("password123");
  const std::string table[] = {"",
                               "password123",
                               "$argon2id$",
                               "$argon2id$v=19$m=8,t=1,p=1$$",
                               good.substr(0, good.size() - 1),
                               good + "A",
                               good + '\0',
                               "\0"s + good,
                               std::string(200, '$'),
                               "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"};
  for (const std::string& text : table) {
    EXPECT_FALSE(passwords.verify(text, "password123")) << text;
  }
}

TEST(Passwords, HashesOfOtherOptionsStillVerifyAndAskToBeRenewed) {
  const PasswordHasher today = hasher();
  const PasswordHasher tomorrow = hasher({.passes = 2, .memory_bytes = 16 * 1024});
  const std::string hash = *today.hash("password123");
  EXPECT_TRUE(tomorrow.verify(hash, "password123"));
  EXPECT_FALSE(today.needs_rehash(hash));
  EXPECT_TRUE(tomorrow.needs_rehash(hash));
  EXPECT_TRUE(today.needs_rehash("no hash"));
}

TEST(Passwords, OptionsOutOfRangeAreRefused) {
  const PasswordOptions table[] = {
      {.passes = 0, .memory_bytes = 8 * 1024},
      {.passes = 17, .memory_bytes = 8 * 1024},
      {.passes = 1, .memory_bytes = 8 * 1024 - 1},
      {.passes = 1, .memory_bytes = (std::size_t{1} << 30) + 1},
  };
  for (const PasswordOptions& options : table) {
    const auto made = PasswordHasher::create(options);
    ASSERT_FALSE(made.has_value()) << options.passes << " passes, " << options.memory_bytes << " bytes";
    EXPECT_EQ(made.error(), PasswordSetupError::OptionsOutOfRange);
  }
}

}  // namespace
}  // namespace zvonok::identity
