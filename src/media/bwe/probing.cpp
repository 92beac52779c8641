// See probing.h.
#include "media/bwe/probing.h"

#include <algorithm>

namespace zvonok::media::bwe {

namespace {

constexpr std::int64_t kFactor = 2;
/// A burst of this length at the probed rate: long enough to measure, short enough to be no queue.
constexpr double kBurstSeconds = 0.02;
constexpr double kBurstSecondsMax = 0.12;
constexpr std::uint32_t kPackets = 5;
constexpr std::uint32_t kPacketBytesMin = 100;
constexpr std::uint32_t kPacketBytesMax = 1200;
/// Both for the application-limited state and for a standstill (nothing distinguishes them but who is to blame).
constexpr Duration kPeriod = seconds{5};
/// In the first seconds, until something went wrong: a lost probe must not cost the start.
constexpr Duration kStartPeriod = seconds{1};
constexpr Duration kStartPhase = seconds{10};
constexpr Duration kAfterDrop = seconds{2};
constexpr Duration kAfterTrouble = seconds{1};
constexpr Duration kResultTimeout = seconds{1};
/// A result of this share of the plan means: there may be more.
constexpr double kGoOn = 0.7;
/// Share of a cluster that has to arrive.
constexpr double kEnough = 0.8;
/// Arriving at less than this share of the sent rate, the burst filled a queue: the arrival rate is the capacity.
constexpr double kSaturated = 0.9;
constexpr double kUtilisation = 0.95;
/// Arriving faster than it was sent by more than this, the burst was squeezed together on the way and measures nothing.
constexpr double kSqueezed = 2.0;

double in_seconds(Duration duration) {
  return static_cast<double>(duration.count()) / 1e9;
}

}  // namespace

void ProbeMeter::begin(TimePoint now, const ProbePlan& plan) {
  *this = ProbeMeter{};
  plan_ = plan;
  began_ = now;
}

void ProbeMeter::handle_timeout(TimePoint now, Duration rtt) {
  if (plan_ && now - began_ > kResultTimeout + rtt) plan_.reset();
}

void ProbeMeter::on_result(const PacketResult& result) {
  if (!plan_ || result.packet.cluster != plan_->cluster || result.fate == Fate::Lost) return;
  if (packets_ == 0 || result.sent < first_sent_) first_sent_ = result.sent;
  if (packets_ == 0 || result.sent >= last_sent_) {
    last_sent_ = result.sent;
    last_bytes_ = result.packet.bytes;
  }
  if (packets_ == 0 || result.arrived < first_arrived_) {
    first_arrived_ = result.arrived;
    first_bytes_ = result.packet.bytes;
  }
  if (packets_ == 0 || result.arrived > last_arrived_) last_arrived_ = result.arrived;
  bytes_ += result.packet.bytes;
  ++packets_;
}

std::optional<std::int64_t> ProbeMeter::take_result() {
  if (!plan_ || packets_ < 2) return std::nullopt;
  if (static_cast<double>(packets_) < kEnough * static_cast<double>(plan_->packets_min) ||
      static_cast<double>(bytes_) < kEnough * static_cast<double>(plan_->bytes_min)) {
    return std::nullopt;
  }
  plan_.reset();
  const Duration sending = last_sent_ - first_sent_;
  const Duration arriving = last_arrived_ - first_arrived_;
  if (sending <= Duration::zero() || arriving <= Duration::zero()) return std::nullopt;
  // n packets mark n-1 gaps: the last one's bytes left after the measured time, the first one's arrived before it.
  const double sent_bps = static_cast<double>(bytes_ - last_bytes_) * 8 / in_seconds(sending);
  const double arrived_bps = static_cast<double>(bytes_ - first_bytes_) * 8 / in_seconds(arriving);
  if (arrived_bps > kSqueezed * sent_bps) return std::nullopt;
  if (arrived_bps < kSaturated * sent_bps) return static_cast<std::int64_t>(kUtilisation * arrived_bps);
  return static_cast<std::int64_t>(std::min(sent_bps, arrived_bps));
}

void ProbePlanner::on_result(TimePoint now, std::int64_t planned_bps, std::int64_t shown_bps) {
  if (static_cast<double>(shown_bps) >= kGoOn * static_cast<double>(planned_bps)) next_at_ = now;
}

void ProbePlanner::on_large_drop(TimePoint now) {
  if (!next_at_ || *next_at_ > now + kAfterDrop) next_at_ = now + kAfterDrop;
}

std::optional<ProbePlan> ProbePlanner::poll(TimePoint now, const State& state) {
  if (!next_at_) next_at_ = now;
  if (!began_) began_ = now;
  if (state.is_troubled) {
    had_trouble_ = true;
    next_at_ = std::max(*next_at_, now + kAfterTrouble);
    return std::nullopt;
  }
  if (now < *next_at_ || state.is_probing) return std::nullopt;
  return plan(now, state);
}

std::optional<ProbePlan> ProbePlanner::plan(TimePoint now, const State& state) {
  const std::int64_t ceiling = std::min(options_.max_bps, state.wanted_bps + state.wanted_bps / 2);
  if (state.target_bps >= std::min(options_.max_bps, state.wanted_bps)) return std::nullopt;
  next_at_ = now + (!had_trouble_ && now - began_.value_or(now) < kStartPhase ? kStartPeriod : kPeriod);
  const std::int64_t rate = std::max(options_.min_bps, std::min(kFactor * state.target_bps, ceiling));
  const double varies = 2 * in_seconds(state.deviation) + 3 * in_seconds(state.jitter);
  const double length = std::min(kBurstSecondsMax, kBurstSeconds + varies);
  const double bytes = static_cast<double>(rate) * length / 8;
  ++last_cluster_;
  if (last_cluster_ == 0) last_cluster_ = 1;
  return ProbePlan{
      .cluster = ProbeCluster{last_cluster_},
      .bitrate_bps = rate,
      .bytes_min = static_cast<std::uint32_t>(bytes),
      .packets_min = kPackets,
      .packet_bytes = std::clamp(static_cast<std::uint32_t>(bytes / kPackets), kPacketBytesMin, kPacketBytesMax)};
}

}  // namespace zvonok::media::bwe
