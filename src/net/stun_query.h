// Asks a STUN server for the address that this machine is seen at. Blocks, so it is for the start and for the command
// line alone.
#pragma once
#include <cstdint>
#include <string>

#include "base/address.h"
#include "base/entropy.h"
#include "base/result.h"
#include "base/time.h"

namespace zvonok::net {

/// "host:port", "host" (port 3478) or "[::1]:port"; the first address of a name, IPv4 before IPv6. Blocks for as long
/// as the system's resolver does.
[[nodiscard]] Result<SocketAddress, std::string> resolve_udp(const std::string& host_and_port,
                                                             std::uint16_t default_port);

struct StunQuery {
  SocketAddress server;
  std::uint16_t local_port = 0;  // to ask from; 0: any
  Duration attempt_timeout = milliseconds{400};
  int attempts = 3;
};
struct StunAnswer {
  SocketAddress seen_at;
};
/// The error is one line.
[[nodiscard]] Result<StunAnswer, std::string> ask_stun(const StunQuery& query, Entropy& entropy);

}  // namespace zvonok::net
