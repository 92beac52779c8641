#include "net/connecting.h"

#include <cerrno>
#include <cstring>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "net/sockaddr.h"

namespace zvonok::net {

Result<Fd, std::string> begin_connect(const SocketAddress& server) {
  Fd fd{::socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  const int off = 0;
  const int on = 1;
  const sockaddr_in6 address = to_sockaddr(server);
  const bool begun =
      fd.valid() && ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0 &&
      ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
      (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 || errno == EINPROGRESS);
  if (!begun) return fail(std::string{std::strerror(errno)});
  return fd;
}

std::optional<std::string> connect_error(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error == 0) return std::nullopt;
  return std::strerror(error);
}

}  // namespace zvonok::net
