#include "media/phone/to_browser.h"

#include <algorithm>

#include "proto/rtp/telephone_event.h"

namespace zvonok::media::phone {
namespace {

constexpr rtp::PayloadType kUlawType{0};
constexpr rtp::PayloadType kAlawType{8};
constexpr rtp::PayloadType kEventType{101};

// A digit is a tone of 100 ms, told of every 20 ms, its end three times (RFC 4733 section 2.5.1.4); and a rest, so that
// the same digit twice is two.
constexpr int kEventUpdates = 5;
constexpr int kEventPackets = kEventUpdates + 3;
constexpr Duration kEventRest = milliseconds{60};

}  // namespace

std::vector<CodecParameters> ToBrowser::codecs() {
  return {{.codec = Codec::Pcmu, .type = kUlawType, .rtx = {}, .clock_rate = 8000, .profile = {}},
          {.codec = Codec::Pcma, .type = kAlawType, .rtx = {}, .clock_rate = 8000, .profile = {}},
          {.codec = Codec::TelephoneEvent, .type = kEventType, .rtx = {}, .clock_rate = 8000, .profile = {}}};
}

void ToBrowser::set_taken(const std::vector<CodecParameters>& taken) {
  taken_ = {};
  for (const CodecParameters& codec : taken) {
    taken_.ulaw = taken_.ulaw || codec.codec == Codec::Pcmu;
    taken_.alaw = taken_.alaw || codec.codec == Codec::Pcma;
    taken_.events = taken_.events || (codec.codec == Codec::TelephoneEvent && codec.clock_rate == 8000);
  }
}

void ToBrowser::on_sound(TimePoint now, const Sound& sound) {
  if (sound.samples.empty() || sound.samples.size() > Sound::kSamplesMax) {
    ++counters_.malformed;
    return;
  }
  const Timeline::Mapped mapped = timeline_.map(now, sound.timestamp, sound.samples.size());
  const bool own = sound.law == g711::Law::Ulaw ? taken_.ulaw : taken_.alaw;
  if (!own && !taken_.ulaw && !taken_.alaw) {
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

void ToBrowser::send(TimePoint now, const Outgoing& outgoing) {
  MediaPacket packet{.layer = 0,
                     .codec = outgoing.codec,
                     .clock_rate = 8000,
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
  out_.on_packet(now, packet,
                 outgoing.codec == Codec::Pcmu   ? kUlawType
                 : outgoing.codec == Codec::Pcma ? kAlawType
                                                 : kEventType);
}

void ToBrowser::on_digit(TimePoint now, char digit) {
  const auto event = rtp::event_of(digit);
  if (!event) return;
  if (!taken_.events) {
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
    telling_ = Telling{.event = digits_.front(), .timestamp = timeline_.now_at(now).value_or(0), .packet = 0};
    digits_.pop_front();
    ++counters_.digits;
  }
  const int packet = telling_->packet++;
  const auto lasted = static_cast<std::uint16_t>(std::min(packet + 1, kEventUpdates) * int{kFrameSamples});
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
