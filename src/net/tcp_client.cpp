#include "net/tcp_client.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include <sys/epoll.h>
#include <sys/socket.h>

#include "net/connecting.h"

namespace zvonok::net {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::size_t kReadsPerTurn = 8;

}  // namespace

TcpClient::TcpClient(Loop& loop, const SocketAddress& server, std::string called)
    : loop_{loop}, called_{std::move(called)} {
  auto fd = begin_connect(server);
  if (fd && loop_.add(fd->get(), EPOLLOUT, *this)) {
    fd_ = std::move(*fd);
    return;
  }
  refused_ = called_ + " to " + server.to_text() + ": " + (fd ? std::string{std::strerror(errno)} : fd.error());
  state_ = State::Ended;
}

void TcpClient::close() {
  state_ = State::Ended;
  if (fd_.valid()) loop_.remove(fd_.get());
  fd_.reset();
}

void TcpClient::on_ready(std::uint32_t events) {
  if (state_ == State::Ended) return;
  if (state_ == State::Connecting) return begin();
  if ((events & EPOLLOUT) != 0 && write_blocked_) {
    write_blocked_ = false;
    loop_.modify(fd_.get(), EPOLLIN, *this);
    flush();
  }
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && state_ == State::Open) read();
}

void TcpClient::begin() {
  if (const auto error = connect_error(fd_.get())) return end(called_ + ": " + *error);
  state_ = State::Open;
  write_blocked_ = false;
  loop_.modify(fd_.get(), EPOLLIN, *this);
  on_connected();
  flush();
}

void TcpClient::read() {
  static thread_local std::array<std::uint8_t, kReadBytes> scratch;
  for (std::size_t i = 0; i < kReadsPerTurn && state_ == State::Open; ++i) {
    const ssize_t got = ::recv(fd_.get(), scratch.data(), scratch.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) break;
    if (got < 0) return end(called_ + " broke: " + std::strerror(errno));
    if (got == 0) return end(called_ + " was closed by the other side");
    on_bytes(MutableBytes{scratch}.first(static_cast<std::size_t>(got)));
    if (static_cast<std::size_t>(got) < scratch.size()) break;
  }
  if (state_ == State::Open) on_pause();
}

void TcpClient::flush() {
  if (output_.empty() || write_blocked_ || state_ != State::Open) return;
  const ssize_t sent = ::send(fd_.get(), output_.data(), output_.size(), MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN && errno != EINTR) return;  // reading will tell
  if (sent > 0) output_.erase(0, static_cast<std::size_t>(sent));
  if (output_.empty()) return;
  write_blocked_ = true;
  loop_.modify(fd_.get(), EPOLLIN | EPOLLOUT, *this);
}

void TcpClient::end(const std::string& why) {
  if (state_ == State::Ended) return;
  const std::string reason{why};  // it may be of what is closed
  close();
  on_end(reason);
}

}  // namespace zvonok::net
