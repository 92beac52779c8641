// H.264 payloads: reading stays inside, and what is said of a packet hangs together.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

#include "base/check.h"
#include "media/codec/h264.h"

using namespace zvonok;
using namespace zvonok::media;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::unique_ptr<std::uint8_t[]> copy{new std::uint8_t[size]};
  if (size > 0) std::memcpy(copy.get(), data, size);
  const Bytes payload{copy.get(), size};
  const auto seen = parse_h264_payload(payload);
  const auto info = inspect(Codec::H264, {.payload = payload, .marker = true, .dependency_descriptor = {}});
  ZVONOK_CHECK(seen.has_value() == info.has_value());
  // Parameter sets also come outside of packets, in SDP.
  const auto alone = parse_h264_sps(payload);
  for (const auto& resolution : {alone, seen ? seen->resolution : std::nullopt}) {
    if (!resolution) continue;
    ZVONOK_CHECK(resolution->width >= 1 && resolution->width <= 16 * 4096);
    ZVONOK_CHECK(resolution->height >= 1 && resolution->height <= 32 * 4096);
  }
  if (!seen) return 0;
  ZVONOK_CHECK(info->keyframe == (seen->has_sps || seen->starts_idr));
  ZVONOK_CHECK(!seen->resolution || seen->has_sps);
  ZVONOK_CHECK(!seen->has_sps || seen->starts_frame);
  return 0;
}
