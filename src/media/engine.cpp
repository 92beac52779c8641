#include "media/engine.h"

#include <algorithm>

#include "base/overloaded.h"
#include "media/has.h"
#include "proto/ice/credentials.h"
#include "proto/rtp/demux.h"

namespace zvonok::media {
namespace {

constexpr Duration kSpeakersInterval = milliseconds{250};

}  // namespace

Engine::Engine(const dtls::Context& dtls, Entropy& entropy, PacketSink& sink)
    : dtls_{dtls}, entropy_{entropy}, sink_{sink} {}

Engine::~Engine() = default;

// ---- commands -------------------------------------------------------------------------------------------------------

void Engine::handle(const Command& command, TimePoint now) {
  std::visit([&](const auto& which) { on(which, now); }, command);
}

Peer* Engine::find(ParticipantId peer) {
  const auto found = peers_.find(peer);
  return found == peers_.end() ? nullptr : found->second.get();
}

void Engine::on(const OpenPeer& command, TimePoint now) {
  auto peer = std::make_unique<Peer>(now, command.peer, command.room, command.local,
                                     Peer::Parts{.host = *this, .sink = sink_, .dtls = dtls_, .entropy = entropy_});
  ufrags_.insert_or_assign(command.local.ufrag, peer.get());
  rooms_[command.room].peers.push_back(peer.get());
  peers_.emplace(command.peer, std::move(peer));
}

void Engine::on(const ConfigurePeer& command, TimePoint now) {
  Peer* const peer = find(command.peer);
  if (peer == nullptr) return;
  forget_tracks(*peer);
  peer->set_parameters(command.parameters, now);
  index_tracks(*peer);
  peer->transport().set_remote(now, command.remote);
  after_transport(*peer);
}

void Engine::on(const RestartIce& command, TimePoint now) {
  Peer* const peer = find(command.peer);
  if (peer == nullptr) return;
  ufrags_.insert_or_assign(command.local.ufrag, peer);
  peer->transport().restart_ice(now, command.local);
  after_transport(*peer);
}

void Engine::on(const MuteTrack& command, TimePoint) {
  Track* const track = find_track(command.track);
  if (track == nullptr) return;
  track->muted = command.muted;
  if (!command.muted && track->parameters.kind == Kind::Video) {
    for (const Subscriber& subscriber : track->subscribers) subscriber.stream->forwarder().need_keyframe();
  }
  if (track->publisher != nullptr) touch(*track->publisher);
}

void Engine::on(const ClosePeer& command, TimePoint now) {
  Peer* const peer = find(command.peer);
  if (peer == nullptr) return;
  forget_tracks(*peer);
  peer->set_parameters({}, now);
  std::erase_if(ufrags_, [peer](const auto& entry) { return entry.second == peer; });
  std::erase_if(paths_, [peer](const auto& entry) { return entry.second == peer; });
  std::erase(touched_, peer);
  arm(*peer, TimePoint::max());
  const auto room = rooms_.find(peer->room());
  if (room != rooms_.end()) {
    std::erase(room->second.peers, peer);
    if (room->second.peers.empty()) rooms_.erase(room);
  }
  peers_.erase(command.peer);
}

// ---- tracks ---------------------------------------------------------------------------------------------------------

Track* Engine::find_track(TrackId id) {
  const auto found = tracks_.find(id);
  return found == tracks_.end() ? nullptr : found->second;
}

void Engine::forget_tracks(Peer& peer) {
  Room& room = rooms_[peer.room()];
  for (const auto& track : peer.tracks()) {
    tracks_.erase(track->id);
    room.speakers.remove(track->id);
    room.owners.erase(track->id);
  }
}

void Engine::index_tracks(Peer& peer) {
  Room& room = rooms_[peer.room()];
  for (const auto& track : peer.tracks()) {
    tracks_.emplace(track->id, track.get());
    if (track->parameters.kind == Kind::Audio) {
      room.speakers.add(track->id);
      room.owners.emplace(track->id, track->owner);
    }
    // Tracks are for this room alone, whatever a receiver names.
    for (Peer* const other : room.peers) {
      if (other != &peer) other->connect(*track);
    }
  }
}

void Engine::on_audio_level(const Track& track, std::uint8_t level) {
  const auto room = rooms_.find(track.room);
  if (room == rooms_.end()) return;
  room->second.speakers.on_level(track.id, level);
}

void Engine::update_speakers(RoomId id, Room& room, TimePoint now) {
  if (!room.speakers.update(now)) return;
  SpeakersChanged event{.room = id, .speakers = {}};
  for (const Speakers::Speaker& speaker : room.speakers.current()) {
    const auto owner = room.owners.find(speaker.track);
    if (owner != room.owners.end()) event.speakers.push_back({.participant = owner->second, .level = speaker.level});
  }
  events_.emplace_back(std::move(event));
}

// ---- packets --------------------------------------------------------------------------------------------------------

void Engine::on_datagram(TimePoint now, const ice::Path& path, MutableBytes packet) {
  ++counters_.datagrams;
  const rtp::PacketKind kind = rtp::classify(packet);
  const auto known = paths_.find(path);
  Peer* peer = known == paths_.end() ? nullptr : known->second;
  switch (kind) {
    case rtp::PacketKind::Rtp:
      if (peer != nullptr) return peer->on_rtp(now, path, packet);
      ++counters_.unknown_path;
      return;
    case rtp::PacketKind::Rtcp:
      if (peer != nullptr) return peer->on_rtcp(now, path, packet);
      ++counters_.unknown_path;
      return;
    case rtp::PacketKind::Dtls:
      if (peer == nullptr) {
        ++counters_.unknown_path;
        return;
      }
      peer->transport().on_dtls(now, path, packet);
      return after_transport(*peer);
    case rtp::PacketKind::Stun: {
      const auto ufrag = ice::requested_ufrag(packet);
      const auto named = ufrag ? ufrags_.find(std::string{*ufrag}) : ufrags_.end();
      if (named == ufrags_.end()) {
        ++counters_.unknown_ufrag;
        return;
      }
      peer = named->second;
      peer->transport().on_stun(now, path, packet);
      return after_transport(*peer);
    }
    case rtp::PacketKind::TurnChannel:
    case rtp::PacketKind::Unknown: ++counters_.unknown_kind; return;
  }
}

void Engine::on_path_closed(TimePoint now, const ice::Path& path) {
  const auto known = paths_.find(path);
  if (known == paths_.end()) return;
  Peer& peer = *known->second;
  peer.transport().on_path_closed(now, path);
  after_transport(peer);
}

/// Keeps the routing tables as ICE says, and tells of the state.
void Engine::after_transport(Peer& peer) {
  while (const auto event = peer.transport().poll_ice_event()) {
    std::visit(Overloaded{[&](const ice::PathAdded& added) { paths_.insert_or_assign(added.path, &peer); },
                          [&](const ice::PathRemoved& removed) {
                            const auto known = paths_.find(removed.path);
                            if (known != paths_.end() && known->second == &peer) paths_.erase(known);
                          },
                          [&](const ice::UfragRetired& retired) { ufrags_.erase(retired.ufrag); }, [](const auto&) {}},
               *event);
  }
  const TransportState state = peer.transport().state();
  if (state != peer.told_state) {
    peer.told_state = state;
    events_.emplace_back(PeerStateChanged{.peer = peer.id(), .state = state, .failure = peer.transport().failure()});
    if (state == TransportState::Connected) {
      for (Peer* const other : rooms_[peer.room()].peers) touch(*other);  // whose keyframes it may want
    }
  }
  touch(peer);
}

// ---- time -----------------------------------------------------------------------------------------------------------

void Engine::touch(Peer& peer) {
  if (peer.touched) return;
  peer.touched = true;
  touched_.push_back(&peer);
}

void Engine::arm(Peer& peer, TimePoint at) {
  if (peer.armed == at) return;
  if (peer.armed != TimePoint::max()) timers_.erase({peer.armed, &peer});
  if (at != TimePoint::max()) timers_.insert({at, &peer});
  peer.armed = at;
}

void Engine::end_turn(TimePoint now) {
  for (std::size_t i = 0; i < touched_.size(); ++i) {
    Peer& peer = *touched_[i];
    peer.touched = false;
    arm(peer, std::max(peer.next_timeout(), now));
  }
  touched_.clear();
  if (next_speakers_ == TimePoint::max() && !rooms_.empty()) next_speakers_ = now + kSpeakersInterval;
}

TimePoint Engine::next_timeout() const {
  return std::min(timers_.empty() ? TimePoint::max() : timers_.begin()->first, next_speakers_);
}

void Engine::handle_timeout(TimePoint now) {
  // Each peer at most once a turn, however near its next time is.
  std::vector<Peer*> due;
  for (auto timer = timers_.begin(); timer != timers_.end() && timer->first <= now; ++timer)
    due.push_back(timer->second);
  for (Peer* const peer : due) {
    peer->handle_timeout(now);
    after_transport(*peer);
  }
  if (next_speakers_ <= now) {
    next_speakers_ = rooms_.empty() ? TimePoint::max() : now + kSpeakersInterval;
    for (auto& [id, room] : rooms_) update_speakers(id, room, now);
  }
}

}  // namespace zvonok::media
