#include "load/tcp_port.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <sys/epoll.h>
#include <sys/socket.h>

#include "net/connecting.h"

namespace zvonok::load {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::size_t kReadsPerTurn = 8;
constexpr std::size_t kDatagramBytesMax = 4096;

}  // namespace

TcpPort::TcpPort(net::Loop& loop, TcpHandler& handler, const SocketAddress& server)
    : loop_{loop}, handler_{handler}, deframer_{{.frame_bytes_max = kDatagramBytesMax}} {
  connect(server);
}

void TcpPort::connect(const SocketAddress& server) {
  auto fd = net::begin_connect(server);
  if (fd && loop_.add(fd->get(), EPOLLOUT, *this)) {
    fd_ = std::move(*fd);
    return;
  }
  refused_ = "media over TCP to " + server.to_text() + ": " + (fd ? std::strerror(errno) : fd.error());
  state_ = State::Ended;
}

void TcpPort::close() {
  state_ = State::Ended;
  if (fd_.valid()) loop_.remove(fd_.get());
  fd_.reset();
}

void TcpPort::on_ready(std::uint32_t events) {
  if (state_ == State::Ended) return;
  if (state_ == State::Connecting) return on_connected();
  if ((events & EPOLLOUT) != 0 && write_blocked_) {
    write_blocked_ = false;
    loop_.modify(fd_.get(), EPOLLIN, *this);
    flush();
  }
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && state_ == State::Open) read();
}

void TcpPort::on_connected() {
  if (const auto error = net::connect_error(fd_.get())) return end("media over TCP: " + *error);
  state_ = State::Open;
  write_blocked_ = false;
  loop_.modify(fd_.get(), EPOLLIN, *this);
  flush();
}

void TcpPort::read() {
  static thread_local std::array<std::uint8_t, kReadBytes> scratch;
  for (std::size_t i = 0; i < kReadsPerTurn && state_ == State::Open; ++i) {
    const ssize_t got = ::recv(fd_.get(), scratch.data(), scratch.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) break;
    if (got < 0) return end(std::string{"media over TCP broke: "} + std::strerror(errno));
    if (got == 0) return end("the server closed media over TCP");
    take(Bytes{scratch}.first(static_cast<std::size_t>(got)));
    if (static_cast<std::size_t>(got) < scratch.size()) break;
  }
  if (state_ == State::Open) handler_.on_tcp_pause();
}

void TcpPort::take(Bytes chunk) {
  static thread_local std::array<std::uint8_t, kDatagramBytesMax> datagram;
  while (state_ == State::Open) {
    const auto next = deframer_.next(chunk);
    if (!next) return end("the server broke the framing of media over TCP");
    if (!*next) return;
    ++traffic_.received;
    std::ranges::copy(**next, datagram.begin());
    handler_.on_tcp_datagram(MutableBytes{datagram}.first((*next)->size()));
  }
}

void TcpPort::send(Bytes datagram) {
  if (state_ == State::Ended) return;
  if (output_.size() + datagram.size() > kWaitingBytesMax) {
    ++traffic_.not_sent;
    return;
  }
  ++traffic_.sent;
  const auto header = framing::frame_header(datagram.size());
  output_.append(header.begin(), header.end());
  output_.append(datagram.begin(), datagram.end());
}

void TcpPort::flush() {
  if (output_.empty() || write_blocked_ || state_ != State::Open) return;
  const ssize_t sent = ::send(fd_.get(), output_.data(), output_.size(), MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN && errno != EINTR) return;  // reading will tell
  if (sent > 0) output_.erase(0, static_cast<std::size_t>(sent));
  if (output_.empty()) return;
  write_blocked_ = true;
  loop_.modify(fd_.get(), EPOLLIN | EPOLLOUT, *this);
}

void TcpPort::end(std::string_view why) {
  if (state_ == State::Ended) return;
  const std::string reason{why};
  close();
  handler_.on_tcp_end(reason);
}

}  // namespace zvonok::load
