// From a publisher's packets to all who get them. Video of one turn goes together: each receiver takes all of a track's
// packets at once, so what is its own (numbers, keys, the train that it gets) comes into the cache once for all of
// them, and what is sealed for it can leave while it is still there.
//
// Sans-IO; one thread. Allocates nothing after its creation.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/time.h"
#include "media/forwarder.h"
#include "media/packet_ring.h"
#include "media/packet_sink.h"
#include "media/track.h"
#include "proto/rtp/types.h"

namespace zvonok::media {

/// A packet that receivers are to get.
struct Forwarding {
  const MediaPacket* packet = nullptr;
  rtp::PayloadType type{};
  std::uint64_t key = 0;  // Track::key_of
};

struct FanOut {
  PacketSink& sink;
  std::uint8_t shed = 0;  // receivers of a lot below it get none (media/shedding.h)
};

/// All of `packets`, in their order, to each receiver of the track. Returns how many were shed.
std::uint64_t fan_out(const Track& track, std::span<const Forwarding> packets, const FanOut& out, TimePoint now);

/// Video packets of one turn that wait for each other.
class Burst {
 public:
  static constexpr std::size_t kPacketsMax = 64;

  Burst();
  Burst(const Burst&) = delete;  // packets are views of what they are kept in
  Burst& operator=(const Burst&) = delete;

  [[nodiscard]] bool is_empty() const { return count_ == 0; }
  [[nodiscard]] bool has_of(const Track& track) const;
  /// Keeps a copy. False when there is no room for it, or it is too large.
  [[nodiscard]] bool add(const Track& track, const MediaPacket& packet, rtp::PayloadType type);

  /// Empties it by `use(const Track&, std::span<const Forwarding>)` for each track, in the order of their first
  /// packets.
  template <class Use>
  void take(Use use) {
    for (std::size_t first = 0; first < count_; ++first) {
      const Track* const track = items_[first].track;
      if (track == nullptr) continue;
      gather(*track, first);
      use(*track, std::span<const Forwarding>{gathered_});
    }
    count_ = 0;
  }

 private:
  struct Item {
    const Track* track = nullptr;  // null: gathered
    MediaPacket packet;
    rtp::PayloadType type{};
    std::array<std::uint8_t, PacketRing::kPacketBytesMax> bytes;
  };

  void gather(const Track& track, std::size_t first);

  std::vector<Item> items_;
  std::size_t count_ = 0;
  std::vector<Forwarding> gathered_;
};

}  // namespace zvonok::media
