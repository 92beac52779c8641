#include "media/phone/mixer.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace zvonok::media::phone {
namespace {

// Up to here the sum is heard as it is; what is above comes nearer and nearer to the most, and never reaches it.
constexpr double kStraight = 24'000;
constexpr double kMost = 32'000;

std::int16_t bent(std::int32_t sum) {
  const double size = std::abs(static_cast<double>(sum));
  if (size <= kStraight) return static_cast<std::int16_t>(sum);
  const double over = (size - kStraight) / (kMost - kStraight);
  const double bent_size = kStraight + (kMost - kStraight) * std::tanh(over);
  return static_cast<std::int16_t>(std::lround(sum < 0 ? -bent_size : bent_size));
}

}  // namespace

void Mixer::on_packet(TimePoint now, TrackId voice, const MediaPacket& packet) {
  auto found = voices_.find(voice);
  if (found == voices_.end()) {
    if (voices_.size() >= kVoicesMax) {
      ++refused_;
      return;
    }
    found = voices_.try_emplace(voice).first;
  }
  found->second.on_packet(now, packet);
}

void Mixer::restart(TrackId voice) {
  const auto found = voices_.find(voice);
  if (found != voices_.end()) found->second.restart();
}

bool Mixer::pull(TimePoint now, std::span<std::int16_t, kFrameSamples> out) {
  std::array<std::int32_t, kFrameSamples> sum{};
  std::array<std::int16_t, kFrameSamples> one;
  bool speaks = false;
  for (auto& [voice, buffer] : voices_) {
    if (!buffer.pull(now, one)) continue;
    speaks = true;
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += one[i];
  }
  std::ranges::transform(sum, out.begin(), bent);
  return speaks;
}

}  // namespace zvonok::media::phone
