// See jitter_meter.h.
#include "media/bwe/jitter_meter.h"

#include <algorithm>

namespace zvonok::media::bwe {

namespace {

constexpr std::uint32_t kMemory = 32;         // groups
constexpr std::uint32_t kLargestMemory = 16;  // packets
/// In-order jitter, even over its whole width, keeps 99 % of all reports' lowest delays within this many mean
/// deviations of the lowest of all, whatever the rate.
constexpr double kExplains = 4.5;
/// No network varies by more and is still good for a call.
constexpr Duration kExplainsMost = milliseconds{100};
/// Deviations up to a packet's time (and this) count for nothing, from so many of them on for all.
constexpr double kPacketNsMin = 3e6;
constexpr double kWhole = 1.25;

}  // namespace

void JitterMeter::on_packet(std::uint32_t bytes) {
  largest_ = std::max(bytes, largest_ - largest_ / kLargestMemory);
}

/// Jitter goes both ways, and as much in one as in the other; a queue that grows only delays. So what came sooner is
/// counted, twice.
void JitterMeter::on_gradient(Duration gradient) {
  const double sooner = std::max(0.0, -static_cast<double>(gradient.count()));
  count_ = std::min(count_ + 1, kMemory);
  mean_ns_ += (2 * sooner - mean_ns_) / count_;
}

void JitterMeter::on_peak_rate(std::optional<std::int64_t> bps) {
  packet_ns_ = bps && *bps > 0 ? 8e9 * largest_ / static_cast<double>(*bps) : 0;
}

Duration JitterMeter::jitter() const {
  const double ordinary = std::max(kPacketNsMin, packet_ns_);
  const double share = std::clamp((mean_ns_ / ordinary - 1) / (kWhole - 1), 0.0, 1.0);
  return Duration{static_cast<std::int64_t>(share * mean_ns_)};
}

Duration JitterMeter::explains() const {
  const auto most = static_cast<double>(kExplainsMost.count());
  return Duration{static_cast<std::int64_t>(std::min(most, kExplains * static_cast<double>(jitter().count())))};
}

}  // namespace zvonok::media::bwe
