// See flow.h.
#include "sim/bwe/flow.h"

#include <algorithm>
#include <utility>

namespace zvonok::sim {

using media::FramePart;
using media::PacedPacket;
using media::PacedStream;
using media::Pacer;
using media::PacerOrder;
using media::PacketKind;
using namespace media::bwe;

namespace {

constexpr Duration kFrame = microseconds{33'333};
constexpr Duration kAudioFrame = milliseconds{20};
constexpr std::uint32_t kPacketBytes = 1200;
constexpr Duration kTick = milliseconds{64};
/// The receiver's clock is elsewhere.
constexpr Duration kClockOffset = milliseconds{123'456'789};
/// A datagram's tag: the flow, the kind, the transport-wide number.
constexpr int kFlowShift = 56;
constexpr int kKindShift = 48;
constexpr std::uint64_t kNumberMask = (std::uint64_t{1} << kKindShift) - 1;

}  // namespace

Flow::Flow(std::uint64_t id, std::unique_ptr<Controller> controller, FlowOptions options, std::uint64_t seed)
    : id_{id},
      options_{std::move(options)},
      controller_{std::move(controller)},
      pacer_{TimePoint{}, media::PacerOptions{}},
      state_{seed},
      scratch_(SentHistory::kCapacity) {}

double Flow::noise() {
  state_ = state_ * 6364136223846793005U + 1442695040888963407U;
  return static_cast<double>(state_ >> 40) / static_cast<double>(1 << 24);
}

std::int64_t Flow::wanted_bps() const {
  const std::int64_t video =
      options_.layers.empty() ? options_.video_most_bps : std::min(options_.video_most_bps, options_.layers.back());
  return options_.audio_bps + video;
}

void Flow::step(TimePoint now, test::Link& link, test::Link& back) {
  if (now.time_since_epoch() < options_.starts_after) return;
  if (auto plan = controller_->poll_probe(now, wanted_bps())) pacer_.begin_probe(now, *plan);
  pacer_.set_rates(now, {.target_bps = controller_->estimate(now).target_bps});
  make_media(now);
  drain(now, link);
  make_feedback(now, back);
}

void Flow::make_media(TimePoint now) {
  if (!next_audio_) next_audio_ = now;
  if (!next_frame_) next_frame_ = now;
  while (*next_audio_ <= now) {
    const auto bytes = static_cast<std::uint32_t>(options_.audio_bps / 8 / 50);
    (void)pacer_.enqueue(now, {.kind = PacketKind::Audio, .bytes = bytes});
    *next_audio_ += kAudioFrame;
  }
  while (*next_frame_ <= now) {
    make_frame(now);
    *next_frame_ += kFrame;
  }
}

void Flow::make_frame(TimePoint now) {
  const std::int64_t room = controller_->estimate(now).target_bps - options_.audio_bps;
  std::int64_t bps = std::min(room, options_.video_most_bps);
  if (!options_.layers.empty()) {
    std::int64_t fits = 0;
    for (const std::int64_t layer : options_.layers) fits = layer <= bps ? layer : fits;
    bps = fits;
  }
  if (bps <= 0) return;
  const double size = static_cast<double>(bps) / 8 / 30 * (0.8 + 0.4 * noise());
  auto left = static_cast<std::uint32_t>(size);
  FramePart part = needs_keyframe_ ? FramePart::KeyframeStart : FramePart::Delta;
  while (left > 0) {
    const std::uint32_t bytes = std::min(left, kPacketBytes);
    const PacedPacket packet{
        .kind = PacketKind::Video, .stream = PacedStream{1}, .part = part, .bytes = std::max(bytes, 50U)};
    if (pacer_.enqueue(now, packet) == media::Enqueued::Accepted && part == FramePart::KeyframeStart) {
      needs_keyframe_ = false;
      part = FramePart::Keyframe;
    }
    left -= bytes;
  }
}

void Flow::drain(TimePoint now, test::Link& link) {
  while (auto order = pacer_.poll(now)) {
    switch (order->action) {
      case PacerOrder::Action::Send:
      case PacerOrder::Action::Pad: transmit(now, link, *order); break;
      case PacerOrder::Action::Drop: break;
      case PacerOrder::Action::Shut: needs_keyframe_ = true; break;
    }
  }
}

void Flow::transmit(TimePoint now, test::Link& link, const PacerOrder& order) {
  const std::uint64_t sequence = history_.record(now, order.bytes, order.kind, order.cluster);
  controller_->on_packet_sent(
      now, {.sequence = sequence, .bytes = order.bytes, .kind = order.kind, .cluster = order.cluster});
  bytes_sent_ += order.bytes;
  const std::uint64_t kind = std::to_underlying(order.kind);
  link.send(now, {.tag = id_ << kFlowShift | kind << kKindShift | sequence, .size = order.bytes});
}

void Flow::handle_media(const test::Arrival& arrival) {
  const std::uint64_t tag = arrival.datagram.tag;
  bytes_received_ += arrival.datagram.size;
  got_.push_back({.sequence = tag & kNumberMask, .at = arrival.at});
  if (((tag >> kKindShift) & 0xFF) == std::to_underlying(PacketKind::Audio)) {
    worst_audio_ = std::max(worst_audio_, arrival.at - arrival.sent);
  }
}

Duration Flow::take_worst_audio_delay() {
  return std::exchange(worst_audio_, Duration{});
}

/// Like a browser's: all numbers from the last report's end to the newest that arrived, times in steps of 250 us.
void Flow::make_feedback(TimePoint now, test::Link& back) {
  if (!next_feedback_) next_feedback_ = now + options_.feedback_every;
  if (now < *next_feedback_) return;
  *next_feedback_ += options_.feedback_every;
  if (got_.empty()) return;
  std::sort(got_.begin(), got_.end(), [](const Got& a, const Got& b) { return a.sequence < b.sequence; });
  Report report{.sent_at = now, .packets = {}};
  const Duration clock = got_.front().at.time_since_epoch() + kClockOffset;
  const std::int64_t ticks = clock / kTick;
  report.reference_ticks = static_cast<std::uint32_t>(ticks & 0xFFFFFF);
  std::uint64_t next = next_report_ == 0 ? got_.front().sequence : std::min(next_report_, got_.front().sequence);
  for (const Got& got : got_) {
    for (; next < got.sequence; ++next) {
      report.packets.push_back({.sequence = static_cast<std::uint16_t>(next), .since_reference = std::nullopt});
    }
    const Duration since = got.at.time_since_epoch() + kClockOffset - ticks * kTick;
    const Duration step = microseconds{250};
    report.packets.push_back(
        {.sequence = static_cast<std::uint16_t>(got.sequence), .since_reference = since / step * step});
    next = got.sequence + 1;
  }
  next_report_ = std::max(next_report_, next);
  got_.clear();
  reports_.push_back(std::move(report));
  back.send(now, {.tag = id_ << kFlowShift | (reports_.size() - 1), .size = 100});
}

void Flow::handle_feedback(TimePoint now, const test::Arrival& arrival) {
  const Report& report = reports_[arrival.datagram.tag & kNumberMask];
  const auto results =
      history_.resolve(now, {.reference_ticks = report.reference_ticks, .packets = report.packets}, scratch_);
  controller_->on_feedback(now, results);
  controller_->on_rtt(now, options_.rtt);
}

}  // namespace zvonok::sim
