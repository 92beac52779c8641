// A connection that this program makes: connects without blocking, reads what comes, and keeps what can't be sent yet.
//
// Threads: everything on the loop's thread.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/address.h"
#include "base/bytes.h"
#include "net/fd.h"
#include "net/loop.h"

namespace zvonok::net {

/// What it is for is told by whoever derives from it. As with every ReadyHandler, give it to Loop::discard rather than
/// to destroy it.
class TcpClient : public ReadyHandler {
 public:
  TcpClient(const TcpClient&) = delete;
  TcpClient& operator=(const TcpClient&) = delete;
  ~TcpClient() override { close(); }

  void on_ready(std::uint32_t events) final;
  /// Why the system refused it at once: nothing is called then.
  [[nodiscard]] const std::string& refused() const { return refused_; }
  /// No call comes after this.
  void close();

 protected:
  /// Begins to connect. `called`: the connection's name in what is told of its end, such as "media over TCP".
  TcpClient(Loop& loop, const SocketAddress& server, std::string called);

  virtual void on_connected() = 0;
  /// Good, and may be changed, until the method returns.
  virtual void on_bytes(MutableBytes bytes) = 0;
  /// What came at once was given to `on_bytes`.
  virtual void on_pause() {}
  /// It could not be made or has ended, unasked. The last call.
  virtual void on_end(const std::string& why) = 0;

  [[nodiscard]] bool is_ended() const { return state_ == State::Ended; }
  [[nodiscard]] std::size_t waiting() const { return output_.size(); }
  /// Leaves with `flush`.
  void append(std::string_view bytes) { output_ += bytes; }
  void flush();
  /// For a reason of its own.
  void end(const std::string& why);

 private:
  enum class State : std::uint8_t { Connecting, Open, Ended };

  void begin();
  void read();

  Loop& loop_;
  const std::string called_;
  Fd fd_;
  State state_ = State::Connecting;
  std::string refused_;
  std::string output_;
  bool write_blocked_ = true;
};

}  // namespace zvonok::net
