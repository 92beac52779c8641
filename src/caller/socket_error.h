// What came of a connection that was begun without waiting for it.
#pragma once
#include <cstring>
#include <optional>
#include <string>

#include <sys/socket.h>

namespace zvonok::caller {

/// Once it is writable: nothing, or the system's word for why there is no connection.
[[nodiscard]] inline std::optional<std::string> socket_error(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error == 0) return std::nullopt;
  return std::strerror(error);
}

}  // namespace zvonok::caller
