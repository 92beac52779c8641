#include "sim/media/world.h"

#include <algorithm>

#include "proto/dtls/certificate.h"
#include "proto/dtls/context.h"

namespace zvonok::sim {
namespace {

constexpr SocketAddress kServer{.ip = IpAddress::v4(0xC0000201), .port = 3478};

/// Certificates cost time and are not what is tested: one for the server, some for clients in turn.
struct Identity {
  dtls::Certificate certificate;
  dtls::Context context;
};
const Identity& identity(std::size_t index) {
  static const std::vector<Identity> all = [] {
    RandomEntropy entropy{1};
    std::vector<Identity> made;
    for (int i = 0; i < 8; ++i) {
      auto certificate = dtls::Certificate::generate(entropy, {.now = wall_from_unix_milliseconds(1'700'000'000'000)});
      auto context = dtls::Context::create(*certificate);
      made.push_back({.certificate = std::move(*certificate), .context = std::move(*context)});
    }
    return made;
  }();
  return all[index % all.size()];
}

media::ExtensionIds section_ids(media::Kind kind) {
  return extension_ids_of(kind);
}

std::vector<media::CodecParameters> codecs(media::Kind kind) {
  if (kind == media::Kind::Audio) {
    return {{.codec = media::Codec::Opus, .type = kOpusType, .rtx = {}, .clock_rate = 48'000, .profile = ""}};
  }
  return {{.codec = media::Codec::Vp8, .type = kVp8Type, .rtx = kVp8RtxType, .clock_rate = 90'000, .profile = ""}};
}

}  // namespace

std::vector<Client::Layer> simulcast() {
  return {{.rid = "q", .height = 180, .bitrate_bps = 120'000},
          {.rid = "h", .height = 360, .bitrate_bps = 400'000},
          {.rid = "f", .height = 720, .bitrate_bps = 1'500'000}};
}
std::vector<Client::Layer> single(std::int64_t bitrate_bps) {
  return {{.rid = "", .height = 720, .bitrate_bps = bitrate_bps}};
}
test::LinkProfile clean() {
  return {.delay = milliseconds{20}};
}

World::World(std::uint64_t seed)
    : seed_{seed},
      random_{seed},
      entropy_{seed + 77},
      engine_{std::make_unique<media::Engine>(identity(0).context, entropy_, static_cast<media::PacketSink&>(*this))} {}

World::~World() = default;

// ---- who is there ---------------------------------------------------------------------------------------------------

std::uint64_t World::join(const Joining& joining) {
  const std::uint64_t id = ++next_peer_;
  auto& member = *members_.emplace(id, std::make_unique<Member>()).first->second;
  member.id = id;
  member.joining = joining;
  member.server = ice::make_credentials(entropy_);
  member.up = std::make_unique<test::Link>(joining.up, random_.next());
  const test::LinkProfile& up = joining.up;
  uplinks_keep_all_ = uplinks_keep_all_ && up.loss == 0 && !up.burst_loss && up.reorder == 0 &&
                      up.order == test::LinkProfile::Order::Kept && up.bandwidth_bps == 0;
  member.down = std::make_unique<test::Link>(joining.down, random_.next());
  member.client = std::make_unique<Client>(
      Client::Options{.dtls = &identity(static_cast<std::size_t>(1 + id % 7)).context,
                      .server_fingerprint = identity(0).certificate.fingerprint(),
                      .seed = random_.next(),
                      .send =
                          [&member](TimePoint now, std::uint16_t port, Client::Bytes8 bytes) {
                            member.up_bytes += bytes.size();
                            if (member.record) member.recorded.push_back(bytes);
                            member.up->send(now, {.bytes = std::move(bytes), .tag = port});
                          },
                      .on_keys =
                          [this, id](const dtls::SrtpKeys& keys) {
                            media::Peer* const peer = engine_->find(ParticipantId{id});
                            if (peer != nullptr)
                              tap_.on_keys({.peer = id, .association = peer->transport().association()}, keys);
                          },
                      .round_trip = joining.up.delay + joining.down.delay + milliseconds{20},
                      .sends_transport_feedback = joining.sends_transport_feedback,
                      .sends_nacks = joining.sends_nacks,
                      .sends_keyframe_requests = joining.sends_keyframe_requests});
  tap_.set_room(id, joining.room);
  engine_->handle(media::OpenPeer{.peer = ParticipantId{id}, .room = RoomId{joining.room}, .local = member.server},
                  now_);
  member.client->set_server(member.server);
  publish(id, joining.audio, joining.layers);
  return id;
}

void World::publish(std::uint64_t peer, bool audio, std::vector<Client::Layer> layers) {
  Member& who = member(peer);
  who.layers = std::move(layers);
  who.audio_track = audio ? ++next_track_ : 0;
  who.video_track = who.layers.empty() ? 0 : ++next_track_;
  who.client->publish({.room = who.joining.room,
                       .audio_track = who.audio_track,
                       .video_track = who.video_track,
                       .audio_mid = "0",
                       .video_mid = "1",
                       .layers = who.layers});
  configure_room(who.joining.room);
}

void World::stop_publishing(std::uint64_t peer) {
  Member& who = member(peer);
  who.client->stop_publishing();
  who.audio_track = who.video_track = 0;
  who.layers.clear();
  configure_room(who.joining.room);
}

void World::leave(std::uint64_t peer) {
  const std::uint32_t room = member(peer).joining.room;
  for (const std::string& wrong : client(peer).wrong()) left_wrong_.push_back(wrong);
  engine_->handle(media::ClosePeer{.peer = ParticipantId{peer}}, now_);
  members_.erase(peer);
  configure_room(room);
}

media::SendParameters& World::sending(Member& to, std::uint32_t track, media::Kind kind) {
  const auto [known, added] = to.gets.try_emplace(track);
  if (added) {
    known->second = {
        .track = TrackId{track},
        .mid = "z" + std::to_string(track),
        .kind = kind,
        .ssrc = rtp::Ssrc{next_ssrc_++},
        .rtx_ssrc = {},
        .cname = "somebody",
        .codecs = codecs(kind),
        .extensions = section_ids(kind),
        .retransmission = kind == media::Kind::Video ? media::Retransmission::Nack : media::Retransmission::Off};
    if (kind == media::Kind::Video) known->second.rtx_ssrc = rtp::Ssrc{next_ssrc_++};
  }
  return known->second;
}

void World::also_send(std::uint64_t peer, std::uint32_t track, media::Kind kind) {
  sending(member(peer), track, kind);
  configure(peer);
}

void World::configure_room(std::uint32_t room) {
  std::map<std::uint32_t, std::pair<std::uint64_t, media::Kind>> tracks;
  for (const auto& [id, who] : members_) {
    if (who->joining.room != room) continue;
    if (who->audio_track != 0) tracks[who->audio_track] = {id, media::Kind::Audio};
    if (who->video_track != 0) tracks[who->video_track] = {id, media::Kind::Video};
  }
  for (const auto& [id, who] : members_) {
    if (who->joining.room != room) continue;
    std::erase_if(who->gets, [&](const auto& got) { return !tracks.contains(got.first); });
    for (const auto& [track, owner] : tracks) {
      if (owner.first != id) sending(*who, track, owner.second);
    }
    configure(id);
  }
}

media::PeerParameters World::parameters(const Member& who) const {
  media::PeerParameters all;
  if (who.audio_track != 0) {
    all.receive.push_back({.track = TrackId{who.audio_track},
                           .mid = "0",
                           .kind = media::Kind::Audio,
                           .codecs = codecs(media::Kind::Audio),
                           .extensions = section_ids(media::Kind::Audio),
                           .rids = {},
                           .ssrcs = {},
                           .retransmission = media::Retransmission::Off});
  }
  if (who.video_track != 0) {
    media::ReceiveParameters video{.track = TrackId{who.video_track},
                                   .mid = "1",
                                   .kind = media::Kind::Video,
                                   .codecs = codecs(media::Kind::Video),
                                   .extensions = section_ids(media::Kind::Video),
                                   .rids = {},
                                   .ssrcs = {},
                                   .retransmission = media::Retransmission::Nack};
    for (const Client::Layer& layer : who.layers) {
      if (!layer.rid.empty()) video.rids.push_back(layer.rid);
    }
    all.receive.push_back(std::move(video));
  }
  if (who.joining.video_section_first) std::ranges::reverse(all.receive);
  for (const auto& [track, sent] : who.gets) all.send.push_back(sent);
  return all;
}

void World::configure(std::uint64_t peer) {
  Member& who = member(peer);
  const media::PeerParameters all = parameters(who);
  tap_.set_streams(peer, all.send);
  who.client->set_receive(all.send);
  media::ConfigurePeer command;
  command.peer = ParticipantId{peer};
  command.remote.ice = who.client->local();
  command.remote.fingerprints.push_back(identity(static_cast<std::size_t>(1 + peer % 7)).certificate.fingerprint());
  command.parameters = all;
  engine_->handle(command, now_);
}

void World::restart_ice(std::uint64_t peer) {
  Member& who = member(peer);
  who.server = ice::make_credentials(entropy_);
  who.client->restart_ice(who.server);
  engine_->handle(media::RestartIce{.peer = ParticipantId{peer}, .local = who.server}, now_);
  configure(peer);
}

void World::reload(std::uint64_t peer) {
  Member& who = member(peer);
  who.client->reload();
  who.server = ice::make_credentials(entropy_);
  who.client->set_server(who.server);
  who.gets.clear();
  engine_->handle(media::RestartIce{.peer = ParticipantId{peer}, .local = who.server}, now_);
  publish(peer, who.joining.audio, who.joining.layers);
}

void World::mute(std::uint32_t track, bool muted) {
  engine_->handle(media::MuteTrack{.track = TrackId{track}, .muted = muted}, now_);
  tap_.set_muted(now_, track, muted);
}

void World::distrust(std::uint64_t peer) {
  for (const std::uint32_t track : {member(peer).audio_track, member(peer).video_track}) {
    distrusted_.insert(track);
    tap_.distrust(track);
    for (auto& [id, who] : members_) who->client->distrusted.insert(track);
  }
}

void World::view(std::uint64_t peer, std::uint32_t track, std::uint16_t height) {
  engine_->handle(media::SetView{.peer = ParticipantId{peer}, .wishes = {{.track = TrackId{track}, .height = height}}},
                  now_);
}

// ---- packets --------------------------------------------------------------------------------------------------------

MutableBytes World::claim(const ice::Path&) {
  return room_;
}

void World::commit(const ice::Path& path, std::size_t size) {
  const Bytes bytes = Bytes{room_}.first(size);
  const auto stranger = strangers_.find(path.remote.ip.v4_value());
  const std::uint64_t id = stranger == strangers_.end() ? path.remote.ip.v4_value() - ip_of(0) : stranger->second;
  media::Peer* const peer = engine_->find(ParticipantId{id});
  const unsigned association = peer == nullptr ? 0 : peer->transport().association();
  tap_.on_emit(now_, {.peer = id, .association = association}, bytes);
  const auto who = members_.find(id);
  if (who == members_.end() || stranger != strangers_.end()) return;
  who->second->down->send(now_, {.bytes = {bytes.begin(), bytes.end()}, .tag = path.remote.port});
}

void World::handle(TimePoint at, const ice::Path& path, std::vector<std::uint8_t> bytes) {
  now_ = std::max(now_, at);
  engine_->on_datagram(now_, path, bytes);
}

void World::inject(std::uint32_t ip, std::uint16_t port, std::vector<std::uint8_t> bytes, std::uint64_t owner) {
  if (ip != ip_of(owner)) strangers_[ip] = owner;
  handle(now_, {.local = kServer, .remote = {.ip = IpAddress::v4(ip), .port = port}}, std::move(bytes));
  turn(now_);
}

void World::turn(TimePoint at) {
  engine_->end_turn(at);
  if (engine_->next_timeout() <= at) {
    ++timeouts_;
    engine_->handle_timeout(at);
    engine_->end_turn(at);
  }
  for (media::Event& event : engine_->take_events()) events_.push_back(std::move(event));
}

void World::deliver_uplinks(TimePoint until) {
  struct From {
    std::uint64_t peer;
    test::Arrival arrival;
  };
  std::vector<From> arrived;
  for (auto& [id, who] : members_) {
    for (test::Arrival& arrival : who->up->poll(until)) arrived.push_back({.peer = id, .arrival = std::move(arrival)});
  }
  std::ranges::stable_sort(arrived, {}, [](const From& from) { return from.arrival.at; });
  for (From& from : arrived) {
    handle(from.arrival.at,
           {.local = kServer,
            .remote = {.ip = IpAddress::v4(ip_of(from.peer)),
                       .port = static_cast<std::uint16_t>(from.arrival.datagram.tag)}},
           std::move(from.arrival.datagram.bytes));
  }
}

void World::run_for(Duration duration) {
  const TimePoint end = now_ + duration;
  while (now_ < end) {
    const TimePoint step = now_ + milliseconds{1};
    deliver_uplinks(step);
    now_ = step;
    turn(now_);
    for (auto& [id, who] : members_) {
      for (test::Arrival& arrival : who->down->poll(now_)) {
        who->client->on_datagram(arrival.at, static_cast<std::uint16_t>(arrival.datagram.tag),
                                 std::move(arrival.datagram.bytes));
      }
      who->client->step(now_);
    }
  }
}

// ---- judgements -----------------------------------------------------------------------------------------------------

std::string World::violations() {
  std::string all;
  const auto add = [&](const std::string& who, const std::vector<std::string>& what) {
    for (const std::string& one : what) all += who + one + "\n";
  };
  add("engine: ", tap_.violations());
  add("", left_wrong_);
  // What the server got it may hold back, but it must not look as if it had been lost, whatever the bandwidth does.
  for (std::uint64_t peer = 1; uplinks_keep_all_ && peer <= next_peer_; ++peer) {
    const std::size_t holes = tap_.gaps(peer);
    if (holes > 0) all += "to client " + std::to_string(peer) + ": " + std::to_string(holes) + " numbers never sent\n";
    const std::size_t jumps = tap_.picture_jumps(peer);
    if (jumps > 0)
      all += "to client " + std::to_string(peer) + ": " + std::to_string(jumps) + " jumps of picture ids\n";
  }
  for (const auto& [id, who] : members_) {
    add("client " + std::to_string(id) + ": ", who->client->wrong());
    for (const auto& [ssrc, in] : who->client->ins()) {
      if (distrusted_.contains(static_cast<std::uint32_t>(in.parameters.track.value()))) continue;
      add("picture of track " + std::to_string(in.parameters.track.value()) + " at " + std::to_string(id) + ": ",
          in.video.wrong());
    }
    if (who->client->counters().unopened > 0 && who->joining.down.duplicate == 0) {
      all += "client " + std::to_string(id) + " could not open " + std::to_string(who->client->counters().unopened) +
             " packets\n";
    }
  }
  return all;
}

World::Audio World::audio(std::uint64_t from, std::uint64_t to, TimePoint begin, TimePoint end) {
  Audio result;
  for (const TimePoint sent : client(from).audio_sent()) result.sent += sent >= begin && sent < end ? 1 : 0;
  const Client::In* const in = client(to).in_of(member(from).audio_track);
  if (in == nullptr) return result;
  std::set<std::uint32_t> numbers;
  for (const Client::AudioPacket& packet : in->audio) {
    if (packet.sent < begin || packet.sent >= end) continue;
    numbers.insert(packet.number);
    result.worst_delay = std::max(result.worst_delay, packet.at - packet.sent);
  }
  result.received = numbers.size();
  return result;
}

Duration World::freeze(std::uint64_t from, std::uint64_t to, TimePoint begin, TimePoint end) {
  const Client::In* const in = client(to).in_of(member(from).video_track);
  if (in == nullptr) return end - begin;
  Duration worst{};
  TimePoint last = begin;
  for (const VideoReceiver::Decoded& picture : in->video.decoded()) {
    if (picture.at < begin || picture.at > end) continue;
    worst = std::max(worst, picture.at - last);
    last = picture.at;
  }
  return std::max(worst, end - last);
}

std::size_t World::pictures(std::uint64_t from, std::uint64_t to, TimePoint begin, TimePoint end, int layer) {
  const Client::In* const in = client(to).in_of(member(from).video_track);
  if (in == nullptr) return 0;
  return static_cast<std::size_t>(std::ranges::count_if(in->video.decoded(), [&](const auto& picture) {
    return picture.at >= begin && picture.at < end && (layer < 0 || picture.layer == layer);
  }));
}

int World::layer(std::uint64_t from, std::uint64_t to) {
  const Client::In* const in = client(to).in_of(member(from).video_track);
  return in == nullptr || in->video.decoded().empty() ? -1 : in->video.decoded().back().layer;
}

std::optional<TimePoint> World::first_of_layer(std::uint64_t from, std::uint64_t to, int layer, TimePoint after) {
  const Client::In* const in = client(to).in_of(member(from).video_track);
  if (in == nullptr) return std::nullopt;
  for (const VideoReceiver::Decoded& picture : in->video.decoded()) {
    if (picture.at >= after && picture.layer == layer) return picture.at;
  }
  return std::nullopt;
}

std::string World::story(std::uint64_t from, std::uint64_t to) {
  std::string text = "seed " + std::to_string(seed_) + ", pictures of " + std::to_string(from) + " at " +
                     std::to_string(to) + " by second and layer (with the estimate now: ";
  media::Peer* const peer = engine_->find(ParticipantId{to});
  const auto estimate = peer == nullptr ? std::nullopt : peer->downlink().estimate(now_);
  text += (estimate ? std::to_string(estimate->target_bps) : std::string{"none"}) + "):";
  for (TimePoint at{seconds{1000}}; at < now_; at += seconds{1}) {
    text += "\n  " + std::to_string((at - TimePoint{seconds{1000}}) / seconds{1}) + ":";
    for (int layer = 0; layer < 3; ++layer) {
      text += " " + std::to_string(pictures(from, to, at, at + seconds{1}, layer));
    }
    text += "  longest gap " + std::to_string(freeze(from, to, at, at + seconds{1}) / milliseconds{1}) + " ms";
  }
  return text + "\n";
}

}  // namespace zvonok::sim
