// VP9 payloads: reading stays inside, and a rewritten descriptor says what was asked and else what it said before.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "base/check.h"
#include "media/codec/vp9.h"

using namespace zvonok;
using namespace zvonok::media;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::unique_ptr<std::uint8_t[]> copy{new std::uint8_t[size]};
  if (size > 0) std::memcpy(copy.get(), data, size);
  const Bytes payload{copy.get(), size};
  const auto before = parse_vp9_descriptor(payload);
  const auto info = inspect(Codec::Vp9, {.payload = payload, .marker = true, .dependency_descriptor = {}});
  ZVONOK_CHECK(before.has_value() == info.has_value());
  if (!before) return 0;
  ZVONOK_CHECK(before->fixed_size <= before->size && before->size < size);
  ZVONOK_CHECK(before->reference_count <= kVp9ReferencesMax && before->spatial < kVp9SpatialLayersMax);
  ZVONOK_CHECK(!info->keyframe || (info->starts_frame && info->spatial == 0));

  const Vp9Rewrite numbers{.picture_id = static_cast<std::uint16_t>(size * 257 & 0x7FFF),
                           .tl0_picture_index = static_cast<std::uint8_t>(size * 3)};
  const auto prefix = rewrite(*before, payload, numbers);
  std::vector<std::uint8_t> written(prefix.view().begin(), prefix.view().end());
  written.insert(written.end(), payload.begin() + prefix.replaces, payload.end());
  const auto after = parse_vp9_descriptor(written);
  ZVONOK_CHECK(after && after->fixed_size == prefix.size);
  ZVONOK_CHECK(after->size - after->fixed_size == before->size - before->fixed_size);
  ZVONOK_CHECK(after->picture_id.has_value() == before->picture_id.has_value());
  ZVONOK_CHECK(!after->picture_id || (*after->picture_id == numbers.picture_id && after->picture_id_is_long));
  ZVONOK_CHECK(after->tl0_picture_index.has_value() == before->tl0_picture_index.has_value());
  ZVONOK_CHECK(!after->tl0_picture_index || *after->tl0_picture_index == numbers.tl0_picture_index);
  ZVONOK_CHECK(after->temporal == before->temporal && after->spatial == before->spatial);
  ZVONOK_CHECK(after->switching_up == before->switching_up && after->inter_layer == before->inter_layer);
  ZVONOK_CHECK(after->references == before->references && after->reference_count == before->reference_count);
  ZVONOK_CHECK(after->resolution() == before->resolution() && after->is_keyframe() == before->is_keyframe());
  return 0;
}
