// The bits of RFC 7741 section 4.2.
#include "media/codec/vp8.h"

#include <algorithm>

#include "base/byte_io.h"
#include "base/check.h"

namespace zvonok::media {
namespace {

constexpr unsigned kExtended = 0x80;  // X
constexpr unsigned kNonReference = 0x20;
constexpr unsigned kStartsPartition = 0x10;
constexpr unsigned kHasPictureId = 0x80;   // I
constexpr unsigned kHasTl0 = 0x40;         // L
constexpr unsigned kHasTemporal = 0x20;    // T
constexpr unsigned kHasKeyIndex = 0x10;    // K
constexpr unsigned kLongPictureId = 0x80;  // M

}  // namespace

Result<Vp8Descriptor, CodecError> parse_vp8_descriptor(Bytes payload) {
  if (payload.empty()) return fail(CodecError::Empty);
  ByteReader reader{payload};
  Vp8Descriptor descriptor;
  const unsigned first = reader.u8();
  descriptor.non_reference = (first & kNonReference) != 0;
  descriptor.starts_partition = (first & kStartsPartition) != 0;
  descriptor.partition = first & 0x07;
  if ((first & kExtended) != 0) {
    const unsigned flags = reader.u8();
    if ((flags & kHasPictureId) != 0) {
      const std::uint8_t high = reader.u8();
      descriptor.picture_id_is_long = (high & kLongPictureId) != 0;
      descriptor.picture_id =
          static_cast<std::uint16_t>(descriptor.picture_id_is_long ? ((high & 0x7FU) << 8) | reader.u8() : high);
    }
    if ((flags & kHasTl0) != 0) descriptor.tl0_picture_index = reader.u8();
    if ((flags & (kHasTemporal | kHasKeyIndex)) != 0) {
      const std::uint8_t both = reader.u8();
      if ((flags & kHasTemporal) != 0) {
        descriptor.temporal = static_cast<std::uint8_t>(both >> 6);
        descriptor.layer_sync = (both & 0x20) != 0;
      }
      if ((flags & kHasKeyIndex) != 0) descriptor.key_index = static_cast<std::uint8_t>(both & 0x1F);
    }
  }
  if (!reader.ok() || reader.empty()) return fail(CodecError::Truncated);
  descriptor.size = static_cast<std::uint8_t>(payload.size() - reader.left());
  return descriptor;
}

Vp8Frame look_at_vp8_frame(const Vp8Descriptor& descriptor, Bytes payload) {
  ZVONOK_CHECK(descriptor.size < payload.size());
  const Bytes frame = payload.subspan(descriptor.size);
  Vp8Frame seen;
  seen.starts = descriptor.starts_partition && descriptor.partition == 0;
  if (!seen.starts || (frame[0] & 0x01) != 0) return seen;  // the inverse of "key frame"
  constexpr std::size_t kKeyHeaderBytes = 10;
  if (frame.size() < kKeyHeaderBytes) {
    seen.keyframe = true;
    return seen;
  }
  if (frame[3] != 0x9D || frame[4] != 0x01 || frame[5] != 0x2A) return seen;
  seen.keyframe = true;
  // Fourteen bits each, the low byte first; two bits above them ask for scaling.
  seen.resolution =
      Resolution{.width = (frame[7] & 0x3FU) << 8 | frame[6], .height = (frame[9] & 0x3FU) << 8 | frame[8]};
  return seen;
}

DescriptorPrefix rewrite(const Vp8Descriptor& descriptor, Bytes payload, const Vp8Rewrite& numbers) {
  ZVONOK_CHECK(descriptor.size < payload.size());
  DescriptorPrefix prefix;
  prefix.replaces = descriptor.size;
  const Bytes source = payload.first(descriptor.size);
  prefix.append(source[0]);
  if (source.size() > 1) prefix.append(source[1]);
  if (descriptor.picture_id) prefix.append_picture_id(numbers.picture_id);
  if (descriptor.tl0_picture_index) prefix.append_tl0(numbers.tl0_picture_index);
  if (descriptor.temporal || descriptor.key_index) {
    const unsigned both = source.back();
    const bool has_index = descriptor.key_index.has_value();
    prefix.append(has_index ? (both & 0xE0U) | (numbers.key_index & 0x1FU) : both);
  }
  return prefix;
}

}  // namespace zvonok::media
