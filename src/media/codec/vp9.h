// VP9 in RTP (RFC 9628): the payload descriptor with its layers and scalability structure, and the descriptor written
// anew for a forwarded stream.
#pragma once
#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "media/codec/codec.h"

namespace zvonok::media {

inline constexpr std::size_t kVp9SpatialLayersMax = 8;
inline constexpr std::size_t kVp9ReferencesMax = 3;

/// RFC 9628 section 4.2.1; pictures of its group are stepped over.
struct Vp9Structure {
  std::uint8_t spatial_layers = 1;
  bool has_resolutions = false;
  std::array<Resolution, kVp9SpatialLayersMax> resolutions{};
  std::uint8_t group_pictures = 0;
};

/// RFC 9628 section 4.2.
struct Vp9Descriptor {
  bool inter_predicted = false;             // P: needs earlier pictures
  bool flexible = false;                    // F
  bool starts_frame = false;                // B, of a layer frame
  bool ends_frame = false;                  // E, of a layer frame
  bool not_needed_by_upper_layers = false;  // Z
  std::optional<std::uint16_t> picture_id;
  bool picture_id_is_long = false;  // 15 bits rather than 7
  bool has_layers = false;          // L; the four below are 0 without
  std::uint8_t temporal = 0;
  bool switching_up = false;  // U
  std::uint8_t spatial = 0;
  bool inter_layer = false;  // D: needs the lower spatial layer of the same picture
  std::optional<std::uint8_t> tl0_picture_index;
  std::array<std::uint8_t, kVp9ReferencesMax> references{};  // flexible mode: how many pictures back
  std::uint8_t reference_count = 0;
  std::optional<Vp9Structure> structure;
  std::uint8_t fixed_size = 0;  // bytes up to and with TL0PICIDX, what a rewrite replaces
  std::uint16_t size = 0;       // bytes of all

  /// The packet begins the lowest layer of a keyframe.
  [[nodiscard]] bool is_keyframe() const { return !inter_predicted && starts_frame && spatial == 0; }
  /// Of the packet's own spatial layer, when the structure is there and says.
  [[nodiscard]] std::optional<Resolution> resolution() const;
};

/// The descriptor and at least one byte of frame behind it, or an error.
[[nodiscard]] Result<Vp9Descriptor, CodecError> parse_vp9_descriptor(Bytes payload);

/// Numbers for the receiver. Those that the source does not have are not added.
struct Vp9Rewrite {
  std::uint16_t picture_id = 0;  // 15 bits; a short one of the source becomes long
  std::uint8_t tl0_picture_index = 0;
};
/// `payload` is the one the descriptor was read from.
[[nodiscard]] DescriptorPrefix rewrite(const Vp9Descriptor& descriptor, Bytes payload, const Vp9Rewrite& numbers);

}  // namespace zvonok::media
