#include "proto/rtp/red.h"

#include "base/byte_io.h"

namespace zvonok::rtp {

// Section 3: one 4-byte header for each earlier block (F = 1, payload type, 14 bits of timestamp offset, 10 of length),
// one 1-byte header for the primary (F = 0), then the blocks' bytes in the same order. The primary takes what is left.
Result<RedPayload, RedError> RedPayload::parse(Bytes payload) {
  RedPayload red;
  std::array<std::size_t, kRedBlocksMax> lengths{};
  ByteReader reader{payload};
  for (bool more = true; more;) {
    if (red.count_ == kRedBlocksMax) return fail(RedError::TooManyBlocks);
    const std::uint8_t first = reader.u8();
    if (!reader.ok()) return fail(RedError::TooShort);
    more = (first & 0x80) != 0;
    RedBlock& block = red.blocks_[red.count_];
    block.payload_type = PayloadType{static_cast<std::uint8_t>(first & 0x7F)};
    if (more) {
      const std::uint32_t rest = reader.u24();
      block.timestamp_offset = static_cast<std::uint16_t>(rest >> 10);
      lengths[red.count_] = rest & 0x3FF;
    }
    ++red.count_;
  }
  for (std::size_t i = 0; i + 1 < red.count_; ++i) red.blocks_[i].payload = reader.take(lengths[i]);
  if (!reader.ok()) return fail(RedError::TooShort);
  red.blocks_[red.count_ - 1].payload = reader.rest();
  return red;
}

std::optional<RedBlock> RedPayload::earlier(std::size_t distance) const {
  if (distance == 0 || distance >= count_) return std::nullopt;
  const RedBlock& block = blocks_[count_ - 1 - distance];
  if (block.payload.empty()) return std::nullopt;
  return block;
}

}  // namespace zvonok::rtp
