// The newest packets of one received stream as they were after decryption, for retransmission and for receivers whose
// turn to send comes later. One copy, whoever many receivers.
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/time.h"
#include "media/growing_ring.h"

namespace zvonok::media {

class PacketRing {
 public:
  static constexpr std::size_t kPacketBytesMax = 1500;

  /// At most `capacity` packets, a power of two; memory is taken as it is needed. 0 keeps nothing.
  explicit PacketRing(std::size_t capacity)
      : slots_{{.least = std::min<std::size_t>(capacity, 32), .most = capacity, .keep = kKeep}} {}

  struct Kept {
    Bytes payload;
    Bytes descriptor;
  };

  /// Replaces an older packet. Packets too large for a network are not kept. `descriptor` is the header extension that
  /// belongs to the payload (AV1's dependency descriptor).
  void store(std::uint64_t sequence, TimePoint now, Bytes payload, Bytes descriptor = {}) {
    if (slots_.is_off() || payload.size() + descriptor.size() > kPacketBytesMax) return;
    Slot& slot = slots_.place(sequence, now);
    if (slot.number != kNoNumber && slot.number > sequence) return;  // late, and its place is taken
    if (slot.bytes == nullptr) slot.bytes = std::make_unique_for_overwrite<Slot::Room>();
    slot.number = sequence;
    slot.at = now;
    slot.size = static_cast<std::uint16_t>(payload.size());
    slot.descriptor_size = static_cast<std::uint16_t>(descriptor.size());
    copy_bytes(descriptor, copy_bytes(payload, *slot.bytes));
  }
  /// With an empty payload when it is not kept. Valid until the next `store`.
  [[nodiscard]] Kept find(std::uint64_t sequence) const {
    const Slot* const slot = slots_.find(sequence);
    if (slot == nullptr) return {};
    const Bytes bytes{*slot->bytes};
    return {.payload = bytes.first(slot->size), .descriptor = bytes.subspan(slot->size, slot->descriptor_size)};
  }

 private:
  static constexpr Duration kKeep = seconds{2};
  struct Slot {
    using Room = std::array<std::uint8_t, kPacketBytesMax>;
    std::uint64_t number = kNoNumber;
    TimePoint at{};
    std::unique_ptr<Room> bytes;
    std::uint16_t size = 0;
    std::uint16_t descriptor_size = 0;
  };
  GrowingRing<Slot> slots_;
};

}  // namespace zvonok::media
