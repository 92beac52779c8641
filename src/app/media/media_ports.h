// The ports of media when the settings name none, and where media is found inside a tunnel.
#pragma once
#include <cstddef>
#include <cstdint>

#include "base/address.h"

namespace zvonok::app {

inline constexpr std::uint16_t kMediaUdpPort = 10000;  // of the first thread; the others follow
inline constexpr std::uint16_t kStunPort = 3478;       // RFC 8489 section 8.1; of TURN as well
inline constexpr std::size_t kMediaThreadsMax = 16;

/// The media plane inside a tunnel: of the first thread; those of the others are the ports after it, for UDP and TCP.
/// An address of the benchmarking network (RFC 2544), which leads nowhere.
inline constexpr SocketAddress kSfuInTunnel{.ip = IpAddress::v4(0xC6120002), .port = 10000};  // 198.18.0.2

/// The port of the thread `index` where that of the first was chosen: they follow each other. 0 stays 0.
[[nodiscard]] constexpr std::uint16_t port_of_thread(std::uint16_t first, std::size_t index) {
  return first == 0 ? std::uint16_t{0} : static_cast<std::uint16_t>(first + index);
}

}  // namespace zvonok::app
