// The tunnel inside this process: WebSockets at `/call` on the server's own port, the tunnel behind them, keys for
// calls, and the way to the media threads. Belongs to the loop's thread.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "app/media/media_shards.h"
#include "base/entropy.h"
#include "base/log.h"
#include "net/loop.h"
#include "net/responder.h"
#include "net/server.h"
#include "port/tunnel_provider.h"
#include "proto/http_message.h"
#include "tunnel/tunnel.h"

namespace zvonok::app {

class TunnelEdge final : public net::WsHandler,
                         public port::TunnelProvider,
                         public TunnelDoor,
                         private tunnel::StreamSink,
                         private tunnel::MediaDoor {
 public:
  struct Parts {
    net::Loop& loop;
    Entropy& entropy;
    Logger& log;
  };
  TunnelEdge(Parts parts, const tunnel::Options& options);

  /// Before any socket. The server outlives its use here.
  void attach(net::Server& server) { server_ = &server; }
  /// Before any socket as well; without it nothing but the other side of a call is reached. It outlives its use here.
  void attach(MediaShards& media) { media_ = &media; }
  /// Whether the request is a tunnel's. To anything else at that path the server is a web site like any other.
  [[nodiscard]] static bool is_tunnel(const HttpRequest& request);
  void handle(const HttpRequest& request, net::Responder respond);

  void open(const CallId& call, Opened done) override;
  void close(const CallId& call, Used used) override;

  [[nodiscard]] const tunnel::Counters& counters() const { return tunnel_.counters(); }
  [[nodiscard]] std::size_t streams() const { return tunnel_.stream_count(); }

  void send_to_tunnel(const ice::Path& path, Bytes packet) override;
  void release_in_tunnel(const ice::Path& path) override;
  void end_of_batch() override;

  void on_ws_message(ConnectionId id, std::string_view text) override;
  void on_ws_binary(ConnectionId id, std::string_view bytes) override;
  void on_ws_drained(ConnectionId id) override;
  void on_ws_close(ConnectionId id) override;

 private:
  // For the tunnel.
  [[nodiscard]] MutableBytes append(tunnel::StreamId stream, std::size_t bytes) override;
  void set_reading(tunnel::StreamId stream, tunnel::Reading reading) override;
  void close(tunnel::StreamId stream, tunnel::Ending ending) override;
  void on_datagram(const ice::Path& path, MutableBytes packet) override;
  void on_closed(const ice::Path& path) override;

  [[nodiscard]] TimePoint now() const { return parts_.loop.now().mono; }
  void feed(ConnectionId id, std::string_view bytes);
  void settle();
  void moderate();
  [[nodiscard]] bool answer_probe(const ice::Path& path, Bytes packet);
  [[nodiscard]] MediaShard* shard_of(const ice::Path& path);

  Parts parts_;
  net::Server* server_ = nullptr;
  MediaShards* media_ = nullptr;
  tunnel::Tunnel tunnel_;
  bool carries_ = false;  // streams
  std::optional<net::Loop::TimerKey> timer_;
};

}  // namespace zvonok::app
