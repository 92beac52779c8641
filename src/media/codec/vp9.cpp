// The bits of RFC 9628 section 4.2.
#include "media/codec/vp9.h"

#include "base/byte_io.h"
#include "base/check.h"

namespace zvonok::media {
namespace {

constexpr unsigned kHasPictureId = 0x80;    // I
constexpr unsigned kInterPredicted = 0x40;  // P
constexpr unsigned kHasLayers = 0x20;       // L
constexpr unsigned kFlexible = 0x10;        // F
constexpr unsigned kStartsFrame = 0x08;     // B
constexpr unsigned kEndsFrame = 0x04;       // E
constexpr unsigned kHasStructure = 0x02;    // V
constexpr unsigned kNotForUpper = 0x01;     // Z
constexpr unsigned kLongPictureId = 0x80;   // M

Vp9Structure read_structure(ByteReader& reader) {
  Vp9Structure structure;
  const unsigned first = reader.u8();
  structure.spatial_layers = static_cast<std::uint8_t>((first >> 5) + 1);
  structure.has_resolutions = (first & 0x10) != 0;
  const bool has_group = (first & 0x08) != 0;
  if (structure.has_resolutions) {
    for (std::size_t layer = 0; layer < structure.spatial_layers; ++layer) {
      structure.resolutions[layer].width = reader.u16();
      structure.resolutions[layer].height = reader.u16();
    }
  }
  if (!has_group) return structure;
  structure.group_pictures = reader.u8();
  for (unsigned picture = 0; picture < structure.group_pictures && reader.ok(); ++picture) {
    const unsigned header = reader.u8();
    reader.skip((header >> 2) & 3U);
  }
  return structure;
}

void read_layers(ByteReader& reader, Vp9Descriptor& descriptor) {
  const unsigned layers = reader.u8();
  descriptor.has_layers = true;
  descriptor.temporal = static_cast<std::uint8_t>(layers >> 5);
  descriptor.switching_up = (layers & 0x10) != 0;
  descriptor.spatial = (layers >> 1) & 7U;
  descriptor.inter_layer = (layers & 0x01) != 0;
  if (!descriptor.flexible) descriptor.tl0_picture_index = reader.u8();
}

/// False: more references than the format allows.
bool read_references(ByteReader& reader, Vp9Descriptor& descriptor) {
  bool has_more = true;
  while (has_more && reader.ok()) {
    if (descriptor.reference_count == kVp9ReferencesMax) return false;
    const unsigned reference = reader.u8();
    descriptor.references[descriptor.reference_count++] = static_cast<std::uint8_t>(reference >> 1);
    has_more = (reference & 0x01) != 0;
  }
  return true;
}

}  // namespace

std::optional<Resolution> Vp9Descriptor::resolution() const {
  if (!structure || !structure->has_resolutions || spatial >= structure->spatial_layers) return std::nullopt;
  return structure->resolutions[spatial];
}

Result<Vp9Descriptor, CodecError> parse_vp9_descriptor(Bytes payload) {
  if (payload.empty()) return fail(CodecError::Empty);
  ByteReader reader{payload};
  Vp9Descriptor descriptor;
  const unsigned first = reader.u8();
  descriptor.inter_predicted = (first & kInterPredicted) != 0;
  descriptor.flexible = (first & kFlexible) != 0;
  descriptor.starts_frame = (first & kStartsFrame) != 0;
  descriptor.ends_frame = (first & kEndsFrame) != 0;
  descriptor.not_needed_by_upper_layers = (first & kNotForUpper) != 0;
  if ((first & kHasPictureId) != 0) {
    const std::uint8_t high = reader.u8();
    descriptor.picture_id_is_long = (high & kLongPictureId) != 0;
    descriptor.picture_id =
        static_cast<std::uint16_t>(descriptor.picture_id_is_long ? ((high & 0x7FU) << 8) | reader.u8() : high);
  }
  if ((first & kHasLayers) != 0) read_layers(reader, descriptor);
  descriptor.fixed_size = static_cast<std::uint8_t>(payload.size() - reader.left());
  if (descriptor.flexible && descriptor.inter_predicted && !read_references(reader, descriptor)) {
    return fail(CodecError::Malformed);
  }
  if ((first & kHasStructure) != 0) descriptor.structure = read_structure(reader);
  if (!reader.ok() || reader.empty()) return fail(CodecError::Truncated);
  const std::size_t size = payload.size() - reader.left();
  descriptor.size = static_cast<std::uint16_t>(size);  // at most 1093: a group of 255 pictures with 3 references
  return descriptor;
}

DescriptorPrefix rewrite(const Vp9Descriptor& descriptor, Bytes payload, const Vp9Rewrite& numbers) {
  ZVONOK_CHECK(descriptor.fixed_size < payload.size());
  DescriptorPrefix prefix;
  prefix.replaces = descriptor.fixed_size;
  prefix.append(payload[0]);
  if (descriptor.picture_id) prefix.append_picture_id(numbers.picture_id);
  if (descriptor.has_layers) {
    prefix.append(payload[descriptor.fixed_size - (descriptor.tl0_picture_index ? 2U : 1U)]);
    if (descriptor.tl0_picture_index) prefix.append_tl0(numbers.tl0_picture_index);
  }
  return prefix;
}

}  // namespace zvonok::media
