// A port for a server of a test.
#pragma once
#include <atomic>
#include <cstdint>
#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace zvonok::test {

/// At which nobody listens on loopback, by TCP or UDP; another one each time. Not one of those that the system gives to
/// clients (32768 and up): such a port could be given away before its server is there or while it is down, even to the
/// very client that tries to connect to it.
[[nodiscard]] inline std::uint16_t free_port() {
  constexpr unsigned kFirst = 18500;  // behind those of tests/contract/phone
  constexpr unsigned kCount = 14000;
  constexpr unsigned kStep = 31;  // with which every port has its turn
  static std::atomic<unsigned> given = static_cast<unsigned>(::getpid()) * 7919U;
  const auto can_bind = [](int type, std::uint16_t port) {
    const int fd = ::socket(AF_INET, type | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    const bool bound = ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    ::close(fd);
    return bound;
  };
  for (unsigned i = 0; i < kCount; ++i) {
    const auto port = static_cast<std::uint16_t>(kFirst + given.fetch_add(kStep) % kCount);
    if (can_bind(SOCK_STREAM, port) && can_bind(SOCK_DGRAM, port)) return port;
  }
  throw std::runtime_error{"no free port"};
}

}  // namespace zvonok::test
