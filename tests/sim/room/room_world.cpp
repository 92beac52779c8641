#include "room_world.h"

#include <algorithm>
#include <type_traits>
#include <utility>

namespace zvonok::sim {
namespace {

using call::ConnectionState;

const std::vector<ConnectionState> kStates{ConnectionState::Connecting, ConnectionState::Connected,
                                           ConnectionState::Connected,  ConnectionState::Disconnected,
                                           ConnectionState::Failed,     ConnectionState::Closed};
const std::vector<call::TrackKind> kKinds{call::TrackKind::Audio, call::TrackKind::Video};
const std::vector<call::TrackSource> kSources{call::TrackSource::Microphone, call::TrackSource::Camera,
                                              call::TrackSource::Screen, call::TrackSource::ScreenAudio};
const std::vector<call::RoomRole> kRoles{call::RoomRole::Member, call::RoomRole::Moderator, call::RoomRole::Host};

std::string name_of(const call::RoomKey& room) {
  return std::string{to_text(room.kind)} + room.id.value();
}

}  // namespace

RoomWorld::RoomWorld(std::uint64_t seed, Trace trace)
    : random_{seed}, tracing_{trace == Trace::On}, entropy_{seed}, engine_{make_options(random_), entropy_} {
  const std::size_t rooms = random_.between(1, 3);
  for (std::size_t i = 0; i < rooms; ++i) {
    keys_.push_back(
        {.kind = i % 2 == 0 ? call::RoomKind::Group : call::RoomKind::Chat, .id = ChatId{std::to_string(i / 2)}});
  }
  const std::vector<std::string> names{"ann", "ben", "cat", "dan", "eve"};
  const std::size_t users = random_.between(2, names.size());
  for (std::size_t i = 0; i < users; ++i) users_.emplace_back(names[i]);
}

call::RoomOptions RoomWorld::make_options(Random& random) {
  call::RoomOptions options;
  options.reconnect_grace = random.pick<Duration>({seconds{30}, seconds{30}, seconds{2}, Duration::zero()});
  options.participants_max = random.pick<std::size_t>({1000, 1000, 3});
  options.rooms_max = random.pick<std::size_t>({10'000, 10'000, 1});
  options.rooms_per_user_max = random.pick<std::size_t>({10, 10, 1});
  options.tracks_per_participant_max = random.pick<std::size_t>({16, 2, 1});
  options.encrypted_participants_max = random.pick<std::size_t>({100, 100, 2});
  options.key_words =
      random.pick<TokenBucketOptions>({{.burst = 512, .per_second = 64}, {.burst = 1, .per_second = 0.01}});
  options.phones_max = random.pick<std::size_t>({8, 8, 1, 0});
  options.phone_role = random.pick(kRoles);
  options.banned_users_max = random.pick<std::size_t>({10'000, 10'000, 1});
  return options;
}

void RoomWorld::run() {
  const std::size_t steps = random_.between(40, 160);
  const bool drains = random_.chance(10);
  const bool dies = random_.chance(10);
  for (std::size_t i = 0; i < steps; ++i) {
    if (drains && i == steps / 2) tell("drain", call::DrainRooms{}, std::nullopt);
    if (dies && i == steps * 3 / 4) tell("shutdown", call::ShutDownRooms{}, std::nullopt);
    step();
  }
  finish();
}

void RoomWorld::step() {
  switch (random_.weighted({14, 6, 44, 10, 20, 10, 11})) {
    case 0: return open();
    case 1: return drop();
    case 2: return say_something();
    case 3: return moderate();
    case 4: return media_happens();
    case 5: return pass_time();
    default: return phones_happen();
  }
}

// ---- clients --------------------------------------------------------------------------------------------------------

void RoomWorld::open() {
  const Socket socket{
      .id = ConnectionId{next_connection_++}, .room = random_.pick(keys_), .user = random_.pick(users_)};
  sockets_.push_back(socket);
  invariants_.opened(socket.id, socket.room, socket.user);
  std::optional<call::RoomRole> role;
  if (random_.chance(60)) role = random_.pick(kRoles);
  tell("opens for " + name_of(socket.room) + " as " + socket.user.value(),
       call::RoomSocketOpened{.connection = socket.id,
                              .room = socket.room,
                              .user = socket.user,
                              .name = socket.user.value(),
                              .token = socket.user.value() + "-token",
                              .role = role},
       socket.id);
}

RoomWorld::Socket* RoomWorld::any_socket() {
  return sockets_.empty() ? nullptr : &sockets_[random_.below(sockets_.size())];
}

/// Few of them and shared, so that they collide.
call::SessionId RoomWorld::any_session(const call::RoomKey& room) {
  return call::SessionId{name_of(room) + "-" + std::to_string(random_.below(6))};
}

/// Somebody's, or a telephone's.
call::SessionId RoomWorld::any_target(const call::RoomKey& room) {
  const auto& phones = invariants_.phones();
  if (!phones.empty() && random_.chance(20)) {
    const auto phone = std::next(phones.begin(), static_cast<std::ptrdiff_t>(random_.below(phones.size())));
    return call::session_of_phone(phone->first);
  }
  return any_session(room);
}

call::JoinEncryption RoomWorld::any_encryption() {
  if (random_.chance(80)) return call::JoinEncryption::Supported;
  return random_.chance(60) ? call::JoinEncryption::Required : call::JoinEncryption::Unable;
}

void RoomWorld::drop() {
  if (sockets_.empty()) return;
  const std::size_t at = random_.below(sockets_.size());
  const ConnectionId id = sockets_[at].id;
  sockets_.erase(sockets_.begin() + static_cast<std::ptrdiff_t>(at));
  invariants_.closed(id);
  tell("drops", call::RoomSocketClosed{id}, id);
}

void RoomWorld::say_something() {
  const Socket* const socket = any_socket();
  if (socket == nullptr) return open();
  const ConnectionId id = socket->id;
  if (!invariants_.is_joined(id) && random_.chance(70)) {
    const auto session = random_.chance(5) ? call::SessionId{} : any_session(socket->room);
    return tell("joins as " + session.value(),
                call::JoinRoom{
                    .connection = id, .session = session, .name = {}, .room_id = "1", .encryption = any_encryption()},
                id);
  }
  switch (random_.weighted({4, 4, 8, 6, 10, 4, 10, 4})) {
    case 0: {
      const auto session = any_session(socket->room);
      return tell("joins again as " + session.value(),
                  call::JoinRoom{
                      .connection = id, .session = session, .name = {}, .room_id = {}, .encryption = any_encryption()},
                  id);
    }
    case 1: return tell("leaves", call::LeaveRoom{id}, id);
    case 2: {
      call::UpdateTrack update{.connection = id, .mid = std::to_string(random_.below(3)), .source = {}, .muted = {}};
      if (random_.chance(50)) update.source = random_.pick(kSources);
      if (random_.chance(70)) update.muted = random_.chance(50);
      return tell("tells of track " + update.mid, update, id);
    }
    case 3: {
      call::ViewTracks view{.connection = id, .wishes = {}};
      for (const TrackId track : tracks_) {
        if (random_.chance(50)) view.wishes.push_back({.track = track, .height = 360, .priority = 0});
      }
      return tell("views", std::move(view), id);
    }
    case 4: {
      const auto politeness = random_.chance(50) ? call::Politeness::Polite : call::Politeness::Impolite;
      return tell("signals",
                  call::SendSignal{
                      .connection = id, .kind = call::RoomSignal::Offer, .payload = "v=0", .politeness = politeness},
                  id);
    }
    case 5: return tell("pings", call::PingRoom{id}, id);
    case 6: {
      call::SendKeyWords words{.connection = id, .to = {}, .data = "{}"};
      if (random_.chance(50)) words.to = any_session(socket->room);
      return tell("speaks of keys", std::move(words), id);
    }
    default: return tell("is heard", call::HeardFrom{id}, id);
  }
}

void RoomWorld::moderate() {
  if (random_.chance(15)) {
    const auto room = random_.pick(keys_);
    if (random_.chance(10)) return tell(name_of(room) + " is deleted", call::MembershipEnded{room}, std::nullopt);
    const auto user = random_.pick(users_);
    if (random_.chance(40)) {
      const auto role = random_.pick(kRoles);
      return tell(user.value() + " becomes " + std::string{to_text(role)} + " of " + name_of(room),
                  call::MemberRoleChanged{room, user, role}, std::nullopt);
    }
    return tell("membership of " + user.value() + " in " + name_of(room) + " ends", call::MemberRemoved{room, user},
                std::nullopt);
  }
  const Socket* const socket = any_socket();
  if (socket == nullptr) return;
  const ConnectionId id = socket->id;
  const auto session = any_target(socket->room);
  switch (random_.weighted({5, 5, 2, 4, 5})) {
    case 0: return tell("kicks " + session.value(), call::KickParticipant{id, session}, id);
    case 1: return tell("mutes " + session.value(), call::MuteParticipant{id, session, random_.pick(kKinds)}, id);
    case 2: return tell("locks", call::LockRoom{id}, id);
    case 3: return tell("unlocks", call::UnlockRoom{id}, id);
    default:
      return tell("gives a role to " + session.value(), call::SetRoomRole{id, session, random_.pick(kRoles)}, id);
  }
}

// ---- the media plane
// --------------------------------------------------------------------------------------------------

std::optional<ParticipantId> RoomWorld::any_stay() {
  const auto& stays = invariants_.stays();
  // Now and then one that is over, or not yet there.
  if (stays.empty() || random_.chance(5)) return ParticipantId{random_.below(20)};
  return std::next(stays.begin(), static_cast<std::ptrdiff_t>(random_.below(stays.size())))->first;
}

void RoomWorld::media_happens() {
  const ParticipantId who = any_stay().value_or(ParticipantId{});
  const std::string name = "participant " + std::to_string(who.value());
  switch (random_.weighted({10, 10, 4, 4, 3, 3, 3})) {
    case 0: {
      const ConnectionState state = random_.pick(kStates);
      invariants_.media_state(who, state);
      return tell(name + " is " + std::string{to_text(state)}, call::MediaStateChanged{who, state}, std::nullopt);
    }
    case 1: {
      tracks_.emplace_back(next_track_++);
      return tell(name + " publishes " + std::to_string(tracks_.back().value()),
                  call::TrackPublished{who, tracks_.back(), random_.pick(kKinds), std::to_string(random_.below(3)), {}},
                  std::nullopt);
    }
    case 2:
      if (tracks_.empty()) return;
      return tell("a track ends", call::TrackEnded{random_.pick(tracks_)}, std::nullopt);
    case 3:
      if (tracks_.empty()) return;
      return tell(name + " is offered", call::TrackOffered{who, random_.pick(tracks_), "1"}, std::nullopt);
    case 4: {
      call::SpeakersChanged speakers{.room = random_.pick(keys_), .speakers = {}};
      for (const auto& [id, stay] : invariants_.stays()) {
        if (random_.chance(50)) speakers.speakers.push_back({.participant = id, .level = 7});
      }
      return tell("speakers", std::move(speakers), std::nullopt);
    }
    case 5: return tell(name + " quality", call::QualityMeasured{.participant = who, .quality = {}}, std::nullopt);
    default:
      return tell(name + " offer", call::DescriptionMade{who, call::DescriptionKind::Offer, "v=0"}, std::nullopt);
  }
}

// ---- telephones
// -------------------------------------------------------------------------------------------------------

void RoomWorld::phones_happen() {
  const auto& phones = invariants_.phones();
  const Socket* const socket = any_socket();
  if (socket != nullptr && (phones.empty() || random_.chance(40))) {
    return tell(
        "invites a telephone",
        call::InvitePhone{
            .connection = socket->id, .number = call::phone::PhoneNumber{"+491512345678"}, .name = {}, .request = "1"},
        socket->id);
  }
  if (phones.empty()) return;
  const auto phone = std::next(phones.begin(), static_cast<std::ptrdiff_t>(random_.below(phones.size())));
  const CallId call = phone->first;
  using call::phone::Status;
  switch (random_.weighted({8, 7, 2, 1})) {
    case 0: {
      const auto status =
          random_.pick<Status>({Status::Connecting, Status::Ringing, Status::InProgress, Status::InProgress,
                                Status::Completed, Status::Busy, Status::NoAnswer, Status::Failed});
      invariants_.phone_status(call, status);
      return tell(call.value() + " is " + std::string{to_text(status)},
                  call::PhoneProgressed{.call = call, .status = status}, std::nullopt);
    }
    case 1: {
      const ParticipantId who = phone->second.value_or(ParticipantId{});
      tell(call.value() + " presses a star", call::PhonePressed{.participant = who, .digit = '*'}, std::nullopt);
      return tell("and a six", call::PhonePressed{.participant = who, .digit = '6'}, std::nullopt);
    }
    case 2:
      if (socket == nullptr) return;
      return tell("hangs " + call.value() + " up",
                  call::HangUpPhone{.connection = socket->id, .session = call::session_of_phone(call)}, socket->id);
    default:
      return tell(call.value() + " is dismissed",
                  call::PhoneDismissed{.room = random_.pick(keys_), .session = call::session_of_phone(call)},
                  std::nullopt);
  }
}

void RoomWorld::answer_asked() {
  for (const call::CallPhone& asked : std::exchange(asked_, {})) {
    // The socket may go before it is answered.
    if (random_.chance(5)) drop();
    if (random_.chance(15)) {
      tell("no telephone is called",
           call::PhoneNotInvited{.asker = asked.asker,
                                 .code = call::RoomErrorCode::DailyLimit,
                                 .message = "too many",
                                 .request = asked.request},
           std::nullopt);
      continue;
    }
    const CallId id{"c" + std::to_string(next_call_++)};
    invariants_.phone_invited(id);
    tell(id.value() + " is called",
         call::PhoneInvited{.call = id,
                            .room = asked.room,
                            .by = asked.by,
                            .asker = asked.asker,
                            .number = "+49***",
                            .name = asked.name,
                            .request = asked.request},
         std::nullopt);
  }
}

// ---- time
// ---------------------------------------------------------------------------------------------------------------

void RoomWorld::pass_time() {
  let_pass(
      random_.pick<Duration>({milliseconds{10}, milliseconds{500}, seconds{1}, seconds{3}, seconds{11}, seconds{31}}));
}

void RoomWorld::let_pass(Duration duration) {
  const TimePoint until = now_.mono + duration;
  const auto go_to = [this](TimePoint at) {
    now_.wall += std::chrono::duration_cast<milliseconds>(at - now_.mono);
    now_.mono = at;
  };
  while (engine_.next_timeout() <= until) {
    go_to(std::max(now_.mono, engine_.next_timeout()));
    call::RoomEffects effects;
    engine_.handle_timeout(now_, effects);
    note("after " + std::to_string((now_.mono - TimePoint{hours{1}}) / milliseconds{1}) + " ms");
    note_effects(effects);
    invariants_.observe(effects, std::nullopt, engine_);
  }
  go_to(until);
}

void RoomWorld::finish() {
  while (!sockets_.empty()) drop();
  let_pass(hours{1});
  invariants_.at_the_end(engine_);
}

// ---- telling
// ------------------------------------------------------------------------------------------------------------

void RoomWorld::tell(const std::string& line, call::RoomCommand command, std::optional<ConnectionId> acting) {
  note((acting ? "#" + std::to_string(acting->value()) + " " : std::string{}) + line);
  call::RoomEffects effects;
  engine_.handle(std::move(command), now_, effects);
  note_effects(effects);
  invariants_.observe(effects, acting, engine_);
  for (const call::RoomEffect& effect : effects) {
    if (const auto* const asked = std::get_if<call::CallPhone>(&effect)) asked_.push_back(*asked);
  }
  answer_asked();
}

void RoomWorld::note(const std::string& line) {
  if (tracing_) trace_text_ += line + "\n";
}

void RoomWorld::note_effects(const call::RoomEffects& effects) {
  if (!tracing_) return;
  for (const call::RoomEffect& effect : effects) {
    std::string line = "    effect " + std::to_string(effect.index());
    std::visit(
        [&line](const auto& e) {
          if constexpr (requires { e.to; }) line += " to #" + std::to_string(e.to.value());
          if constexpr (requires { e.connection; }) line += " of #" + std::to_string(e.connection.value());
          if constexpr (requires { e.participant.value(); }) line += " of " + std::to_string(e.participant.value());
          if constexpr (requires { e.session.value(); }) line += " about " + e.session.value();
          if constexpr (std::is_same_v<std::decay_t<decltype(e)>, call::DeliverRoomError>) {
            line += " error " + std::string{to_text(e.code)};
          }
          if constexpr (std::is_same_v<std::decay_t<decltype(e)>, call::DeliverParticipantLeft>) {
            line += " left " + std::string{to_text(e.reason)};
          }
        },
        effect);
    trace_text_ += line + "\n";
  }
}

}  // namespace zvonok::sim
