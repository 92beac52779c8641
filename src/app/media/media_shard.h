// One thread of media: its own loop, its UDP port, and the engine with the rooms placed on it. Commands go in and
// events come out as values, each by the other thread's loop.
//
// Threads: `create`, `post` and the destructor belong to the control thread; all else happens on the shard's own.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/address.h"
#include "base/log.h"
#include "base/result.h"
#include "media/engine.h"
#include "net/loop.h"
#include "net/system_entropy.h"
#include "net/udp_socket.h"
#include "proto/dtls/certificate.h"
#include "proto/dtls/context.h"

namespace zvonok::app {

/// A copy of what a shard counts, for the metrics.
struct MediaCounters {
  net::UdpCounters udp;
  media::EngineCounters engine;
  std::size_t peers = 0;
};

class MediaShard {
 public:
  struct Options {
    SocketAddress address;  // to bind; port 0: any
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
  void post(media::Command command);
  /// As of a moment ago. Thread-safe.
  [[nodiscard]] MediaCounters counters() const;

 private:
  class Core;
  MediaShard() = default;

  std::unique_ptr<net::Loop> loop_;
  std::unique_ptr<Core> core_;
  std::uint16_t port_ = 0;
  std::jthread thread_;
};

}  // namespace zvonok::app
