// See jitter_meter.h.
#include "media/bwe/jitter_meter.h"

#include <algorithm>

namespace zvonok::media::bwe {

namespace {

constexpr std::uint32_t kMemory = 32;  // groups
/// In-order jitter, even over its whole width, keeps 99 % of all reports' lowest delays within this many mean
/// deviations of the lowest of all, whatever the rate.
constexpr double kExplains = 4.5;
/// Less than this is what packets make each other wait, on any path.
constexpr double kOrdinaryNs = 3e6;
constexpr double kNotableNs = 5e6;
/// No network varies by more and is still good for a call.
constexpr Duration kExplainsMost = milliseconds{100};

}  // namespace

/// Jitter goes both ways, and as much in one as in the other; a queue that grows only delays. So what came sooner is
/// counted, twice.
void JitterMeter::add(Duration gradient) {
  const double sooner = std::max(0.0, -static_cast<double>(gradient.count()));
  count_ = std::min(count_ + 1, kMemory);
  mean_ns_ += (2 * sooner - mean_ns_) / count_;
}

Duration JitterMeter::explains() const {
  const double share = std::clamp((mean_ns_ - kOrdinaryNs) / (kNotableNs - kOrdinaryNs), 0.0, 1.0);
  return std::min<Duration>(Duration{static_cast<std::int64_t>(share * kExplains * mean_ns_)}, kExplainsMost);
}

}  // namespace zvonok::media::bwe
