#include "media/receive_stream.h"

#include <algorithm>
#include <cmath>

namespace zvonok::media {

ReceiveStream::ReceiveStream(const Options& options) : options_{options}, ring_{options.packets_kept} {}

NackGenerator::Arrival ReceiveStream::on_packet(const Packet& packet, TimePoint now) {
  const NackGenerator::Arrival arrival = nacks_.on_packet(packet.sequence, now);
  if (arrival == NackGenerator::Arrival::Stale) {
    ++counters_.stale;
    return arrival;
  }
  if (counters_.packets == 0) first_sequence_ = packet.sequence;
  ++counters_.packets;
  counters_.bytes += packet.bytes;
  bits_.add(now, packet.bytes * 8);
  if (arrival == NackGenerator::Arrival::Recovered) {
    ++counters_.recovered;
    return arrival;
  }
  newest_sequence_ = packet.sequence;
  update_jitter(packet, now);
  last_packet_at_ = now;
  return arrival;
}

/// RFC 3550 section 6.4.1 and appendix A.8. Packets of one frame share a timestamp: only the first of each counts, or
/// the pacing of a large frame would look like jitter.
void ReceiveStream::update_jitter(const Packet& packet, TimePoint now) {
  if (last_packet_at_ && packet.timestamp == last_timestamp_) return;
  const double arrival =
      std::chrono::duration<double>(now.time_since_epoch()).count() * static_cast<double>(options_.clock_rate);
  // Only the difference of two transits is used, and that modulo 2^32 ticks.
  const double transit = std::fmod(arrival, 4294967296.0) - static_cast<double>(packet.timestamp);
  if (last_packet_at_) {
    const double difference = std::fabs(std::remainder(transit - last_transit_, 4294967296.0));
    // A jump of seconds is a pause or a new clock, not jitter.
    if (difference < 3.0 * options_.clock_rate) jitter_ += (difference - jitter_) / 16;
  }
  last_transit_ = transit;
  last_timestamp_ = packet.timestamp;
}

void ReceiveStream::on_sender_report(const rtcp::SenderInfo& info, TimePoint now) {
  clock_ = SenderClock{.ntp = info.ntp, .rtp = info.rtp_timestamp, .heard = now, .clock_rate = options_.clock_rate};
}

std::optional<rtcp::ReportBlock> ReceiveStream::report(TimePoint now) {
  if (counters_.packets == 0) return std::nullopt;
  const std::uint64_t expected = newest_sequence_ - first_sequence_ + 1;
  const std::uint64_t received = counters_.packets;
  const std::uint64_t expected_since = expected - std::min(expected, expected_before_);
  const std::uint64_t received_since = received - received_before_;
  expected_before_ = expected;
  received_before_ = received;
  const std::uint64_t lost_since = expected_since > received_since ? expected_since - received_since : 0;
  last_fraction_lost_ = expected_since == 0 ? 0 : static_cast<double>(lost_since) / static_cast<double>(expected_since);
  rtcp::ReportBlock block{.ssrc = options_.ssrc};
  block.fraction_lost = static_cast<std::uint8_t>(std::min(255.0, last_fraction_lost_ * 256));
  const auto lost = static_cast<std::int64_t>(expected) - static_cast<std::int64_t>(received);
  block.cumulative_lost = static_cast<std::int32_t>(std::clamp<std::int64_t>(lost, -0x800000, 0x7FFFFF));
  block.highest_sequence = static_cast<std::uint32_t>(newest_sequence_);
  block.jitter = jitter();
  if (clock_) {
    block.last_sender_report = clock_->ntp.compact();
    block.delay_since_last = rtcp::compact_from_duration(now - clock_->heard);
  }
  return block;
}

void ReceiveStream::collect_nacks(TimePoint now, Duration round_trip, std::vector<std::uint16_t>& out) {
  if (options_.retransmission == Retransmission::Off) return;
  const std::size_t before = out.size();
  nacks_.collect(now, round_trip, out);
  counters_.nacked += out.size() - before;
  const std::size_t lost = nacks_.take_given_up();
  counters_.lost += lost;
  if (lost > 0 && options_.kind == Kind::Video) want_keyframe();
}

TimePoint ReceiveStream::next_nack() const {
  return options_.retransmission == Retransmission::Off ? TimePoint::max() : nacks_.next_timeout();
}

void ReceiveStream::on_keyframe(TimePoint) {
  keyframe_wanted_ = false;
  keyframe_answered_ = true;
  ++counters_.keyframes;
}

bool ReceiveStream::take_keyframe_request(TimePoint now) {
  if (next_keyframe_request() > now) return false;
  keyframe_asked_at_ = now;
  keyframe_answered_ = false;
  keyframe_credited_ = std::max(keyframe_credited_, now) + options_.keyframe_interval_min;
  ++counters_.keyframe_requests;
  return true;
}

TimePoint ReceiveStream::next_keyframe_request() const {
  if (!keyframe_wanted_) return TimePoint::max();
  if (!keyframe_asked_at_) return TimePoint{};
  if (!keyframe_answered_) return *keyframe_asked_at_ + options_.keyframe_interval_min;
  return std::max(*keyframe_asked_at_ + options_.keyframe_interval_burst,
                  keyframe_credited_ - (kKeyframeBurst - 1) * options_.keyframe_interval_min);
}

}  // namespace zvonok::media
