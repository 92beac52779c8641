// The last packets of one audio stream, for receivers that lose some: each packet can carry them once more (RED).
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "media/codec/red.h"

namespace zvonok::media {

class AudioHistory {
 public:
  static constexpr std::size_t kPackets = 2;
  static constexpr std::size_t kBytesMax = 400;  // 20 ms of 160 kbit/s

  /// What of the packets before `sequence` can be repeated with it, the oldest first. Good until the next `push`.
  [[nodiscard]] std::span<const RedBlock> before(std::uint64_t sequence, std::uint32_t timestamp) {
    std::size_t count = 0;
    for (std::size_t back = kPackets; back > 0; --back) {
      if (sequence < back) continue;
      const Packet& packet = packets_[(sequence - back) % packets_.size()];
      if (packet.size == 0 || packet.sequence != sequence - back) continue;
      const std::uint32_t offset = timestamp - packet.timestamp;
      if (offset == 0 || offset > kRedOffsetMax) continue;  // silence lay between them
      blocks_[count++] = {.timestamp_offset = offset, .payload = Bytes{packet.bytes}.first(packet.size)};
    }
    return std::span{blocks_}.first(count);
  }
  void push(std::uint64_t sequence, std::uint32_t timestamp, Bytes payload) {
    Packet& packet = packets_[sequence % packets_.size()];
    if (packet.size != 0 && packet.sequence > sequence) return;
    packet.sequence = sequence;
    packet.timestamp = timestamp;
    packet.size = payload.size() <= kBytesMax ? payload.size() : 0;
    if (packet.size != 0) copy_bytes(payload, packet.bytes);
  }

 private:
  struct Packet {
    std::uint64_t sequence = 0;
    std::uint32_t timestamp = 0;
    std::size_t size = 0;
    std::array<std::uint8_t, kBytesMax> bytes{};
  };
  std::array<Packet, kPackets + 1> packets_{};
  std::array<RedBlock, kPackets> blocks_{};
};

}  // namespace zvonok::media
