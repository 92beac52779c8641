#include "caller/socks_stream.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <sys/epoll.h>
#include <sys/socket.h>

#include "net/connecting.h"

namespace zvonok::caller {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::size_t kReadsPerTurn = 8;

}  // namespace

SocksStream::SocksStream(net::Loop& loop, SocksHandler& handler, const SocketAddress& proxy, socks5::Command command,
                         const SocketAddress& target)
    : loop_{loop}, handler_{handler}, opening_{command, target} {
  auto fd = net::begin_connect(proxy);
  if (fd && loop_.add(fd->get(), EPOLLOUT, *this)) {
    fd_ = std::move(*fd);
    return;
  }
  refused_ = "the proxy: " + (fd ? std::string{std::strerror(errno)} : fd.error());
  state_ = State::Ended;
}

void SocksStream::close() {
  state_ = State::Ended;
  if (fd_.valid()) loop_.remove(fd_.get());
  fd_.reset();
}

void SocksStream::on_ready(std::uint32_t events) {
  if (state_ == State::Ended) return;
  if (state_ == State::Connecting) return on_connected();
  if ((events & EPOLLOUT) != 0 && write_blocked_) {
    write_blocked_ = false;
    loop_.modify(fd_.get(), EPOLLIN, *this);
    flush();
  }
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && state_ != State::Ended) read();
}

void SocksStream::on_connected() {
  if (const auto error = net::connect_error(fd_.get())) return end("the proxy: " + *error);
  state_ = State::Opening;
  write_blocked_ = false;
  loop_.modify(fd_.get(), EPOLLIN, *this);
  write(socks5::Opening::greeting());
}

void SocksStream::read() {
  static thread_local std::array<std::uint8_t, kReadBytes> scratch;
  for (std::size_t i = 0; i < kReadsPerTurn && state_ != State::Ended; ++i) {
    const ssize_t got = ::recv(fd_.get(), scratch.data(), scratch.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got < 0) return end(std::string{"the proxy's connection broke: "} + std::strerror(errno));
    if (got == 0) return end("the proxy closed the connection");
    take(Bytes{scratch}.first(static_cast<std::size_t>(got)));
  }
}

void SocksStream::take(Bytes chunk) {
  if (state_ == State::Opening) {
    const auto answer = opening_.feed(chunk);
    if (!answer) return end(socks5::to_text(answer.error()));
    if (opening_.wants_request()) write(opening_.request());
    if (!*answer) return;
    state_ = State::Open;
    handler_.on_socks_open(*this, **answer);
  }
  if (state_ == State::Open && !chunk.empty()) handler_.on_socks_bytes(*this, chunk);
}

bool SocksStream::send(Bytes bytes) {
  if (state_ != State::Open || output_.size() + bytes.size() > kWaitingBytesMax) return false;
  write(as_text(bytes));
  return true;
}

void SocksStream::write(std::string_view bytes) {
  output_ += bytes;
  flush();
}

void SocksStream::flush() {
  if (output_.empty() || write_blocked_ || state_ == State::Ended) return;
  const ssize_t sent = ::send(fd_.get(), output_.data(), output_.size(), MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN && errno != EINTR) return;  // reading will tell
  if (sent > 0) output_.erase(0, static_cast<std::size_t>(sent));
  if (output_.empty()) return;
  write_blocked_ = true;
  loop_.modify(fd_.get(), EPOLLIN | EPOLLOUT, *this);
}

void SocksStream::end(std::string_view why) {
  if (state_ == State::Ended) return;
  close();
  handler_.on_socks_end(*this, why);
}

}  // namespace zvonok::caller
