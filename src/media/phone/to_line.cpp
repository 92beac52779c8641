#include "media/phone/to_line.h"

#include <algorithm>

namespace zvonok::media::phone {
namespace {

constexpr std::uint32_t kOpusTicks = 6;  // of its clock for one sample
// More than that is a pause, which nobody has to fill.
constexpr std::size_t kConcealedMost = 480;
// A thread that stood still for longer does not make up for it.
constexpr Duration kBehindMost = milliseconds{100};
// Far from any time of the stream before, so that Timeline lets a new one begin where that has ended.
constexpr std::uint32_t kAnotherClock = 1U << 30;

}  // namespace

void ToLine::set_feed(Feed feed) {
  if ((feed == Feed::Steady) == (jitter_ != nullptr)) return;
  next_tick_ = TimePoint::max();
  if (jitter_ == nullptr) {
    jitter_ = std::make_unique<JitterBuffer>();
  } else {
    const ToLineCounters all = counters();
    jitter_.reset();
    counters_ = all;
  }
}

void ToLine::restart() {
  if (jitter_ != nullptr) jitter_->restart();
  if (decoding_ != nullptr) decoding_->newest.reset();
  digits_ = {};
}

void ToLine::on_packet(TimePoint now, const MediaPacket& packet) {
  switch (packet.codec) {
    case Codec::Pcmu:
    case Codec::Pcma:
    case Codec::Opus: break;
    case Codec::TelephoneEvent: return on_event(now, packet);
    default: ++counters_.no_codec; return;
  }
  if (jitter_ == nullptr) {
    if (packet.codec == Codec::Opus) return on_opus(now, packet);
    return on_g711(now, packet.codec == Codec::Pcmu ? g711::Law::Ulaw : g711::Law::Alaw, packet);
  }
  jitter_->on_packet(now, packet);
  if (next_tick_ == TimePoint::max()) next_tick_ = now;
}

void ToLine::on_g711(TimePoint now, g711::Law law, const MediaPacket& packet) {
  Bytes left = packet.payload;
  if (left.empty() || left.size() > SpeechDecoder::kSamplesMax) {
    ++counters_.malformed;
    return;
  }
  const Timeline::Mapped mapped = timeline_.map(now, packet.timestamp, left.size());
  Sound sound{.law = law_, .timestamp = mapped.timestamp, .is_first = packet.marker || mapped.jumped, .samples = {}};
  while (!left.empty()) {
    const Bytes piece = left.first(std::min(left.size(), Sound::kSamplesMax));
    left = left.subspan(piece.size());
    const MutableBytes room = MutableBytes{converted_}.first(piece.size());
    sound.samples = room;
    if (silent_) {
      std::ranges::fill(room, g711::silence(law_));
    } else if (law != law_) {
      g711::convert(law, piece, room);
    } else {
      sound.samples = piece;
    }
    ++counters_.sounds;
    out_.on_sound(now, sound);
    sound.timestamp += static_cast<std::uint32_t>(piece.size());
    sound.is_first = false;
  }
}

void ToLine::on_opus(TimePoint now, const MediaPacket& packet) {
  const auto samples = opus_samples(packet.payload);
  if (!samples) {
    ++counters_.malformed;
    return;
  }
  if (decoding_ == nullptr) decoding_ = std::make_unique<Decoding>();
  Decoding& state = *decoding_;
  if (state.newest && packet.sequence <= *state.newest) {
    ++counters_.late;
    if (++state.late_in_a_row < JitterBuffer::kLateMost) return;
    state.newest.reset();  // no network holds back so many: they are numbered anew
  }
  state.late_in_a_row = 0;
  const bool begins = !state.newest;
  if (begins) {
    state.newest_at = packet.timestamp;
    state.samples = 0;
    state.clock += kAnotherClock;
  }
  const auto step =
      static_cast<std::int32_t>(packet.timestamp - state.newest_at) / static_cast<std::int32_t>(kOpusTicks);
  const std::uint32_t clock = state.clock + static_cast<std::uint32_t>(step);
  const bool lost = !begins && packet.sequence > *state.newest + 1;
  const std::size_t before = state.samples;
  state.newest = packet.sequence;
  state.newest_at = packet.timestamp;
  state.clock = clock;
  state.samples = *samples;
  std::array<std::int16_t, SpeechDecoder::kSamplesMax> decoded;
  if (lost && !silent_ && before > 0 && step > static_cast<std::int32_t>(before)) {
    const std::size_t missing = static_cast<std::size_t>(step) - before;
    for (std::size_t left = missing <= kConcealedMost ? missing / 20 * 20 : 0; left > 0;) {
      const std::size_t piece = std::min(left, *samples);
      const auto made_up = std::span{decoded}.first(piece);
      state.decoder.conceal(Codec::Opus, left == piece ? packet.payload : Bytes{}, made_up);
      counters_.concealed += piece;
      send(now, clock - static_cast<std::uint32_t>(left), false, made_up);
      left -= piece;
    }
  }
  std::size_t count = *samples;
  if (silent_) {
    std::ranges::fill(decoded, std::int16_t{0});
  } else {
    ++counters_.decoded;
    count = state.decoder.decode(Codec::Opus, packet.payload, decoded).value_or(0);
  }
  send(now, clock, packet.marker || begins, std::span{decoded}.first(count));
}

/// In pieces of 20 ms, as far as it goes.
void ToLine::send(TimePoint now, std::uint32_t timestamp, bool is_first, std::span<const std::int16_t> samples) {
  while (!samples.empty()) {
    const auto piece = samples.first(std::min(samples.size(), kFrameSamples));
    samples = samples.subspan(piece.size());
    const MutableBytes room = MutableBytes{converted_}.first(piece.size());
    g711::encode(law_, piece, room);
    if (silent_) std::ranges::fill(room, g711::silence(law_));
    const Timeline::Mapped mapped = timeline_.map(now, timestamp, piece.size());
    ++counters_.sounds;
    out_.on_sound(now,
                  {.law = law_, .timestamp = mapped.timestamp, .is_first = is_first || mapped.jumped, .samples = room});
    timestamp += static_cast<std::uint32_t>(piece.size());
    is_first = false;
  }
}

void ToLine::on_event(TimePoint now, const MediaPacket& packet) {
  const auto event = rtp::parse_telephone_event(packet.payload);
  if (!event) {
    ++counters_.malformed;
    return;
  }
  if (jitter_ != nullptr) jitter_->skip(now, packet.sequence);
  if (decoding_ != nullptr && decoding_->newest && packet.sequence > *decoding_->newest) {
    decoding_->newest = packet.sequence;
  }
  const auto digit = digits_.on_packet(packet.timestamp, *event);
  if (!digit) return;
  ++counters_.digits;
  out_.on_digit(now, *digit);
}

void ToLine::handle_timeout(TimePoint now) {
  if (jitter_ == nullptr || now < next_tick_) return;
  if (now - next_tick_ > kBehindMost) next_tick_ = now;
  while (next_tick_ <= now) {
    next_tick_ += kFrame;
    std::array<std::int16_t, kFrameSamples> samples;
    const bool speaks = jitter_->pull(now, samples) && !silent_;
    const MutableBytes room = MutableBytes{converted_}.first(kFrameSamples);
    if (speaks) {
      g711::encode(law_, samples, room);
    } else {
      std::ranges::fill(room, g711::silence(law_));
    }
    out_.on_sound(now,
                  {.law = law_, .timestamp = steady_timestamp_, .is_first = counters_.sounds == 0, .samples = room});
    ++counters_.sounds;
    steady_timestamp_ += static_cast<std::uint32_t>(kFrameSamples);
  }
}

ToLineCounters ToLine::counters() const {
  ToLineCounters all = counters_;
  if (jitter_ == nullptr) return all;
  const JitterCounters& jitter = jitter_->counters();
  all.concealed += jitter.concealed_samples;
  all.shortened += jitter.shortened_samples;
  all.late += jitter.late;
  all.overflows += jitter.overflows;
  all.malformed += jitter.unfit;
  return all;
}

}  // namespace zvonok::media::phone
