#include "room_invariants.h"

#include <algorithm>

namespace zvonok::sim {
namespace {

void must(bool condition, const std::string& what) {
  if (!condition) throw Violation(what);
}

std::string name_of(ConnectionId id) {
  return "#" + std::to_string(id.value());
}

}  // namespace

void RoomInvariants::opened(ConnectionId connection, const call::RoomKey& room, const UserId& user) {
  Client& fresh = clients_[connection];
  fresh.room = room;
  fresh.user = user;
}

bool RoomInvariants::is_joined(ConnectionId connection) const {
  const auto found = clients_.find(connection);
  return found != clients_.end() && found->second.joined.has_value();
}

bool RoomInvariants::is_closing(ConnectionId connection) const {
  const auto found = clients_.find(connection);
  return found != clients_.end() && found->second.closing;
}

void RoomInvariants::observe(const call::RoomEffects& effects, std::optional<ConnectionId> acting,
                             const call::Rooms& rooms) {
  acting_ = acting;
  acting_was_in_ = false;
  if (const auto found = acting ? clients_.find(*acting) : clients_.end(); found != clients_.end()) {
    acting_was_in_ = stays_of(found->second.room, &found->second.user) > 0;
  }
  for (const call::RoomEffect& effect : effects) {
    std::visit([this](const auto& e) { on(e); }, effect);
  }
  check_everything(rooms);
}

// ---- whom a message may reach
// -----------------------------------------------------------------------------------------

RoomInvariants::Client& RoomInvariants::client(ConnectionId id) {
  const auto found = clients_.find(id);
  must(found != clients_.end(), "a message to " + name_of(id) + ", which is gone");
  must(!found->second.closing, "a message to " + name_of(id) + " after its close");
  return found->second;
}

RoomInvariants::Client& RoomInvariants::joined(ConnectionId id) {
  Client& receiver = client(id);
  must(receiver.joined.has_value(), "a message of a room to " + name_of(id) + ", which has not joined");
  return receiver;
}

RoomInvariants::Other& RoomInvariants::other(Client& receiver, const call::SessionId& session) {
  const auto found = receiver.others.find(session);
  must(found != receiver.others.end(), "a message about " + session.value() + ", who is not there");
  return found->second;
}

void RoomInvariants::must_know(Client& receiver, const call::SessionId& session) {
  if (session != receiver.joined) static_cast<void>(other(receiver, session));
}

// ---- messages
// -----------------------------------------------------------------------------------------------------------

void RoomInvariants::on(const call::DeliverJoined& e) {
  Client& receiver = client(e.to);
  must(acting_ == e.to && e.user == receiver.user, "whose joined");
  receiver.joined = e.session;
  receiver.role = e.role;
  receiver.locked = e.locked;
  receiver.encrypted = e.encrypted;
  receiver.others.clear();
  receiver.tracks.clear();
  for (const call::ParticipantInfo& info : e.participants) {
    must(info.session != e.session, "oneself among the others");
    const bool is_new =
        receiver.others.emplace(info.session, Other{.user = info.user, .role = info.role, .state = info.state}).second;
    must(is_new, "a session twice");
  }
  for (const call::TrackInfo& track : e.tracks) {
    must_know(receiver, track.session);
    receiver.tracks.emplace(track.track, track);
  }
  if (e.resumed) ++tally_.resumed;
  must(e.resumed == sessions_.contains({receiver.room, e.session}), "resumed or not");
}

void RoomInvariants::on(const call::DeliverParticipantJoined& e) {
  Client& receiver = joined(e.to);
  must(e.session != receiver.joined, "told of its own join");
  must(receiver.others.emplace(e.session, Other{.user = e.user, .role = e.role}).second, "joined twice");
}

void RoomInvariants::on(const call::DeliverParticipantLeft& e) {
  Client& receiver = joined(e.to);
  ++tally_.left[std::string{to_text(e.reason)}];
  if (e.reason == call::LeaveReason::Kicked) kicked_[receiver.room].insert(e.user);
  if (e.session == receiver.joined) {
    must(e.reason == call::LeaveReason::Kicked || e.reason == call::LeaveReason::Removed ||
             e.reason == call::LeaveReason::ServerShutdown,
         "thrown out while it was there");
    return;
  }
  must(other(receiver, e.session).user == e.user, "whose leave");
  receiver.others.erase(e.session);
  for (const auto& [id, track] : receiver.tracks) must(track.session != e.session, "a track without its owner");
}

void RoomInvariants::on(const call::DeliverTrack& e) {
  Client& receiver = joined(e.to);
  static_cast<void>(other(receiver, e.track.session));
  switch (e.state) {
    case call::TrackState::Published:
      must(receiver.tracks.emplace(e.track.track, e.track).second, "published twice");
      return;
    case call::TrackState::Updated:
      must(receiver.tracks.contains(e.track.track), "an update of an unknown track");
      receiver.tracks[e.track.track] = e.track;
      return;
    case call::TrackState::Ended: must(receiver.tracks.erase(e.track.track) == 1, "ended twice"); return;
  }
}

void RoomInvariants::on(const call::DeliverSpeakers& e) {
  Client& receiver = joined(e.to);
  for (const call::Speaker& speaker : e.speakers) must_know(receiver, speaker.session);
}

void RoomInvariants::on(const call::DeliverState& e) {
  Client& receiver = joined(e.to);
  if (e.session != receiver.joined) other(receiver, e.session).state = e.state;
}

void RoomInvariants::on(const call::DeliverMute& e) {
  must_know(joined(e.to), e.by);
}

void RoomInvariants::on(const call::DeliverLocked& e) {
  Client& receiver = joined(e.to);
  must_know(receiver, e.by);
  must(receiver.locked != e.locked, "locked twice");
  receiver.locked = e.locked;
  if (e.locked) {
    locked_.insert(receiver.room);
  } else {
    locked_.erase(receiver.room);
  }
}

void RoomInvariants::on(const call::DeliverRole& e) {
  Client& receiver = joined(e.to);
  if (!e.by.value().empty()) must_know(receiver, e.by);
  if (e.session == receiver.joined) {
    receiver.role = e.role;
  } else {
    other(receiver, e.session).role = e.role;
  }
}

void RoomInvariants::on(const call::DeliverRoomError& e) {
  static_cast<void>(client(e.to));
  must(!acting_ || acting_ == e.to, "an error for somebody else");
  ++tally_.errors[std::string{to_text(e.code)}];
}

void RoomInvariants::on(const call::DeliverDescription& e) {
  static_cast<void>(joined(e.to));
}
void RoomInvariants::on(const call::DeliverQuality& e) {
  must(joined(e.to).joined == e.session, "another's quality");
}
void RoomInvariants::on(const call::DeliverLayers& e) {
  static_cast<void>(joined(e.to));
}
void RoomInvariants::on(const call::DeliverKeyWords& e) {
  Client& receiver = joined(e.to);
  static_cast<void>(other(receiver, e.from));
  must(receiver.encrypted && acting_ != e.to, "words about keys where there are none");
}
void RoomInvariants::on(const call::DeliverPong& e) {
  static_cast<void>(client(e.to));
  must(acting_ == e.to, "a pong nobody asked for");
}

// ---- telephones
// -------------------------------------------------------------------------------------------------------

void RoomInvariants::phone_status(const CallId& call, call::phone::Status status) {
  if (call::phone::is_over(status)) phones_over_.insert(call);
  const auto phone = phones_.find(call);
  if (phone == phones_.end() || !phone->second) return;
  if (status == call::phone::Status::InProgress && phones_answered_.insert(call).second) {
    media_state(*phone->second, call::ConnectionState::Connected);
  }
}

void RoomInvariants::on(const call::DeliverPhoneInvited& e) {
  must(phones_.contains(e.call) && e.request == "1", "whose invitation");
  static_cast<void>(joined(e.to));
}
void RoomInvariants::on(const call::DeliverPhone& e) {
  static_cast<void>(other(joined(e.to), e.session));
}
void RoomInvariants::on(const call::CallPhone& e) {
  const Client& asker = clients_.at(acting_.value());
  must(acting_ == e.asker && asker.joined && asker.room == e.room && asker.user == e.by, "who invites a telephone");
}
void RoomInvariants::on(const call::DropPhone& e) {
  must(phones_.erase(e.call) == 1, "a call is dropped twice, or was never there");
  must(!phones_over_.contains(e.call), "a call is dropped that is over");
  ++tally_.drops;
}
void RoomInvariants::on(const call::OpenPhone& e) {
  const auto phone = phones_.find(e.call);
  must(phone != phones_.end() && !phone->second, "a telephone that nobody called");
  phone->second = e.participant;
  const call::SessionId session = call::session_of_phone(e.call);
  must(stays_of(e.room, nullptr) > 0, "a telephone alone");
  must(stays_.emplace(e.participant, Stay{.room = e.room, .user = {}, .session = session, .call = e.call}).second,
       "opened twice");
  must(sessions_.emplace(std::pair{e.room, session}, e.participant).second, "a session held twice");
  ++tally_.stays;
  ++tally_.phones;
}
void RoomInvariants::on(const call::ConnectPhone& e) {
  must(stays_.at(e.participant).call.has_value(), "a telephone that is none");
}
void RoomInvariants::on(const call::ConfirmMute& e) {
  must(stays_.at(e.participant).call.has_value(), "a telephone that is none");
  if (e.muted) ++tally_.phones_muted;
}

// ---- the media plane
// ----------------------------------------------------------------------------------------------------

std::size_t RoomInvariants::stays_of(const call::RoomKey& room, const UserId* user) const {
  return static_cast<std::size_t>(std::ranges::count_if(stays_, [&](const auto& entry) {
    return entry.second.room == room && (user == nullptr || entry.second.user == *user);
  }));
}

void RoomInvariants::on(const call::OpenMedia& e) {
  must(!over_.contains(e.participant), "a participant of a second life");
  must(stays_.emplace(e.participant, Stay{.room = e.room, .user = e.user, .session = e.session}).second,
       "opened twice");
  must(sessions_.emplace(std::pair{e.room, e.session}, e.participant).second, "a session held twice");
  must(!kicked_[e.room].contains(e.user), "a kicked user is back");
  must(!locked_.contains(e.room) || acting_was_in_, "somebody new in a locked room");
  ++tally_.stays;
}

void RoomInvariants::on(const call::CloseMedia& e) {
  const auto stay = stays_.find(e.participant);
  must(stay != stays_.end(), "a close without an open");
  for (auto& [id, receiver] : clients_) {
    if (receiver.room == stay->second.room && receiver.joined == stay->second.session) receiver.joined.reset();
  }
  sessions_.erase({stay->second.room, stay->second.session});
  if (const std::optional<CallId>& call = stay->second.call) {
    must(!phones_.contains(*call) || phones_over_.contains(*call), "a telephone left, and its call goes on");
    phones_.erase(*call);
  }
  over_.insert(e.participant);
  stays_.erase(stay);
}

void RoomInvariants::on(const call::ResumeMedia& e) {
  must(stays_.contains(e.participant), "media of nobody");
}
void RoomInvariants::on(const call::PassSignal& e) {
  const auto stay = stays_.find(e.participant);
  must(stay != stays_.end(), "a signal of nobody");
  must(acting_ && clients_.at(*acting_).joined == stay->second.session &&
           clients_.at(*acting_).room == stay->second.room,
       "a signal of somebody else");
}
void RoomInvariants::on(const call::SetTrackMuted&) {}
void RoomInvariants::on(const call::SetTrackSource&) {}
void RoomInvariants::on(const call::RefuseTrack& e) {
  must(stays_.contains(e.participant), "a track of nobody");
}
void RoomInvariants::on(const call::SetView& e) {
  const Client& viewer = clients_.at(acting_.value());
  for (const call::TrackWish& wish : e.wishes) must(viewer.tracks.contains(wish.track), "a view of a stranger's track");
}

// ---- the rest
// -------------------------------------------------------------------------------------------------------------

void RoomInvariants::on(const call::CloseRoomConnection& e) {
  Client& gone = client(e.connection);
  gone.closing = true;
  gone.joined.reset();
  ++tally_.closed[std::string{to_text(e.reason)}];
}

void RoomInvariants::on(const call::RevokeTokens& e) {
  must(e.token.starts_with(e.user.value()), "another user's token");
}

void RoomInvariants::on(const call::SaveRoomRecord& e) {
  const call::CallRecord& record = e.record;
  const std::string& id = record.id.value();
  must(!ended_.contains(id), "a record after the end of " + id);
  must(record.reason.has_value() == (record.state == call::CallState::Ended), "a reason is of ended calls");
  must(record.ended_at.has_value() == (record.state == call::CallState::Ended), "an end is of ended calls");
  const auto known = records_.find(id);
  switch (record.state) {
    case call::CallState::Ringing: must(known == records_.end(), "begun twice"); break;
    case call::CallState::Active:
      must(known != records_.end() && known->second.state == call::CallState::Ringing, "answered twice");
      ++tally_.answered;
      break;
    case call::CallState::Ended:
      must(known != records_.end() && record.answered_at == known->second.answered_at, "ended before it began");
      must(record.duration_seconds == 0 || record.answered_at, "a duration without an answer");
      ++tally_.ended[std::string{to_text(*record.reason)}];
      ended_.insert(id);
      records_.erase(known);
      return;
  }
  records_[id] = record;
}

void RoomInvariants::media_state(ParticipantId participant, call::ConnectionState state) {
  if (const auto stay = stays_.find(participant); stay != stays_.end()) stay->second.media = state;
}

/// What others must see of it.
call::ConnectionState RoomInvariants::true_state(ParticipantId participant) const {
  const Stay& stay = stays_.at(participant);
  if (stay.call) return stay.media;
  const bool has_socket = std::ranges::any_of(clients_, [&](const auto& entry) {
    return entry.second.room == stay.room && entry.second.joined == stay.session;
  });
  const bool is_over = stay.media == call::ConnectionState::Failed || stay.media == call::ConnectionState::Closed;
  return has_socket || is_over ? stay.media : call::ConnectionState::Disconnected;
}

void RoomInvariants::check_room(const call::RoomView& view) const {
  for (const call::RoomView::Member& member : view.members) {
    must(member.info.state == true_state(member.participant), "the state of " + member.info.session.value());
  }
  for (const auto& [id, receiver] : clients_) {
    if (receiver.room != view.key || !receiver.joined) continue;
    must(receiver.encrypted == view.encrypted, "what was said of the encryption");
    std::map<call::SessionId, Other> others;
    std::map<TrackId, call::TrackInfo> tracks;
    bool is_there = false;
    for (const call::RoomView::Member& member : view.members) {
      if (member.info.session == receiver.joined) {
        is_there = member.info.user == receiver.user && member.info.role == receiver.role;
        continue;
      }
      others.emplace(member.info.session, Other{member.info.user, member.info.role, member.info.state});
      for (const call::TrackInfo& track : member.tracks) tracks.emplace(track.track, track);
    }
    must(is_there, name_of(id) + " believes to be in the room");
    must(receiver.others == others, name_of(id) + " sees other participants than there are");
    must(receiver.tracks == tracks, name_of(id) + " sees other tracks than there are");
    must(receiver.locked == view.locked, name_of(id) + " and the lock");
  }
}

void RoomInvariants::check_everything(const call::Rooms& rooms) {
  std::map<call::RoomKey, std::size_t> sizes;
  for (const auto& [id, stay] : stays_) ++sizes[stay.room];
  for (const auto& [room, size] : sizes) {
    const bool has_people =
        std::ranges::any_of(stays_, [&](const auto& entry) { return entry.second.room == room && !entry.second.call; });
    must(has_people, "telephones alone in a room");
  }
  must(rooms.room_count() == sizes.size() && records_.size() == sizes.size(),
       "a room is there while somebody is in it");
  must(rooms.participant_count() == stays_.size(), "participants and their media");
  std::erase_if(kicked_, [&](const auto& entry) { return !sizes.contains(entry.first); });
  std::erase_if(locked_, [&](const auto& room) { return !sizes.contains(room); });
  for (const auto& [room, size] : sizes) {
    const auto view = rooms.describe(room);
    must(view && view->members.size() == size, "the room's view");
    check_room(*view);
    for (const UserId& user : kicked_[room]) must(stays_of(room, &user) == 0, "a kicked user is in the room");
  }
  for (const auto& [id, receiver] : clients_) must(!receiver.joined || sizes.contains(receiver.room), "joined nowhere");
}

void RoomInvariants::at_the_end(const call::Rooms& rooms) const {
  must(phones_.empty(), "a telephone is called for nobody");
  must(clients_.empty() && stays_.empty() && records_.empty(), "something has no end");
  must(rooms.counts() == call::Rooms::Counts{}, "something was left behind");
  must(over_.size() == tally_.stays, "one end for each stay");
}

}  // namespace zvonok::sim
