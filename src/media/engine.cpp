#include "media/engine.h"

#include <algorithm>
#include <utility>

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
  forward_burst(now);
  std::visit([&](const auto& which) { on(which, now); }, command);
}

Peer* Engine::find(ParticipantId peer) {
  const auto found = peers_.find(peer);
  return found == peers_.end() ? nullptr : found->second.get();
}

void Engine::on(const OpenPeer& command, TimePoint now) {
  auto peer = std::make_unique<Peer>(now, command.peer, command.room, command.local,
                                     Peer::Parts{.host = *this, .sink = sink_, .dtls = dtls_, .entropy = entropy_});
  peer->generation = command.generation;
  peer->statistics_lot = peers_opened_++ % kStatisticsLots;
  add_ufrag(*peer, command.local.ufrag);
  rooms_[command.room].peers.push_back(peer.get());
  peers_.emplace(command.peer, std::move(peer));
}

void Engine::on(const ConfigurePeer& command, TimePoint now) {
  Peer* const peer = find(command.peer);
  if (peer == nullptr) return;
  forget_tracks(*peer, command.parameters);
  peer->set_parameters(command.parameters, now);
  index_tracks(*peer);
  peer->set_remote(command.remote, now);
  after_transport(*peer, now);
}

void Engine::on(const RestartIce& command, TimePoint now) {
  Peer* const peer = find(command.peer);
  if (peer == nullptr) return;
  add_ufrag(*peer, command.local.ufrag);
  peer->transport().restart_ice(now, command.local);
  after_transport(*peer, now);
}

void Engine::on(const MuteTrack& command, TimePoint) {
  Track* const track = find_track(command.track);
  if (track == nullptr || track->muted == command.muted) return;
  track->muted = command.muted;
  // What was said meanwhile, or just before, must not come out afterwards; and the pause is no loss.
  for (Track::Layer& layer : track->layers) {
    if (layer.recent != nullptr) *layer.recent = AudioHistory{};
  }
  for (const Subscriber& subscriber : track->subscribers) {
    Forwarder& forwarder = subscriber.stream->forwarder();
    forwarder.stop();
    if (command.muted) continue;
    if (const auto layer = forwarder.wants_keyframe_of()) track->publisher->want_keyframe(*track, *layer);
  }
}

void Engine::on(const SetTrackQuiet& command, TimePoint) {
  if (Track* const track = find_track(command.track)) track->quiet = command.quiet;
}

void Engine::on(const SetTrackSource& command, TimePoint) {
  if (Track* const track = find_track(command.track)) track->source = command.source;
}

void Engine::on(const SetView& command, TimePoint now) {
  if (Peer* const peer = find(command.peer)) peer->downlink().set_view(command.wishes, now);
}

void Engine::on(const ClosePeer& command, TimePoint now) {
  Peer* const peer = find(command.peer);
  if (peer == nullptr) return;
  forget_tracks(*peer, {});
  peer->set_parameters({}, now);
  for (const std::string& ufrag : peer->ufrags) {
    const auto known = ufrags_.find(ufrag);
    if (known != ufrags_.end() && known->second == peer) ufrags_.erase(known);
  }
  for (const ice::Path& path : peer->paths) {
    const auto known = paths_.find(path);
    if (known == paths_.end() || known->second != peer) continue;
    paths_.erase(known);
    sink_.release(path);
  }
  if (peer->touched) std::erase(touched_, peer);
  arm(*peer, TimePoint::max());
  const auto room = rooms_.find(peer->room());
  if (room != rooms_.end()) {
    std::erase(room->second.peers, peer);
    if (room->second.loudest == peer->id()) room->second.loudest.reset();
    forget_empty(room);
  }
  gone_.add(*peer);
  peers_.erase(command.peer);
}

void Engine::forget_empty(Rooms::iterator room) {
  if (room->second.peers.empty() && room->second.guests.empty()) rooms_.erase(room);
}

MediaTotals Engine::totals() const {
  MediaTotals sum = gone_;
  for (const auto& [id, peer] : peers_) sum.add(*peer);
  return sum;
}

void Engine::add_ufrag(Peer& peer, const std::string& ufrag) {
  ufrags_.insert_or_assign(ufrag, &peer);
  peer.ufrags.push_back(ufrag);
}

/// A path belongs to the peer that was first to use it, for as long as it is good for that one: a check from a forged
/// address must not lead somebody's packets astray.
void Engine::add_path(Peer& peer, const ice::Path& path) {
  const auto [known, added] = paths_.try_emplace(path, &peer);
  if (!added && known->second != &peer) {
    if (known->second->transport().ice().is_valid(path)) return;
    std::erase(known->second->paths, path);
    known->second = &peer;
  }
  if (!has(peer.paths, path)) peer.paths.push_back(path);
}

void Engine::remove_path(Peer& peer, const ice::Path& path) {
  std::erase(peer.paths, path);
  const auto known = paths_.find(path);
  if (known == paths_.end() || known->second != &peer) return;
  paths_.erase(known);
  sink_.release(path);
}

