// Base64 and base64url, RFC 4648 sections 4 and 5.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace zvonok {

/// Unpadded base64url (RFC 7515 section 2).
[[nodiscard]] std::string base64url_encode(Bytes bytes);
/// Padded base64.
[[nodiscard]] std::string base64_encode(Bytes bytes);
/// Strict: no padding, no whitespace, no foreign characters, no stray bits. nullopt otherwise.
[[nodiscard]] std::optional<std::vector<std::uint8_t>> base64url_decode(std::string_view text);

}  // namespace zvonok
