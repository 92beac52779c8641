#include "net/stun_query.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

#include <netdb.h>
#include <poll.h>

#include "net/clock.h"
#include "net/sockaddr.h"
#include "net/udp_socket.h"
#include "proto/stun/binding.h"

namespace zvonok::net {
namespace {

/// Waits for the answer of one attempt. Whatever else comes is passed over.
std::optional<SocketAddress> await_answer(UdpSocket& socket, const StunQuery& query,
                                          const stun::TransactionId& transaction) {
  const TimePoint end = read_clocks().mono + query.attempt_timeout;
  for (;;) {
    const Duration left = end - read_clocks().mono;
    if (left <= Duration::zero()) return std::nullopt;
    pollfd ready{.fd = socket.fd(), .events = POLLIN, .revents = 0};
    const auto wait = std::chrono::ceil<milliseconds>(left).count();
    if (::poll(&ready, 1, static_cast<int>(wait)) < 0 && errno != EINTR) return std::nullopt;
    for (const UdpSocket::Datagram& datagram : socket.receive()) {
      if (datagram.from != query.server) continue;
      const auto message = stun::parse(datagram.bytes);
      if (!message || message->transaction != transaction || message->method != stun::kBinding) continue;
      if (message->message_class == stun::MessageClass::Success && message->mapped_address) {
        return message->mapped_address;
      }
    }
  }
}

}  // namespace

Result<SocketAddress, std::string> resolve_udp(const std::string& host_and_port, std::uint16_t default_port) {
  std::string host = host_and_port;
  std::uint16_t port = default_port;
  const std::size_t colon = host.rfind(':');
  const bool bracketed = host.starts_with('[');
  const bool has_port =
      bracketed ? host.find("]:") != std::string::npos : colon != std::string::npos && host.find(':') == colon;
  if (has_port) {
    const std::string digits = host.substr(colon + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc{} || end != digits.data() + digits.size() || port == 0) {
      return fail(host_and_port + " has no good port");
    }
    host.resize(colon);
  }
  if (bracketed) {
    std::erase(host, '[');
    std::erase(host, ']');
  }
  if (const auto ip = IpAddress::parse(host)) return SocketAddress{.ip = *ip, .port = port};
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  addrinfo* found = nullptr;
  if (const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &found); error != 0) {
    return fail(host + ": " + ::gai_strerror(error));
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> list{found, &::freeaddrinfo};
  std::optional<IpAddress> best;
  for (const addrinfo* entry = found; entry != nullptr; entry = entry->ai_next) {
    if (entry->ai_family == AF_INET) {
      sockaddr_in v4{};
      std::memcpy(&v4, entry->ai_addr, sizeof v4);
      best = IpAddress::v4(ntohl(v4.sin_addr.s_addr));
      break;
    }
    if (entry->ai_family == AF_INET6 && !best) {
      sockaddr_in6 v6{};
      std::memcpy(&v6, entry->ai_addr, sizeof v6);
      best = to_ip(v6.sin6_addr);
    }
  }
  if (!best) return fail(host + " has no address");
  return SocketAddress{.ip = *best, .port = port};
}

Result<StunAnswer, std::string> ask_stun(const StunQuery& query, Entropy& entropy) {
  constexpr int kBufferBytes = 64 * 1024;
  auto socket = UdpSocket::open({.address = {.ip = {}, .port = query.local_port},
                                 .buffers = {.receive_bytes = kBufferBytes, .send_bytes = kBufferBytes},
                                 .send_batch = 1});
  if (!socket) return fail(std::move(socket.error()));
  const stun::TransactionId transaction = stun::make_transaction(entropy);
  for (int i = 0; i < query.attempts; ++i) {
    const std::size_t size = stun::write_binding_request(socket->claim(), {.transaction = transaction}, nullptr);
    socket->commit(query.server, {}, size);
    socket->flush();
    if (const auto mapped = await_answer(*socket, query, transaction)) return StunAnswer{.seen_at = *mapped};
  }
  return fail("no STUN answer from " + query.server.to_text());
}

}  // namespace zvonok::net
