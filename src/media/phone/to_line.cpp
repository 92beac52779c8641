#include "media/phone/to_line.h"

#include <algorithm>

namespace zvonok::media::phone {
namespace {

// What one packet may hold: 120 ms. Browsers send 20, and 60 at most.
constexpr std::size_t kPacketSamplesMax = 960;

}  // namespace

void ToLine::on_packet(TimePoint now, const MediaPacket& packet) {
  switch (packet.codec) {
    case Codec::Pcmu: return on_g711(now, g711::Law::Ulaw, packet);
    case Codec::Pcma: return on_g711(now, g711::Law::Alaw, packet);
    case Codec::TelephoneEvent: return on_event(now, packet);
    default: ++counters_.no_codec;
  }
}

void ToLine::on_g711(TimePoint now, g711::Law law, const MediaPacket& packet) {
  Bytes left = packet.payload;
  if (left.empty() || left.size() > kPacketSamplesMax) {
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

void ToLine::on_event(TimePoint now, const MediaPacket& packet) {
  const auto event = rtp::parse_telephone_event(packet.payload);
  if (!event) {
    ++counters_.malformed;
    return;
  }
  const auto digit = digits_.on_packet(packet.timestamp, *event);
  if (!digit) return;
  ++counters_.digits;
  out_.on_digit(now, *digit);
}

}  // namespace zvonok::media::phone
