#include "media/phone/jitter_buffer.h"

#include <algorithm>

namespace zvonok::media::phone {
namespace {

// For so long something is made up, and fades; then it is a pause, and what comes after it is gathered anew.
constexpr std::size_t kMadeUpMost = 5;  // frames
constexpr Duration kLeastWindow = milliseconds{400};
// More than the target by so much is worth a shortening: below that it would go to and fro.
constexpr Duration kTooMuch = milliseconds{15};

std::size_t samples_in(Duration time) {
  return static_cast<std::size_t>(time / microseconds{125});
}

}  // namespace

Duration JitterBuffer::level() const {
  return microseconds{125} * static_cast<std::int64_t>(held_samples_ + ready_.size());
}

void JitterBuffer::drop_all() {
  for (Slot& each : slots_) each.filled = false;
  held_ = 0;
  held_samples_ = 0;
  ready_.clear();
}

void JitterBuffer::restart() {
  drop_all();
  started_ = false;
  playing_ = false;
  made_up_ = 0;
  late_in_a_row_ = 0;
}

JitterBuffer::Slot* JitterBuffer::place_for(TimePoint now, std::uint64_t sequence) {
  if (started_ && sequence < next_) {
    ++counters_.late;
    if (++late_in_a_row_ < kLateMost) return nullptr;
    restart();
  }
  late_in_a_row_ = 0;
  if (started_ && sequence >= next_ + kPackets) {
    ++counters_.overflows;
    restart();
  }
  if (!started_) {
    started_ = true;
    next_ = sequence;
  }
  Slot& place = slot(sequence);
  if (place.filled) {
    ++counters_.repeated;
    return nullptr;
  }
  if (held_ == 0) waiting_since_ = now;
  place.filled = true;
  ++held_;
  return &place;
}

void JitterBuffer::on_packet(TimePoint now, const MediaPacket& packet) {
  const auto samples = SpeechDecoder::samples_of(packet.codec, packet.payload);
  if (!samples || packet.payload.size() > kPayloadMax) {
    ++counters_.unfit;
    return;
  }
  ++counters_.packets;
  delay_.on_packet(now, packet.timestamp, packet.clock_rate);
  Slot* const place = place_for(now, packet.sequence);
  if (place == nullptr) return;
  place->codec = packet.codec;
  place->samples = *samples;
  place->payload.assign(packet.payload.begin(), packet.payload.end());
  held_samples_ += *samples;
}

void JitterBuffer::skip(TimePoint now, std::uint64_t sequence) {
  if (!started_) return;
  if (Slot* const place = place_for(now, sequence)) {
    place->samples = 0;
    place->payload.clear();
  }
}

bool JitterBuffer::decode_next() {
  if (held_ == 0) return false;
  std::array<std::int16_t, SpeechDecoder::kSamplesMax> decoded;
  Slot& place = slot(next_);
  std::size_t count = 0;
  if (place.filled) {
    if (place.samples > 0) {
      codec_ = place.codec;
      packet_samples_ = place.samples;
      count = decoder_.decode(place.codec, place.payload, decoded).value_or(0);
    }
    made_up_ = 0;
    place.filled = false;
    --held_;
    held_samples_ -= place.samples;
  } else if (made_up_ >= packet_samples_ / 2) {
    // It was waited for, and what was made up meanwhile stands in its place.
    made_up_ -= std::min(made_up_, packet_samples_);
    ++counters_.lost;
  } else {
    const Slot& after = slot(next_ + 1);
    const Bytes behind = after.filled && after.samples > 0 && after.codec == codec_ ? Bytes{after.payload} : Bytes{};
    count = packet_samples_;
    decoder_.conceal(codec_, behind, std::span{decoded}.first(count));
    ++counters_.lost;
    counters_.concealed_samples += count;
  }
  ++next_;
  ready_.insert(ready_.end(), decoded.begin(), decoded.begin() + static_cast<std::ptrdiff_t>(count));
  return true;
}

/// More than was needed for a while is taken out, a period of the voice at a time.
void JitterBuffer::shorten(TimePoint now) {
  least_ = std::min(least_, held_samples_ + ready_.size());
  if (now - least_since_ < kLeastWindow) return;
  const bool too_much = least_ > samples_in(delay_.target() + kTooMuch);
  least_since_ = now;
  least_ = held_samples_ + ready_.size();
  if (!too_much) return;
  while (ready_.size() < 3 * kFrameSamples && decode_next()) {
  }
  const std::size_t before = ready_.size();
  Concealer::shorten(ready_);
  counters_.shortened_samples += before - ready_.size();
}

bool JitterBuffer::pull(TimePoint now, std::span<std::int16_t, kFrameSamples> out) {
  std::ranges::fill(out, std::int16_t{0});
  if (!playing_) {
    // Nobody who hears the first word is helped by more than was asked for, so time counts as well.
    const bool enough = level() >= delay_.target() || (held_ > 0 && now - waiting_since_ >= delay_.target());
    if (!started_ || held_ == 0 || !enough) return false;
    while (!slot(next_).filled) ++next_;  // what was lost in a pause is none
    playing_ = true;
    made_up_in_a_row_ = 0;
    made_up_ = 0;
    least_ = held_samples_ + ready_.size();
    least_since_ = now;
  }
  while (ready_.size() < kFrameSamples && decode_next()) {
  }
  if (ready_.size() < kFrameSamples) {
    // Nothing is there: it may be late, and is played when it comes.
    if (++made_up_in_a_row_ > kMadeUpMost) {
      playing_ = false;
      ready_.clear();
      return false;
    }
    const std::size_t missing = kFrameSamples - ready_.size();
    std::array<std::int16_t, kFrameSamples> made_up{};
    const std::size_t made = codec_ == Codec::Opus ? (missing + 19) / 20 * 20 : missing;
    decoder_.conceal(codec_, {}, std::span{made_up}.first(made));
    ready_.insert(ready_.end(), made_up.begin(), made_up.begin() + static_cast<std::ptrdiff_t>(made));
    counters_.concealed_samples += made;
    made_up_ += made;
  } else {
    made_up_in_a_row_ = 0;
  }
  shorten(now);
  std::copy_n(ready_.begin(), kFrameSamples, out.begin());
  ready_.erase(ready_.begin(), ready_.begin() + static_cast<std::ptrdiff_t>(kFrameSamples));
  return true;
}

}  // namespace zvonok::media::phone
