#include "caller/tunnel_path.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include <sys/epoll.h>
#include <sys/socket.h>

#include "net/sockaddr.h"
#include "proto/stun/binding.h"

namespace zvonok::caller {
namespace {

constexpr std::size_t kDatagramBytesMax = 2048;
constexpr std::size_t kReadsPerTurn = 64;
constexpr unsigned kIdleTicks = 20;  // between what keeps open the way that we don't speak by

}  // namespace

TunnelPath::TunnelPath(net::Loop& loop, Entropy& entropy, Options options, Events events)
    : loop_{loop}, entropy_{entropy}, options_{std::move(options)}, events_{std::move(events)} {
  transaction_ = stun::make_transaction(entropy_);
  auto& handler = static_cast<SocksHandler&>(*this);
  association_ =
      std::make_unique<SocksStream>(loop_, handler, options_.proxy, socks5::Command::UdpAssociate, SocketAddress{});
  open_stream();
  if (options_.transport == MediaTransport::Tcp && options_.probe) open_probe_stream();
  timer_ = loop_.schedule(loop_.now().mono, [this] { tick(); });
}

void TunnelPath::close() {
  ended_ = true;
  if (timer_) loop_.cancel(*timer_);
  timer_.reset();
  for (auto* const stream : {&association_, &stream_, &probe_stream_}) drop(*stream);
  if (udp_.valid()) loop_.remove(udp_.get());
  udp_.reset();
}

void TunnelPath::drop(std::unique_ptr<SocksStream>& stream) {
  if (stream == nullptr) return;
  stream->close();
  loop_.discard(std::move(stream));
}

void TunnelPath::open_stream() {
  auto& handler = static_cast<SocksHandler&>(*this);
  deframer_ = framing::Deframer{};
  stream_ = std::make_unique<SocksStream>(loop_, handler, options_.proxy, socks5::Command::Connect, options_.peer);
}

void TunnelPath::open_probe_stream() {
  auto& handler = static_cast<SocksHandler&>(*this);
  probe_deframer_ = framing::Deframer{};
  probe_stream_ =
      std::make_unique<SocksStream>(loop_, handler, options_.proxy, socks5::Command::Connect, *options_.probe);
}

/// Asks until there is an answer, and puts back what the proxy has closed. A tunnel that is only coming up refuses at
/// first.
void TunnelPath::tick() {
  timer_.reset();
  if (!ready_) probe();
  if (ended_) return;
  const bool wants_probe = !ready_ && options_.probe && options_.transport == MediaTransport::Tcp;
  if (wants_probe && probe_stream_ == nullptr) open_probe_stream();
  ++ticks_;
  const bool is_due = options_.transport == MediaTransport::Tcp || ticks_ % kIdleTicks == 0;
  if (ready_ && ticks_ % kIdleTicks == 0) be_heard();
  if (ready_ && stream_ == nullptr && is_due) {
    ++stats_.reconnects;
    open_stream();
  }
  timer_ = loop_.schedule(loop_.now().mono + options_.probe_interval, [this] { tick(); });
}

void TunnelPath::probe() {
  const bool is_open = options_.transport == MediaTransport::Udp ? udp_.valid() : stream_ && stream_->is_open();
  if (!options_.probe) {
    if (is_open) become_ready();
    return;
  }
  std::array<std::uint8_t, stun::kBindingBytesMax> buffer{};
  const Bytes request = Bytes{buffer}.first(write_probe(buffer));
  if (options_.transport == MediaTransport::Udp) {
    if (udp_.valid()) send_by_udp(*options_.probe, request);
  } else if (probe_stream_ && probe_stream_->is_open()) {
    send_by_tcp(*probe_stream_, request);
  }
}

std::size_t TunnelPath::write_probe(MutableBytes buffer) const {
  return stun::write_binding_request(buffer, {.transaction = transaction_}, nullptr);
}

/// Datagrams of the other side come only to where something was said from; who says it all by the stream says this.
void TunnelPath::be_heard() {
  if (options_.transport == MediaTransport::Udp || !udp_.valid()) return;
  std::array<std::uint8_t, stun::kBindingBytesMax> buffer{};
  send_by_udp(options_.peer, Bytes{buffer}.first(write_probe(buffer)));
}

void TunnelPath::hear_probe(Bytes datagram) {
  const auto message = stun::parse(datagram);
  const bool answered = message && message->transaction == transaction_ && message->method == stun::kBinding &&
                        message->message_class == stun::MessageClass::Success;
  if (answered) become_ready();
}

void TunnelPath::become_ready() {
  if (std::exchange(ready_, true)) return;
  drop(probe_stream_);
  be_heard();
  events_.on_ready();
}

void TunnelPath::send(Bytes datagram) {
  if (options_.transport == MediaTransport::Udp) {
    if (udp_.valid()) return send_by_udp(options_.peer, datagram);
  } else if (stream_ && stream_->is_open()) {
    return send_by_tcp(*stream_, datagram);
  }
  ++stats_.not_sent;
}

void TunnelPath::send_by_udp(const SocketAddress& to, Bytes datagram) {
  std::array<std::uint8_t, kDatagramBytesMax + socks5::kDatagramHeaderBytesMax> buffer{};
  const std::size_t size = socks5::write_datagram(buffer, to, datagram);
  const bool sent = size > 0 && ::send(udp_.get(), buffer.data(), size, MSG_NOSIGNAL) == static_cast<ssize_t>(size);
  ++(sent ? stats_.sent : stats_.not_sent);
}

void TunnelPath::send_by_tcp(SocksStream& stream, Bytes datagram) {
  std::array<std::uint8_t, kDatagramBytesMax + framing::kHeaderBytes> buffer{};
  const std::size_t size = framing::write_frame(buffer, datagram);
  ++(size > 0 && stream.send(Bytes{buffer}.first(size)) ? stats_.sent : stats_.not_sent);
}

// ---- what comes -----------------------------------------------------------------------------------------------------

void TunnelPath::on_socks_open(SocksStream& stream, const SocketAddress& bound) {
  if (&stream == association_.get()) {
    // Some proxies say "any address": then it is where they are.
    open_relay({.ip = bound.ip.is_unspecified() ? options_.proxy.ip : bound.ip, .port = bound.port});
  }
  if (!ready_ && !ended_) probe();
}

void TunnelPath::open_relay(const SocketAddress& relay) {
  net::Fd fd{::socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  const int off = 0;
  const sockaddr_in6 address = net::to_sockaddr(relay);
  const bool made = fd.valid() && ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0 &&
                    ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
                    loop_.add(fd.get(), EPOLLIN, *this);
  if (made) {
    udp_ = std::move(fd);
  } else if (options_.transport == MediaTransport::Udp) {
    end(std::string{"datagrams through the proxy: "} + std::strerror(errno));
  }
}

void TunnelPath::on_ready(std::uint32_t) {
  std::array<std::uint8_t, kDatagramBytesMax + socks5::kDatagramHeaderBytesMax> buffer{};
  for (std::size_t i = 0; i < kReadsPerTurn && udp_.valid(); ++i) {
    const ssize_t got = ::recv(udp_.get(), buffer.data(), buffer.size(), 0);
    if (got < 0) return;
    const auto datagram = socks5::parse_datagram(Bytes{buffer}.first(static_cast<std::size_t>(got)));
    if (datagram && datagram->from == options_.peer) {
      if (datagram->payload.empty() || stun::looks_like_stun(datagram->payload)) continue;
      ++stats_.received_udp;
      const std::size_t header = static_cast<std::size_t>(datagram->payload.data() - buffer.data());
      events_.on_datagram(MutableBytes{buffer}.subspan(header, datagram->payload.size()));
    } else if (datagram && datagram->from == options_.probe) {
      hear_probe(datagram->payload);
    } else {
      ++stats_.received_foreign;
    }
  }
}

void TunnelPath::on_socks_bytes(SocksStream& stream, Bytes bytes) {
  if (&stream == association_.get()) return;
  const bool of_probe = &stream == probe_stream_.get();
  framing::Deframer& deframer = of_probe ? probe_deframer_ : deframer_;
  for (;;) {
    const auto packet = deframer.next(bytes);
    if (!packet) return of_probe ? drop(probe_stream_) : drop(stream_);
    if (!*packet) return;
    if (of_probe) {
      hear_probe(**packet);
      if (ready_) return;
      continue;
    }
    ++stats_.received_tcp;
    std::vector<std::uint8_t> copy{(*packet)->begin(), (*packet)->end()};
    events_.on_datagram(copy);
    if (stream_ == nullptr) return;
  }
}

void TunnelPath::on_socks_end(SocksStream& stream, std::string_view why) {
  if (&stream == association_.get()) {
    if (options_.transport == MediaTransport::Udp) return end(std::string{why});
    return drop(association_);
  }
  if (&stream == probe_stream_.get()) return drop(probe_stream_);
  drop(stream_);
}

void TunnelPath::end(std::string why) {
  if (std::exchange(ended_, true)) return;
  if (timer_) loop_.cancel(*timer_);
  timer_.reset();
  events_.on_end(std::move(why));
}

}  // namespace zvonok::caller
