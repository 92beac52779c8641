// Telephone numbers as the API takes them: E.164 with its plus, `+491512345678`. See docs/protocol/phone.md.
#pragma once
#include <string>
#include <string_view>

#include "base/id.h"
#include "base/result.h"

namespace zvonok::call::phone {

/// `+`, an assigned country code, and digits: 7 to 15 in all (ITU-T E.164 section 6).
using PhoneNumber = TextId<struct PhoneNumberTag>;

inline constexpr std::size_t kNumberDigitsMin = 7;
inline constexpr std::size_t kNumberDigitsMax = 15;

enum class NumberError {
  NoPlus,
  NotADigit,  // spaces, hyphens and brackets included
  TooShort,
  TooLong,
  UnknownCountry,
};
/// For people.
[[nodiscard]] std::string_view to_text(NumberError error);

/// Whether the number is in use, and how long numbers of its country are, is the provider's to say: plans of numbers
/// change faster than servers are updated.
[[nodiscard]] Result<PhoneNumber, NumberError> parse_number(std::string_view text);

/// `+`, then 1 to 15 digits: the beginning of numbers, for lists of what may be called.
[[nodiscard]] bool is_number_prefix(std::string_view text);

/// For logs: the country and the last two digits stay, `+49*******78`.
[[nodiscard]] std::string masked(const PhoneNumber& number);

}  // namespace zvonok::call::phone
