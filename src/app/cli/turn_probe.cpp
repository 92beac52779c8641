#include "app/cli/turn_probe.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <vector>

#include <poll.h>
#include <sys/socket.h>

#include "base/byte_io.h"
#include "net/clock.h"
#include "net/fd.h"
#include "net/sockaddr.h"
#include "proto/stun/binding.h"
#include "proto/stun/integrity.h"
#include "proto/stun/message.h"
#include "proto/stun/writer.h"

namespace zvonok::app {
namespace {

// RFC 8656 sections 17 and 18.
constexpr std::uint16_t kAllocate = 0x003;
constexpr std::uint16_t kRefresh = 0x004;
constexpr auto kLifetime = static_cast<stun::Attribute>(0x000D);
constexpr auto kXorRelayedAddress = static_cast<stun::Attribute>(0x0016);
constexpr auto kRequestedTransport = static_cast<stun::Attribute>(0x0019);
constexpr std::array<std::uint8_t, 4> kUdpRelay{17, 0, 0, 0};
constexpr std::array<std::uint8_t, 4> kNoTime{};
constexpr std::size_t kMessageBytesMax = 1500;

struct Realm {
  std::string realm;
  std::string nonce;
};

struct Answer {
  bool success = false;
  std::uint16_t code = 0;
  std::string reason;
  Realm realm;
  std::optional<SocketAddress> relayed;
};

/// XOR-RELAYED-ADDRESS, which reads like XOR-MAPPED-ADDRESS (RFC 8489 section 14.2); only IPv4 is asked for.
std::optional<SocketAddress> relayed_address(Bytes wire) {
  std::size_t at = stun::kHeaderBytes;
  while (at + 4 <= wire.size()) {
    const std::uint16_t type = load_be16(wire.data() + at);
    const std::size_t size = load_be16(wire.data() + at + 2);
    at += 4;
    if (at + size > wire.size()) return std::nullopt;
    if (type == static_cast<std::uint16_t>(kXorRelayedAddress) && size == 8) {
      const auto port = static_cast<std::uint16_t>(load_be16(wire.data() + at + 2) ^ (stun::kMagicCookie >> 16));
      return SocketAddress{.ip = IpAddress::v4(load_be32(wire.data() + at + 4) ^ stun::kMagicCookie), .port = port};
    }
    at += (size + 3) / 4 * 4;
  }
  return std::nullopt;
}

/// A socket to the server, and the exchange of one message for its answer.
class Exchange {
 public:
  Exchange(const TurnProbe& probe, Entropy& entropy)
      : probe_{probe}, entropy_{entropy}, end_{net::read_clocks().mono + probe.timeout} {}

