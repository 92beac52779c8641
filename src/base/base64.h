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
/// The same, behind what `out` holds already.
void append_base64(std::string& out, Bytes bytes);
/// Reads padded base64 into `out`; how much of it that fills. Strict, as below. nullopt otherwise, and when it does not
/// fit: then `out` holds anything.
[[nodiscard]] std::optional<std::size_t> base64_decode(std::string_view text, MutableBytes out);
/// Strict: no padding, no whitespace, no foreign characters, no stray bits. nullopt otherwise.
[[nodiscard]] std::optional<std::vector<std::uint8_t>> base64url_decode(std::string_view text);

}  // namespace zvonok
