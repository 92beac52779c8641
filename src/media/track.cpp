#include "media/track.h"

#include <algorithm>
#include <tuple>

namespace zvonok::media {
namespace {

// A layer without packets for so long, while another one has some, is not sent any more.
constexpr Duration kLayerGone = milliseconds{700};
constexpr Duration kSurveyInterval = milliseconds{100};

std::uint16_t guessed_height(std::size_t place) {
  return static_cast<std::uint16_t>(180U << std::min<std::size_t>(place, 4));
}

}  // namespace

void Track::survey(TimePoint now) {
  if (surveyed && now - *surveyed < kSurveyInterval) return;
  surveyed = now;
  available.clear();
  if (parameters.kind != Kind::Video) return;

  ladder.resize(layers.size());
  for (std::size_t i = 0; i < ladder.size(); ++i) ladder[i] = static_cast<std::uint8_t>(i);
  // By height where it is known, by cost among the others; what never came is last.
  const auto rank = [&](std::uint8_t i) {
    Layer& layer = layers[i];
    const std::int64_t cost = layer.meter.bits_per_second(now, LayerMeter::kSpatial - 1, LayerMeter::kTemporal - 1);
    const int height = layer.heights[0] != 0 ? layer.heights[0] : 0x10000;
    return std::tuple{layer.stream == nullptr, height, layer.heights[0] != 0 ? 0 : cost};
  };
  std::ranges::stable_sort(ladder, [&](std::uint8_t a, std::uint8_t b) { return rank(a) < rank(b); });

  std::optional<TimePoint> newest;
  for (const Layer& layer : layers) {
    if (layer.stream != nullptr) newest = std::max(newest, layer.stream->last_packet_at());
  }
  if (!newest) return;
  for (std::size_t place = 0; place < ladder.size(); ++place) {
    Layer& layer = layers[ladder[place]];
    if (layer.stream == nullptr) continue;
    for (std::uint8_t s = 0; s < LayerMeter::kSpatial; ++s) {
      for (std::uint8_t t = 0; t < LayerMeter::kTemporal; ++t) {
        const auto last = layer.meter.last(s, t);
        if (!last || *newest - *last > kLayerGone) continue;
        const std::size_t at = is_simulcast() ? place : s;
        const std::uint16_t height = layer.heights[s] != 0 ? layer.heights[s] : guessed_height(at);
        // At least something: a still picture costs next to nothing, and is there.
        const std::int64_t bits = std::max<std::int64_t>(1000, layer.meter.bits_per_second(now, s, t));
        available.push_back(
            {.id = {.spatial = static_cast<std::uint8_t>(at), .temporal = t}, .bitrate_bps = bits, .height = height});
      }
      if (is_simulcast()) break;  // of simulcast, spatial layers inside of a stream are not told apart
    }
  }
}

std::size_t Track::place_for(std::uint16_t height) const {
  for (std::size_t place = 0; place < ladder.size(); ++place) {
    const std::uint16_t own = layers[ladder[place]].heights[0];
    if ((own != 0 ? own : guessed_height(place)) >= height) return place;
  }
  return ladder.empty() ? 0 : ladder.size() - 1;
}

}  // namespace zvonok::media
