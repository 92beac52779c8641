// Early data: the first bytes of a VLESS stream that some clients send with the WebSocket's opening handshake already,
// in Sec-WebSocket-Protocol, which saves a round trip.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace zvonok::vless {

inline constexpr std::size_t kEarlyDataBytesMax = 8192;

/// The bytes in the header's value: base64url without padding, and for other clients' sake `+`, `/` and `=` as well.
/// Nothing when the value is empty, too long or something else (a subprotocol). A server that takes them has to answer
/// with the same value of the header.
[[nodiscard]] std::optional<std::vector<std::uint8_t>> decode_early_data(std::string_view header_value);

}  // namespace zvonok::vless
