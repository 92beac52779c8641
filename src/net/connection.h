// One accepted connection: stream, output buffer, write deadline, and the session that speaks on it.
// Lives in Server's table; belongs to the loop's thread.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "base/id.h"
#include "net/loop.h"
#include "net/session.h"
#include "net/stream.h"

namespace zvonok::net {

class Server;

class Connection final : public ReadyHandler {
 public:
  struct Parts {
    ConnectionId id;
    Stream stream;
    std::string peer_address;           // text form without port
    std::uint64_t accept_sequence = 0;  // order of acceptance
  };
  Connection(Server& server, Parts parts, TimePoint now);
  ~Connection() override;

  void on_ready(std::uint32_t events) override;
  void on_sweep(TimePoint now);

  /// The session that speaks from now on. The one before is kept until the turn ends: it may be on the call stack.
  void set_session(std::unique_ptr<Session> session);
  [[nodiscard]] Session& session() { return *session_; }
  /// Hands bytes that arrived behind an upgrade request to the new session.
  void feed(MutableBytes bytes);

  /// The buffer to append output to; call `flush_later` after appending.
  [[nodiscard]] std::string& output() { return output_; }
  void flush_later();
  void flush();
  [[nodiscard]] std::size_t unsent_bytes() const { return output_.size() - sent_; }

  void pause_reading();
  void resume_reading();
  /// Sends what is queued, then ends the stream: write side first, and after the peer's end (or `deadline`) wholly.
  void finish(CloseReason reason, TimePoint deadline);
  /// Ends it now.
  void close(CloseReason reason);

  [[nodiscard]] std::uint64_t accept_sequence() const { return accept_sequence_; }
  [[nodiscard]] bool closed() const { return closed_; }
  [[nodiscard]] bool finishing() const { return finishing_; }
  [[nodiscard]] ConnectionId id() const { return id_; }
  [[nodiscard]] Server& server() { return server_; }
  [[nodiscard]] bool is_tls() const { return stream_.is_tls(); }
  [[nodiscard]] const std::string& peer_address() const { return peer_address_; }
  /// Whether the peer has sent one whole request; until then the connection may be evicted for a newer one.
  [[nodiscard]] bool proven() const { return proven_; }
  void set_proven();

 private:
  friend class Server;
  void read();
  void after_drained();
  void update_interest();

  Server& server_;
  const ConnectionId id_;
  Stream stream_;
  std::string peer_address_;
  const std::uint64_t accept_sequence_;
  std::unique_ptr<Session> session_;
  std::unique_ptr<Session> previous_session_;
  std::string output_;
  std::size_t sent_ = 0;
  TimePoint write_progress_;  // when output last moved, or began to wait
  TimePoint finish_deadline_ = TimePoint::max();
  CloseReason finish_reason_ = CloseReason::Finished;
  std::uint32_t interest_ = 0;
  bool reading_ = true;
  bool read_wants_write_ = false;
  bool write_blocked_ = false;
  bool dirty_ = false;
  bool finishing_ = false;
  bool write_ended_ = false;
  bool closed_ = false;
  bool proven_ = false;
};

}  // namespace zvonok::net
