// The newest packets of one received stream as they were after decryption, for retransmission and for receivers whose
// turn to send comes later. One copy, whoever many receivers.
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/bytes.h"

namespace zvonok::media {

class PacketRing {
 public:
  static constexpr std::size_t kPacketBytesMax = 1500;

  /// `capacity` packets; memory is taken as it is needed, slot by slot. 0 keeps nothing.
  explicit PacketRing(std::size_t capacity) : slots_(capacity) {}

  struct Kept {
    Bytes payload;
    Bytes descriptor;
  };

  /// Replaces the packet that is `capacity` older. Packets too large for a network are not kept. `descriptor` is the
  /// header extension that belongs to the payload (AV1's dependency descriptor).
  void store(std::uint64_t sequence, Bytes payload, Bytes descriptor = {}) {
    if (slots_.empty() || payload.size() + descriptor.size() > kPacketBytesMax) return;
    auto& slot = slots_[sequence % slots_.size()];
    if (slot == nullptr) slot = std::make_unique<Slot>();
    if (slot->size != 0 && slot->sequence > sequence) return;  // late, and its place is taken
    slot->sequence = sequence;
    slot->size = static_cast<std::uint16_t>(payload.size());
    slot->descriptor_size = static_cast<std::uint16_t>(descriptor.size());
    std::ranges::copy(descriptor, std::ranges::copy(payload, slot->bytes.begin()).out);
  }
  /// With an empty payload when it is not kept. Valid until the next `store`.
  [[nodiscard]] Kept find(std::uint64_t sequence) const {
    if (slots_.empty()) return {};
    const auto& slot = slots_[sequence % slots_.size()];
    if (slot == nullptr || slot->size == 0 || slot->sequence != sequence) return {};
    const Bytes bytes{slot->bytes};
    return {.payload = bytes.first(slot->size), .descriptor = bytes.subspan(slot->size, slot->descriptor_size)};
  }

 private:
  struct Slot {
    std::uint64_t sequence = 0;
    std::uint16_t size = 0;
    std::uint16_t descriptor_size = 0;
    std::array<std::uint8_t, kPacketBytesMax> bytes;
  };
  std::vector<std::unique_ptr<Slot>> slots_;
};

}  // namespace zvonok::media
