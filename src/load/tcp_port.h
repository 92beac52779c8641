// A participant's media over TCP (RFC 6544, framed by RFC 4571): connects without blocking, cuts what comes into
// datagrams and frames what goes. What the other side does not read in time is thrown away, as a full network would.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/address.h"
#include "base/bytes.h"
#include "net/fd.h"
#include "net/loop.h"
#include "proto/framing/framing.h"

namespace zvonok::load {

/// Datagrams of one way of sending them, or of several.
struct Traffic {
  std::uint64_t received = 0;
  std::uint64_t sent = 0;
  std::uint64_t not_sent = 0;

  Traffic& operator+=(const Traffic& other) {
    received += other.received;
    sent += other.sent;
    not_sent += other.not_sent;
    return *this;
  }
};

class TcpHandler {
 public:
  virtual ~TcpHandler() = default;
  /// Good, and may be changed, until the method returns.
  virtual void on_tcp_datagram(MutableBytes datagram) = 0;
  /// What came at once was given out.
  virtual void on_tcp_pause() = 0;
  /// It could not be made or has ended, unasked. The last call.
  virtual void on_tcp_end(std::string_view why) = 0;
};

class TcpPort final : public net::ReadyHandler {
 public:
  static constexpr std::size_t kWaitingBytesMax = 256 * 1024;

  /// Begins to connect; what the system refuses at once is in `refused`. `loop` and `handler` outlive it. As with every
  /// ReadyHandler, give it to Loop::discard rather than to destroy it.
  TcpPort(net::Loop& loop, TcpHandler& handler, const SocketAddress& server);
  TcpPort(const TcpPort&) = delete;
  TcpPort& operator=(const TcpPort&) = delete;
  ~TcpPort() override { close(); }

  void on_ready(std::uint32_t events) override;
  /// Leaves with `flush`.
  void send(Bytes datagram);
  void flush();
  /// No call comes after this.
  void close();
  [[nodiscard]] const std::string& refused() const { return refused_; }
  /// What was thrown away is not sent.
  [[nodiscard]] const Traffic& traffic() const { return traffic_; }

 private:
  enum class State : std::uint8_t { Connecting, Open, Ended };

  void connect(const SocketAddress& server);
  void on_connected();
  void read();
  void take(Bytes chunk);
  void end(std::string_view why);

  net::Loop& loop_;
  TcpHandler& handler_;
  net::Fd fd_;
  State state_ = State::Connecting;
  std::string refused_;
  framing::Deframer deframer_;
  std::string output_;
  bool write_blocked_ = true;
  Traffic traffic_;
};

}  // namespace zvonok::load
