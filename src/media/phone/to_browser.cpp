#include "media/phone/to_browser.h"

#include <algorithm>
#include <span>
#include <utility>

#include "proto/rtp/telephone_event.h"

namespace zvonok::media::phone {
namespace {

constexpr rtp::PayloadType kUlawType{0};
constexpr rtp::PayloadType kAlawType{8};
constexpr rtp::PayloadType kOpusType{111};
constexpr rtp::PayloadType kEventType{101};
constexpr rtp::PayloadType kOpusEventType{110};
constexpr std::uint32_t kOpusTicks = 6;  // of its clock for one sample
// A gap up to that is filled with silence; behind a longer one the frame begins anew.
constexpr std::int32_t kGapMost = static_cast<std::int32_t>(kFrameSamples);

// A digit is a tone of 100 ms, told of every 20 ms, its end three times (RFC 4733 section 2.5.1.4); and a rest, so that
// the same digit twice is two.
constexpr int kEventUpdates = 5;
constexpr int kEventPackets = kEventUpdates + 3;
constexpr Duration kEventRest = milliseconds{60};

}  // namespace

std::vector<CodecParameters> ToBrowser::codecs() {
  return {{.codec = Codec::Pcmu, .type = kUlawType, .rtx = {}, .clock_rate = 8000, .profile = {}},
          {.codec = Codec::Pcma, .type = kAlawType, .rtx = {}, .clock_rate = 8000, .profile = {}},
          {.codec = Codec::Opus, .type = kOpusType, .rtx = {}, .clock_rate = 48'000, .profile = {}},
          {.codec = Codec::TelephoneEvent, .type = kEventType, .rtx = {}, .clock_rate = 8000, .profile = {}},
          {.codec = Codec::TelephoneEvent, .type = kOpusEventType, .rtx = {}, .clock_rate = 48'000, .profile = {}}};
}

void ToBrowser::set_taken(const std::vector<CodecParameters>& taken) {
  taken_ = {};
  for (const CodecParameters& codec : taken) {
    taken_.ulaw = taken_.ulaw || codec.codec == Codec::Pcmu;
    taken_.alaw = taken_.alaw || codec.codec == Codec::Pcma;
    taken_.opus = taken_.opus || codec.codec == Codec::Opus;
    if (codec.codec != Codec::TelephoneEvent) continue;
    taken_.events = taken_.events || codec.clock_rate == 8000;
    taken_.opus_events = taken_.opus_events || codec.clock_rate == 48'000;
  }
}

void ToBrowser::on_sound(TimePoint now, const Sound& sound) {
  if (sound.samples.empty() || sound.samples.size() > Sound::kSamplesMax) {
    ++counters_.malformed;
    return;
  }
  const Timeline::Mapped mapped = timeline_.map(now, sound.timestamp, sound.samples.size());
  const bool own = sound.law == g711::Law::Ulaw ? taken_.ulaw : taken_.alaw;
  if (!taken_.g711()) {
    if (taken_.opus) return encode(now, mapped.timestamp, sound.is_first || mapped.jumped, sound);
    ++counters_.unheard;
    return;
  }
  const g711::Law law = own ? sound.law : g711::other(sound.law);
  Bytes payload = sound.samples;
  if (silent_ || !own) {
    const MutableBytes room = MutableBytes{converted_}.first(payload.size());
    if (silent_) {
      std::ranges::fill(room, g711::silence(law));
    } else {
      g711::convert(sound.law, payload, room);
    }
    payload = room;
  }
  send(now, {.codec = law == g711::Law::Ulaw ? Codec::Pcmu : Codec::Pcma,
             .timestamp = mapped.timestamp,
             .marker = sound.is_first || mapped.jumped,
             .payload = payload});
}

void ToBrowser::encode(TimePoint now, std::uint32_t timestamp, bool is_first, const Sound& sound) {
  if (encoding_ == nullptr) {
    encoding_ = std::make_unique<Encoding>();
    encoding_->begins = timestamp;
    encoding_->clock = timestamp * kOpusTicks;
  }
  Encoding& state = *encoding_;
  const auto gap = static_cast<std::int32_t>(timestamp - (state.begins + static_cast<std::uint32_t>(state.filled)));
  if (gap < 0) {
    ++counters_.late;
    return;
  }
  if (gap > 0 && state.filled > 0) {
    std::fill(state.frame.begin() + static_cast<std::ptrdiff_t>(state.filled), state.frame.end(), std::int16_t{0});
    const auto left = static_cast<std::int32_t>(kFrameSamples - state.filled);
    if (gap < left) {
      state.filled += static_cast<std::size_t>(gap);
    } else {
      send_frame(now);
    }
  }
  if (state.filled == 0) {
    state.clock += (timestamp - state.begins) * kOpusTicks;
    state.begins = timestamp;
    state.is_first = state.is_first || is_first || gap > kGapMost;
  }
  std::array<std::int16_t, Sound::kSamplesMax> samples{};
  const auto decoded = std::span{samples}.first(sound.samples.size());
  if (!silent_) g711::decode(sound.law, sound.samples, decoded);
  for (const std::int16_t sample : decoded) {
    state.frame[state.filled++] = sample;
    if (state.filled == kFrameSamples) send_frame(now);
  }
}

void ToBrowser::send_frame(TimePoint now) {
  Encoding& state = *encoding_;
  std::array<std::uint8_t, OpusEncoder::kBytesMax> bytes;
  const std::size_t size = state.encoder.encode(state.frame, bytes);
  const std::uint32_t clock = state.clock;
  state.filled = 0;
  state.begins += static_cast<std::uint32_t>(kFrameSamples);
  state.clock += static_cast<std::uint32_t>(kFrameSamples) * kOpusTicks;
  ++counters_.encoded;
  send(now, {.codec = Codec::Opus,
             .timestamp = clock,
             .marker = std::exchange(state.is_first, false),
             .payload = Bytes{bytes}.first(size)});
}

void ToBrowser::send(TimePoint now, const Outgoing& outgoing) {
  MediaPacket packet{.layer = 0,
                     .codec = outgoing.codec,
                     .clock_rate = taken_.g711() ? 8000U : 48'000U,
                     .sequence = next_sequence_++,
                     .timestamp = outgoing.timestamp,
                     .marker = outgoing.marker,
                     .payload = outgoing.payload,
                     .frame = {},
                     .vp8 = {},
                     .vp9 = {},
                     .red = {},
                     .repeats = {},
                     .dependency_descriptor = {},
                     .audio_level = {}};
  ++counters_.packets;
  out_.on_packet(now, packet, type_of(outgoing.codec));
}

rtp::PayloadType ToBrowser::type_of(Codec codec) const {
  switch (codec) {
    case Codec::Pcmu: return kUlawType;
    case Codec::Pcma: return kAlawType;
    case Codec::Opus: return kOpusType;
    default: return taken_.g711() ? kEventType : kOpusEventType;
  }
}

void ToBrowser::on_digit(TimePoint now, char digit) {
  const auto event = rtp::event_of(digit);
  if (!event) return;
  if (!takes_events()) {
    ++counters_.unheard;
    return;
  }
  if (digits_.size() >= kDigitsWaitingMax) {
    ++counters_.digits_dropped;
    return;
  }
  digits_.push_back(*event);
  next_event_ = std::min(next_event_, now);
}

/// One packet of the digit that is told, or the first of the next one.
void ToBrowser::tell(TimePoint now) {
  if (!telling_) {
    if (digits_.empty()) {
      next_event_ = TimePoint::max();
      return;
    }
    std::uint32_t timestamp = timeline_.now_at(now);
    if (!taken_.g711()) {
      // Between what was sent and what waits to be: both clocks of a stream are one.
      timestamp = encoding_ == nullptr ? timestamp * kOpusTicks
                                       : encoding_->clock + (timestamp - encoding_->begins) * kOpusTicks;
    }
    telling_ = Telling{.event = digits_.front(), .timestamp = timestamp, .packet = 0};
    digits_.pop_front();
    ++counters_.digits;
  }
  const int packet = telling_->packet++;
  const auto lasted = static_cast<std::uint16_t>(static_cast<std::uint32_t>(std::min(packet + 1, kEventUpdates)) *
                                                 kFrameSamples * ticks());
  const auto payload =
      rtp::to_bytes({.event = telling_->event, .end = packet >= kEventUpdates, .volume = 10, .duration = lasted});
  send(now,
       {.codec = Codec::TelephoneEvent, .timestamp = telling_->timestamp, .marker = packet == 0, .payload = payload});
  if (telling_->packet < kEventPackets) {
    next_event_ = now + kFrame;
    return;
  }
  telling_.reset();
  next_event_ = now + kEventRest;
}

void ToBrowser::handle_timeout(TimePoint now) {
  if (next_event_ <= now) tell(now);
}

}  // namespace zvonok::media::phone
