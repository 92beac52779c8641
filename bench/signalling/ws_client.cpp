#include "signalling/ws_client.h"

#include <cerrno>
#include <cstring>
#include <vector>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "signalling/failure.h"

namespace zvonok::bench {
namespace {

using websocket::Opcode;

constexpr std::size_t kUpgradeBytesMax = 16 * 1024;

sockaddr_in loopback(std::uint32_t address, std::uint16_t port) {
  sockaddr_in result{};
  result.sin_family = AF_INET;
  result.sin_addr.s_addr = htonl(address);
  result.sin_port = htons(port);
  return result;
}

websocket::Decoder make_decoder() {
  return {websocket::Sender::Server, websocket::DecoderLimits{}};
}

/// What a server has to be able to unmask need not be secret here, only different from frame to frame.
std::uint32_t next_of(std::uint32_t& state) {
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state;
}

}  // namespace

WsClient::WsClient(Hub& hub, WsClientHandler& handler, std::size_t number)
    : hub_{hub},
      handler_{handler},
      number_{number},
      decoder_{make_decoder()},
      next_mask_{static_cast<std::uint32_t>(number) * 2654435761U + 1} {}

WsClient::~WsClient() {
  reset();
}

void WsClient::open(const WsTarget& target) {
  if (state_ != State::Closed) throw Failure{"a client was opened twice"};
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) throw Failure{std::string{"cannot make a socket: "} + std::strerror(errno)};
  const int enabled = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &enabled, sizeof enabled);
  if (target.source_address != 0) {
    ::setsockopt(fd_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &enabled, sizeof enabled);
    const sockaddr_in source = loopback(target.source_address, 0);
    if (::bind(fd_, reinterpret_cast<const sockaddr*>(&source), sizeof source) != 0) {
      throw Failure{"cannot bind to a source address"};
    }
  }
  request_ = "GET /ws?token=" + target.token +
             " HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
  decoder_ = make_decoder();
  const sockaddr_in server = loopback(INADDR_LOOPBACK, target.port);
  const int result = ::connect(fd_, reinterpret_cast<const sockaddr*>(&server), sizeof server);
  if (result != 0 && errno != EINPROGRESS) throw Failure{std::string{"cannot connect: "} + std::strerror(errno)};
  state_ = State::Connecting;
  hub_.watch(fd_, EPOLLOUT, *this);
}

void WsClient::reset() {
  if (fd_ < 0) return;
  const linger at_once{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(fd_);
  fd_ = -1;
  state_ = State::Closed;
  output_.clear();
  answer_.clear();
  write_blocked_ = false;
  if (dirty_) hub_.forget(*this);
  dirty_ = false;
}

void WsClient::on_ready(std::uint32_t events) {
  if (state_ == State::Closed) return;
  if (state_ == State::Connecting) {
    begin_upgrade();
    return;
  }
  if ((events & EPOLLOUT) != 0) {
    write_blocked_ = false;
    hub_.change(fd_, EPOLLIN, *this);
    flush();
  }
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && state_ != State::Closed) read();
}

void WsClient::begin_upgrade() {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return end(std::strerror(error));
  state_ = State::Upgrading;
  output_ = std::move(request_);
  hub_.change(fd_, EPOLLIN, *this);
  flush();
}

void WsClient::read() {
  const MutableBytes scratch = hub_.scratch();
  const ssize_t got = ::recv(fd_, scratch.data(), scratch.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (got < 0) return end(std::strerror(errno));
  if (got == 0) return end("the server closed the connection");
  const MutableBytes bytes = scratch.first(static_cast<std::size_t>(got));
  if (state_ == State::Open) {
    feed(bytes);
  } else {
    read_upgrade(as_text(bytes));
  }
}

void WsClient::read_upgrade(std::string_view text) {
  answer_ += text;
  const std::size_t end_of_header = answer_.find("\r\n\r\n");
  if (end_of_header == std::string::npos) {
    if (answer_.size() > kUpgradeBytesMax) end("the server's answer to the upgrade is too long");
    return;
  }
  if (!answer_.starts_with("HTTP/1.1 101 ")) {
    return end("the upgrade was refused: " + answer_.substr(0, answer_.find('\r')));
  }
  state_ = State::Open;
  std::vector<std::uint8_t> rest{answer_.begin() + static_cast<std::ptrdiff_t>(end_of_header + 4), answer_.end()};
  answer_ = {};
  handler_.on_open(*this);
  if (!rest.empty() && state_ == State::Open) feed(rest);
}

void WsClient::feed(MutableBytes bytes) {
  if (!decoder_.feed(bytes, *this) && state_ == State::Open) end("the server broke the framing");
}

void WsClient::on_message(Opcode, std::string_view payload) {
  handler_.on_text(*this, payload);
}

void WsClient::on_ping(std::string_view payload) {
  websocket::append_masked_frame(output_, Opcode::Pong, payload, next_of(next_mask_));
  mark_dirty();
}

void WsClient::on_close(std::uint16_t code, std::string_view reason) {
  end("the server closed the WebSocket: " + std::to_string(code) + " " + std::string{reason});
}

void WsClient::send(std::string_view text) {
  websocket::append_masked_frame(output_, Opcode::Text, text, next_of(next_mask_));
  mark_dirty();
}

void WsClient::mark_dirty() {
  if (dirty_) return;
  dirty_ = true;
  hub_.mark_dirty(*this);
}

void WsClient::flush() {
  dirty_ = false;
  if (output_.empty() || write_blocked_ || fd_ < 0) return;
  const ssize_t sent = ::send(fd_, output_.data(), output_.size(), MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN && errno != EINTR) return end(std::strerror(errno));
  if (static_cast<std::size_t>(sent) == output_.size()) {
    output_.clear();
    return;
  }
  if (sent > 0) output_.erase(0, static_cast<std::size_t>(sent));
  write_blocked_ = true;
  hub_.change(fd_, EPOLLIN | EPOLLOUT, *this);
}

void WsClient::end(std::string_view why) {
  reset();
  handler_.on_end(*this, why);
}

}  // namespace zvonok::bench
