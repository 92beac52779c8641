#include "media/burst.h"

#include <algorithm>
#include <utility>

#include "base/bytes.h"
#include "media/downlink.h"

namespace zvonok::media {

std::uint64_t fan_out(const Track& track, std::span<const Forwarding> packets, const FanOut& out, TimePoint now) {
  const Forwarder::Clocks clocks = track.clocks();
  // What belongs to a receiver is far from what belongs to the next one, and all together more than a cache holds.
  constexpr std::size_t kAhead = 4;
  constexpr std::size_t kSecondAhead = 2;  // what the first has to be there for
  const std::vector<Subscriber>& all = track.subscribers;
  std::uint64_t shed = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i + kAhead < all.size()) {
      const Subscriber& later = all[i + kAhead];
      later.stream->prefetch();
      later.downlink->prefetch();
      later.transport->prefetch();
    }
    if (i + kSecondAhead < all.size()) {
      all[i + kSecondAhead].stream->prefetch_rings();
      all[i + kSecondAhead].downlink->prefetch_link();
      all[i + kSecondAhead].transport->prefetch_keys();
    }
    const Subscriber& to = all[i];
    if (to.lot < out.shed) {
      shed += packets.size();
      to.stream->forwarder().stop();
      continue;
    }
    for (const Forwarding& one : packets)
      to.downlink->forward(*to.stream, *one.packet, {one.type, one.key, clocks}, now);
    // Of one packet, there may be others for the same receiver yet: the train it gets would be torn apart.
    if (packets.size() > 1) out.sink.between_receivers();
  }
  return shed;
}

Burst::Burst() : items_(kPacketsMax) {
  gathered_.reserve(kPacketsMax);
}

bool Burst::has_of(const Track& track) const {
  return std::ranges::find(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(count_), &track,
                           &Item::track) != items_.begin() + static_cast<std::ptrdiff_t>(count_);
}

bool Burst::add(const Track& track, const MediaPacket& packet, rtp::PayloadType type) {
  const std::size_t size = packet.payload.size() + packet.dependency_descriptor.size();
  if (count_ == kPacketsMax || size > PacketRing::kPacketBytesMax) return false;
  Item& item = items_[count_++];
  item.track = &track;
  item.packet = packet;
  item.type = type;
  copy_bytes(packet.dependency_descriptor, copy_bytes(packet.payload, item.bytes));
  const Bytes bytes = Bytes{item.bytes}.first(size);
  item.packet.payload = bytes.first(packet.payload.size());
  item.packet.dependency_descriptor = bytes.subspan(packet.payload.size());
  return true;
}

void Burst::gather(const Track& track, std::size_t first) {
  gathered_.clear();
  for (std::size_t i = first; i < count_; ++i) {
    Item& item = items_[i];
    if (item.track != &track) continue;
    item.track = nullptr;
    gathered_.push_back(
        {.packet = &item.packet, .type = item.type, .key = track.key_of(item.packet.layer, item.packet.sequence)});
  }
}

}  // namespace zvonok::media
