// The way a packet goes: protocol, both addresses and, for TCP, the connection. The key of the look-up of every packet.
#pragma once
#include <cstdint>
#include <functional>

#include "base/address.h"

namespace zvonok::ice {

enum class Protocol : std::uint8_t { Udp, Tcp };

struct Path {
  Protocol protocol = Protocol::Udp;
  SocketAddress local;           // where packets of this path arrive here, and where they are sent from
  SocketAddress remote;          // as seen from here
  std::uint64_t connection = 0;  // of TCP: a number that is never used twice; 0 for UDP
  friend constexpr bool operator==(const Path&, const Path&) = default;
};

}  // namespace zvonok::ice

template <>
struct std::hash<zvonok::ice::Path> {
  std::size_t operator()(const zvonok::ice::Path& path) const noexcept {
    const std::uint64_t local = (path.local.ip.low() ^ path.local.ip.high()) * 0x9E3779B97F4A7C15 + path.local.port;
    const std::uint64_t connection = path.connection * 2 + static_cast<std::uint64_t>(path.protocol);
    return std::hash<zvonok::SocketAddress>{}(path.remote) ^ zvonok::mix_bits(local ^ (connection << 17));
  }
};
