// Where a VLESS stream or packet wants to go: a port and a host, in the form that the request header and Mux frames
// share. The port stands before the address, and the kinds of address are numbered otherwise than in SOCKS.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/address.h"
#include "base/byte_io.h"

namespace zvonok::vless {

/// Kinds of address on the wire.
enum class AddressKind : std::uint8_t { V4 = 1, Name = 2, V6 = 3 };

inline constexpr std::size_t kTargetBytesMin = 4;            // of the shortest: port, kind, a name's length
inline constexpr std::size_t kTargetBytesMax = 2 + 2 + 255;  // of the longest name
inline constexpr std::size_t kAddressTargetBytesMax = 2 + 1 + 16;

struct Target {
  /// Nothing when a name was asked for. Names are read past and not kept: nobody here resolves them.
  std::optional<SocketAddress> at;
  friend bool operator==(const Target&, const Target&) = default;
};

/// Reads port, kind and host. Nothing when the kind is unknown; check the reader for bytes that were missing.
[[nodiscard]] std::optional<Target> read_target(ByteReader& reader);
/// At most kAddressTargetBytesMax bytes.
void write_target(ByteWriter& writer, const SocketAddress& at);

}  // namespace zvonok::vless
