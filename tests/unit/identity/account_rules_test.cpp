// What an email, a password and a display name may be, as tables.
#include "identity/account_rules.h"

#include <optional>
#include <string>

#include <gtest/gtest.h>

namespace zvonok::identity {
namespace {

using namespace std::string_literals;

struct Row {
  std::string given;
  std::optional<std::string> kept;
};

TEST(AccountRules, EmailsAreNormalizedOrRefused) {
  const std::string long_local(kEmailBytesMax - 2, 'a');
  const Row table[] = {
      {"alice@example.org", "alice@example.org"},
      {"test@example.com", "test@example.com"},
      {"  alice@example.org\t\r\n", "alice@example.org"},
      {"Alice@EXAMPLE.Org", "alice@example.org"},
      {"ALICE+calls@example.org", "alice+calls@example.org"},
      {"a@b", "a@b"},
      {"o'neil.1_2-3@sub.example.org", "o'neil.1_2-3@sub.example.org"},
      {"алиса@пример.рф", "алиса@пример.рф"},
      {"АЛИСА@Example.org", "АЛИСА@example.org"},
      {"\xC3\x89ve@example.org", "\xC3\x89ve@example.org"},
      {long_local + "@b", long_local + "@b"},
      {long_local + "a@b", std::nullopt},
      {" " + long_local + "@b ", long_local + "@b"},
      {"", std::nullopt},
      {"   ", std::nullopt},
      {"@", std::nullopt},
      {"alice", std::nullopt},
      {"alice@", std::nullopt},
      {"@example.org", std::nullopt},
      {"alice@bob@example.org", std::nullopt},
      {"alice@@example.org", std::nullopt},
      {"alice @example.org", std::nullopt},
      {"alice@exa mple.org", std::nullopt},
      {"alice\n@example.org", std::nullopt},
      {"alice@example.org\0"s, std::nullopt},
      {"alice\0bob@example.org"s, std::nullopt},
      {"alice\x7F@example.org", std::nullopt},
      {"alice\xC2\x85@example.org", std::nullopt},
      {"alice\xE2\x80\xAE@example.org", std::nullopt},
      {"alice\xEF\xBB\xBF@example.org", std::nullopt},
      {"alice\xFF@example.org", std::nullopt},
      {"alice\xC3@example.org", std::nullopt},
      {"alice\xC1\xA1@example.org", std::nullopt},
      {"alice\xED\xA0\x80@example.org", std::nullopt},
      {"alice\xF4\x90\x80\x80@example.org", std::nullopt},
  };
  for (const Row& row : table) EXPECT_EQ(normalize_email(row.given), row.kept) << row.given;
}

TEST(AccountRules, NormalizingTwiceChangesNothing) {
  for (const char* email : {" A@B ", "Алиса@X.Y", "x@Y.Z"}) {
    const auto once = normalize_email(email);
    ASSERT_TRUE(once.has_value()) << email;
    EXPECT_EQ(normalize_email(*once), once) << email;
  }
}

TEST(AccountRules, PasswordsHave8To256BytesOfAnything) {
  for (const std::string& good : {"password123"s, "12345678"s, "        "s, "\0\0\0\0\0\0\0\0"s, "пароль12"s,
                                  "\xF0\x9F\x98\x80\xF0\x9F\x98\x80"s, std::string(256, 'p')}) {
    EXPECT_TRUE(is_acceptable_password(good)) << good;
  }
  for (const std::string& bad : {""s, "1234567"s, "\0\0\0\0\0\0\0"s, std::string(257, 'p')}) {
    EXPECT_FALSE(is_acceptable_password(bad)) << bad;
  }
}

TEST(AccountRules, DisplayNamesAreTrimmedOrRefused) {
  std::string hundred;
  for (int i = 0; i < 100; ++i) hundred += "\xF0\x9F\x98\x80";
  const Row table[] = {
      {"Alice", "Alice"},
      {"  Alice  Doe ", "Alice  Doe"},
      {"Алиса", "Алиса"},
      {"<b>Alice</b> \"&", "<b>Alice</b> \"&"},
      {hundred, hundred},
      {hundred + "x", std::nullopt},
      {std::string(100, 'a'), std::string(100, 'a')},
      {std::string(101, 'a'), std::nullopt},
      {"", std::nullopt},
      {" \t ", std::nullopt},
      {"Ali\nce", std::nullopt},
      {"Ali\x1B[2Jce", std::nullopt},
      {"Ali\0ce"s, std::nullopt},
      {"Ali\xC2\x9B"
       "ce",
       std::nullopt},
      {"Ali\xE2\x80\xA8"
       "ce",
       std::nullopt},
      {"Ali\xE2\x80\xAE"
       "ce",
       std::nullopt},
      {"Ali\xE2\x81\xA6"
       "ce",
       std::nullopt},
      {"\xEF\xBB\xBF"
       "Alice",
       std::nullopt},
      {"Ali\xFE"
       "ce",
       std::nullopt},
  };
  for (const Row& row : table) EXPECT_EQ(normalize_display_name(row.given), row.kept) << row.given;
}

TEST(AccountRules, ANamelessUserIsCalledByTheLocalPart) {
  EXPECT_EQ(default_display_name("alice@example.org"), "alice");
  EXPECT_EQ(default_display_name(std::string(200, 'a') + "@b"), std::string(100, 'a'));
  std::string cyrillic;
  for (int i = 0; i < 110; ++i) cyrillic += "\xD0\xB0";
  EXPECT_EQ(default_display_name(cyrillic + "@b"), cyrillic.substr(0, 200)) << "cut between letters, not within one";
  for (const char* email : {"a@b", "o'neil@example.org", "\xC3\xA9@example.org"}) {
    EXPECT_TRUE(normalize_display_name(default_display_name(email)).has_value()) << email;
  }
}

}  // namespace
}  // namespace zvonok::identity
