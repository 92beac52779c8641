#include "caller/media_stream.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "proto/g711/g711.h"
#include "proto/rtp/packet.h"

namespace zvonok::caller {
namespace {

constexpr rtp::PayloadType kPcmu{0};
constexpr std::size_t kReceiversMax = 2;
constexpr std::int64_t kWaitSamples = kSampleRate / 10;    // for what comes out of order
constexpr std::int64_t kGapSamplesMax = kSampleRate * 10;  // filled with silence; a longer one is left out
constexpr std::size_t kWaitingMax = 1024;                  // packets

}  // namespace

MediaStream::MediaStream(Entropy& entropy)
    : entropy_{entropy}, ssrc_{random_u32(entropy)}, timestamp_{random_u32(entropy)} {}

void MediaStream::use(const e2e::PairKeys& keys) {
  sender_.emplace(e2e::kSrtpProfile, e2e::srtp_key(keys.send));
  // A receiver takes a new stream to be at rollover 0: begin in the lower half (RFC 3711 section 3.3.1).
  sequence_ = random_u32(entropy_) % 0x8000;
  begun_ = false;
  receivers_.insert(receivers_.begin(), std::make_unique<srtp::Receiver>(e2e::kSrtpProfile, e2e::srtp_key(keys.receive),
                                                                         srtp::ReceiverOptions{.ssrcs_max = 4}));
  if (receivers_.size() > kReceiversMax) receivers_.pop_back();
  highest_sequence_.reset();
}

Bytes MediaStream::seal(std::span<const std::int16_t, kFrameSamples> frame) {
  timestamp_ += kFrameSamples;
  if (!sender_) return {};
  const std::size_t header = rtp::write_header(out_,
                                               {.marker = !begun_,
                                                .payload_type = kPcmu,
                                                .sequence = static_cast<std::uint16_t>(sequence_),
                                                .timestamp = timestamp_,
                                                .ssrc = ssrc_},
                                               {});
  std::array<std::uint8_t, kFrameSamples> payload{};
  g711::encode(g711::Law::Ulaw, frame, payload);
  const std::size_t size = sender_->seal_rtp(sequence_, ssrc_, out_, header, {}, payload);
  ZVONOK_CHECK(size > 0);
  begun_ = true;
  ++sequence_;
  ++stats_.sent_packets;
  stats_.sent_bytes += size;
  return Bytes{out_}.first(size);
}

/// With the newest key that fits. What fails is spoilt, so each key gets bytes of its own.
std::optional<srtp::Opened> MediaStream::open(MutableBytes datagram) {
  srtp::Error error = srtp::Error::BadTag;
  for (const auto& receiver : receivers_) {
    copy_bytes(datagram, attempt_);
    const auto opened = receiver->open_rtp(MutableBytes{attempt_}.first(datagram.size()));
    if (opened) return *opened;
    error = opened.error();
    if (error != srtp::Error::BadTag) break;
  }
  switch (error) {
    case srtp::Error::Replayed:
    case srtp::Error::TooOld: ++stats_.replayed; break;
    case srtp::Error::BadTag:
    case srtp::Error::TooManySsrcs: ++stats_.undecodable; break;
    case srtp::Error::TooShort:
    case srtp::Error::Malformed: ++stats_.malformed; break;
  }
  return std::nullopt;
}

void MediaStream::handle_datagram(MutableBytes datagram, TimePoint now) {
  if (datagram.size() > attempt_.size()) {
    ++stats_.malformed;
    return;
  }
  if (receivers_.empty()) {
    ++stats_.keyless;
    return;
  }
  const auto opened = open(datagram);
  if (!opened) return;
  const auto packet = rtp::PacketView::parse(Bytes{attempt_}.first(opened->length));
  const auto payload = packet ? rtp::payload_of(*packet) : fail(rtp::ParseError::TooShort);
  if (!payload || packet->payload_type != kPcmu || payload->bytes.empty()) {
    ++stats_.malformed;
    return;
  }
  ++stats_.received_packets;
  stats_.received_bytes += datagram.size();
  arrive(opened->extended_sequence, packet->timestamp, payload->bytes, now);
}

void MediaStream::arrive(std::uint64_t sequence, std::uint32_t timestamp, Bytes payload, TimePoint now) {
  if (highest_sequence_ && sequence > *highest_sequence_) stats_.lost += sequence - *highest_sequence_ - 1;
  if (highest_sequence_ && sequence < *highest_sequence_ && stats_.lost > 0) --stats_.lost;  // it was only late
  highest_sequence_ = std::max(highest_sequence_.value_or(sequence), sequence);

  std::int64_t at = 0;
  if (newest_) {
    const auto step = static_cast<std::int32_t>(timestamp - static_cast<std::uint32_t>(*newest_));
    at = *newest_ + step;
    const double transit = std::chrono::duration<double>(now - last_arrival_).count() * kSampleRate -
                           static_cast<std::int32_t>(timestamp - last_timestamp_);
    jitter_ += (std::abs(transit) - jitter_) / 16;
    stats_.longest_gap = std::max(stats_.longest_gap, now - last_arrival_);
  } else {
    at = timestamp;
    next_ = at;
  }
  last_arrival_ = now;
  last_timestamp_ = timestamp;
  if (at < next_) {
    ++stats_.late;
    return;
  }
  newest_ = std::max(newest_.value_or(at), at);
  if (waiting_.size() >= kWaitingMax) waiting_.erase(waiting_.begin());
  std::vector<std::int16_t>& samples = waiting_[at];
  samples.resize(payload.size());
  g711::decode(g711::Law::Ulaw, payload, samples);
  measure(samples);
}

void MediaStream::measure(std::span<const std::int16_t> samples) {
  for (const std::int16_t sample : samples) energy_ += static_cast<double>(sample) * sample;
  measured_ += samples.size();
}

std::vector<std::int16_t> MediaStream::take_sound(Take take) {
  std::vector<std::int16_t> out;
  while (!waiting_.empty()) {
    const auto first = waiting_.begin();
    if (take == Take::InTime && first->first != next_ && *newest_ - next_ < kWaitSamples) break;
    const std::int64_t gap = first->first - next_;
    if (gap > 0 && gap <= kGapSamplesMax) out.insert(out.end(), static_cast<std::size_t>(gap), 0);
    if (gap >= 0) {
      out.insert(out.end(), first->second.begin(), first->second.end());
      next_ = first->first + static_cast<std::int64_t>(first->second.size());
    }
    waiting_.erase(first);
  }
  return out;
}

StreamStats MediaStream::stats() const {
  StreamStats stats = stats_;
  stats.jitter_ms = jitter_ * 1000 / kSampleRate;
  if (measured_ > 0 && energy_ > 0) {
    constexpr double kFullScale = 32768;
    stats.level_db = 10 * std::log10(energy_ / static_cast<double>(measured_) / (kFullScale * kFullScale));
  }
  return stats;
}

}  // namespace zvonok::caller
