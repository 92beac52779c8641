#include "app/rooms/room_control.h"

#include <algorithm>
#include <type_traits>

#include "app/media/placement.h"
#include "app/rooms/path_quality.h"
#include "base/entropy.h"
#include "base/overloaded.h"
#include "media/has.h"
#include "signal/room/decode.h"
#include "signal/room/encode.h"

namespace zvonok::app {
namespace {

constexpr Duration kFirstOfferDelay = milliseconds{150};  // for clients that offer first
constexpr Duration kOfferDelay = milliseconds{40};        // several changes make one offer
constexpr Duration kUpdateDelay = milliseconds{10};       // likewise of publications
constexpr Duration kCrossingWait = seconds{1};            // for the answer of a client that yielded
constexpr Duration kAnswerWait = seconds{15};             // then the offer counts as lost
constexpr std::size_t kCandidatesKeptMax = 100;
constexpr std::size_t kCandidateBytesMax = 1024;

/// A text that may stand in msid, or one of ours.
std::string stream_name(const call::SessionId& session, ParticipantId participant) {
  const std::string& text = session.value();
  const bool token = !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
  return token ? text : "p" + std::to_string(participant.value());
}

std::vector<dtls::Fingerprint> to_dtls(const std::vector<sdp::Fingerprint>& fingerprints) {
  std::vector<dtls::Fingerprint> out;
  for (const sdp::Fingerprint& print : fingerprints) {
    if (auto parsed = dtls::Fingerprint::parse(sdp::to_text(print))) out.push_back(std::move(*parsed));
  }
  return out;
}

call::ConnectionState to_call(media::TransportState state) {
  switch (state) {
    case media::TransportState::New: return call::ConnectionState::New;
    case media::TransportState::Connecting: return call::ConnectionState::Connecting;
    case media::TransportState::Connected: return call::ConnectionState::Connected;
    case media::TransportState::Disconnected: return call::ConnectionState::Disconnected;
    case media::TransportState::Failed: return call::ConnectionState::Failed;
  }
  return call::ConnectionState::Failed;
}

media::Politeness to_media(call::Politeness politeness) {
  return politeness == call::Politeness::Polite ? media::Politeness::Polite : media::Politeness::Impolite;
}

}  // namespace

RoomControl::RoomControl(Parts parts, call::RoomOptions options) : parts_{parts}, rooms_{options, parts.entropy} {}

RoomControl::~RoomControl() = default;

void RoomControl::attach(net::Server& server, MediaShards& shards, sdp::Fingerprint fingerprint,
                         std::vector<Candidates> candidates) {
  server_ = &server;
  shards_ = &shards;
  shard_use_.resize(shards.size());
  fingerprint_ = std::move(fingerprint);
  candidates_ = std::move(candidates);
}

// ---- sockets --------------------------------------------------------------------------------------------------------

void RoomControl::open(ConnectionId id, call::RoomKey room, const identity::Principal& principal, std::string name,
                       std::optional<call::RoomRole> role) {
  sessions_.emplace(id, principal.session_id);
  run(call::RoomSocketOpened{.connection = id,
                             .room = std::move(room),
                             .user = principal.user,
                             .name = name.empty() ? principal.name : std::move(name),
                             .token = principal.token_id.empty() ? principal.session_id : principal.token_id,
                             .role = role});
}

void RoomControl::on_ws_message(ConnectionId id, std::string_view text) {
  auto command = signal::room::decode(id, text);
  if (command) return run(std::move(*command));
  ++counters_.bad_messages;
  if (!signal::room::is_ignored(command.error())) {
    if (const call::RoomAddress* const address = rooms_.address_of(id)) {
      text_.clear();
      signal::room::encode(text_,
                           call::DeliverRoomError{.to = id,
                                                  .code = signal::room::code_of(command.error()),
                                                  .message = signal::room::to_text(command.error()),
                                                  .request = signal::room::request_of(text)},
                           *address);
      server_->ws_send(id, text_);
    }
  }
  run(call::HeardFrom{id});
}

void RoomControl::on_ws_close(ConnectionId id) {
  sessions_.erase(id);
  run(call::RoomSocketClosed{id});
}

void RoomControl::close_session(const std::string& session_id) {
  if (session_id.empty()) return;
  for (const auto& [id, session] : sessions_) {
    if (session == session_id) server_->ws_close(id, websocket::CloseCode::Unauthorized, "Unauthorized");
  }
}

void RoomControl::remove_member(const call::RoomKey& room, const UserId& user) {
  ++removals_;
  run(call::MemberRemoved{.room = room, .user = user});
}

void RoomControl::change_role(const call::RoomKey& room, const UserId& user, call::RoomRole role) {
  run(call::MemberRoleChanged{.room = room, .user = user, .role = role});
}

void RoomControl::remove_everybody(const call::RoomKey& room) {
  ++removals_;
  run(call::MembershipEnded{room});
}

void RoomControl::drain() {
  run(call::DrainRooms{});
}

void RoomControl::shut_down() {
  run(call::ShutDownRooms{});
}

// ---- the domain -----------------------------------------------------------------------------------------------------

/// Performing an effect may give the next command: it waits until the effects before it are done.
void RoomControl::run(call::RoomCommand command) {
  waiting_.push_back(std::move(command));
  if (running_) return;
  running_ = true;
  while (!waiting_.empty()) {
    call::RoomCommand next = std::move(waiting_.front());
    waiting_.pop_front();
    rooms_.handle(std::move(next), parts_.loop.now(), effects_);
    perform_all(std::exchange(effects_, {}));
  }
  running_ = false;
  timer_.arm();
}

void RoomControl::handle_timeout() {
  running_ = true;
  rooms_.handle_timeout(parts_.loop.now(), effects_);
  perform_all(std::exchange(effects_, {}));
  running_ = false;
  if (waiting_.empty()) return;
  call::RoomCommand first = std::move(waiting_.front());
  waiting_.pop_front();
  run(std::move(first));
}

void RoomControl::perform_all(call::RoomEffects effects) {
  told_ = {};
  for (call::RoomEffect& effect : effects) perform(effect);
  told_ = {};
}

/// What is told to everybody comes as one effect for each, one after the other: it is put into text once.
template <class Deliver>
bool RoomControl::says_the_same(const Deliver& effect) const {
  auto* const before = told_.effect == nullptr ? nullptr : std::get_if<Deliver>(told_.effect);
  if (before == nullptr) return false;
  before->to = effect.to;  // which is done with
  return effect == *before;
}

template <class Deliver>
void RoomControl::deliver(const Deliver& effect, call::RoomEffect& whole) {
  const call::RoomAddress* const address = rooms_.address_of(effect.to);
  if (address == nullptr) return;
  if (says_the_same(effect)) {
    signal::room::readdress(text_, told_.body_bytes, *address);
  } else {
    text_.clear();
    if constexpr (std::is_same_v<Deliver, call::DeliverJoined>) {
      ++(effect.resumed ? counters_.resumed : counters_.joins);
      signal::room::encode(text_, effect, *address, ice_servers_ ? ice_servers_(effect.user) : "[]");
    } else {
      signal::room::encode(text_, effect, *address);
    }
    told_ = {.effect = &whole, .body_bytes = signal::room::body_bytes(text_, *address)};
  }
  server_->ws_send(effect.to, text_);
}

void RoomControl::perform(call::RoomEffect& effect) {
  std::visit(
      Overloaded{
          [this](const call::OpenMedia& e) { perform(e); }, [this](const call::CloseMedia& e) { perform(e); },
          [this](const call::ResumeMedia& e) { perform(e); }, [this](call::PassSignal& e) { perform(e); },
          [this](const call::SaveRoomRecord& e) { perform(e); }, [this](const call::OpenPhone& e) { perform(e); },
          [this](const call::ConnectPhone& e) { perform(e); }, [this](const call::ConfirmMute& e) { perform(e); },
          [this](const call::SetTrackMuted& e) { perform(e); },
          [this](const call::CallPhone& e) { telephones_->call(e); },
          [this](const call::DropPhone& e) { telephones_->drop(e); },
          [this](const call::RefuseTrack& e) { post(e.track, media::MuteTrack{.track = e.track, .muted = true}); },
          [this](const call::SetTrackSource& e) {
            const bool screen = e.source == call::TrackSource::Screen;
            post(e.track,
                 media::SetTrackSource{.track = e.track,
                                       .source = screen ? media::VideoSource::Screen : media::VideoSource::Camera});
          },
          [this](const call::SetView& e) {
            std::vector<media::ViewWish> wishes;
            for (const call::TrackWish& wish : e.wishes) {
              wishes.push_back({.track = wish.track,
                                .height = static_cast<std::uint16_t>(std::min<std::uint32_t>(wish.height, 0xFFFF)),
                                .priority = static_cast<std::uint8_t>(std::clamp(wish.priority, 0, 255))});
            }
            if (const Stay* const stay = find(e.participant)) {
              post(*stay, media::SetView{.peer = e.participant, .wishes = std::move(wishes)});
            }
          },
          [this](const call::CloseRoomConnection& e) {
            const auto close = signal::room::close_of(e.reason);
            server_->ws_close(e.connection, static_cast<websocket::CloseCode>(close.code), close.reason);
          },
          [this](const call::RevokeTokens& e) {
            parts_.log.info("removed from a room", {{"room", e.room.id}, {"user", e.user}});
          },
          [this, &effect](const call::DeliverRoomError& e) {
            if (e.code == call::RoomErrorCode::TooManyMessages) ++counters_.key_words_refused;
            deliver(e, effect);
          },
          [this, &effect](const call::DeliverParticipantLeft& e) {
            const call::RoomAddress* const address = rooms_.address_of(e.to);
            if (e.reason == call::LeaveReason::Removed && address != nullptr && address->session == e.session) {
              ++counters_.removed;
            }
            deliver(e, effect);
          },
          [this, &effect](const auto& e) { deliver(e, effect); }},
      effect);
}

void RoomControl::perform(const call::SaveRoomRecord& effect) {
  const call::CallRecord& record = effect.record;
  switch (record.state) {
    case call::CallState::Ringing:
      ++counters_.started;
      parts_.log.info("room began", {{"call", record.id}, {"user", record.caller}});
      break;
    case call::CallState::Active: break;
    case call::CallState::Ended:
      ++counters_.ended;
      parts_.log.info("room ended", {{"call", record.id}, {"duration_seconds", record.duration_seconds}});
      break;
  }
  parts_.journal.save(record);
}

// ---- media of a participant -----------------------------------------------------------------------------------------

RoomControl::Stay* RoomControl::find(ParticipantId participant) {
  const auto found = stays_.find(participant);
  return found == stays_.end() ? nullptr : &found->second;
}

void RoomControl::post(const Stay& stay, media::Command command) {
  shards_->at(stay.shard).post(std::move(command));
}

void RoomControl::post(TrackId track, media::Command command) {
  const auto found = track_shards_.find(track);
  if (found != track_shards_.end()) shards_->at(found->second).post(std::move(command));
}

std::size_t RoomControl::place_room() const {
  std::vector<ShardLoad> loads;
  for (std::size_t i = 0; i < shard_use_.size(); ++i) {
    loads.push_back(
        {.busy = shards_->busy(i), .rooms = shard_use_[i].rooms, .participants = shard_use_[i].participants});
  }
  return least_loaded(loads);
}

const std::vector<std::string>& RoomControl::candidates_for(const Stay& stay) const {
  const Candidates& candidates = candidates_[stay.shard];
  return is_in_tunnel_ && is_in_tunnel_(stay.user) ? candidates.in_tunnel : candidates.everybody;
}

rtp::Ssrc RoomControl::new_ssrc() {
  for (;;) {
    const std::uint32_t value = random_u32(parts_.entropy);
    if (value != 0 && negotiated_->ssrcs.insert(value).second) return rtp::Ssrc{value};
  }
}

media::NegotiationIds::Credentials RoomControl::new_credentials() {
  ice::Credentials local = ice::make_credentials(parts_.entropy);
  post(*negotiated_, media::RestartIce{.peer = negotiated_->id, .local = local});
  return {.ufrag = std::move(local.ufrag), .pwd = std::move(local.pwd)};
}

RoomControl::Stay& RoomControl::add_stay(ParticipantId participant, const call::RoomKey& key) {
  MediaRoom& room = media_rooms_[key];
  if (room.participants.empty()) {
    room.id = RoomId{next_room_++};
    room.shard = place_room();
    ++shard_use_[room.shard].rooms;
    room_keys_.emplace(room.id, key);
  }
  room.participants.push_back(participant);
  ++shard_use_[room.shard].participants;
  Stay& stay = stays_[participant];
  stay.id = participant;
  stay.room = key;
  stay.shard = room.shard;
  stay.joined_at = parts_.loop.now();
  return stay;
}

void RoomControl::perform(const call::OpenMedia& effect) {
  Stay& stay = add_stay(effect.participant, effect.room);
  stay.user = effect.user;
  stay.stream = stream_name(effect.session, effect.participant);
  begin_media(stay);
  offer_soon(stay, effect.first_offer == call::FirstOffer::Server ? Duration::zero() : kFirstOfferDelay);
}

void RoomControl::begin_media(Stay& stay) {
  const ice::Credentials local = ice::make_credentials(parts_.entropy);
  media::Negotiator::Options options;
  options.session_id = stay.id.value();
  options.ice_ufrag = local.ufrag;
  options.ice_pwd = local.pwd;
  options.fingerprint = fingerprint_;
  options.candidates = candidates_for(stay);
  media::NegotiationIds& ids = *this;
  stay.negotiator = std::make_unique<media::Negotiator>(std::move(options), ids);
  stay.peer_open = true;
  const MediaRoom& room = media_rooms_.at(stay.room);
  post(stay, media::OpenPeer{.peer = stay.id, .room = room.id, .local = local, .generation = ++stay.generation});
  update_wanted(stay, room);
}

void RoomControl::begin_media_again(Stay& stay) {
  ++counters_.reconnections;
  end_media(stay);
  end_publications(stay);
  begin_media(stay);
}

void RoomControl::end_publications(Stay& stay) {
  stay.receiving.clear();
  if (stay.published.empty()) return;
  for (const Publication& track : std::exchange(stay.published, {})) {
    track_shards_.erase(track.track);
    run(call::TrackEnded{track.track});
  }
  update_wanted_soon(stay.room);
}

void RoomControl::end_media(Stay& stay) {
  if (stay.offer_timer) parts_.loop.cancel(*stay.offer_timer);
  if (stay.answer_timer) parts_.loop.cancel(*stay.answer_timer);
  stay.offer_timer.reset();
  stay.answer_timer.reset();
  if (stay.peer_open) post(stay, media::ClosePeer{.peer = stay.id});
  stay.peer_open = false;
}

void RoomControl::perform(const call::CloseMedia& effect) {
  Stay* const stay = find(effect.participant);
  if (stay == nullptr) return;
  end_media(*stay);
  if (stay->call) {
    phones_.erase(*stay->call);
    for (const Publication& track : stay->published) phone_tracks_.erase(track.track);
    with_phone(*stay, [](PhoneLegs& legs, ParticipantId telephone) { legs.close(telephone); });
  }
  const call::RoomKey key = stay->room;
  const bool published = !stay->published.empty();
  for (const Publication& track : stay->published) track_shards_.erase(track.track);
  stays_.erase(effect.participant);
  const auto room = media_rooms_.find(key);
  if (room == media_rooms_.end()) return;
  std::erase(room->second.participants, effect.participant);
  --shard_use_[room->second.shard].participants;
  if (!room->second.participants.empty()) {
    if (published) update_wanted_soon(key);
    return;
  }
  if (room->second.update_timer) parts_.loop.cancel(*room->second.update_timer);
  --shard_use_[room->second.shard].rooms;
  room_keys_.erase(room->second.id);
  media_rooms_.erase(room);
}

/// A new socket of the participant. It may have missed our last offer, and it may be a page that was loaded again and
/// knows nothing of what was agreed: it gets one offer in any case, and its answer or its own offer tells.
void RoomControl::perform(const call::ResumeMedia& effect) {
  Stay* const stay = find(effect.participant);
  if (stay == nullptr || !stay->peer_open) return;
  if (stay->negotiator->offer_outstanding()) {
    run(call::DescriptionMade{.participant = stay->id, .kind = call::DescriptionKind::Offer, .sdp = stay->last_offer});
  } else {
    stay->negotiator->offer_again();
    offer_soon(*stay, kFirstOfferDelay);
  }
  for (const auto& [track, mid] : stay->receiving) {
    run(call::TrackOffered{.receiver = stay->id, .track = track, .mid = mid});
  }
}

void RoomControl::perform(call::PassSignal& effect) {
  Stay* const stay = find(effect.participant);
  if (stay == nullptr) return;
  switch (effect.kind) {
    case call::RoomSignal::Offer: on_signal_offer(*stay, effect.payload, to_media(effect.politeness)); return;
    case call::RoomSignal::Answer: on_signal_answer(*stay, effect.payload); return;
    case call::RoomSignal::Ice: keep_candidate(*stay, std::move(effect.payload)); return;
    case call::RoomSignal::Restart: restart_ice(*stay); return;
  }
}

/// A lite agent learns addresses from checks alone: the candidates are for those who look on, until there is a
/// description.
void RoomControl::keep_candidate(Stay& stay, std::string candidate) {
  if (stay.negotiator->established() || candidate.size() > kCandidateBytesMax) return;
  if (stay.pending_ice.size() < kCandidatesKeptMax) stay.pending_ice.push_back(std::move(candidate));
}

void RoomControl::on_signal_offer(Stay& stay, const std::string& sdp, media::Politeness politeness) {
  if (!stay.peer_open) begin_media(stay);
  negotiated_ = &stay;
  bool crossing = stay.negotiator->offer_outstanding();
  const bool may_offer = stay.negotiator->may_offer();
  auto agreed = stay.negotiator->on_offer(sdp, politeness);
  if (!agreed && agreed.error() == media::NegotiationError::NewConnection) {
    begin_media_again(stay);
    crossing = false;
    agreed = stay.negotiator->on_offer(sdp, politeness);
  }
  const bool is_impolite = politeness == media::Politeness::Impolite;
  if (is_impolite) wait_for_no_answer(stay);
  if (!agreed) {
    ++counters_.bad_descriptions;
    const ParticipantId id = stay.id;
    run(call::SignalRefused{
        .participant = id, .code = call::RoomErrorCode::BadSdp, .message = media::to_text(agreed.error())});
    // What was out is void, and the client waits for it.
    Stay* const still = is_impolite && !may_offer ? find(id) : nullptr;
    if (still != nullptr) offer_soon(*still, kOfferDelay);
    return;
  }
  if (crossing) ++counters_.crossings;
  if (crossing && !is_impolite) {
    wait_for_no_answer(stay);
    stay.answer_timer = parts_.loop.schedule(parts_.loop.now().mono + kCrossingWait, [this, id = stay.id] {
      Stay* const waiting = find(id);
      if (waiting == nullptr) return;
      waiting->answer_timer.reset();
      waiting->negotiator->expire_yielded();
      offer_now(id);
    });
  }
  run(call::DescriptionMade{.participant = stay.id, .kind = call::DescriptionKind::Answer, .sdp = agreed->answer});
  agree(stay, *agreed);
}

void RoomControl::on_signal_answer(Stay& stay, const std::string& sdp) {
  if (!stay.peer_open) {  // to an offer of the connection that failed
    return run(call::SignalRefused{.participant = stay.id,
                                   .code = call::RoomErrorCode::Failed,
                                   .message = "the connection failed: a new offer makes a new one"});
  }
  negotiated_ = &stay;
  const bool yielded = stay.negotiator->crossing();
  const auto agreed = stay.negotiator->on_answer(sdp);
  if (!agreed) {
    ++counters_.bad_descriptions;
    run(call::SignalRefused{
        .participant = stay.id, .code = call::RoomErrorCode::BadSdp, .message = media::to_text(agreed.error())});
    return;
  }
  if (yielded) ++counters_.adopted;
  wait_for_no_answer(stay);
  agree(stay, *agreed);
}

void RoomControl::wait_for_no_answer(Stay& stay) {
  if (stay.answer_timer) parts_.loop.cancel(*stay.answer_timer);
  stay.answer_timer.reset();
}

/// What holds now: to the shard, to the room, and to the participant.
void RoomControl::agree(Stay& stay, const media::Negotiator::Agreed& agreed) {
  stay.pending_ice.clear();
  if (!agreed.remote.ice_ufrag.empty()) {
    post(stay, media::ConfigurePeer{
                   .peer = stay.id,
                   .remote = {.ice = {.ufrag = agreed.remote.ice_ufrag, .pwd = agreed.remote.ice_pwd},
                              .fingerprints = to_dtls(agreed.remote.fingerprints),
                              .our_role = agreed.remote.our_role == media::DtlsRole::Active ? dtls::Role::Active
                                                                                            : dtls::Role::Passive},
                   .parameters = agreed.parameters});
  }
  std::vector<std::pair<TrackId, std::string>> receiving;
  for (const media::SendParameters& send : agreed.parameters.send) receiving.emplace_back(send.track, send.mid);
  for (const auto& entry : receiving) {
    if (media::has(stay.receiving, entry)) continue;
    run(call::TrackOffered{.receiver = stay.id, .track = entry.first, .mid = entry.second});
  }
  stay.receiving = std::move(receiving);
  const ParticipantId id = stay.id;
  update_publications(stay, agreed.parameters);
  if (Stay* const still = find(id)) offer_soon(*still, kOfferDelay);
}

void RoomControl::update_publications(Stay& stay, const media::PeerParameters& parameters) {
  bool changed = false;
  std::vector<TrackId> ended;
  std::erase_if(stay.published, [&](const Publication& known) {
    if (media::has(parameters.receive, known.track, &media::ReceiveParameters::track)) return false;
    ended.push_back(known.track);
    return true;
  });
  for (const TrackId track : ended) {
    track_shards_.erase(track);
    run(call::TrackEnded{track});
  }
  changed = !ended.empty();
  for (const media::ReceiveParameters& receive : parameters.receive) {
    const auto known = std::ranges::find(stay.published, receive.track, &Publication::track);
    if (known != stay.published.end()) {
      known->codecs = receive.codecs;
      continue;
    }
    changed = true;
    track_shards_.emplace(receive.track, stay.shard);
    stay.published.push_back(
        {.track = receive.track, .kind = receive.kind, .mid = receive.mid, .codecs = receive.codecs});
    run(call::TrackPublished{
        .participant = stay.id,
        .track = receive.track,
        .kind = receive.kind == media::Kind::Audio ? call::TrackKind::Audio : call::TrackKind::Video,
        .mid = receive.mid,
        .source = std::nullopt});
  }
  if (changed) update_wanted_soon(stay.room);
}

void RoomControl::update_wanted_soon(const call::RoomKey& key) {
  const auto found = media_rooms_.find(key);
  if (found == media_rooms_.end() || found->second.update_timer) return;
  found->second.update_timer = parts_.loop.schedule(parts_.loop.now().mono + kUpdateDelay, [this, key] {
    const auto room = media_rooms_.find(key);
    if (room == media_rooms_.end()) return;
    room->second.update_timer.reset();
    for (const ParticipantId receiver : room->second.participants) {
      Stay* const to = find(receiver);
      if (to != nullptr && !to->call) update_wanted(*to, room->second);
    }
  });
}

/// Everybody in the room is to get what all others publish.
void RoomControl::update_wanted(Stay& to, const MediaRoom& room) {
  std::vector<media::Negotiator::Wanted> wanted;
  for (const ParticipantId publisher : room.participants) {
    const Stay* const from = publisher == to.id ? nullptr : find(publisher);
    if (from == nullptr) continue;
    for (const Publication& track : from->published) {
      wanted.push_back({.track = track.track, .kind = track.kind, .stream = from->stream, .codecs = track.codecs});
    }
  }
  to.negotiator->set_wanted(std::move(wanted));
  if (to.negotiator->established()) offer_soon(to, kOfferDelay);
}

void RoomControl::offer_soon(Stay& stay, Duration delay) {
  const TimePoint at = parts_.loop.now().mono + delay;
  if (stay.offer_timer) {
    if (stay.offer_at <= at) return;
    parts_.loop.cancel(*stay.offer_timer);
  }
  stay.offer_at = at;
  stay.offer_timer = parts_.loop.schedule(at, [this, id = stay.id] {
    if (Stay* const due = find(id)) {
      due->offer_timer.reset();
      offer_now(id);
    }
  });
}

void RoomControl::offer_now(ParticipantId participant) {
  Stay* const stay = find(participant);
  if (stay == nullptr || !stay->peer_open || !stay->negotiator->may_offer() || !stay->negotiator->offer_needed())
    return;
  negotiated_ = stay;
  stay->last_offer = stay->negotiator->make_offer();
  if (stay->answer_timer) parts_.loop.cancel(*stay->answer_timer);
  stay->answer_timer = parts_.loop.schedule(parts_.loop.now().mono + kAnswerWait, [this, participant] {
    Stay* const waiting = find(participant);
    if (waiting == nullptr) return;
    waiting->answer_timer.reset();
    waiting->negotiator->withdraw_offer();
    offer_now(participant);
  });
  run(call::DescriptionMade{.participant = participant, .kind = call::DescriptionKind::Offer, .sdp = stay->last_offer});
}

void RoomControl::restart_ice(Stay& stay) {
  if (!stay.peer_open) return;
  negotiated_ = &stay;
  stay.negotiator->restart_ice();
  offer_soon(stay, Duration::zero());
}

void RoomControl::on_media_events(std::vector<media::Event> events) {
  for (const media::Event& event : events) {
    std::visit([this](const auto& which) { on_event(which); }, event);
  }
}

void RoomControl::on_event(const media::PeerStateChanged& event) {
  Stay* const stay = find(event.peer);
  if (stay == nullptr || !stay->peer_open || stay->generation != event.generation) return;
  if (event.state == media::TransportState::Connected) {
    if (!stay->connected_after) {
      stay->connected_after = parts_.loop.now().mono - stay->joined_at.mono;
      counters_.join_seconds.observe(std::chrono::duration<double>(*stay->connected_after).count());
    }
  } else {
    stay->statistics.reset();
  }
  if (event.state == media::TransportState::Failed) {
    ++counters_.media_failures[static_cast<std::size_t>(event.failure)];
    parts_.log.info("media failed", {{"participant", event.peer}, {"why", media::to_text(event.failure)}});
    end_media(*stay);
    end_publications(*stay);
  }
  run(call::MediaStateChanged{.participant = event.peer, .state = to_call(event.state)});
}

void RoomControl::on_event(const media::SpeakersChanged& event) {
  const auto key = room_keys_.find(event.room);
  if (key == room_keys_.end()) return;
  call::SpeakersChanged command{.room = key->second, .speakers = {}};
  for (const auto& speaker : event.speakers) {
    command.speakers.push_back({.participant = speaker.participant, .level = speaker.level});
  }
  run(std::move(command));
}

void RoomControl::on_event(const media::LayersWanted& event) {
  const Stay* const stay = find(event.publisher);
  if (stay == nullptr) return;
  const auto track = std::ranges::find(stay->published, event.track, &Publication::track);
  if (track == stay->published.end()) return;
  call::LayersWanted command{.participant = event.publisher, .mid = track->mid, .layers = {}};
  for (const auto& [rid, active] : event.layers) command.layers.push_back({.rid = rid, .active = active});
  run(std::move(command));
}

void RoomControl::count(const media::PeerStatistics& taken, double score) {
  const auto in_seconds = [](Duration time) { return std::chrono::duration<double>(time).count(); };
  counters_.score.observe(score);
  counters_.round_trip_seconds.observe(in_seconds(taken.round_trip));
  counters_.jitter_seconds.observe(in_seconds(std::max(taken.up.jitter, taken.down.jitter)));
  counters_.loss_up.observe(taken.up.loss);
  counters_.loss_down.observe(taken.down.loss);
}

void RoomControl::on_event(const media::StatisticsTaken& event) {
  for (const media::PeerStatistics& taken : event.peers) {
    Stay* const stay = find(taken.peer);
    if (stay == nullptr) continue;
    stay->statistics = taken;
    const double score = media::mean_opinion_score(path_of(taken));
    count(taken, score);
    call::ConnectionQuality quality{.score = score,
                                    .rtt_ms = static_cast<std::uint32_t>(taken.round_trip / milliseconds{1}),
                                    .loss_percent = 100 * std::max(taken.up.loss, taken.down.loss),
                                    .bitrate = taken.down.bitrate_bps,
                                    .estimate = static_cast<std::uint64_t>(taken.estimate_bps.value_or(0)),
                                    .layers = {}};
    for (const auto& video : taken.videos) quality.layers.push_back({.track = video.track, .rid = video.rid});
    run(call::QualityMeasured{.participant = taken.peer, .quality = std::move(quality)});
  }
}

}  // namespace zvonok::app
