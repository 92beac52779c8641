// A TCP connection being made without waiting for it.
#pragma once
#include <optional>
#include <string>

#include "base/address.h"
#include "base/result.h"
#include "net/fd.h"

namespace zvonok::net {

/// Begins; the descriptor becomes writable when there is an outcome. The error is the system's word.
[[nodiscard]] Result<Fd, std::string> begin_connect(const SocketAddress& server);
/// Once it is writable: nothing, or the system's word for why there is no connection.
[[nodiscard]] std::optional<std::string> connect_error(int fd);

}  // namespace zvonok::net
