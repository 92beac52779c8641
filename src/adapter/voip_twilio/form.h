// Forms as Twilio sends them and takes them: application/x-www-form-urlencoded (WHATWG URL, section 5). Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace zvonok::voip_twilio {

/// Names and values, decoded, in the order of the text. Names may repeat.
using Form = std::vector<std::pair<std::string, std::string>>;

inline constexpr std::size_t kFormFieldsMax = 200;

/// nullopt when an escape is broken or there are more than kFormFieldsMax fields.
[[nodiscard]] std::optional<Form> parse_form(std::string_view text);
/// The first value of that name, or "".
[[nodiscard]] std::string_view value_of(const Form& form, std::string_view name);
[[nodiscard]] std::string write_form(const Form& form);

}  // namespace zvonok::voip_twilio
