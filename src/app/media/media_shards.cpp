#include "app/media/media_shards.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "app/media/media_ports.h"
#include "app/media/sum_counters.h"
#include "base/check.h"

namespace zvonok::app {
namespace {

constexpr Duration kMeasureInterval = seconds{2};

}  // namespace

Result<std::unique_ptr<MediaShards>, std::string> MediaShards::create(const Options& options) {
  ZVONOK_CHECK(options.threads > 0);
  std::unique_ptr<MediaShards> made{new MediaShards{*options.shard.control}};
  if (auto started = made->start(options); !started) return fail(std::move(started.error()));
  return made;
}

Result<void, std::string> MediaShards::start(const Options& options) {
  const bool any_port = options.udp_port == 0;
  for (std::size_t i = 0; i < options.threads; ++i) {
    MediaShard::Options one = options.shard;
    one.index = i;
    one.address.port = port_of_thread(any_port ? kMediaUdpPort : options.udp_port, i);
    if (options.tcp_port) one.tcp_port = port_of_thread(*options.tcp_port, i);
    auto shard = MediaShard::create(one);
    if (!shard && any_port) {
      ports_moved_ = true;
      one.address.port = 0;
      shard = MediaShard::create(one);
    }
    if (!shard) return fail(std::move(shard.error()));
    shards_.push_back(std::move(*shard));
  }
  meters_.resize(shards_.size());
  if (shards_.size() > 1) measure();
  return {};
}

MediaShards::~MediaShards() {
  if (timer_) control_.cancel(*timer_);
}

void MediaShards::measure() {
  const TimePoint now = control_.now().mono;
  for (std::size_t i = 0; i < shards_.size(); ++i) {
    Meter& meter = meters_[i];
    const double spent = shards_[i]->counters().cpu_seconds;
    const double passed = std::chrono::duration<double>(now - meter.at).count();
    if (passed > 0) meter.busy = std::clamp((spent - meter.cpu_seconds) / passed, 0.0, 1.0);
    meter.cpu_seconds = spent;
    meter.at = now;
  }
  timer_ = control_.schedule(now + kMeasureInterval, [this] { measure(); });
}

std::vector<MediaCounters> MediaShards::counters() const {
  std::vector<MediaCounters> all;
  all.reserve(shards_.size());
  for (const auto& shard : shards_) all.push_back(shard->counters());
  return all;
}

MediaCounters MediaShards::sum(const std::vector<MediaCounters>& counters) {
  MediaCounters sum;
  for (const MediaCounters& one : counters) {
    add_counters(sum.udp, one.udp);
    add_counters(sum.tcp, one.tcp);
    add_counters(sum.engine, one.engine);
    add_counters(sum.from_tunnel, one.from_tunnel);
    add_counters(sum.to_tunnel, one.to_tunnel);
    add_counters(sum.phone, one.phone);
    sum.peers += one.peers;
    sum.totals.add(one.totals);
    sum.forwarding.add(one.forwarding);
    sum.cpu_seconds += one.cpu_seconds;
  }
  return sum;
}

std::string MediaShards::udp_ports() const {
  std::vector<std::uint16_t> ports;
  for (const auto& shard : shards_) ports.push_back(shard->port());
  return port_ranges(ports);
}

std::string MediaShards::tcp_ports() const {
  std::vector<std::uint16_t> ports;
  for (const auto& shard : shards_) {
    if (const auto port = shard->tcp_port()) ports.push_back(*port);
  }
  return ports.empty() ? "off" : port_ranges(ports);
}

std::string port_ranges(const std::vector<std::uint16_t>& ports) {
  std::string out;
  for (std::size_t first = 0; first < ports.size();) {
    std::size_t last = first;
    while (last + 1 < ports.size() && ports[last + 1] == ports[last] + 1) ++last;
    out += (out.empty() ? "" : ",") + std::to_string(ports[first]);
    if (last > first) out += "-" + std::to_string(ports[last]);
    first = last + 1;
  }
  return out;
}

}  // namespace zvonok::app
