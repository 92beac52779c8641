#include "caller/ws_client.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include <sys/epoll.h>

#include "caller/socket_error.h"
#include "net/connecting.h"

namespace zvonok::caller {
namespace {

using websocket::Opcode;

constexpr std::size_t kAnswerBytesMax = 16 * 1024;
constexpr std::size_t kMessageBytesMax = 4 << 20;  // descriptions of large rooms are long
constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::size_t kReadsPerTurn = 8;

/// Of a Host header, without the port and brackets.
std::string host_name(std::string_view host) {
  if (host.starts_with('[')) return std::string{host.substr(1, host.find(']') - 1)};
  return std::string{host.substr(0, host.find(':'))};
}

}  // namespace

WsClient::WsClient(net::Loop& loop, WsClientHandler& handler, const Target& target, std::uint32_t seed)
    : loop_{loop},
      handler_{handler},
      decoder_{websocket::Sender::Server, {.message_bytes_max = kMessageBytesMax, .fragments_max = 64}},
      mask_{seed | 1U} {
  // What a server has to be able to unmask need not be secret here.
  output_ = "GET " + target.path + " HTTP/1.1\r\nHost: " + target.host +
            "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Version: 13\r\n";
  if (!target.token.empty()) output_ += "Authorization: Bearer " + target.token + "\r\n";
  output_ += "\r\n";
  connect(target);
}

void WsClient::close() {
  state_ = State::Ended;
  if (stream_) loop_.remove(stream_->fd());
  stream_.reset();
}

void WsClient::connect(const Target& target) {
  auto fd = net::begin_connect(target.server);
  if (!fd || !loop_.add(fd->get(), EPOLLOUT, *this)) {
    refused_ = "cannot connect: " + (fd ? std::string{std::strerror(errno)} : fd.error());
    state_ = State::Ended;
    return;
  }
  net::SslHandle tls;
  if (target.tls != nullptr) tls = target.tls->new_session(fd->get(), host_name(target.host));
  if (target.tls != nullptr && tls == nullptr) {
    refused_ = "cannot begin TLS with " + target.host;
    state_ = State::Ended;
    loop_.remove(fd->get());
    return;
  }
  stream_.emplace(std::move(*fd), std::move(tls));
}

std::uint32_t WsClient::next_mask() {
  mask_ ^= mask_ << 13;
  mask_ ^= mask_ >> 17;
  mask_ ^= mask_ << 5;
  return mask_;
}

void WsClient::on_ready(std::uint32_t events) {
  if (state_ == State::Ended) return;
  if (state_ == State::Connecting) return begin_upgrade();
  if ((events & EPOLLOUT) != 0 && write_blocked_) {
    write_blocked_ = false;
    loop_.modify(stream_->fd(), EPOLLIN, *this);
    flush();
  }
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 && state_ != State::Ended) read();
}

void WsClient::begin_upgrade() {
  if (const auto error = socket_error(stream_->fd())) return end("cannot connect: " + *error);
  state_ = State::Upgrading;
  write_blocked_ = false;
  loop_.modify(stream_->fd(), EPOLLIN, *this);
  flush();
}

std::string WsClient::broken() const {
  const bool in_handshake = stream_->is_tls() && state_ == State::Upgrading;
  return in_handshake ? "TLS failed; is the server's certificate one that is trusted?" : "the WebSocket broke";
}

void WsClient::read() {
  static thread_local std::array<std::uint8_t, kReadBytes> scratch;
  for (std::size_t i = 0; i < kReadsPerTurn && state_ != State::Ended; ++i) {
    const net::IoResult got = stream_->read(scratch);
    if (got.status == net::IoStatus::Closed) return end("the server closed the WebSocket");
    if (got.status == net::IoStatus::Failed) return end(broken());
    if (got.status == net::IoStatus::WouldBlock) {
      flush();  // TLS: what waited for the handshake may go by now
      return;
    }
    const MutableBytes bytes = MutableBytes{scratch}.first(got.bytes);
    if (state_ == State::Upgrading) {
      read_upgrade(bytes);
    } else if (!decoder_.feed(bytes, *this)) {
      end("the server broke the framing");
    }
    if (state_ == State::Ended) return;
    if (bytes.size() < scratch.size() && !stream_->has_buffered_input()) return;
  }
}

void WsClient::read_upgrade(MutableBytes bytes) {
  answer_ += as_text(bytes);
  const std::size_t end_of_header = answer_.find("\r\n\r\n");
  if (end_of_header == std::string::npos) {
    if (answer_.size() > kAnswerBytesMax) end("the server's answer to the upgrade is too long");
    return;
  }
  if (!answer_.starts_with("HTTP/1.1 101 ")) {
    return end("the upgrade was refused: " + answer_.substr(0, answer_.find('\r')));
  }
  state_ = State::Open;
  std::vector<std::uint8_t> rest{answer_.begin() + static_cast<std::ptrdiff_t>(end_of_header + 4), answer_.end()};
  answer_ = {};
  handler_.on_ws_open();
  if (!rest.empty() && state_ == State::Open && !decoder_.feed(rest, *this)) end("the server broke the framing");
}

void WsClient::send(std::string_view text) {
  if (state_ != State::Open) return;
  websocket::append_masked_frame(output_, Opcode::Text, text, next_mask());
  flush();
}

void WsClient::flush() {
  if (output_.empty() || write_blocked_ || state_ == State::Ended) return;
  const net::IoResult sent = stream_->write(as_bytes(output_));
  if (sent.status == net::IoStatus::Done) output_.erase(0, sent.bytes);
  if (output_.empty() || sent.status == net::IoStatus::Failed) return;  // reading will tell
  // TLS may wait to be spoken to: then reading wakes us, and the socket has room.
  if (sent.status == net::IoStatus::WouldBlock && stream_->is_tls() && !sent.wants_write) return;
  write_blocked_ = true;
  loop_.modify(stream_->fd(), EPOLLIN | EPOLLOUT, *this);
}

void WsClient::on_message(Opcode, std::string_view payload) {
  handler_.on_ws_text(payload);
}

void WsClient::on_ping(std::string_view payload) {
  websocket::append_masked_frame(output_, Opcode::Pong, payload, next_mask());
  flush();
}

void WsClient::on_close(std::uint16_t code, std::string_view reason) {
  end("the server closed the WebSocket: " + std::to_string(code) + " " + std::string{reason});
}

/// `why` is copied by whoever needs it: it may be of the decoder.
void WsClient::end(std::string_view why) {
  if (state_ == State::Ended) return;
  close();
  handler_.on_ws_end(why);
}

}  // namespace zvonok::caller
