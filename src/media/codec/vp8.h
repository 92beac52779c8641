// VP8 in RTP (RFC 7741): the payload descriptor, keyframes, and the descriptor written anew for a forwarded stream.
#pragma once
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "media/codec/codec.h"

namespace zvonok::media {

/// RFC 7741 section 4.2.
struct Vp8Descriptor {
  bool non_reference = false;     // N: no other frame needs it
  bool starts_partition = false;  // S
  std::uint8_t partition = 0;     // PID
  std::optional<std::uint16_t> picture_id;
  bool picture_id_is_long = false;  // 15 bits rather than 7
  std::optional<std::uint8_t> tl0_picture_index;
  std::optional<std::uint8_t> temporal;   // TID, 0 to 3
  bool layer_sync = false;                // Y: needs only the base layer
  std::optional<std::uint8_t> key_index;  // KEYIDX, 0 to 31
  std::uint8_t size = 0;                  // bytes, 1 to 6
};

/// The descriptor and at least one byte of frame behind it, or an error.
[[nodiscard]] Result<Vp8Descriptor, CodecError> parse_vp8_descriptor(Bytes payload);

/// What the beginning of the frame says (RFC 7741 section 4.3, RFC 6386 section 9.1).
struct Vp8Frame {
  bool starts = false;
  bool keyframe = false;
  std::optional<Resolution> resolution;
};
/// `payload` is the one the descriptor was read from.
[[nodiscard]] Vp8Frame look_at_vp8_frame(const Vp8Descriptor& descriptor, Bytes payload);

/// Numbers for the receiver. Those that the source does not have are not added; too large ones are cut to their bits.
struct Vp8Rewrite {
  std::uint16_t picture_id = 0;  // 15 bits; a short one of the source becomes long, for it would not hold the number
  std::uint8_t tl0_picture_index = 0;
  std::uint8_t key_index = 0;
};
/// `payload` is the one the descriptor was read from.
[[nodiscard]] DescriptorPrefix rewrite(const Vp8Descriptor& descriptor, Bytes payload, const Vp8Rewrite& numbers);

}  // namespace zvonok::media
