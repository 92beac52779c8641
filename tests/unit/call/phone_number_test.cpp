// Which texts are telephone numbers: the contract's examples first, then the borders of E.164.
#include "call/phone_number.h"

#include <string>

#include <gtest/gtest.h>

namespace zvonok::call::phone {
namespace {

std::string verdict(const std::string& text) {
  const auto number = parse_number(text);
  if (number) return number->value() == text ? "good" : "changed";
  switch (number.error()) {
    case NumberError::NoPlus: return "no plus";
    case NumberError::NotADigit: return "not a digit";
    case NumberError::TooShort: return "too short";
    case NumberError::TooLong: return "too long";
    case NumberError::UnknownCountry: return "unknown country";
  }
  return "?";
}

TEST(PhoneNumber, IsE164WithItsPlus) {
  struct Row {
    std::string text;
    std::string verdict;
  };
  const Row table[] = {
      {"+491512345678", "good"},           // the contract's
      {"491512345678", "no plus"},         // the contract's
      {"+49 151 2345678", "not a digit"},  // the contract's
      {"+1234567890", "good"},             // the contract's own number
      {"+12025550123", "good"},
      {"+74951234567", "good"},
      {"+375291234567", "good"},
      {"+6834000", "good"},  // Niue: seven digits in all
      {"+290123", "too short"},
      {"+123456789012345", "good"},
      {"+1234567890123456", "too long"},
      {"", "no plus"},
      {"+", "too short"},
      {"++491512345678", "not a digit"},
      {"+49-151-2345678", "not a digit"},
      {"+49(151)2345678", "not a digit"},
      {" +491512345678", "no plus"},
      {"+491512345678 ", "not a digit"},
      {"+49151234567x", "not a digit"},
      {"0049151234567", "no plus"},
      {"tel:+491512345678", "no plus"},
      {"+٤٩١٥١٢٣٤٥٦٧٨", "not a digit"},
      {"+0491512345678", "unknown country"},
      {"+999123456789", "unknown country"},
      {"+210123456789", "unknown country"},
      {"+422123456789", "unknown country"},
      {std::string{"+49151\0"
                   "345678",
                   13},
       "not a digit"},
  };
  for (const Row& row : table) EXPECT_EQ(verdict(row.text), row.verdict) << row.text;
}

TEST(PhoneNumber, PrefixesArePlusAndDigits) {
  for (const char* good : {"+4", "+49", "+491512345678", "+999"}) EXPECT_TRUE(is_number_prefix(good)) << good;
  for (const char* bad : {"", "+", "49", "+4x", "+ 4", "+1234567890123456"}) EXPECT_FALSE(is_number_prefix(bad)) << bad;
}

TEST(PhoneNumber, LogsShowTheCountryAndTwoDigits) {
  EXPECT_EQ(masked(PhoneNumber{"+491512345678"}), "+49********78");
  EXPECT_EQ(masked(PhoneNumber{"+12025550123"}), "+1********23");
  EXPECT_EQ(masked(PhoneNumber{"+375291234567"}), "+375*******67");
  EXPECT_EQ(masked(PhoneNumber{""}), "***");
}

}  // namespace
}  // namespace zvonok::call::phone
