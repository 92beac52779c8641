// See gcc_controller.h.
#include "media/bwe/gcc_controller.h"

#include <algorithm>
#include <cmath>

namespace zvonok::media::bwe {

namespace {

/// Loss of the first packets says more about the join than about the path.
constexpr Duration kStartPhase = seconds{2};
constexpr double kAlrEnter = 0.65;
constexpr double kAlrLeave = 0.80;
constexpr double kLargeDrop = 0.66;
/// Without feedback for this long, the target falls by kSilenceDecay per half second.
constexpr Duration kSilence = seconds{1};
constexpr double kSilenceDecay = 0.7;
constexpr double kSilenceLowest = 0.1;
constexpr double kAfterSilence = 0.5;
constexpr Duration kRttMax = seconds{5};
/// Wait after a decrease before probing.
constexpr Duration kAfterDecrease = seconds{1};

}  // namespace

GccController::GccController(const ControllerOptions& options)
    : options_{options}, delay_{options}, loss_{options}, planner_{options} {}

void GccController::on_packet_sent(TimePoint now, const SentPacket& packet) {
  if (!first_sent_) first_sent_ = now;
  if (!waiting_since_) waiting_since_ = now;
  const bool is_media = packet.kind != PacketKind::Padding && packet.cluster == ProbeCluster::None;
  sent_.add(now, is_media ? packet.bytes : 0);
}

void GccController::on_rtt(TimePoint /*now*/, Duration rtt) {
  rtt_ = std::clamp(rtt, Duration::zero(), kRttMax);
  rtt_reported_ = true;
}

void GccController::on_feedback(TimePoint now, std::span<const PacketResult> results) {
  if (silence_factor(now) < 1) end_silence(now);
  last_feedback_ = now;
  waiting_since_.reset();
  usage_ = Usage::Normal;
  queue_.begin_report();
  for (const PacketResult& result : results) observe(now, result);
  queue_.end_report();
  jitter_.on_peak_rate(acked_.peak_bps());
  if (usage_ != Usage::Overuse) usage_ = trend_.usage();
  usage_ = confirmed_usage(now);
  delay_.update(now, {.usage = usage_,
                      .acked_bps = acked_.bps(),
                      .acked_recent_bps = acked_at_overuse(),
                      .rtt = rtt_,
                      .queue_delay = queue()});
  if (is_starting(now)) {
    loss_.restart_interval();
  } else {
    loss_.update(now, {.target_bps = delay_.target_bps(),
                       .sent_bps = sent_.bps(),
                       .acked_bps = acked_.bps(),
                       .rtt = rtt_,
                       .usage = usage_,
                       .is_alr = is_alr_});
  }
  take_probe_result(now);
  watch_drop(now);
}

void GccController::observe(TimePoint now, const PacketResult& result) {
  meter_.on_result(result);
  if (result.sent >= loss_counts_from_) loss_.count(result.fate);
  if (result.fate != Fate::Lost) observe_arrival(now, result);
}

void GccController::observe_arrival(TimePoint now, const PacketResult& result) {
  acked_.add(result.arrived, result.packet.bytes);
  jitter_.on_packet(result.packet.bytes);
  queue_.add(now, result.sent, result.arrived);
  if (!rtt_reported_) rtt_ = std::clamp(now - result.sent, Duration::zero(), kRttMax);
  if (result.fate == Fate::ArrivedAfterLoss) return;
  if (const auto delta = groups_.add(result.sent, result.arrived)) {
    trend_.add(*delta);
    jitter_.on_gradient(delta->arrived - delta->sent);
    if (trend_.usage() == Usage::Overuse) usage_ = Usage::Overuse;
  }
}

Duration GccController::queue() const {
  return std::max(Duration::zero(), queue_.value() - jitter_.explains());
}

/// Jitter has slopes of its own, which end. One is taken for a queue when packets wait longer than jitter explains, for
/// longer than it takes a jitter of that size to pass. Until then it is no reason to send more either.
Usage GccController::confirmed_usage(TimePoint now) {
  if (usage_ != Usage::Overuse) {
    overused_since_.reset();
    return usage_;
  }
  const Duration jitter = jitter_.explains();
  if (jitter == Duration::zero()) return usage_;
  if (queue() == Duration::zero()) {
    overused_since_.reset();
    return Usage::Underuse;
  }
  if (!overused_since_) overused_since_ = now;
  return now - *overused_since_ < jitter ? Usage::Underuse : Usage::Overuse;
}

/// Jitter also makes a short window see half of what arrives.
std::optional<std::int64_t> GccController::acked_at_overuse() const {
  const auto recent = acked_.recent_bps();
  return jitter_.explains() == Duration::zero() ? recent : std::max(recent, acked_.bps());
}

void GccController::take_probe_result(TimePoint now) {
  const auto plan = meter_.plan();
  const auto shown = meter_.take_result();
  if (!plan || !shown) return;
  if (usage_ == Usage::Overuse || delay_.is_draining()) return;
  if (*shown > steady_target_bps()) {
    delay_.raise_to(*shown);
    loss_.raise_to(*shown);
  }
  planner_.on_result(now, plan->bitrate_bps, *shown);
}

/// Feedback is back. What was lost meanwhile tells of the outage, not of the rate.
void GccController::end_silence(TimePoint now) {
  const auto cautious = static_cast<std::int64_t>(kAfterSilence * static_cast<double>(steady_target_bps()));
  delay_.lower_to(std::max(cautious, options_.min_bps));
  loss_.restart_interval();
  loss_counts_from_ = now;
  groups_.restart();
  trend_.restart();
  planner_.on_large_drop(now);
}

void GccController::watch_drop(TimePoint now) {
  const std::int64_t target = steady_target_bps();
  if (static_cast<double>(target) < kLargeDrop * static_cast<double>(peak_bps_)) {
    planner_.on_large_drop(now);
    peak_bps_ = target;
  }
  peak_bps_ = std::max(peak_bps_, target);
}

bool GccController::is_starting(TimePoint now) const {
  return !first_sent_ || now - *first_sent_ < kStartPhase;
}

std::int64_t GccController::steady_target_bps() const {
  const std::int64_t bps = std::min(delay_.target_bps(), loss_.bound_bps().value_or(options_.max_bps));
  return std::clamp(bps, options_.min_bps, options_.max_bps);
}

double GccController::silence_factor(TimePoint now) const {
  if (!last_feedback_ || !waiting_since_) return 1;
  const Duration silent = now - *waiting_since_ - rtt_;
  if (silent <= kSilence) return 1;
  const double halves = static_cast<double>((silent - kSilence).count()) / 5e8;
  return std::max(kSilenceLowest, std::pow(kSilenceDecay, 1 + halves));
}

void GccController::watch_alr(TimePoint now) {
  sent_.advance(now);
  const auto sent = sent_.bps();
  if (!sent) return;
  const auto target = static_cast<double>(steady_target_bps());
  is_alr_ = static_cast<double>(*sent) < (is_alr_ ? kAlrLeave : kAlrEnter) * target;
}

Estimate GccController::estimate(TimePoint now) const {
  Estimate estimate{.target_bps = steady_target_bps(),
                    .acked_bps = acked_.bps(),
                    .queue_delay = queue(),
                    .rtt = rtt_,
                    .loss = loss_.loss(),
                    .is_alr = is_alr_};
  const auto loss_bound = loss_.bound_bps();
  const double factor = silence_factor(now);
  if (factor < 1) {
    const auto less = static_cast<std::int64_t>(factor * static_cast<double>(estimate.target_bps));
    estimate.target_bps = std::max(options_.min_bps, less);
    estimate.limited_by = LimitedBy::FeedbackGap;
  } else if (!last_feedback_) {
    estimate.limited_by = LimitedBy::Start;
  } else if (loss_bound && *loss_bound < delay_.target_bps()) {
    estimate.limited_by = LimitedBy::Loss;
  } else if (delay_.is_draining()) {
    estimate.limited_by = LimitedBy::Drain;
  } else {
    estimate.limited_by = estimate.target_bps >= options_.max_bps ? LimitedBy::Ceiling : LimitedBy::Delay;
  }
  return estimate;
}

std::optional<ProbePlan> GccController::poll_probe(TimePoint now, std::int64_t wanted_bps) {
  watch_alr(now);
  meter_.handle_timeout(now, rtt_);
  const auto last_decrease = delay_.last_decrease();
  const bool decreased = last_decrease && now - *last_decrease < kAfterDecrease;
  const bool troubled = decreased || delay_.is_draining() || silence_factor(now) < 1;
  auto plan = planner_.poll(now, {.target_bps = steady_target_bps(),
                                  .wanted_bps = wanted_bps,
                                  .deviation = jitter_.deviation(),
                                  .jitter = jitter_.jitter(),
                                  .is_probing = !meter_.is_over(),
                                  .is_troubled = troubled});
  if (plan) meter_.begin(now, *plan);
  return plan;
}

}  // namespace zvonok::media::bwe
