// What an email, a password and a display name may be. Pure.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace zvonok::identity {

constexpr std::size_t kEmailBytesMax = 254;  // RFC 5321 section 4.5.3.1.3 less the angle brackets
constexpr std::size_t kPasswordBytesMin = 8;
constexpr std::size_t kPasswordBytesMax = 256;
constexpr std::size_t kDisplayNameCodePointsMax = 100;

/// Trimmed and (ASCII) lower-cased; nullopt when it can't be an address: one '@' with text on both sides, no spaces, no
/// control characters.
[[nodiscard]] std::optional<std::string> normalize_email(std::string_view email);

[[nodiscard]] bool is_acceptable_password(std::string_view password);

/// Trimmed; nullopt unless it is UTF-8 of 1 to 100 code points. Control characters and the characters that reorder
/// text (U+202A..202E, U+2066..2069) are refused: with them a name can pass for another one.
[[nodiscard]] std::optional<std::string> normalize_display_name(std::string_view name);

/// The name of somebody who gave none: what stands before the '@', cut to the limit.
[[nodiscard]] std::string default_display_name(std::string_view normalized_email);

}  // namespace zvonok::identity
