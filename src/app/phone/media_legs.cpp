#include "app/phone/media_legs.h"

#include <algorithm>
#include <utility>

#include "app/media/placement.h"
#include "app/rooms/path_quality.h"
#include "media/codec/codec.h"
#include "proto/dtls/fingerprint.h"

namespace zvonok::app {
namespace {

// Numbers of participants, rooms and tracks are given out by the rooms, from 1 on; those of phone calls are of the
// upper half. A leg has one number, and of it two for participants and tracks: the browser's and the telephone's.
constexpr std::uint64_t kPhoneNumbers = std::uint64_t{1} << 63;

const std::string kMid = "0";

bool is_of_phone(ParticipantId participant) {
  return (participant.value() & kPhoneNumbers) != 0;
}

sdp::Codec codec(std::uint8_t type, std::string name, std::uint32_t rate, std::uint8_t channels, std::string fmtp) {
  return {.payload_type = sdp::PayloadType{type},
          .name = std::move(name),
          .clock_rate_hz = rate,
          .channels = channels,
          .fmtp = std::move(fmtp)};
}

/// G.711 first: what the telephone speaks needs no conversion.
std::vector<sdp::Codec> telephone_codecs() {
  return {codec(0, "PCMU", 8000, 1, ""), codec(8, "PCMA", 8000, 1, ""),
          codec(111, "opus", 48000, 2, "minptime=10;useinbandfec=1"), codec(101, "telephone-event", 8000, 1, "0-15"),
          codec(110, "telephone-event", 48000, 1, "0-15")};
}

media::CodecParameters to_media(const sdp::Codec& codec, media::Codec known) {
  return {.codec = known, .type = codec.payload_type, .rtx = {}, .clock_rate = codec.clock_rate_hz, .profile = {}};
}

/// What may come: an answer says what its browser takes, and with what it sends it goes by the offer alone.
std::vector<media::CodecParameters> offered_codecs() {
  std::vector<media::CodecParameters> offered;
  for (const sdp::Codec& ours : telephone_codecs()) {
    if (const auto known = media::codec_named(ours.name)) offered.push_back(to_media(ours, *known));
  }
  return offered;
}

/// What the browser takes of what we offered.
std::vector<media::CodecParameters> taken_codecs(const sdp::MediaSection& audio) {
  std::vector<media::CodecParameters> taken;
  const std::vector<sdp::Codec> ours = telephone_codecs();
  for (const sdp::Codec& theirs : audio.codecs) {
    const bool offered = std::ranges::any_of(
        ours, [&](const sdp::Codec& c) { return c.is(theirs.name) && c.clock_rate_hz == theirs.clock_rate_hz; });
    const auto known = media::codec_named(theirs.name);
    if (offered && known) taken.push_back(to_media(theirs, *known));
  }
  return taken;
}

media::Transport::Remote remote_of(const sdp::Transport& transport) {
  media::Transport::Remote remote{
      .ice = {.ufrag = transport.ice_ufrag, .pwd = transport.ice_pwd},
      .fingerprints = {},
      .our_role = transport.setup == sdp::Setup::Passive ? dtls::Role::Active : dtls::Role::Passive};
  for (const sdp::Fingerprint& print : transport.fingerprints) {
    if (auto parsed = dtls::Fingerprint::parse(sdp::to_text(print))) remote.fingerprints.push_back(std::move(*parsed));
  }
  return remote;
}

}  // namespace

void MediaLegs::attach(MediaShards& shards, sdp::Fingerprint fingerprint,
                       std::vector<std::vector<std::string>> candidates) {
  shards_ = &shards;
  fingerprint_ = std::move(fingerprint);
  candidates_ = std::move(candidates);
  shard_use_.assign(shards.size(), 0);
}

ParticipantId MediaLegs::browser_of(const Leg& leg) const {
  return ParticipantId{kPhoneNumbers | leg.number << 1};
}

ParticipantId MediaLegs::telephone_of(const Leg& leg) const {
  return ParticipantId{kPhoneNumbers | leg.number << 1 | 1U};
}

MediaLegs::Leg* MediaLegs::find(const CallId& call) {
  const auto found = legs_.find(call);
  return found == legs_.end() ? nullptr : &found->second;
}

std::size_t MediaLegs::place() const {
  std::vector<ShardLoad> loads;
  for (std::size_t i = 0; i < shard_use_.size(); ++i) {
    loads.push_back({.busy = shards_->busy(i), .rooms = 0, .participants = shard_use_[i]});
  }
  return least_loaded(loads);
}

// ---- offers and answers ---------------------------------------------------------------------------------------------

std::string MediaLegs::open(const CallId& call) {
  Leg leg;
  leg.call = call;
  leg.shard = place();
  leg.number = ++next_number_;
  leg.session = (std::uint64_t{random_u32(entropy_)} << 32 | random_u32(entropy_)) >> 1;
  leg.local = ice::make_credentials(entropy_);
  leg.ssrc = rtp::Ssrc{random_u32(entropy_) | 1U};
  leg.cname = make_secret(entropy_, 9);
  leg.offer = make_offer(leg);
  ++shard_use_[leg.shard];
  const RoomId room{kPhoneNumbers | leg.number};
  shards_->at(leg.shard).post(media::OpenPeer{.peer = browser_of(leg), .room = room, .local = leg.local});
  with_telephone(leg, [room, track = TrackId{telephone_of(leg).value()}](PhoneLegs& legs, ParticipantId telephone) {
    legs.open({.telephone = telephone, .room = room, .track = track});
  });
  by_number_.emplace(leg.number, call);
  std::string offer = leg.offer;
  legs_.insert_or_assign(call, std::move(leg));
  return offer;
}

std::string MediaLegs::make_offer(const Leg& leg) const {
  sdp::MediaSection audio;
  audio.codecs = telephone_codecs();
  audio.mid = kMid;
  audio.rtcp_mux = true;
  audio.rtcp_rsize = true;
  audio.transport = {.ice_ufrag = leg.local.ufrag,
                     .ice_pwd = leg.local.pwd,
                     .fingerprints = {fingerprint_},
                     .setup = sdp::Setup::ActPass};
  audio.candidates = candidates_[leg.shard];
  audio.end_of_candidates = true;
  const sdp::Msid msid{.stream = "telephone", .track = "telephone"};
  audio.msids = {msid};
  audio.ssrcs = {{.ssrc = leg.ssrc, .cname = leg.cname, .msid = msid}};
  sdp::SessionDescription offer;
  offer.origin = {.username = "-", .session_id = leg.session, .version = leg.version};
  offer.bundle_groups = {{kMid}};
  offer.ice_lite = true;
  offer.msid_semantic = "WMS *";
  offer.sections.push_back(std::move(audio));
  return sdp::write(offer);
}

std::string MediaLegs::offer_of(const CallId& call) const {
  const auto leg = legs_.find(call);
  return leg == legs_.end() ? std::string{} : leg->second.offer;
}

void MediaLegs::take_answer(const CallId& call, const std::string& sdp) {
  Leg* const leg = find(call);
  const auto answer = sdp::parse(sdp);
  if (leg == nullptr || !answer || answer->sections.size() != 1) return;
  const sdp::MediaSection& audio = answer->sections.front();
  media::Transport::Remote remote = remote_of(answer->transport_of(audio));
  // The association stays, and with it the roles, unless its other end is a new one (RFC 8842 section 5.5).
  if (leg->remote && leg->remote->fingerprints == remote.fingerprints) remote.our_role = leg->remote->our_role;
  leg->remote = remote;
  const std::vector<media::CodecParameters> codecs = taken_codecs(audio);
  media::PeerParameters parameters;
  if (sdp::sends(audio.direction)) {
    media::ReceiveParameters receive{.track = TrackId{browser_of(*leg).value()},
                                     .mid = kMid,
                                     .codecs = offered_codecs(),
                                     .extensions = {},
                                     .rids = {},
                                     .ssrcs = {}};
    for (const sdp::SsrcInfo& source : audio.ssrcs) receive.ssrcs = {{.primary = source.ssrc, .rtx = {}}};
    parameters.receive.push_back(std::move(receive));
  }
  if (sdp::receives(audio.direction)) {
    parameters.send.push_back({.track = TrackId{telephone_of(*leg).value()},
                               .mid = kMid,
                               .ssrc = leg->ssrc,
                               .rtx_ssrc = {},
                               .cname = leg->cname,
                               .codecs = codecs,
                               .extensions = {}});
  }
  with_telephone(*leg, [codecs](PhoneLegs& legs, ParticipantId telephone) { legs.set_taken(telephone, codecs); });
  shards_->at(leg->shard)
      .post(media::ConfigurePeer{
          .peer = browser_of(*leg), .remote = std::move(remote), .parameters = std::move(parameters)});
}

std::string MediaLegs::restart_ice(const CallId& call) {
  Leg* const leg = find(call);
  if (leg == nullptr) return {};
  leg->local = ice::make_credentials(entropy_);
  ++leg->version;
  leg->offer = make_offer(*leg);
  shards_->at(leg->shard).post(media::RestartIce{.peer = browser_of(*leg), .local = leg->local});
  return leg->offer;
}

// ---- sound ----------------------------------------------------------------------------------------------------------

void MediaLegs::with_telephone(const Leg& leg, std::move_only_function<void(PhoneLegs&, ParticipantId)> task) {
  shards_->at(leg.shard).with_phone(
      [telephone = telephone_of(leg), task = std::move(task)](PhoneLegs& legs) mutable { task(legs, telephone); });
}

void MediaLegs::attach_line(const CallId& call, std::unique_ptr<port::PhoneLine> line) {
  Leg* const leg = find(call);
  if (leg == nullptr) return;
  with_telephone(*leg, [line = std::move(line)](PhoneLegs& legs, ParticipantId telephone) mutable {
    legs.attach(telephone, std::move(line));
  });
}

void MediaLegs::set_mute(const CallId& call, call::phone::Switch to) {
  Leg* const leg = find(call);
  if (leg == nullptr) return;
  with_telephone(*leg, [on = to == call::phone::Switch::On](PhoneLegs& legs, ParticipantId telephone) {
    legs.set_mute(telephone, on);
  });
}

void MediaLegs::set_hold(const CallId& call, call::phone::Switch to) {
  Leg* const leg = find(call);
  if (leg == nullptr) return;
  with_telephone(*leg, [on = to == call::phone::Switch::On](PhoneLegs& legs, ParticipantId telephone) {
    legs.set_hold(telephone, on);
  });
}

void MediaLegs::close(const CallId& call) {
  Leg* const leg = find(call);
  if (leg == nullptr) return;
  with_telephone(*leg, [](PhoneLegs& legs, ParticipantId telephone) { legs.close(telephone); });
  shards_->at(leg->shard).post(media::ClosePeer{.peer = browser_of(*leg)});
  --shard_use_[leg->shard];
  by_number_.erase(leg->number);
  legs_.erase(call);
}

// ---- what the media threads tell ------------------------------------------------------------------------------------

void MediaLegs::on_media_events(const std::vector<media::Event>& events) {
  for (const media::Event& event : events) {
    if (const auto* const changed = std::get_if<media::PeerStateChanged>(&event)) on_event(*changed);
    if (const auto* const taken = std::get_if<media::StatisticsTaken>(&event)) on_event(*taken);
  }
}

void MediaLegs::on_event(const media::PeerStateChanged& event) {
  if (!is_of_phone(event.peer)) return;
  const auto found = by_number_.find((event.peer.value() & ~kPhoneNumbers) >> 1);
  if (found == by_number_.end()) return;
  const CallId call = found->second;
  log_.info("browser of a phone call", {{"call", call}, {"state", media::to_text(event.state)}});
  if (event.state == media::TransportState::Connected) ++counters_.connected;
  if (event.state != media::TransportState::Failed) return;
  ++counters_.lost;
  log_.info("media failed", {{"call", call}, {"why", media::to_text(event.failure)}});
  tell_.on_lost(call);
}

void MediaLegs::on_event(const media::StatisticsTaken& event) {
  const auto in_seconds = [](Duration time) { return std::chrono::duration<double>(time).count(); };
  for (const media::PeerStatistics& taken : event.peers) {
    if (!is_of_phone(taken.peer)) continue;
    const media::PathQuality path = path_of(taken);
    counters_.score.observe(media::mean_opinion_score(path));
    counters_.round_trip_seconds.observe(in_seconds(path.round_trip));
    counters_.jitter_seconds.observe(in_seconds(path.jitter));
    counters_.loss.observe(path.loss);
  }
}

void MediaLegs::on_phone_digit(ParticipantId telephone, char digit) {
  if (!is_of_phone(telephone)) return;  // in a room
  const auto found = by_number_.find((telephone.value() & ~kPhoneNumbers) >> 1);
  if (found != by_number_.end()) tell_.on_digit(CallId{found->second}, digit);
}

}  // namespace zvonok::app
