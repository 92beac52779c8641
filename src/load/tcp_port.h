// A participant's media over TCP (RFC 6544, framed by RFC 4571): cuts what comes into datagrams and frames what goes.
// What the other side does not read in time is thrown away, as a full network would.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/address.h"
#include "base/bytes.h"
#include "net/loop.h"
#include "net/tcp_client.h"
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

class TcpPort final : public net::TcpClient {
 public:
  static constexpr std::size_t kWaitingBytesMax = 256 * 1024;

  /// Begins to connect. `loop` and `handler` outlive it.
  TcpPort(net::Loop& loop, TcpHandler& handler, const SocketAddress& server);

  /// Leaves with `flush`.
  void send(Bytes datagram);
  using net::TcpClient::flush;
  /// What was thrown away is not sent.
  [[nodiscard]] const Traffic& traffic() const { return traffic_; }

 private:
  void on_connected() override {}
  void on_bytes(MutableBytes chunk) override;
  void on_pause() override { handler_.on_tcp_pause(); }
  void on_end(const std::string& why) override { handler_.on_tcp_end(why); }

  TcpHandler& handler_;
  framing::Deframer deframer_;
  Traffic traffic_;
};

}  // namespace zvonok::load
