// See pacer.h.
#include "media/pacer.h"

#include <algorithm>

#include "base/check.h"

namespace zvonok::media {

namespace {

constexpr double kLongQueueSeconds = 0.1;
constexpr Duration kStall = milliseconds{20};  // later than that is the owner's fault
constexpr double kFactor = 1.1;
constexpr double kFactorMax = 2.5;
/// Unused budget is kept for this long: a tick's worth of packets may leave together.
constexpr double kBurstSeconds = 0.005;
/// Audio on a very slow path must not put video into debt for ever.
constexpr double kDebtSecondsMax = 0.5;
constexpr double kDebtBitsMin = 2.0 * 1500 * 8;
constexpr std::uint32_t kPaddingBytes = 240;
constexpr Duration kProbeLongest = milliseconds{150};
constexpr std::int64_t kPaceMin = 10'000;

double in_seconds(Duration duration) {
  return static_cast<double>(duration.count()) / 1e9;
}

}  // namespace

void Pacer::Ring::push(const Waiting& waiting) {
  ZVONOK_CHECK(!is_full());
  at(count_++) = waiting;
  bytes_ += waiting.packet.bytes;
}

PacedPacket Pacer::Ring::pop() {
  ZVONOK_CHECK(!is_empty());
  const Waiting& head = at(0);
  if (!head.is_late) bytes_ -= head.packet.bytes;
  const PacedPacket packet = head.packet;
  first_ = (first_ + 1) % slots_.size();
  --count_;
  return packet;
}

void Pacer::Ring::mark_late(std::size_t i) {
  Waiting& waiting = at(i);
  if (waiting.is_late) return;
  waiting.is_late = true;
  bytes_ -= waiting.packet.bytes;
}

Pacer::Pacer(TimePoint now, const PacerOptions& options)
    : audio_{options.audio_packets_max},
      rtx_{options.rtx_packets_max},
      video_{options.video_packets_max},
      rates_{.target_bps = std::max(options.start_bps, kPaceMin)},
      refilled_{now} {}

void Pacer::set_rates(TimePoint now, const Rates& rates) {
  refill(now);
  rates_ = {.target_bps = std::max(rates.target_bps, kPaceMin),
            .padding_bps = std::max<std::int64_t>(0, rates.padding_bps)};
}

void Pacer::begin_probe(TimePoint now, const bwe::ProbePlan& plan) {
  if (probe_) ++stats_.probes_cut;
  probe_ = Probe{.plan = plan, .began = now};
}

std::int64_t Pacer::queued_bytes() const {
  return audio_.bytes() + rtx_.bytes() + video_.bytes();
}

std::int64_t Pacer::pace_bps() const {
  const auto target = static_cast<double>(rates_.target_bps);
  // Repeats don't hurry: they are what a full path asks for most.
  const double needed = static_cast<double>(audio_.bytes() + video_.bytes()) * 8 / in_seconds(kDrainWithin);
  return static_cast<std::int64_t>(std::clamp(needed, kFactor * target, kFactorMax * target));
}

void Pacer::refill(TimePoint now) {
  if (now <= refilled_) return;
  const double elapsed = in_seconds(now - refilled_);
  refilled_ = now;
  const auto pace = static_cast<double>(pace_bps());
  budget_bits_ = std::min(budget_bits_ + elapsed * pace, kBurstSeconds * pace);
  const auto padding = static_cast<double>(rates_.padding_bps);
  padding_bits_ = std::min(padding_bits_ + elapsed * padding, kBurstSeconds * padding);
}

void Pacer::charge(std::uint32_t bytes) {
  const double bits = 8.0 * bytes;
  const auto target = static_cast<double>(rates_.target_bps);
  const double lowest = -std::max(kDebtBitsMin, kDebtSecondsMax * target);
  budget_bits_ = std::max(budget_bits_ - bits, lowest);
  padding_bits_ = std::max(padding_bits_ - bits, lowest);
}

void Pacer::refund(std::uint32_t bytes) {
  budget_bits_ += 8.0 * bytes;
  padding_bits_ += 8.0 * bytes;
}

bool Pacer::is_shut(PacedStream stream) const {
  const auto* const end = shut_.begin() + shut_count_;
  return std::find(shut_.begin(), end, stream) != end;
}

void Pacer::forget_stream(PacedStream stream) {
  for (std::size_t i = 0; i < shut_count_; ++i) {
    if (shut_[i] != stream) continue;
    std::copy(shut_.begin() + i + 1, shut_.begin() + shut_count_, shut_.begin() + i);
    --shut_count_;
    if (i < shut_told_) --shut_told_;
    return;
  }
}

/// With the table full (more streams than a receiver may have) the stream is only emptied, not shut.
void Pacer::shut(PacedStream stream) {
  if (shut_count_ < kStreamsMax && !is_shut(stream)) shut_[shut_count_++] = stream;
}

bool Pacer::pass(TimePoint now, const PacedPacket& packet) {
  if (packet.kind != PacketKind::Audio) {
    if (probe_ || !audio_.is_empty() || !rtx_.is_empty() || !video_.is_empty() || shut_told_ < shut_count_)
      return false;
    if (packet.part == FramePart::KeyframeStart) {
      forget_stream(packet.stream);
      keyframe_until_ = now + kKeyframeWaitMax;
    }
    if (is_refused(packet)) return false;
  }
  refill(now);
  if (packet.kind != PacketKind::Audio && budget_bits_ < 0) return false;
  charge(packet.bytes);
  return true;
}

Enqueued Pacer::enqueue(TimePoint now, const PacedPacket& packet) {
  Ring& ring = packet.kind == PacketKind::Audio ? audio_ : (packet.kind == PacketKind::Rtx ? rtx_ : video_);
  const bool is_video = packet.kind == PacketKind::Video;
  if (is_video && packet.part == FramePart::KeyframeStart) {
    forget_stream(packet.stream);
    keyframe_until_ = now + kKeyframeWaitMax;
    drop_before_keyframe(packet.stream);
  }
  if (is_video && is_shut(packet.stream)) {
    ++stats_.refused_shut;
    return Enqueued::WaitingForKeyframe;
  }
  if (ring.is_full()) {
    ++stats_.refused_full;
    if (is_video) shut(packet.stream);
    return Enqueued::QueueFull;
  }
  refill(now);
  ring.push({.packet = packet, .since = now});
  return Enqueued::Accepted;
}

Duration Pacer::wait_max(TimePoint now) const {
  return now < keyframe_until_ ? kKeyframeWaitMax : kVideoWaitMax;
}

/// What still waits of a stream is worth nothing any more when its next keyframe is here; on a narrow path the keyframe
/// would come late behind it.
void Pacer::drop_before_keyframe(PacedStream stream) {
  if (static_cast<double>(video_.bytes()) * 8 < kLongQueueSeconds * static_cast<double>(rates_.target_bps)) return;
  for (std::size_t i = 0; i < video_.count(); ++i) {
    if (video_.at(i).is_late || video_.at(i).packet.stream != stream) continue;
    video_.mark_late(i);
    ++stats_.dropped_late;
  }
}

/// Empties the stream with the most bytes waiting, up to its next keyframe if that is already here.
void Pacer::shut_largest() {
  std::optional<PacedStream> largest;
  std::int64_t most = 0;
  // Quadratic in the number of streams only: each stream is summed when its first packet is met.
  for (std::size_t i = 0; i < video_.count(); ++i) {
    const Waiting& first = video_.at(i);
    if (first.is_late || first.packet.stream == largest) continue;
    std::int64_t bytes = 0;
    for (std::size_t j = i; j < video_.count(); ++j) {
      const Waiting& other = video_.at(j);
      if (!other.is_late && other.packet.stream == first.packet.stream) bytes += other.packet.bytes;
    }
    if (bytes > most) {
      most = bytes;
      largest = first.packet.stream;
    }
  }
  if (!largest) return;
  std::size_t keep_from = video_.count();
  bool is_first = true;
  for (std::size_t i = 0; i < video_.count(); ++i) {
    const Waiting& waiting = video_.at(i);
    if (waiting.is_late || waiting.packet.stream != *largest) continue;
    // The last keyframe stays, unless it is itself what is late.
    if (waiting.packet.part == FramePart::KeyframeStart && !is_first) keep_from = i;
    is_first = false;
  }
  const bool has_keyframe = keep_from < video_.count();
  for (std::size_t i = 0; i < keep_from; ++i) {
    if (video_.at(i).packet.stream == *largest && !video_.at(i).is_late) {
      video_.mark_late(i);
      ++stats_.dropped_late;
    }
  }
  if (!has_keyframe) shut(*largest);
}

void Pacer::drop_late_video(TimePoint now) {
  while (true) {
    std::size_t head = 0;
    while (head < video_.count() && video_.at(head).is_late) ++head;
    if (head == video_.count() || now - video_.at(head).since <= wait_max(now)) return;
    const std::int64_t before = video_.bytes();
    shut_largest();
    if (video_.bytes() == before) return;
  }
}

Pacer::Ring* Pacer::next_ring() {
  if (rtx_.is_empty() && video_.is_empty()) return nullptr;
  if (rtx_.is_empty()) return &video_;
  if (video_.is_empty()) return &rtx_;
  return video_credit_ > 0 ? &video_ : &rtx_;
}

PacerOrder Pacer::release(Ring& ring) {
  const PacedPacket packet = ring.pop();
  charge(packet.bytes);
  if (&ring == &rtx_) video_credit_ = 2 * std::int64_t{packet.bytes};
  if (&ring == &video_) video_credit_ = std::max<std::int64_t>(0, video_credit_ - packet.bytes);
  return {.action = PacerOrder::Action::Send,
          .kind = packet.kind,
          .stream = packet.stream,
          .bytes = packet.bytes,
          .handle = packet.handle};
}

/// What waited because nobody asked for it did not wait for the path.
void Pacer::forgive_stall(TimePoint now) {
  if (video_.is_empty() && rtx_.is_empty()) return;
  const auto due = next_timeout();
  if (!due || now - *due <= kStall) return;
  const Duration stall = now - *due - kStall;
  for (Ring* const ring : {&video_, &rtx_}) {
    for (std::size_t i = 0; i < ring->count(); ++i) ring->at(i).since += stall;
  }
  keyframe_until_ += stall;
}

std::optional<PacerOrder> Pacer::poll(TimePoint now) {
  forgive_stall(now);
  refill(now);
  if (!audio_.is_empty()) return release(audio_);
  drop_late_video(now);
  if (shut_told_ < shut_count_) {
    return PacerOrder{.action = PacerOrder::Action::Shut, .stream = shut_[shut_told_++]};
  }
  if (!video_.is_empty() && video_.at(0).is_late) {
    const PacedPacket late = video_.pop();
    return PacerOrder{.action = PacerOrder::Action::Drop,
                      .kind = late.kind,
                      .stream = late.stream,
                      .bytes = late.bytes,
                      .handle = late.handle};
  }
  if (!rtx_.is_empty() && now - rtx_.at(0).since > kRepeatWaitMax) {
    const PacedPacket late = rtx_.pop();
    ++stats_.dropped_repeats;
    return PacerOrder{.action = PacerOrder::Action::Drop,
                      .kind = late.kind,
                      .stream = late.stream,
                      .bytes = late.bytes,
                      .handle = late.handle};
  }
  if (probe_) return poll_probe(now, *probe_);
  if (Ring* const ring = next_ring(); ring != nullptr) {
    if (budget_bits_ < 0) return std::nullopt;
    return release(*ring);
  }
  return poll_padding();
}

TimePoint Pacer::due(const Probe& probe) {
  if (!probe.first_sent) return probe.began;
  const double wait = static_cast<double>(probe.bytes) * 8e9 / static_cast<double>(probe.plan.bitrate_bps);
  return *probe.first_sent + Duration{static_cast<std::int64_t>(wait)};
}

std::optional<PacerOrder> Pacer::poll_probe(TimePoint now, Probe& probe) {
  if (now < due(probe)) return std::nullopt;
  const PacerOrder order{.action = PacerOrder::Action::Pad,
                         .kind = PacketKind::Padding,
                         .bytes = probe.plan.packet_bytes,
                         .cluster = probe.plan.cluster};
  charge(order.bytes);
  if (!probe.first_sent) probe.first_sent = now;
  probe.bytes += order.bytes;
  ++probe.packets;
  const bool is_complete = probe.bytes >= probe.plan.bytes_min && probe.packets >= probe.plan.packets_min;
  if (is_complete || now - probe.began > kProbeLongest) probe_.reset();
  return order;
}

std::optional<PacerOrder> Pacer::poll_padding() {
  if (rates_.padding_bps == 0 || padding_bits_ < 0 || budget_bits_ < 0) return std::nullopt;
  charge(kPaddingBytes);
  return PacerOrder{.action = PacerOrder::Action::Pad, .kind = PacketKind::Padding, .bytes = kPaddingBytes};
}

TimePoint Pacer::budget_due(double budget_bits, std::int64_t bps) const {
  if (budget_bits >= 0) return refilled_;
  // One nanosecond more than the division says, so that rounding never wakes the owner for nothing.
  return refilled_ + Duration{1 + static_cast<std::int64_t>(-budget_bits * 1e9 / static_cast<double>(bps))};
}

std::optional<TimePoint> Pacer::next_timeout() const {
  if (!audio_.is_empty() || shut_told_ < shut_count_) return refilled_;
  if (!video_.is_empty() && video_.at(0).is_late) return refilled_;
  if (probe_) return due(*probe_);
  if (!rtx_.is_empty() || !video_.is_empty()) {
    TimePoint paid = budget_due(budget_bits_, pace_bps());
    if (!rtx_.is_empty()) paid = std::min(paid, std::max(refilled_, rtx_.at(0).since + kRepeatWaitMax + Duration{1}));
    if (video_.is_empty()) return paid;
    // The limit of waiting, longer while a keyframe passes.
    const TimePoint since = video_.at(0).since;
    const TimePoint late = std::min(since + kKeyframeWaitMax, std::max(since + kVideoWaitMax, keyframe_until_));
    return std::min(paid, std::max(refilled_, late + Duration{1}));
  }
  if (rates_.padding_bps > 0) {
    return std::max(budget_due(padding_bits_, rates_.padding_bps), budget_due(budget_bits_, pace_bps()));
  }
  return std::nullopt;
}

}  // namespace zvonok::media
