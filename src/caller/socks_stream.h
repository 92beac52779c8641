// One connection to a SOCKS 5 proxy: a stream through it, or the one that holds an association for datagrams open.
// Connects without blocking; what the other side does not read in time is thrown away, as a full network would.
//
// Threads: everything on the loop's thread.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/address.h"
#include "base/bytes.h"
#include "net/fd.h"
#include "net/loop.h"
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

class SocksStream final : public net::ReadyHandler {
 public:
  static constexpr std::size_t kWaitingBytesMax = 64 * 1024;

  /// What the system refuses at once is in `refused`. `loop` and `handler` outlive it. As with every ReadyHandler, give
  /// it to Loop::discard rather than to destroy it.
  SocksStream(net::Loop& loop, SocksHandler& handler, const SocketAddress& proxy, socks5::Command command,
              const SocketAddress& target);
  SocksStream(const SocksStream&) = delete;
  SocksStream& operator=(const SocksStream&) = delete;
  ~SocksStream() override { close(); }

  void on_ready(std::uint32_t events) override;

  [[nodiscard]] bool is_open() const { return state_ == State::Open; }
  [[nodiscard]] const std::string& refused() const { return refused_; }
  /// All of it or, when too much waits, nothing: false.
  bool send(Bytes bytes);
  /// No call comes after this.
  void close();

 private:
  enum class State : std::uint8_t { Connecting, Opening, Open, Ended };

  void on_connected();
  void read();
  void take(Bytes chunk);
  void write(std::string_view bytes);
  void flush();
  void end(std::string_view why);

  net::Loop& loop_;
  SocksHandler& handler_;
  net::Fd fd_;
  State state_ = State::Connecting;
  std::string refused_;
  socks5::Opening opening_;
  std::string output_;
  bool write_blocked_ = true;
};

}  // namespace zvonok::caller
