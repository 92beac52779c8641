// One thread of media: its own loop, its UDP and TCP port, and the engine with the rooms placed on it. Commands go in
// and events come out as values, each by the other thread's loop.
//
// Threads: `create`, `post` and the destructor belong to the control thread; all else happens on the shard's own.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "app/histogram.h"
#include "base/address.h"
#include "base/log.h"
#include "base/result.h"
#include "media/engine.h"
#include "net/framed_tcp.h"
#include "net/loop.h"
#include "net/system_entropy.h"
#include "net/udp_socket.h"
#include "proto/dtls/certificate.h"
#include "proto/dtls/context.h"

namespace zvonok::app {

/// A copy of what a shard counts, for the metrics.
struct MediaCounters {
  net::UdpCounters udp;
  net::FramedTcpCounters tcp;
  media::EngineCounters engine;
  std::size_t peers = 0;
  media::MediaTotals totals;
  /// Seconds from waking up with datagrams to having sent what became of them: one for each batch of up to 1,024.
  Histogram<12> forwarding{{20e-6, 50e-6, 100e-6, 200e-6, 500e-6, 1e-3, 2e-3, 5e-3, 10e-3, 20e-3, 50e-3, 0.1}};
  double cpu_seconds = 0;  // of the thread
};

class MediaShard {
 public:
  struct Options {
    SocketAddress address;  // to bind; port 0: any
    /// Of ICE-TCP; 0: that of UDP if it is free, else any. Nothing: no TCP.
    std::optional<std::uint16_t> tcp_port;
    const dtls::Certificate* certificate = nullptr;
    net::Loop* control = nullptr;  // where events are told
    std::function<void(std::vector<media::Event>)> on_events;
  };
  /// Binds and starts. The error is one line that names the address.
  [[nodiscard]] static Result<std::unique_ptr<MediaShard>, std::string> create(Options options);
  MediaShard(const MediaShard&) = delete;
  MediaShard& operator=(const MediaShard&) = delete;
  /// Stops the thread. What was posted and not done is dropped.
  ~MediaShard();

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::optional<std::uint16_t> tcp_port() const { return tcp_port_; }
  void post(media::Command command);
  /// As of a moment ago. Thread-safe.
  [[nodiscard]] MediaCounters counters() const;

 private:
  class Core;
  MediaShard() = default;

  std::unique_ptr<net::Loop> loop_;
  std::unique_ptr<Core> core_;
  std::uint16_t port_ = 0;
  std::optional<std::uint16_t> tcp_port_;
  std::jthread thread_;
};

}  // namespace zvonok::app
