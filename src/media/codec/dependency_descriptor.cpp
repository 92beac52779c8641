// The syntax of section A.8.2, function by function in its order.
#include "media/codec/dependency_descriptor.h"

#include <algorithm>

#include "base/check.h"
#include "base/sequence.h"
#include "media/codec/bit_io.h"

namespace zvonok::media {
namespace {

constexpr std::size_t kMandatoryBytes = 3;
/// A structure this little behind the held one came late; further behind, the sender began anew.
constexpr int kReorderedFramesMax = 512;

constexpr unsigned kNextTemporal = 1;
constexpr unsigned kNextSpatial = 2;
constexpr unsigned kNoMoreLayers = 3;

struct Flags {
  bool structure = false;
  bool mask = false;
  bool dtis = false;
  bool frame_diffs = false;
  bool chains = false;
};

bool read_layers(BitReader& reader, DependencyStructure& structure) {
  std::uint8_t spatial = 0;
  std::uint8_t temporal = 0;
  unsigned next = 0;
  do {
    if (structure.template_count == kDependencyTemplatesMax) return false;
    DependencyTemplate& one = structure.templates[structure.template_count++];
    one.spatial = spatial;
    one.temporal = temporal;
    next = reader.bits(2);
    if (next == kNextTemporal) {
      if (++temporal == kDependencyTemporalLayersMax) return false;
    } else if (next == kNextSpatial) {
      temporal = 0;
      if (++spatial == kDependencySpatialLayersMax) return false;
    }
  } while (next != kNoMoreLayers && reader.ok());
  return true;
}

void read_dtis(BitReader& reader, std::size_t targets, std::array<Dti, kDecodeTargetsMax>& dtis) {
  for (std::size_t target = 0; target < targets; ++target) dtis[target] = Dti(reader.bits(2));
}

bool read_template_frame_diffs(BitReader& reader, DependencyTemplate& one) {
  while (reader.flag()) {
    if (one.frame_diff_count == kFrameDiffsMax) return false;
    one.frame_diffs[one.frame_diff_count++] = static_cast<std::uint16_t>(reader.bits(4) + 1);
  }
  return true;
}

bool read_frame_diffs(BitReader& reader, DependencyDescriptor& descriptor) {
  descriptor.frame_diff_count = 0;
  while (const unsigned nibbles = reader.bits(2)) {
    if (descriptor.frame_diff_count == kFrameDiffsMax) return false;
    descriptor.frame_diffs[descriptor.frame_diff_count++] = static_cast<std::uint16_t>(reader.bits(4 * nibbles) + 1);
  }
  return true;
}

void read_chains(BitReader& reader, DependencyStructure& structure) {
  structure.chain_count = static_cast<std::uint8_t>(reader.non_symmetric(structure.decode_target_count + 1U));
  if (structure.chain_count == 0) return;
  for (std::size_t target = 0; target < structure.decode_target_count; ++target) {
    structure.protected_by[target] = static_cast<std::uint8_t>(reader.non_symmetric(structure.chain_count));
  }
  for (std::size_t index = 0; index < structure.template_count; ++index) {
    for (std::size_t chain = 0; chain < structure.chain_count; ++chain) {
      structure.templates[index].chain_diffs[chain] = static_cast<std::uint8_t>(reader.bits(4));
    }
  }
}

void find_decode_target_layers(DependencyStructure& structure) {
  for (std::size_t target = 0; target < structure.decode_target_count; ++target) {
    DependencyStructure::Layer& layer = structure.decode_target_layers[target];
    for (std::size_t index = 0; index < structure.template_count; ++index) {
      const DependencyTemplate& one = structure.templates[index];
      if (one.dtis[target] == Dti::NotPresent) continue;
      layer.spatial = std::max(layer.spatial, one.spatial);
      layer.temporal = std::max(layer.temporal, one.temporal);
    }
  }
}

/// False: a structure with more of something than there can be.
bool read_structure(BitReader& reader, DependencyStructure& structure) {
  structure.template_id_offset = static_cast<std::uint8_t>(reader.bits(6));
  structure.decode_target_count = static_cast<std::uint8_t>(reader.bits(5) + 1);
  if (!read_layers(reader, structure)) return false;
  for (std::size_t index = 0; index < structure.template_count; ++index) {
    read_dtis(reader, structure.decode_target_count, structure.templates[index].dtis);
  }
  for (std::size_t index = 0; index < structure.template_count; ++index) {
    if (!read_template_frame_diffs(reader, structure.templates[index])) return false;
  }
  read_chains(reader, structure);
  find_decode_target_layers(structure);
  if (!reader.flag()) return true;
  structure.resolution_count =
      static_cast<std::uint8_t>(structure.templates[structure.template_count - 1U].spatial + 1);
  for (std::size_t layer = 0; layer < structure.resolution_count; ++layer) {
    structure.resolutions[layer].width = reader.bits(16) + 1;
    structure.resolutions[layer].height = reader.bits(16) + 1;
  }
  return true;
}

void find_switch(const DependencyStructure& structure, DependencyDescriptor& descriptor) {
  const DependencyStructure::Layer own{.spatial = descriptor.spatial, .temporal = descriptor.temporal};
  for (std::size_t target = 0; target < structure.decode_target_count; ++target) {
    if (structure.decode_target_layers[target] == own && descriptor.dtis[target] == Dti::Switch) {
      descriptor.switches_to_own_layer = true;
    }
  }
}

/// frame_dependency_definition().
Result<void, CodecError> define_frame(BitReader& reader, const DependencyStructure& structure, const Flags& flags,
                                      DependencyDescriptor& descriptor) {
  const unsigned index = (descriptor.template_id + 64U - structure.template_id_offset) % 64;
  if (index >= structure.template_count) return fail(CodecError::MissingStructure);
  const DependencyTemplate& base = structure.templates[index];
  descriptor.spatial = base.spatial;
  descriptor.temporal = base.temporal;
  descriptor.decode_target_count = structure.decode_target_count;
  descriptor.chain_count = structure.chain_count;
  descriptor.dtis = base.dtis;
  descriptor.frame_diffs = base.frame_diffs;
  descriptor.frame_diff_count = base.frame_diff_count;
  descriptor.chain_diffs = base.chain_diffs;
  if (flags.dtis) read_dtis(reader, structure.decode_target_count, descriptor.dtis);
  if (flags.frame_diffs && !read_frame_diffs(reader, descriptor)) return fail(CodecError::Malformed);
  if (flags.chains) {
    for (std::size_t chain = 0; chain < structure.chain_count; ++chain) {
      descriptor.chain_diffs[chain] = static_cast<std::uint8_t>(reader.bits(8));
    }
  }
  if (structure.resolution_count > 0) descriptor.resolution = structure.resolutions[descriptor.spatial];
  find_switch(structure, descriptor);
  return {};
}

std::uint32_t all_targets(const DependencyStructure& structure) {
  return static_cast<std::uint32_t>((std::uint64_t{1} << structure.decode_target_count) - 1);
}

Flags read_mandatory(BitReader& reader, Bytes extension, DependencyDescriptor& descriptor) {
  descriptor.starts_frame = reader.flag();
  descriptor.ends_frame = reader.flag();
  descriptor.template_id = static_cast<std::uint8_t>(reader.bits(6));
  descriptor.frame_number = static_cast<std::uint16_t>(reader.bits(16));
  Flags flags;
  if (extension.size() <= kMandatoryBytes) return flags;
  flags.structure = reader.flag();
  flags.mask = reader.flag();
  flags.dtis = reader.flag();
  flags.frame_diffs = reader.flag();
  flags.chains = reader.flag();
  return flags;
}

}  // namespace

bool DependencyDescriptor::is_discardable() const {
  return std::ranges::all_of(dtis.begin(), dtis.begin() + decode_target_count,
                             [](Dti dti) { return dti == Dti::NotPresent || dti == Dti::Discardable; });
}

Result<DependencyDescriptor, CodecError> DependencyReader::read(Bytes extension) {
  if (extension.empty()) return fail(CodecError::Empty);
  BitReader reader{extension};
  DependencyDescriptor descriptor;
  const Flags flags = read_mandatory(reader, extension, descriptor);
  std::optional<DependencyStructure> fresh;
  if (flags.structure) {
    if (!read_structure(reader, fresh.emplace())) return fail(CodecError::Malformed);
    descriptor.brings_structure = true;
  }
  if (!reader.ok()) return fail(CodecError::Truncated);
  const DependencyStructure* structure = fresh ? &*fresh : this->structure();
  if (structure == nullptr) return fail(CodecError::MissingStructure);

  descriptor.mask_position = static_cast<std::uint16_t>(reader.position());
  descriptor.has_mask = flags.mask;
  if (flags.mask) descriptor.active_decode_targets = reader.bits(structure->decode_target_count);
  if (!flags.mask && fresh) descriptor.active_decode_targets = all_targets(*structure);
  if (const auto defined = define_frame(reader, *structure, flags, descriptor); !defined) {
    if (!reader.ok()) return fail(CodecError::Truncated);
    return fail(fresh ? CodecError::Malformed : defined.error());  // a structure without the template it came with
  }
  if (!reader.ok()) return fail(CodecError::Truncated);
  descriptor.end_position = static_cast<std::uint16_t>(reader.position());

  const int ahead = sequence_distance(structure_frame_, descriptor.frame_number);
  if (fresh && structure_ && ahead < 0 && ahead > -kReorderedFramesMax) return descriptor;
  if (descriptor.active_decode_targets) active_ = *descriptor.active_decode_targets;
  if (fresh) {
    structure_ = fresh;
    structure_frame_ = descriptor.frame_number;
  }
  return descriptor;
}

std::optional<std::size_t> rewrite_active_decode_targets(Bytes extension, const DependencyDescriptor& descriptor,
                                                         std::uint32_t mask, MutableBytes out) {
  ZVONOK_CHECK(descriptor.end_position <= extension.size() * 8 && descriptor.decode_target_count > 0);
  constexpr unsigned kMandatoryBits = 8 * kMandatoryBytes;
  constexpr unsigned kFlagBits = 5;
  constexpr std::uint32_t kMaskFlag = 0x08;
  BitReader reader{extension};
  BitWriter writer{out};
  writer.copy(reader, kMandatoryBits);
  if (extension.size() <= kMandatoryBytes) {
    writer.bits(kMaskFlag, kFlagBits);
  } else {
    writer.bits(reader.bits(kFlagBits) | kMaskFlag, kFlagBits);
    writer.copy(reader, descriptor.mask_position - reader.position());
    if (descriptor.has_mask) reader.bits(descriptor.decode_target_count);
  }
  writer.bits(mask, descriptor.decode_target_count);
  writer.copy(reader, descriptor.end_position - reader.position());
  if (!writer.ok()) return std::nullopt;
  return writer.size_bytes();
}

}  // namespace zvonok::media