// ---- tracks ---------------------------------------------------------------------------------------------------------

Track* Engine::find_track(TrackId id) {
  const auto found = tracks_.find(id);
  return found == tracks_.end() ? nullptr : found->second;
}

/// Those that `parameters` don't name any more.
void Engine::forget_tracks(Peer& peer, const PeerParameters& parameters) {
  Room& room = rooms_[peer.room()];
  for (const auto& track : peer.uplink().tracks()) {
    if (has(parameters.receive, track->id, &ReceiveParameters::track)) continue;
    tracks_.erase(track->id);
    room.speakers.remove(track->id);
    room.owners.erase(track->id);
  }
}

void Engine::index_tracks(Peer& peer) {
  Room& room = rooms_[peer.room()];
  for (const auto& track : peer.uplink().tracks()) {
    if (!std::exchange(track->changed, false)) continue;
    tracks_.emplace(track->id, track.get());
    if (track->parameters.kind == Kind::Audio) {
      room.speakers.add(track->id);
      room.owners.emplace(track->id, track->owner);
      for (Guest* const guest : room.guests) introduce(*guest, *track);
    }
    // Tracks are for this room alone, whatever a receiver names.
    for (Peer* const other : room.peers) {
      if (other != &peer) other->downlink().connect(*track, peer.room());
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
  room.loudest.reset();
  SpeakersChanged event{.room = id, .speakers = {}};
  for (const Speakers::Speaker& speaker : room.speakers.current()) {
    const auto owner = room.owners.find(speaker.track);
    if (owner == room.owners.end()) continue;
    if (!room.loudest) room.loudest = owner->second;
    event.speakers.push_back({.participant = owner->second, .level = speaker.level});
  }
  events_.emplace_back(std::move(event));
}

bool Engine::is_speaking(const Track& track) const {
  const auto room = rooms_.find(track.room);
  return room != rooms_.end() && room->second.loudest == track.owner;
}

void Engine::on_layers_wanted(const Track& track, std::uint8_t layers) {
  LayersWanted event{.publisher = track.owner, .track = track.id, .layers = {}};
  for (std::size_t i = 0; i < track.layers.size(); ++i) {
    if (!track.layers[i].rid.empty()) event.layers.emplace_back(track.layers[i].rid, (layers >> i & 1U) != 0);
  }
  if (!event.layers.empty()) events_.emplace_back(std::move(event));
}

void Engine::take_statistics(TimePoint now) {
  StatisticsTaken event;
  const auto lot = statistics_taken_++ % kStatisticsLots;
  for (const auto& [id, peer] : peers_) {
    if (peer->statistics_lot != lot || peer->told_state != TransportState::Connected) continue;
    Uplink& up = peer->uplink();
    Downlink& down = peer->downlink();
    PeerStatistics taken{.peer = id,
                         .round_trip = peer->round_trip(),
                         .up = {.bitrate_bps = up.bitrate_bps(now),
                                .packets = up.counters().packets,
                                .bytes = up.counters().bytes,
                                .loss = up.loss(),
                                .jitter = up.jitter()},
                         .down = {.bitrate_bps = down.bitrate_bps(now),
                                  .packets = down.counters().packets,
                                  .bytes = down.counters().bytes,
                                  .loss = down.loss(),
                                  .jitter = down.jitter()},
                         .estimate_bps = {},
                         .videos = {}};
    if (const auto estimate = down.estimate(now)) taken.estimate_bps = estimate->target_bps;
    for (const auto& stream : down.streams()) {
      if (stream->parameters().kind != Kind::Video) continue;
      const Track* const track = find_track(stream->parameters().track);
      const std::int8_t layer = stream->forwarder().current_layer();
      if (track == nullptr || layer < 0 || static_cast<std::size_t>(layer) >= track->layers.size()) continue;
      taken.videos.push_back({.track = track->id, .rid = track->layers[static_cast<std::size_t>(layer)].rid});
    }
    event.peers.push_back(std::move(taken));
  }
  if (!event.peers.empty()) events_.emplace_back(std::move(event));
}

// ---- packets --------------------------------------------------------------------------------------------------------

void Engine::on_datagram(TimePoint now, const ice::Path& path, MutableBytes packet) {
  ++counters_.datagrams;
  const rtp::PacketKind kind = rtp::classify(packet);
  // A path or keys may be others afterwards. What came before must not be sealed with keys that count from anew.
  if (kind == rtp::PacketKind::Dtls || kind == rtp::PacketKind::Stun) forward_burst(now);
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
      return on_handshake(*peer, path, packet, now);
    case rtp::PacketKind::Stun: {
      const auto ufrag = ice::requested_ufrag(packet);
      const auto named = ufrag ? ufrags_.find(*ufrag) : ufrags_.end();
      if (named == ufrags_.end()) {
        ++counters_.unknown_ufrag;
        return;
      }
      peer = named->second;
      peer->transport().on_stun(now, path, packet);
      if (known == paths_.end() && peer->transport().ice().is_valid(path)) add_path(*peer, path);
      return after_transport(*peer, now);
    }
    case rtp::PacketKind::TurnChannel:
    case rtp::PacketKind::Unknown: ++counters_.unknown_kind; return;
  }
}

void Engine::forward_burst(TimePoint now) {
  burst_.take([now](const Track& track, std::span<const Forwarding> packets) {
    track.publisher->forward(track, packets, now);
  });
}

void Engine::on_handshake(Peer& peer, const ice::Path& path, Bytes packet, TimePoint now) {
  if (put_off_.empty() && handshakes_in_turn_ < kHandshakesAtOnce) {
    ++handshakes_in_turn_;
    peer.transport().on_dtls(now, path, packet);
    return after_transport(peer, now);
  }
  if (put_off_.size() >= kPutOffMax) {
    ++counters_.handshakes_dropped;
    return;
  }
  ++counters_.handshakes_put_off;
  put_off_.push_back({.peer = peer.id(), .path = path, .datagram = {packet.begin(), packet.end()}});
}

void Engine::serve_put_off(TimePoint now) {
  if (put_off_.empty()) return;
  forward_burst(now);
  const PutOff next = std::move(put_off_.front());
  put_off_.pop_front();
  Peer* const peer = find(next.peer);
  if (peer == nullptr) return;
  peer->transport().on_dtls(now, next.path, next.datagram);
  after_transport(*peer, now);
}

void Engine::set_shedding(std::uint8_t level) {
  const std::uint8_t before = std::exchange(shedding_, level);
  if (level >= before) return;
  for (const auto& [id, track] : tracks_) {
    for (const Subscriber& to : track->subscribers) {
      if (to.lot < level || to.lot >= before) continue;
      if (const auto layer = to.stream->forwarder().wants_keyframe_of())
        track->publisher->want_keyframe(*track, *layer);
    }
  }
}

void Engine::on_path_closed(TimePoint now, const ice::Path& path) {
  forward_burst(now);
  const auto known = paths_.find(path);
  if (known == paths_.end()) return;
  Peer& peer = *known->second;
  peer.transport().on_path_closed(now, path);
  after_transport(peer, now);
}

/// Keeps the routing tables as ICE says, and tells of the state.
void Engine::after_transport(Peer& peer, TimePoint now) {
  peer.check_association(now);
  while (const auto event = peer.transport().poll_ice_event()) {
    std::visit(Overloaded{[&](const ice::PathAdded& added) { add_path(peer, added.path); },
                          [&](const ice::PathRemoved& removed) { remove_path(peer, removed.path); },
                          [&](const ice::UfragRetired& retired) {
                            ufrags_.erase(retired.ufrag);
                            std::erase(peer.ufrags, retired.ufrag);
                          },
                          [](const auto&) {}},
               *event);
  }
  const TransportState state = peer.transport().state();
  if (state != peer.told_state) {
    peer.told_state = state;
    events_.emplace_back(PeerStateChanged{
        .peer = peer.id(), .generation = peer.generation, .state = state, .failure = peer.transport().failure()});
    if (state == TransportState::Connected) peer.on_connected(now);
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
  forward_burst(now);
  handshakes_in_turn_ = 0;
  for (std::size_t i = 0; i < touched_.size(); ++i) {
    Peer& peer = *touched_[i];
    peer.touched = false;
    arm(peer, std::max(peer.next_timeout(), now));
  }
  touched_.clear();
  if (rooms_.empty()) return;
  if (next_speakers_ == TimePoint::max()) next_speakers_ = now + kSpeakersInterval;
  if (next_statistics_ == TimePoint::max()) next_statistics_ = now + kStatisticsInterval / kStatisticsLots;
}

TimePoint Engine::next_timeout() const {
  if (!put_off_.empty()) return TimePoint::min();
  return std::min(timers_.empty() ? TimePoint::max() : timers_.begin()->first,
                  std::min(next_speakers_, next_statistics_));
}

void Engine::handle_timeout(TimePoint now) {
  forward_burst(now);
  serve_put_off(now);
  // Each peer at most once a turn, however near its next time is.
  due_.clear();
  for (auto timer = timers_.begin(); timer != timers_.end() && timer->first <= now; ++timer) {
    due_.push_back(timer->second);
  }
  for (Peer* const peer : due_) {
    peer->handle_timeout(now);
    after_transport(*peer, now);
  }
  if (next_statistics_ <= now) {
    next_statistics_ = rooms_.empty() ? TimePoint::max() : now + kStatisticsInterval / kStatisticsLots;
    take_statistics(now);
  }
  if (next_speakers_ <= now) {
    next_speakers_ = rooms_.empty() ? TimePoint::max() : now + kSpeakersInterval;
    for (auto& [id, room] : rooms_) update_speakers(id, room, now);
  }
}

}  // namespace zvonok::media
