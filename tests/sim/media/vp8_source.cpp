#include "sim/media/vp8_source.h"

#include <algorithm>
#include <utility>

namespace zvonok::sim {
namespace {

constexpr std::array<std::uint8_t, 8> kTemporal{0, 2, 1, 2, 0, 2, 1, 2};
constexpr std::size_t kPayloadMax = 1050;

}  // namespace

Vp8Source::Vp8Source(const Options& options, std::uint64_t seed)
    : options_{options},
      random_{seed},
      number_{options.first_number},
      picture_id_{static_cast<std::uint16_t>(random_.next() & 0x7FFF)},
      tl0_{static_cast<std::uint8_t>(random_.next() & 0xFF)} {}

/// In the first half of a cycle the upper layers refer to the base alone, in the second to all below and themselves.
void Vp8Source::refer(Stamp& stamp, bool& sync) const {
  const auto add = [&](std::uint8_t layer) { stamp.references[stamp.reference_count++] = last_[layer]; };
  sync = stamp.temporal > 0 && cycle_ < 3;
  add(0);
  if (stamp.temporal == 0 || sync) return;
  for (std::uint8_t layer = 1; layer <= stamp.temporal; ++layer) add(layer);
}

VideoFrame Vp8Source::make(TimePoint now) {
  const bool keyframe = std::exchange(keyframe_wanted_, false);
  if (keyframe) cycle_ = 0;
  Stamp stamp{.room = options_.room,
              .track = options_.track,
              .number = ++number_,
              .layer = options_.layer,
              .keyframe = keyframe,
              .temporal = kTemporal[cycle_],
              .sent = now};
  bool sync = false;
  if (!keyframe) refer(stamp, sync);
  picture_id_ = static_cast<std::uint16_t>((picture_id_ + 1) & 0x7FFF);
  if (stamp.temporal == 0) ++tl0_;
  if (keyframe) {
    last_.fill(stamp.number);
    ++keyframes_;
  }
  last_[stamp.temporal] = stamp.number;
  cycle_ = (cycle_ + 1) % 8;

  const double mean = static_cast<double>(options_.bitrate_bps) / 8 / 30;
  const double share = keyframe ? 4 : stamp.temporal == 0 ? 1.6 : 0.8;
  const double noise = 0.9 + 0.2 * static_cast<double>(random_.below(1000)) / 1000;
  auto left = std::max<std::size_t>(static_cast<std::size_t>(mean * share * noise), 80);
  VideoFrame frame{.keyframe = keyframe, .number = stamp.number, .packets = {}};
  while (left > 0) {
    const std::size_t size = std::clamp<std::size_t>(left, 6 + kVp8HeaderBytes + Stamp::kBytes, kPayloadMax);
    left -= std::min(left, size);
    std::vector<std::uint8_t> payload(size, static_cast<std::uint8_t>(stamp.packet));
    const bool first = frame.packets.empty();
    payload[0] = static_cast<std::uint8_t>(0x80 | (first ? 0x10 : 0) | (stamp.temporal == 2 ? 0x20 : 0));
    payload[1] = 0xE0;  // picture id, TL0PICIDX, TID
    payload[2] = static_cast<std::uint8_t>(0x80 | picture_id_ >> 8);
    payload[3] = static_cast<std::uint8_t>(picture_id_);
    payload[4] = tl0_;
    payload[5] = static_cast<std::uint8_t>(stamp.temporal << 6 | (sync ? 0x20 : 0));
    if (first) {
      const auto width = static_cast<std::uint16_t>(options_.height * 16 / 9);
      const std::array<std::uint8_t, kVp8HeaderBytes> header{static_cast<std::uint8_t>(keyframe ? 0x10 : 0x11),
                                                             0,
                                                             0,
                                                             0x9D,
                                                             0x01,
                                                             0x2A,
                                                             static_cast<std::uint8_t>(width),
                                                             static_cast<std::uint8_t>(width >> 8),
                                                             static_cast<std::uint8_t>(options_.height),
                                                             static_cast<std::uint8_t>(options_.height >> 8)};
      std::ranges::copy(header, payload.begin() + 6);
    }
    stamp.write(MutableBytes{payload}.subspan(6 + kVp8HeaderBytes));
    frame.packets.push_back(std::move(payload));
    ++stamp.packet;
  }
  return frame;
}

}  // namespace zvonok::sim