  [[nodiscard]] Result<void, std::string> connect() {
    const bool tcp = probe_.transport == ice::Protocol::Tcp;
    fd_ = net::Fd{::socket(AF_INET6, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    const int off = 0;
    ::setsockopt(fd_.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    const sockaddr_in6 address = net::to_sockaddr(probe_.server);
    if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      if (errno != EINPROGRESS) return fail(std::string{std::strerror(errno)});
      int error = 0;
      socklen_t size = sizeof error;
      if (!wait(POLLOUT)) return fail(std::string{"no connection in time"});
      ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
      if (error != 0) return fail(std::string{std::strerror(error)});
    }
    return {};
  }

  /// `fill` writes the attributes behind the header.
  template <class Fill>
  [[nodiscard]] Result<Answer, std::string> ask(std::uint16_t method, Fill fill) {
    std::array<std::uint8_t, kMessageBytesMax> buffer{};
    const stun::TransactionId transaction = stun::make_transaction(entropy_);
    stun::MessageWriter writer{buffer, {.method = method, .transaction = transaction}};
    fill(writer);
    const std::size_t size = writer.finish();
    constexpr Duration kRetry = milliseconds{500};
    for (;;) {
      if (::send(fd_.get(), buffer.data(), size, MSG_NOSIGNAL) < 0) return fail(std::string{std::strerror(errno)});
      const TimePoint retry = probe_.transport == ice::Protocol::Tcp ? end_ : net::read_clocks().mono + kRetry;
      while (wait(POLLIN, std::min(retry, end_))) {
        const auto message = receive();
        if (!message) return fail(message.error());
        if (const auto answer = read(*message, transaction)) return *answer;
      }
      if (net::read_clocks().mono >= end_) return fail(std::string{"no answer in time"});
    }
  }

 private:
  [[nodiscard]] bool wait(short events) { return wait(events, end_); }
  [[nodiscard]] bool wait(short events, TimePoint until) {
    pollfd ready{.fd = fd_.get(), .events = events, .revents = 0};
    const auto left = std::chrono::ceil<milliseconds>(until - net::read_clocks().mono).count();
    return left > 0 && ::poll(&ready, 1, static_cast<int>(left)) > 0;
  }

  /// What has come: a datagram, or as much of a stream.
  [[nodiscard]] Result<Bytes, std::string> receive() {
    if (probe_.transport == ice::Protocol::Udp) received_ = 0;
    const ssize_t got = ::recv(fd_.get(), in_.data() + received_, in_.size() - received_, 0);
    if (got <= 0) return fail(got == 0 ? std::string{"the server closed"} : std::string{std::strerror(errno)});
    received_ += static_cast<std::size_t>(got);
    return Bytes{in_}.first(received_);
  }

  [[nodiscard]] std::optional<Answer> read(Bytes bytes, const stun::TransactionId& transaction) {
    if (bytes.size() < stun::kHeaderBytes) return std::nullopt;
    const std::size_t size = stun::kHeaderBytes + load_be16(bytes.data() + 2);  // STUN on a stream needs no framing
    if (bytes.size() < size) return std::nullopt;
    const auto message = stun::parse(bytes.first(size));
    received_ = 0;
    if (!message || message->transaction != transaction) return std::nullopt;
    Answer answer;
    answer.success = message->message_class == stun::MessageClass::Success;
    if (message->error) {
      answer.code = message->error->code;
      answer.reason = message->error->reason;
    }
    answer.realm = {.realm = std::string{message->realm.value_or("")},
                    .nonce = std::string{message->nonce.value_or("")}};
    answer.relayed = relayed_address(bytes.first(size));
    return answer;
  }

  const TurnProbe& probe_;
  Entropy& entropy_;
  TimePoint end_;
  net::Fd fd_;
  std::array<std::uint8_t, 2 * kMessageBytesMax> in_{};
  std::size_t received_ = 0;
};

void sign(stun::MessageWriter& writer, const TurnProbe& probe, const Realm& realm) {
  writer.username(probe.credential.username);
  writer.realm(realm.realm);
  writer.nonce(realm.nonce);
  stun::IntegrityKey key{stun::IntegrityKey::LongTerm{
      .username = probe.credential.username, .realm = realm.realm, .password = probe.credential.password}};
  writer.message_integrity(key);
}

}  // namespace

Result<TurnUrl, std::string> parse_turn_url(std::string_view url) {
  TurnUrl out;
  std::string_view rest = url;
  if (rest.starts_with("turns:")) {
    out.security = TurnUrl::Security::Tls;
    out.transport = ice::Protocol::Tcp;
    rest.remove_prefix(6);
  } else if (rest.starts_with("turn:")) {
    rest.remove_prefix(5);
  } else {
    return fail(std::string{url} + " is no turn: or turns: URL");
  }
  const std::size_t mark = rest.find('?');
  const std::string_view query = mark == std::string_view::npos ? std::string_view{} : rest.substr(mark + 1);
  if (query == "transport=tcp") {
    out.transport = ice::Protocol::Tcp;
  } else if (query == "transport=udp") {
    out.transport = ice::Protocol::Udp;
  } else if (!query.empty()) {
    return fail(std::string{url} + ": what follows the question mark is not known");
  }
  out.host_and_port = rest.substr(0, mark);
  if (out.host_and_port.empty()) return fail(std::string{url} + " names no host");
  return out;
}

Result<SocketAddress, std::string> probe_turn(const TurnProbe& probe, Entropy& entropy) {
  Exchange exchange{probe, entropy};
  if (auto connected = exchange.connect(); !connected) return fail(std::move(connected.error()));
  const auto challenge =
      exchange.ask(kAllocate, [](stun::MessageWriter& writer) { writer.attribute(kRequestedTransport, kUdpRelay); });
  if (!challenge) return fail(challenge.error());
  if (challenge->success) return fail(std::string{"it gives allocations to everybody: turn on its authentication"});
  if (challenge->code != 401 || challenge->realm.nonce.empty()) {
    return fail("it answered " + std::to_string(challenge->code) + " " + challenge->reason);
  }
  const auto given = exchange.ask(kAllocate, [&](stun::MessageWriter& writer) {
    writer.attribute(kRequestedTransport, kUdpRelay);
    sign(writer, probe, challenge->realm);
  });
  if (!given) return fail(given.error());
  if (!given->success) return fail("it answered " + std::to_string(given->code) + " " + given->reason);
  if (!given->relayed) return fail(std::string{"it gave no IPv4 address"});
  // Given back at once. When that fails it ends by itself.
  static_cast<void>(exchange.ask(kRefresh, [&](stun::MessageWriter& writer) {
    writer.attribute(kLifetime, kNoTime);
    sign(writer, probe, challenge->realm);
  }));
  return *given->relayed;
}

}  // namespace zvonok::app
