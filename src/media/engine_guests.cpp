#include <utility>

#include "media/engine.h"
#include "media/has.h"

namespace zvonok::media {
namespace {

constexpr Duration kClockInterval = seconds{1};

}  // namespace

void Engine::seat(const GuestSeat& seat, Guest& guest) {
  auto seated = std::make_unique<Seated>();
  seated->guest = &guest;
  Track& track = seated->track;
  track.id = seat.track;
  track.owner = seat.guest;
  track.room = seat.room;
  track.parameters.track = seat.track;
  track.parameters.kind = Kind::Audio;
  track.parameters.codecs = seat.codecs;
  track.layers.resize(1);
  tracks_.emplace(track.id, &track);
  for (const auto& [id, other] : guests_) {
    if (other->track.room != seat.room) continue;
    introduce(guest, other->track);
    introduce(*other->guest, track);
  }
  Room& room = rooms_[seat.room];
  room.guests.push_back(&guest);
  room.speakers.add(track.id);
  room.owners.emplace(track.id, track.owner);
  for (Peer* const peer : room.peers) {
    peer->downlink().connect(track, seat.room);
    for (const auto& theirs : peer->uplink().tracks()) introduce(guest, *theirs);
  }
  guests_.insert_or_assign(seat.guest, std::move(seated));
}

void Engine::introduce(Guest& guest, Track& track) {
  if (track.parameters.kind == Kind::Audio && !has(track.guests, &guest)) track.guests.push_back(&guest);
}

void Engine::unseat(ParticipantId guest) {
  const auto found = guests_.find(guest);
  if (found == guests_.end()) return;
  Seated& seated = *found->second;
  for (const Subscriber& subscriber : seated.track.subscribers) subscriber.stream->forwarder().restart();
  for (Guest* const other : seated.track.guests) other->on_track_ended(seated.track.id);
  for (const auto& [id, other] : guests_) std::erase(other->track.guests, seated.guest);
  tracks_.erase(seated.track.id);
  const auto room = rooms_.find(seated.track.room);
  if (room != rooms_.end()) {
    std::erase(room->second.guests, seated.guest);
    room->second.speakers.remove(seated.track.id);
    room->second.owners.erase(seated.track.id);
    for (Peer* const peer : room->second.peers) {
      for (const auto& track : peer->uplink().tracks()) std::erase(track->guests, seated.guest);
    }
    forget_empty(room);
  }
  guests_.erase(found);
}

void Engine::publish(ParticipantId guest, const MediaPacket& packet, rtp::PayloadType type, TimePoint now) {
  const auto found = guests_.find(guest);
  if (found == guests_.end()) return;
  Seated& seated = *found->second;
  Track& track = seated.track;
  Track::Layer& layer = track.layers.front();
  if (layer.stream == nullptr || layer.stream->options().clock_rate != packet.clock_rate) {
    ++layer.epoch;
    layer.stream = std::make_unique<ReceiveStream>(
        ReceiveStream::Options{.kind = Kind::Audio, .clock_rate = packet.clock_rate, .packets_kept = 0});
    for (const Subscriber& subscriber : track.subscribers) subscriber.stream->forwarder().restart();
    seated.clock_told = {};
  }
  // A digit has the timestamp of its beginning.
  if (packet.codec != Codec::TelephoneEvent && now - seated.clock_told >= kClockInterval) {
    // There is no clock behind it but ours: what comes now is of now.
    seated.clock_told = now;
    layer.stream->on_sender_report({.sender = {},
                                    .ntp = rtcp::NtpTime{} + now.time_since_epoch(),
                                    .rtp_timestamp = packet.timestamp,
                                    .packets = 0,
                                    .octets = 0},
                                   now);
  }
  if (track.muted) return;
  if (packet.audio_level) on_audio_level(track, static_cast<std::uint8_t>(*packet.audio_level & 0x7F));
  for (Guest* const other : track.guests) other->on_audio(track, packet, now);
  const Forwarder::Clocks clocks = track.clocks();
  const std::uint64_t key = track.key_of(0, packet.sequence);
  for (const Subscriber& to : track.subscribers) to.downlink->forward(*to.stream, packet, {type, key, clocks}, now);
}

}  // namespace zvonok::media
