#include "app/media/room_leg.h"

#include <algorithm>
#include <utility>

#include "app/media/sum_counters.h"
#include "media/phone/loudness.h"

namespace zvonok::app {
namespace {

constexpr std::uint8_t kVoiceFlag = 0x80;  // of RFC 6464's byte
constexpr std::uint8_t kVoiceLevel = 50;   // louder than -50 dBov

}  // namespace

std::vector<media::CodecParameters> room_phone_codecs() {
  std::vector<media::CodecParameters> codecs = media::phone::ToBrowser::codecs();
  std::erase_if(codecs, [](const media::CodecParameters& codec) { return codec.codec != media::Codec::Opus; });
  return codecs;
}

RoomLeg::RoomLeg(Parts parts, ParticipantId telephone) : parts_{parts}, telephone_{telephone} {
  to_room_.set_taken(room_phone_codecs());
}

RoomLeg::~RoomLeg() {
  if (connected_) parts_.engine.unseat(telephone_);
  if (timer_) parts_.loop.cancel(*timer_);
}

void RoomLeg::attach(std::unique_ptr<port::PhoneLine> line) {
  line_ = std::move(line);
  if (line_ != nullptr) line_->start(parts_.loop, *this);
}

void RoomLeg::connect(RoomId room, TrackId track) {
  if (std::exchange(connected_, true)) return;
  parts_.engine.seat({.guest = telephone_, .room = room, .track = track, .codecs = room_phone_codecs()}, *this);
  to_line_.start(parts_.loop.now().mono);
  arm();
}

void RoomLeg::on_audio(const media::Track& track, const media::MediaPacket& packet, TimePoint now) {
  to_line_.on_packet(now, track.id, track.layers[packet.layer].epoch, packet);
}

void RoomLeg::on_sound(TimePoint now, const port::PhoneSound& sound) {
  if (!connected_) return;  // ringback is for who hears it alone
  const media::phone::Sound said{
      .law = to_media(sound.law), .timestamp = sound.timestamp, .is_first = sound.is_first, .samples = sound.samples};
  loudness_ = media::phone::loudness_of(said);
  to_room_.on_sound(now, said);
}

void RoomLeg::on_digit(TimePoint, char digit) {
  parts_.tell_digit(telephone_, digit);
}

void RoomLeg::Line::on_sound(TimePoint now, const media::phone::Sound& sound) {
  if (leg_.line_ == nullptr) return;
  leg_.line_->send(
      now,
      {.law = to_port(sound.law), .timestamp = sound.timestamp, .is_first = sound.is_first, .samples = sound.samples});
}

void RoomLeg::Room::on_packet(TimePoint now, const media::MediaPacket& packet, rtp::PayloadType type) {
  media::MediaPacket said = packet;
  const bool voice = leg_.loudness_ < kVoiceLevel;
  said.audio_level = static_cast<std::uint8_t>(leg_.loudness_ | (voice ? kVoiceFlag : 0));
  leg_.parts_.engine.publish(leg_.telephone_, said, type, now);
}

void RoomLeg::arm() {
  const TimePoint next = to_line_.next_timeout();
  if (timer_ && timer_->first <= next) return;
  if (timer_) parts_.loop.cancel(*timer_);
  timer_.reset();
  if (next == TimePoint::max()) return;
  timer_ = parts_.loop.schedule(next, [this] {
    timer_.reset();
    if (line_ != nullptr) to_line_.set_law(to_media(line_->law()));
    to_line_.handle_timeout(parts_.loop.now().mono);
    arm();
  });
}

void RoomLeg::add_to(RoomLegCounters& sum) const {
  add_counters(sum.to_line, to_line_.counters());
  add_counters(sum.to_room, to_room_.counters());
}

}  // namespace zvonok::app
