// All media threads of this server. A room is on one of them for as long as it lives.
//
// Threads: everything belongs to the control thread.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/media/media_shard.h"
#include "base/result.h"
#include "net/loop.h"

namespace zvonok::app {

class MediaShards {
 public:
  struct Options {
    std::size_t threads = 1;  // at least 1
    /// Of the first; the others take those that follow. 0: kMediaUdpPort and those that follow where they are free,
    /// else any.
    std::uint16_t udp_port = 0;
    /// Likewise of ICE-TCP. 0: that of each one's UDP if it is free, else any; nothing: no TCP.
    std::optional<std::uint16_t> tcp_port;
    MediaShard::Options shard;  // address and TCP port are made of the above
  };
  /// Binds and starts all. The error is one line that names the address.
  [[nodiscard]] static Result<std::unique_ptr<MediaShards>, std::string> create(const Options& options);
  MediaShards(const MediaShards&) = delete;
  MediaShards& operator=(const MediaShards&) = delete;
  /// Stops the threads.
  ~MediaShards();

  [[nodiscard]] std::size_t size() const { return shards_.size(); }
  [[nodiscard]] MediaShard& at(std::size_t index) { return *shards_[index]; }
  [[nodiscard]] const MediaShard& at(std::size_t index) const { return *shards_[index]; }
  /// The share of a processor that one had lately, 0 to 1.
  [[nodiscard]] double busy(std::size_t index) const { return meters_[index].busy; }
  /// Whether one that listens had to take another port than the usual one.
  [[nodiscard]] bool ports_moved() const { return ports_moved_; }
  /// "10000", "10000-10002" or "10000,10007".
  [[nodiscard]] std::string udp_ports() const;
  /// Likewise, or "off".
  [[nodiscard]] std::string tcp_ports() const;

  /// Of all together.
  [[nodiscard]] static MediaCounters sum(const std::vector<MediaCounters>& counters);
  [[nodiscard]] std::vector<MediaCounters> counters() const;

 private:
  struct Meter {
    double cpu_seconds = 0;
    TimePoint at{};
    double busy = 0;
  };
  explicit MediaShards(net::Loop& control) : control_{control} {}
  [[nodiscard]] Result<void, std::string> start(const Options& options);
  void measure();

  net::Loop& control_;
  std::vector<std::unique_ptr<MediaShard>> shards_;
  std::vector<Meter> meters_;
  std::optional<net::Loop::TimerKey> timer_;
  bool ports_moved_ = false;
};

/// "10000-10002,10007" for 10000, 10001, 10002 and 10007.
[[nodiscard]] std::string port_ranges(const std::vector<std::uint16_t>& ports);

}  // namespace zvonok::app
