// One connection to a SOCKS 5 proxy: a stream through it, or the one that holds an association for datagrams open.
// What the other side does not read in time is thrown away, as a full network would.
//
// Threads: everything on the loop's thread.
#pragma once
#include <cstdint>
#include <string_view>

#include "base/address.h"
#include "base/bytes.h"
#include "net/loop.h"
#include "net/tcp_client.h"
#include "proto/socks5/client.h"

namespace zvonok::caller {

class SocksStream;

class SocksHandler {
 public:
  virtual ~SocksHandler() = default;
  /// The proxy has granted it. `bound`: of an association, where its datagrams go.
  virtual void on_socks_open(SocksStream& stream, const SocketAddress& bound) = 0;
  /// Good until the method returns.
  virtual void on_socks_bytes(SocksStream& stream, Bytes bytes) = 0;
  /// It could not be made or has ended, unasked. The last call.
  virtual void on_socks_end(SocksStream& stream, std::string_view why) = 0;
};

class SocksStream final : public net::TcpClient {
 public:
  static constexpr std::size_t kWaitingBytesMax = 64 * 1024;

  /// Begins to connect. `loop` and `handler` outlive it.
  SocksStream(net::Loop& loop, SocksHandler& handler, const SocketAddress& proxy, socks5::Command command,
              const SocketAddress& target);

  [[nodiscard]] bool is_open() const { return is_granted_ && !is_ended(); }
  /// All of it or, when too much waits, nothing: false.
  bool send(Bytes bytes);

 private:
  void on_connected() override { append(socks5::Opening::greeting()); }
  void on_bytes(MutableBytes bytes) override;
  void on_end(const std::string& why) override { handler_.on_socks_end(*this, why); }

  SocksHandler& handler_;
  socks5::Opening opening_;
  bool is_granted_ = false;
};

}  // namespace zvonok::caller
