// VP8 payloads: reading stays inside, and a rewritten descriptor says what was asked and else what it said before.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "base/check.h"
#include "media/codec/vp8.h"

using namespace zvonok;
using namespace zvonok::media;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::unique_ptr<std::uint8_t[]> copy{new std::uint8_t[size]};
  if (size > 0) std::memcpy(copy.get(), data, size);
  const Bytes payload{copy.get(), size};
  const auto before = parse_vp8_descriptor(payload);
  const auto info = inspect(Codec::Vp8, {.payload = payload, .marker = true, .dependency_descriptor = {}});
  ZVONOK_CHECK(before.has_value() == info.has_value());
  if (!before) return 0;
  ZVONOK_CHECK(before->size >= 1 && before->size <= 6 && before->size < size);
  ZVONOK_CHECK(!info->keyframe || info->starts_frame);
  ZVONOK_CHECK(!info->resolution || info->keyframe);

  const Vp8Rewrite numbers{.picture_id = static_cast<std::uint16_t>(size * 257 & 0x7FFF),
                           .tl0_picture_index = static_cast<std::uint8_t>(size * 3),
                           .key_index = static_cast<std::uint8_t>(size & 31)};
  const auto prefix = rewrite(*before, payload, numbers);
  std::vector<std::uint8_t> written(prefix.view().begin(), prefix.view().end());
  written.insert(written.end(), payload.begin() + prefix.replaces, payload.end());
  const auto after = parse_vp8_descriptor(written);
  ZVONOK_CHECK(after && after->size == prefix.size && prefix.replaces == before->size);
  ZVONOK_CHECK(after->picture_id.has_value() == before->picture_id.has_value());
  ZVONOK_CHECK(!after->picture_id || (*after->picture_id == numbers.picture_id && after->picture_id_is_long));
  ZVONOK_CHECK(after->tl0_picture_index.has_value() == before->tl0_picture_index.has_value());
  ZVONOK_CHECK(!after->tl0_picture_index || *after->tl0_picture_index == numbers.tl0_picture_index);
  ZVONOK_CHECK(after->key_index.has_value() == before->key_index.has_value());
  ZVONOK_CHECK(!after->key_index || *after->key_index == numbers.key_index);
  ZVONOK_CHECK(after->temporal == before->temporal && after->layer_sync == before->layer_sync);
  ZVONOK_CHECK(after->partition == before->partition && after->non_reference == before->non_reference);
  const auto same = inspect(Codec::Vp8, {.payload = written, .marker = true, .dependency_descriptor = {}});
  ZVONOK_CHECK(same && same->keyframe == info->keyframe && same->resolution == info->resolution);
  return 0;
}
