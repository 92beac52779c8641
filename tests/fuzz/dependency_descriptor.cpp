// A stream of dependency descriptors: reading stays inside and within its bounds, refused ones change nothing, and one
// with another bitmask says else what it said before. Input: pieces, each behind a byte with its size.
#include "media/codec/dependency_descriptor.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/check.h"
#include "fuzz/input.h"

using namespace zvonok;
using namespace zvonok::media;

namespace {

bool same(const DependencyDescriptor& a, const DependencyDescriptor& b) {
  return a.starts_frame == b.starts_frame && a.ends_frame == b.ends_frame && a.brings_structure == b.brings_structure &&
         a.switches_to_own_layer == b.switches_to_own_layer && a.template_id == b.template_id &&
         a.frame_number == b.frame_number && a.spatial == b.spatial && a.temporal == b.temporal &&
         a.decode_target_count == b.decode_target_count && a.chain_count == b.chain_count &&
         a.frame_diff_count == b.frame_diff_count && a.frame_diffs == b.frame_diffs && a.dtis == b.dtis &&
         a.chain_diffs == b.chain_diffs && a.resolution == b.resolution;
}

void check_bounds(const DependencyReader& reader, const DependencyDescriptor& descriptor, Bytes bytes) {
  ZVONOK_CHECK(descriptor.decode_target_count >= 1 && descriptor.decode_target_count <= kDecodeTargetsMax);
  ZVONOK_CHECK(descriptor.chain_count <= descriptor.decode_target_count);
  ZVONOK_CHECK(descriptor.frame_diff_count <= kFrameDiffsMax);
  ZVONOK_CHECK(descriptor.spatial < kDependencySpatialLayersMax);
  ZVONOK_CHECK(descriptor.temporal < kDependencyTemporalLayersMax);
  ZVONOK_CHECK(descriptor.mask_position <= descriptor.end_position && descriptor.end_position <= bytes.size() * 8);
  const DependencyStructure* structure = reader.structure();
  ZVONOK_CHECK(structure != nullptr && structure->template_count >= 1);
  ZVONOK_CHECK(structure->template_count <= kDependencyTemplatesMax);
  for (std::size_t target = 0; target < structure->decode_target_count && structure->chain_count > 0; ++target) {
    ZVONOK_CHECK(structure->protected_by[target] < structure->chain_count);
  }
}

void check(DependencyReader& reader, Bytes bytes) {
  const std::uint32_t active = reader.active_decode_targets();
  const DependencyReader before = reader;
  const auto descriptor = reader.read(bytes);
  if (!descriptor) {
    ZVONOK_CHECK(reader.active_decode_targets() == active);
    ZVONOK_CHECK((reader.structure() != nullptr) == (before.structure() != nullptr));
    return;
  }
  check_bounds(reader, *descriptor, bytes);
  std::array<std::uint8_t, 300> out{};
  const std::uint32_t mask = 0x5A5A'5A5AU >> (kDecodeTargetsMax - descriptor->decode_target_count);
  const auto size = rewrite_active_decode_targets(bytes, *descriptor, mask, out);
  ZVONOK_CHECK(size && *size <= bytes.size() + 5);
  DependencyReader other = before;
  const auto again = other.read(Bytes{out}.first(*size));
  ZVONOK_CHECK(again && same(*again, *descriptor) && again->active_decode_targets == mask);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input{data, size};
  DependencyReader reader;
  while (!input.rest().empty()) {
    const std::size_t length = std::min<std::size_t>(input.byte(), input.rest().size());
    const std::unique_ptr<std::uint8_t[]> copy{new std::uint8_t[length]};
    for (std::size_t i = 0; i < length; ++i) copy[i] = input.byte();
    check(reader, {copy.get(), length});
  }
  return 0;
}
