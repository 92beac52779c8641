#include "call/phone_number.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>

namespace zvonok::call::phone {
namespace {

struct CodeRange {
  std::uint16_t first;
  std::uint16_t last;
};

// ITU-T: list of assigned country codes, Annex to the Operational Bulletin 1114. One and two digits, then three.
constexpr std::array kShortCodes{CodeRange{1, 1},   CodeRange{7, 7},   CodeRange{20, 20}, CodeRange{27, 27},
                                 CodeRange{30, 34}, CodeRange{36, 36}, CodeRange{39, 41}, CodeRange{43, 49},
                                 CodeRange{51, 58}, CodeRange{60, 66}, CodeRange{81, 82}, CodeRange{84, 84},
                                 CodeRange{86, 86}, CodeRange{90, 95}, CodeRange{98, 98}};
constexpr std::array kLongCodes{
    CodeRange{211, 213}, CodeRange{216, 216}, CodeRange{218, 218}, CodeRange{220, 258}, CodeRange{260, 269},
    CodeRange{290, 291}, CodeRange{297, 299}, CodeRange{350, 359}, CodeRange{370, 383}, CodeRange{385, 387},
    CodeRange{389, 389}, CodeRange{420, 421}, CodeRange{423, 423}, CodeRange{500, 509}, CodeRange{590, 599},
    CodeRange{670, 670}, CodeRange{672, 683}, CodeRange{685, 692}, CodeRange{800, 800}, CodeRange{808, 808},
    CodeRange{850, 850}, CodeRange{852, 853}, CodeRange{855, 856}, CodeRange{870, 870}, CodeRange{878, 878},
    CodeRange{880, 883}, CodeRange{886, 886}, CodeRange{888, 888}, CodeRange{960, 968}, CodeRange{970, 977},
    CodeRange{979, 979}, CodeRange{992, 996}, CodeRange{998, 998}};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// The number that the first `count` digits make.
unsigned leading(std::string_view digits, std::size_t count) {
  unsigned value = 0;
  for (const char c : digits.substr(0, count)) value = value * 10 + static_cast<unsigned>(c - '0');
  return value;
}

template <std::size_t N>
bool contains(const std::array<CodeRange, N>& ranges, unsigned code) {
  return std::ranges::any_of(ranges, [code](CodeRange range) { return range.first <= code && code <= range.last; });
}

/// How many digits the country code has; 0: there is no such country. No code begins another one.
std::size_t country_digits(std::string_view digits) {
  if (contains(kShortCodes, leading(digits, 1))) return 1;
  if (contains(kShortCodes, leading(digits, 2))) return 2;
  return contains(kLongCodes, leading(digits, 3)) ? 3 : 0;
}

}  // namespace

std::string_view to_text(NumberError error) {
  switch (error) {
    case NumberError::NoPlus: return "must begin with + and a country code, as in +491512345678";
    case NumberError::NotADigit: return "must have nothing but digits behind the +, as in +491512345678";
    case NumberError::TooShort: return "is too short: 7 to 15 digits, as in +491512345678";
    case NumberError::TooLong: return "is too long: 7 to 15 digits, as in +491512345678";
    case NumberError::UnknownCountry: return "begins with no country code that is in use";
  }
  std::abort();
}

Result<PhoneNumber, NumberError> parse_number(std::string_view text) {
  if (!text.starts_with('+')) return fail(NumberError::NoPlus);
  const std::string_view digits = text.substr(1);
  if (!std::ranges::all_of(digits, is_digit)) return fail(NumberError::NotADigit);
  if (digits.size() < kNumberDigitsMin) return fail(NumberError::TooShort);
  if (digits.size() > kNumberDigitsMax) return fail(NumberError::TooLong);
  if (country_digits(digits) == 0) return fail(NumberError::UnknownCountry);
  return PhoneNumber{std::string{text}};
}

bool is_number_prefix(std::string_view text) {
  return text.size() >= 2 && text.size() <= kNumberDigitsMax + 1 && text.front() == '+' &&
         std::ranges::all_of(text.substr(1), is_digit);
}

std::string masked(const PhoneNumber& number) {
  std::string text = number.value();
  if (text.size() < kNumberDigitsMin) return "***";
  const std::size_t shown = 1 + country_digits(std::string_view{text}.substr(1));
  for (std::size_t i = shown; i + 2 < text.size(); ++i) text[i] = '*';
  return text;
}

}  // namespace zvonok::call::phone
