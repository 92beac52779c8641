// One thread of media: its own loop, its UDP and TCP port, and the engine with the rooms placed on it. Commands go in
// and events come out as values, each by the other thread's loop; and so do packets of participants inside a tunnel,
// which ends on the control thread.
//
// Threads: `create`, `post`, those of the tunnel and the destructor belong to the control thread; all else happens on
// the shard's own.
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
#include "app/media/packet_lane.h"
#include "app/media/phone_legs.h"
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
  LaneCounters from_tunnel;
  LaneCounters to_tunnel;
  PhoneLegCounters phone;
};

/// The tunnel as the media threads see it. Everything is called on the control thread.
class TunnelDoor {
 public:
  virtual ~TunnelDoor() = default;
  /// For whoever is behind that path.
  virtual void send_to_tunnel(const ice::Path& path, Bytes packet) = 0;
  /// Media has no use for that path any more.
  virtual void release_in_tunnel(const ice::Path& path) = 0;
  /// After some of the above.
  virtual void end_of_batch() = 0;
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
    std::size_t index = 0;         // among the media threads
    TunnelDoor* tunnel = nullptr;  // null where there is none; outlives this
    /// A digit of a telephone (PhoneLegs). On the control thread; may be empty.
    std::function<void(ParticipantId telephone, char digit)> on_phone_digit;
  };
  /// Binds and starts. The error is one line that names the address.
  [[nodiscard]] static Result<std::unique_ptr<MediaShard>, std::string> create(Options options);
  MediaShard(const MediaShard&) = delete;
  MediaShard& operator=(const MediaShard&) = delete;
  /// Stops the thread. What was posted and not done is dropped.
  ~MediaShard();

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::optional<std::uint16_t> tcp_port() const { return tcp_port_; }
  /// A line for the operator where the system gave the socket too little memory for bursts.
  [[nodiscard]] const std::optional<std::string>& small_buffers() const { return small_buffers_; }
  void post(media::Command command);
  /// To be done with this thread's phone calls, after what was posted before.
  using PhoneTask = std::move_only_function<void(PhoneLegs&)>;
  void with_phone(PhoneTask task);
  /// A packet that came through the tunnel, by a path of the tunnel's. Copied; dropped and counted when too much waits.
  void deliver(const ice::Path& path, Bytes packet);
  /// Nothing more will come by that path, and nothing can be sent on it.
  void close_path(const ice::Path& path);
  /// As of a moment ago. Thread-safe.
  [[nodiscard]] MediaCounters counters() const;

 private:
  class Core;
  MediaShard() = default;
  void wake(PacketLane::Wake wake);

  std::unique_ptr<net::Loop> loop_;
  std::unique_ptr<Core> core_;
  std::uint16_t port_ = 0;
  std::optional<std::uint16_t> tcp_port_;
  std::optional<std::string> small_buffers_;
  std::jthread thread_;
};

}  // namespace zvonok::app
