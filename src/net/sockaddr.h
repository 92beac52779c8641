// Between our addresses and the system's. IPv4 addresses go in their mapped form: media sockets are dual-stack.
#pragma once

#include <netinet/in.h>

#include "base/address.h"
#include "base/byte_io.h"

namespace zvonok::net {

[[nodiscard]] inline sockaddr_in6 to_sockaddr(const SocketAddress& address) {
  sockaddr_in6 out{};
  out.sin6_family = AF_INET6;
  out.sin6_port = htons(address.port);
  const auto bytes = address.ip.v6_bytes();
  copy_bytes(bytes, out.sin6_addr.s6_addr);
  return out;
}

[[nodiscard]] inline IpAddress to_ip(const in6_addr& address) {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  for (std::size_t i = 0; i < 8; ++i) high = (high << 8) | address.s6_addr[i];
  for (std::size_t i = 8; i < 16; ++i) low = (low << 8) | address.s6_addr[i];
  return IpAddress::v6(high, low);
}

[[nodiscard]] inline SocketAddress to_address(const sockaddr_in6& address) {
  return {.ip = to_ip(address.sin6_addr), .port = ntohs(address.sin6_port)};
}

}  // namespace zvonok::net
