// The WebSocket opening handshake of the server's side, RFC 6455 section 4.2.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace zvonok::websocket {

/// The value of Sec-WebSocket-Accept for a client's key (section 4.2.2), or nullopt when the key is not the base64 of
/// 16 bytes.
[[nodiscard]] std::optional<std::string> accept_key(std::string_view client_key);

/// Whether a comma-separated header value holds `token`, compared without case (RFC 9110 section 5.6.1).
[[nodiscard]] bool has_token(std::string_view header_value, std::string_view token);

}  // namespace zvonok::websocket
