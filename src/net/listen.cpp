#include "net/listen.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>

namespace zvonok::net {
namespace {

constexpr int kBacklog = 4096;

struct AddressInfoDeleter {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

std::string where(const ListenOptions& options) {
  return (options.address.empty() ? std::string{"*"} : options.address) + ":" + std::to_string(options.port);
}

std::uint16_t bound_port(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
  return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

Result<Listening, std::string> listen_on(const ListenOptions& options, const char* host, int family) {
  addrinfo hints{};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(options.port);
  if (::getaddrinfo(host, port.c_str(), &hints, &found) != 0) {
    return fail("cannot listen on " + where(options) + ": not a numeric address");
  }
  const std::unique_ptr<addrinfo, AddressInfoDeleter> list{found};
  Fd fd{::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP)};
  const int on = 1;
  const int off = 0;
  if (fd.valid()) {
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (found->ai_family == AF_INET6) ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  }
  if (!fd.valid() || ::bind(fd.get(), found->ai_addr, found->ai_addrlen) != 0 || ::listen(fd.get(), kBacklog) != 0) {
    return fail("cannot listen on " + where(options) + ": " + std::strerror(errno));
  }
  const std::uint16_t bound = bound_port(fd.get());
  return Listening{std::move(fd), bound};
}

}  // namespace

Result<Listening, std::string> listen_tcp(const ListenOptions& options) {
  if (!options.address.empty()) return listen_on(options, options.address.c_str(), AF_UNSPEC);
  auto both = listen_on(options, "::", AF_INET6);
  if (both) return both;
  auto only_v4 = listen_on(options, "0.0.0.0", AF_INET);  // a machine without IPv6
  if (only_v4) return only_v4;
  return both;
}

std::string address_text(const sockaddr_storage& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
  } else if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
      ::inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], text.data(), text.size());
    } else {
      ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    }
  }
  return text.data();
}

}  // namespace zvonok::net
