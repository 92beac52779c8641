// The way to the other side of a call through a SOCKS 5 proxy: datagrams by its UDP association, and as packets on a
// stream (RFC 4571). What comes is taken from both; what is said goes by the one that was chosen, so that two clients
// with different choices hear each other. Before that it asks the server's STUN at its virtual address, since a proxy
// grants connections before it knows whether its tunnel is any good.
//
// Threads: everything on the loop's thread.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/address.h"
#include "base/bytes.h"
#include "base/entropy.h"
#include "caller/socks_stream.h"
#include "net/fd.h"
#include "net/loop.h"
#include "proto/framing/framing.h"
#include "proto/stun/message.h"

namespace zvonok::caller {

enum class MediaTransport : std::uint8_t { Udp, Tcp };

struct PathStats {
  std::uint64_t received_udp = 0;
  std::uint64_t received_tcp = 0;
  std::uint64_t received_foreign = 0;  // not from the other side
  std::uint64_t sent = 0;
  std::uint64_t not_sent = 0;
  std::uint64_t reconnects = 0;  // of the stream to the other side
};

class TunnelPath final : public net::ReadyHandler, private SocksHandler {
 public:
  struct Options {
    SocketAddress proxy;
    SocketAddress peer;
    std::optional<SocketAddress> probe;  // the server's STUN; without it the proxy is believed
    MediaTransport transport = MediaTransport::Udp;
    Duration probe_interval = milliseconds{200};
  };
  struct Events {
    /// The tunnel leads to the server.
    std::function<void()> on_ready;
    /// A datagram of the other side; may be changed, good until the function returns.
    std::function<void(MutableBytes)> on_datagram;
    /// It can't be made, or has broken. The last call.
    std::function<void(std::string why)> on_end;
  };
  TunnelPath(net::Loop& loop, Entropy& entropy, Options options, Events events);
  TunnelPath(const TunnelPath&) = delete;
  TunnelPath& operator=(const TunnelPath&) = delete;
  /// As with every ReadyHandler, give it to Loop::discard rather than to destroy it.
  ~TunnelPath() override { close(); }

  void on_ready(std::uint32_t events) override;
  /// No event comes after this.
  void close();
  void send(Bytes datagram);
  [[nodiscard]] const PathStats& stats() const { return stats_; }

 private:
  void on_socks_open(SocksStream& stream, const SocketAddress& bound) override;
  void on_socks_bytes(SocksStream& stream, Bytes bytes) override;
  void on_socks_end(SocksStream& stream, std::string_view why) override;

  void open_stream();
  void open_probe_stream();
  void open_relay(const SocketAddress& relay);
  void tick();
  void probe();
  void be_heard();
  [[nodiscard]] std::size_t write_probe(MutableBytes buffer) const;
  void send_by_udp(const SocketAddress& to, Bytes datagram);
  void send_by_tcp(SocksStream& stream, Bytes datagram);
  void hear_probe(Bytes datagram);
  void become_ready();
  void drop(std::unique_ptr<SocksStream>& stream);
  void end(std::string why);

  net::Loop& loop_;
  Entropy& entropy_;
  Options options_;
  Events events_;
  std::unique_ptr<SocksStream> association_;
  std::unique_ptr<SocksStream> stream_;  // to the other side
  std::unique_ptr<SocksStream> probe_stream_;
  framing::Deframer deframer_;
  framing::Deframer probe_deframer_;
  net::Fd udp_;
  SocketAddress relay_;
  stun::TransactionId transaction_{};
  bool ready_ = false;
  bool ended_ = false;
  unsigned ticks_ = 0;
  std::optional<net::Loop::TimerKey> timer_;
  PathStats stats_;
};

}  // namespace zvonok::caller
