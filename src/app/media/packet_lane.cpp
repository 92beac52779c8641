#include "app/media/packet_lane.h"

#include <utility>

namespace zvonok::app {

PacketLane::Wake PacketLane::push(const ice::Path& path, Bytes packet) {
  const std::lock_guard lock{mutex_};
  if (waiting_.items.size() >= limits_.packets_max || waiting_.bytes.size() + packet.size() > limits_.bytes_max) {
    ++counters_.dropped;
    return Wake::No;
  }
  ++counters_.packets;
  counters_.bytes += packet.size();
  waiting_.bytes.insert(waiting_.bytes.end(), packet.begin(), packet.end());
  return add({.path = path, .bytes = packet.size()});
}

PacketLane::Wake PacketLane::end(const ice::Path& path) {
  const std::lock_guard lock{mutex_};
  return add({.path = path, .is_end = true});
}

PacketLane::Wake PacketLane::add(const Item& item) {
  waiting_.items.push_back(item);
  return waiting_.items.size() == 1 ? Wake::Yes : Wake::No;
}

void PacketLane::fetch() {
  const std::lock_guard lock{mutex_};
  std::swap(waiting_, taken_);
}

LaneCounters PacketLane::counters() const {
  const std::lock_guard lock{mutex_};
  return counters_;
}

}  // namespace zvonok::app
