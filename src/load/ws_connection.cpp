#include "load/ws_connection.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include <sys/epoll.h>
#include <sys/socket.h>

#include "net/connecting.h"

namespace zvonok::load {
namespace {

using websocket::Opcode;

constexpr std::size_t kAnswerBytesMax = 16 * 1024;
constexpr std::size_t kMessageBytesMax = 4 << 20;  // descriptions of large rooms are long
constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::size_t kReadsPerTurn = 8;

}  // namespace

WsConnection::WsConnection(net::Loop& loop, WsHandler& handler, const Target& target, std::uint32_t seed)
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

void WsConnection::close() {
  state_ = State::Ended;
  if (stream_) loop_.remove(stream_->fd());
  stream_.reset();
}

void WsConnection::connect(const Target& target) {
  const auto refuse = [&](const std::string& why) {
    refused_ = "cannot connect: " + why;
    state_ = State::Ended;
  };
  auto fd = net::begin_connect(target.server);
  if (!fd) return refuse(fd.error());
  net::SslHandle session = target.tls ? target.tls->new_session(fd->get(), target.name) : nullptr;
  if (target.tls && session == nullptr) return refuse("no TLS for " + target.name);
  if (!loop_.add(fd->get(), EPOLLOUT, *this)) return refuse(std::strerror(errno));
  stream_.emplace(std::move(*fd), std::move(session));
}

std::uint32_t WsConnection::next_mask() {
  mask_ ^= mask_ << 13;
  mask_ ^= mask_ >> 17;
  mask_ ^= mask_ << 5;
  return mask_;
}

void WsConnection::on_ready(std::uint32_t events) {
  if (state_ == State::Ended) return;
  if (state_ == State::Connecting) return begin_upgrade();
  if ((events & EPOLLOUT) != 0) {
    write_blocked_ = false;
    watch();
    flush();
  }
  const std::uint32_t readable = EPOLLIN | EPOLLHUP | EPOLLERR | (read_wants_write_ ? EPOLLOUT : 0U);
  if ((events & readable) != 0 && state_ != State::Ended) read();
}

void WsConnection::begin_upgrade() {
  if (const auto error = net::connect_error(stream_->fd())) return end("cannot connect: " + *error);
  state_ = State::Upgrading;
  write_blocked_ = false;
  watch();
  flush();
}

void WsConnection::watch() {
  loop_.modify(stream_->fd(), write_blocked_ || read_wants_write_ ? EPOLLIN | EPOLLOUT : EPOLLIN, *this);
}

void WsConnection::read() {
  static thread_local std::array<std::uint8_t, kReadBytes> scratch;
  if (std::exchange(read_wants_write_, false)) watch();
  // What TLS has decrypted already nothing will announce.
  for (std::size_t i = 0; state_ != State::Ended && (i < kReadsPerTurn || stream_->has_buffered_input()); ++i) {
    const net::IoResult got = stream_->read(scratch);
    if (got.status == net::IoStatus::Closed) return end("the server closed the WebSocket");
    if (got.status == net::IoStatus::Failed) {
      const auto distrust = stream_->distrust();
      return end(distrust ? "the server's certificate: " + *distrust : std::string{"the WebSocket broke"});
    }
    if (got.status == net::IoStatus::WouldBlock) {
      read_wants_write_ = got.wants_write;
      if (read_wants_write_) watch();
      return flush();  // it may have been the handshake that this waited for
    }
    const MutableBytes bytes = MutableBytes{scratch}.first(got.bytes);
    if (state_ == State::Upgrading) {
      read_upgrade(bytes);
    } else if (!decoder_.feed(bytes, *this)) {
      end("the server broke the framing");
    }
    if (state_ == State::Ended || (!stream_->is_tls() && bytes.size() < scratch.size())) return;
  }
}

void WsConnection::read_upgrade(MutableBytes bytes) {
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

void WsConnection::send(std::string_view text) {
  if (state_ != State::Open) return;
  websocket::append_masked_frame(output_, Opcode::Text, text, next_mask());
  flush();
}

void WsConnection::flush() {
  if (output_.empty() || write_blocked_) return;
  const net::IoResult sent = stream_->write(as_bytes(output_));
  if (sent.status == net::IoStatus::Done) output_.erase(0, sent.bytes);
  if (sent.status == net::IoStatus::Failed || output_.empty()) return;                             // reading will tell
  if (sent.status == net::IoStatus::WouldBlock && stream_->is_tls() && !sent.wants_write) return;  // `read` goes on
  write_blocked_ = true;
  watch();
}

void WsConnection::on_message(Opcode, std::string_view payload) {
  handler_.on_ws_text(payload);
}

void WsConnection::on_ping(std::string_view payload) {
  websocket::append_masked_frame(output_, Opcode::Pong, payload, next_mask());
  flush();
}

void WsConnection::on_close(std::uint16_t code, std::string_view reason) {
  end("the server closed the WebSocket: " + std::to_string(code) + " " + std::string{reason});
}

/// `why` is copied by whoever needs it: it may be of the decoder.
void WsConnection::end(std::string_view why) {
  if (state_ == State::Ended) return;
  close();
  handler_.on_ws_end(why);
}

}  // namespace zvonok::load
