// Redundant audio, RFC 2198: the newest frame (the primary block) with earlier ones in front of it.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/result.h"
#include "proto/rtp/types.h"

namespace zvonok::rtp {

/// The primary block among them. Browsers send 2 or 3.
constexpr std::size_t kRedBlocksMax = 16;

struct RedBlock {
  PayloadType payload_type{};
  /// Its RTP timestamp is the packet's minus this; 0 for the primary block.
  std::uint16_t timestamp_offset = 0;
  Bytes payload;
};

enum class RedError : std::uint8_t { TooShort, TooManyBlocks };

/// Views into the payload it was parsed from.
class RedPayload {
 public:
  /// `payload` is the RTP payload without padding.
  [[nodiscard]] static Result<RedPayload, RedError> parse(Bytes payload);

  /// For a receiver without RED: its payload type and bytes, under the packet's own sequence number and timestamp.
  [[nodiscard]] const RedBlock& primary() const { return blocks_[count_ - 1]; }
  /// How many earlier frames came along.
  [[nodiscard]] std::size_t earlier_count() const { return count_ - 1; }
  /// The block `distance` before the primary (1 is the nearest): by custom the payload of the packet with the sequence
  /// number less `distance`. RFC 2198 carries no sequence number, so only its timestamp offset is certain. Nothing
  /// where there is no such block or it is empty.
  [[nodiscard]] std::optional<RedBlock> earlier(std::size_t distance) const;

 private:
  std::array<RedBlock, kRedBlocksMax> blocks_{};  // in wire order, the primary last
  std::size_t count_ = 0;
};

}  // namespace zvonok::rtp
