#include "net/connection.h"

#include <sys/epoll.h>

#include "net/server.h"

namespace zvonok::net {
namespace {
// Past this, the output buffer's memory is given back when it has drained.
constexpr std::size_t kOutputBytesKept = 2048;
// How many decrypted records of one TLS stream are handled before others get their turn.
constexpr int kReadsPerTurn = 4;
}  // namespace

Connection::Connection(Server& server, Parts parts, TimePoint now)
    : server_{server},
      id_{parts.id},
      stream_{std::move(parts.stream)},
      peer_address_{std::move(parts.peer_address)},
      accept_sequence_{parts.accept_sequence},
      write_progress_{now} {}

Connection::~Connection() = default;

void Connection::set_session(std::unique_ptr<Session> session) {
  previous_session_ = std::move(session_);
  session_ = std::move(session);
}

void Connection::feed(MutableBytes bytes) {
  if (!closed_ && !bytes.empty()) session_->on_bytes(bytes);
}

void Connection::set_proven() {
  if (proven_) return;
  proven_ = true;
  server_.on_proven(*this);
}

void Connection::on_ready(std::uint32_t events) {
  if (closed_) return;
  if ((events & EPOLLOUT) != 0) {
    write_blocked_ = false;
    flush();
    if (closed_) return;
  }
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0 || read_wants_write_) {
    if (reading_ || finishing_) {
      read();
    } else if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
      close(CloseReason::PeerReset);
    }
  }
  server_.after_ready();
}

void Connection::read() {
  read_wants_write_ = false;
  for (int i = 0; i < kReadsPerTurn && !closed_; ++i) {
    const MutableBytes scratch = server_.scratch();
    const IoResult result = stream_.read(scratch);
    switch (result.status) {
      case IoStatus::Done:
        // After finish() the peer's bytes are read only so that it gets to see our last answer.
        if (!finishing_) session_->on_bytes(scratch.first(result.bytes));
        break;
      case IoStatus::WouldBlock:
        read_wants_write_ = result.wants_write;
        update_interest();
        return;
      case IoStatus::Closed: close(finishing_ ? finish_reason_ : CloseReason::PeerClosed); return;
      case IoStatus::Failed:
        if (stream_.is_tls() && !proven_) ++server_.counters().tls_failures;
        close(finishing_ ? finish_reason_ : CloseReason::PeerReset);
        return;
    }
    // epoll tells of what is in the socket, not of what TLS holds decrypted.
    if (closed_ || !stream_.has_buffered_input() || !reading_) return;
  }
  if (!closed_ && stream_.has_buffered_input()) server_.read_again_later(id_);
}

void Connection::flush_later() {
  if (dirty_ || closed_) return;
  dirty_ = true;
  server_.on_dirty(id_);
}

void Connection::flush() {
  dirty_ = false;
  if (closed_) return;
  if (sent_ == 0 && !write_blocked_) write_progress_ = server_.now().mono;
  while (sent_ < output_.size() && !write_blocked_) {
    const IoResult result = stream_.write(as_bytes(std::string_view{output_}.substr(sent_)));
    switch (result.status) {
      case IoStatus::Done:
        sent_ += result.bytes;
        write_progress_ = server_.now().mono;
        break;
      case IoStatus::WouldBlock: write_blocked_ = true; break;
      case IoStatus::Closed:
      case IoStatus::Failed: close(CloseReason::PeerReset); return;
    }
  }
  if (sent_ < output_.size()) {
    update_interest();
    return;
  }
  sent_ = 0;
  output_.clear();
  if (output_.capacity() > kOutputBytesKept) output_.shrink_to_fit();
  after_drained();
}

void Connection::after_drained() {
  if (finishing_) {
    if (!write_ended_) {
      write_ended_ = true;
      stream_.shutdown_write();
    }
    update_interest();
    return;
  }
  update_interest();
  session_->on_drained();
}

void Connection::pause_reading() {
  reading_ = false;
  update_interest();
}

void Connection::resume_reading() {
  if (closed_ || reading_) return;
  reading_ = true;
  update_interest();
  if (stream_.has_buffered_input()) server_.read_again_later(id_);
}

void Connection::update_interest() {
  if (closed_) return;
  std::uint32_t wanted = 0;
  if (reading_ || finishing_) wanted |= EPOLLIN;
  if (write_blocked_ || read_wants_write_) wanted |= EPOLLOUT;
  if (wanted == interest_) return;
  interest_ = wanted;
  server_.loop().modify(stream_.fd(), wanted, *this);
}

void Connection::finish(CloseReason reason, TimePoint deadline) {
  if (closed_ || finishing_) return;
  finishing_ = true;
  finish_reason_ = reason;
  finish_deadline_ = deadline;
  flush_later();
  update_interest();
}

void Connection::close(CloseReason reason) {
  if (closed_) return;
  closed_ = true;
  server_.loop().remove(stream_.fd());
  server_.counters().count(reason);
  if (session_) session_->on_closed(reason);
  server_.release(*this);
}

void Connection::on_sweep(TimePoint now) {
  if (closed_) return;
  previous_session_.reset();
  if (finishing_ && now >= finish_deadline_) {
    close(finish_reason_);
    return;
  }
  if (unsent_bytes() > 0 && now - write_progress_ >= server_.options().write_stall_timeout) {
    close(CloseReason::WriteStalled);
    return;
  }
  if (!finishing_) session_->on_sweep(now);
}

}  // namespace zvonok::net
