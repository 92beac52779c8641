// The few messages of HandlerService that are needed here, as protobuf bytes, and gRPC's frame around them. Field
// numbers are the same in Xray and in v2ray; the names of methods and types inside the messages are not.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/private.h"

namespace zvonok::tunnel_xray {

enum class Flavour : std::uint8_t { Xray, V2ray };

/// One who is let in. `email` is how the server tells its users apart, in any case of letters.
struct TunnelUser {
  std::string email;
  Private<std::string> id;  // a UUID
};

/// The path of AlterInbound.
[[nodiscard]] std::string_view alter_inbound_path(Flavour flavour);
/// AlterInboundRequest with an AddUserOperation of a VLESS account.
[[nodiscard]] std::string add_user_request(Flavour flavour, std::string_view inbound, const TunnelUser& user);
/// AlterInboundRequest with a RemoveUserOperation.
[[nodiscard]] std::string remove_user_request(Flavour flavour, std::string_view inbound, std::string_view email);

/// A message as gRPC sends it: uncompressed, with its length in front.
[[nodiscard]] std::string frame(std::string_view message);

/// The header `grpc-message` as text: %XX is undone, what is broken stays as it is.
[[nodiscard]] std::string unescape_status(std::string_view text);

}  // namespace zvonok::tunnel_xray
