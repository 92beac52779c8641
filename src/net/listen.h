// Listening sockets and addresses as text.
#pragma once
#include <cstdint>
#include <string>

#include <sys/socket.h>

#include "base/result.h"
#include "net/fd.h"

namespace zvonok::net {

struct ListenOptions {
  std::string address;  // numeric IPv4 or IPv6; empty: every address of both families
  std::uint16_t port = 0;
};
struct Listening {
  Fd fd;
  std::uint16_t port = 0;
};

/// A non-blocking listening TCP socket. The error is one line that names the address and the reason.
[[nodiscard]] Result<Listening, std::string> listen_tcp(const ListenOptions& options);

/// The numeric address without port; IPv4-mapped IPv6 addresses are shown as IPv4.
[[nodiscard]] std::string address_text(const sockaddr_storage& address);

}  // namespace zvonok::net
