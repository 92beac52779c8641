#include "media/codec/red.h"

#include "base/byte_io.h"

namespace zvonok::media {

// RFC 2198 section 3: F(1) PT(7) offset(14) length(10) for each block but the last, F=0 PT(7) for that one.
std::optional<RedPrimary> parse_red(Bytes payload) {
  ByteReader reader{payload};
  std::size_t redundant = 0;
  for (;;) {
    const std::uint8_t first = reader.u8();
    if (!reader.ok()) return std::nullopt;
    if ((first & 0x80U) == 0) {
      reader.skip(redundant);
      if (!reader.ok()) return std::nullopt;
      return RedPrimary{.type = rtp::PayloadType{static_cast<std::uint8_t>(first & 0x7FU)}, .payload = reader.rest()};
    }
    reader.skip(1);
    redundant += reader.u16() & 0x3FFU;
    if (!reader.ok()) return std::nullopt;
  }
}

std::size_t write_red(MutableBytes out, rtp::PayloadType type, std::span<const RedBlock> blocks) {
  std::size_t needed = 1;
  for (const RedBlock& block : blocks) {
    if (block.timestamp_offset > kRedOffsetMax || block.payload.size() > kRedBlockBytesMax) return 0;
    needed += 4 + block.payload.size();
  }
  if (needed > out.size()) return 0;
  const std::uint8_t number = static_cast<std::uint8_t>(type) & 0x7FU;
  ByteWriter writer{out};
  for (const RedBlock& block : blocks) {
    writer.u8(static_cast<std::uint8_t>(0x80U | number));
    const auto rest = static_cast<std::uint32_t>(block.timestamp_offset << 10 | block.payload.size());
    writer.u8(static_cast<std::uint8_t>(rest >> 16));
    writer.u16(static_cast<std::uint16_t>(rest));
  }
  writer.u8(number);
  for (const RedBlock& block : blocks) writer.append(block.payload);
  return writer.size();
}

}  // namespace zvonok::media
