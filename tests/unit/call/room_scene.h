// A stage for room tests: sockets have names, time is a number, and what the engine does is told in short lines, so
// that a rule of the protocol reads as a script.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/overloaded.h"
#include "call/room_engine.h"
#include "support/seeded_entropy.h"

namespace zvonok::call {

using RoomLines = std::vector<std::string>;

inline const RoomKey kGroup{.kind = RoomKind::Group, .id = ChatId{"7"}};
inline const RoomKey kChat{.kind = RoomKind::Chat, .id = ChatId{"7"}};

class RoomScene {
 public:
  explicit RoomScene(RoomOptions options = {}) : entropy_{1}, rooms_{options, entropy_} {}

  struct Entry {
    RoomKey room = kGroup;
    std::optional<RoomRole> role = RoomRole::Member;
    std::string token = {};
  };
  /// `label` is "user/session"; ":n" behind it tells sockets of one session apart ("alice/a:2").
  RoomLines open(const std::string& label, const Entry& entry) {
    const ConnectionId id{next_connection_++};
    ids_[label] = id;
    labels_[id] = label;
    return tell(RoomSocketOpened{.connection = id,
                                 .room = entry.room,
                                 .user = UserId{label.substr(0, label.find('/'))},
                                 .name = "",
                                 .token = entry.token,
                                 .role = entry.role});
  }
  RoomLines open(const std::string& label) { return open(label, {}); }
  RoomLines drop(const std::string& label) { return tell(RoomSocketClosed{id(label)}); }
  RoomLines join_as(const std::string& label, const std::string& session, const std::string& name = "") {
    return tell(JoinRoom{
        .connection = id(label), .session = SessionId{session}, .name = name, .room_id = "1", .encryption = {}});
  }
  RoomLines join_with(const std::string& label, JoinEncryption encryption) {
    return tell(JoinRoom{.connection = id(label),
                         .session = SessionId{label.substr(label.find('/') + 1)},
                         .name = "",
                         .room_id = "1",
                         .encryption = encryption});
  }
  /// `to` empty: to all.
  RoomLines words(const std::string& label, const std::string& to, const std::string& data) {
    return tell(SendKeyWords{
        .connection = id(label), .to = to.empty() ? std::optional<SessionId>{} : SessionId{to}, .data = data});
  }
  RoomLines join(const std::string& label) {
    const std::string session = label.substr(label.find('/') + 1);
    return join_as(label, session.substr(0, session.find(':')));
  }
  /// Opens and joins without showing what came of it.
  void enter(const std::string& label, const Entry& entry) {
    open(label, entry);
    join(label);
  }
  void enter(const std::string& label) { enter(label, {}); }
  RoomLines leave(const std::string& label) { return tell(LeaveRoom{id(label)}); }
  RoomLines kick(const std::string& by, const std::string& session) {
    return tell(KickParticipant{id(by), SessionId{session}});
  }
  RoomLines mute(const std::string& by, const std::string& session, TrackKind kind) {
    return tell(MuteParticipant{id(by), SessionId{session}, kind});
  }
  RoomLines lock(const std::string& by) { return tell(LockRoom{id(by)}); }
  RoomLines unlock(const std::string& by) { return tell(UnlockRoom{id(by)}); }
  RoomLines role(const std::string& by, const std::string& session, RoomRole role) {
    return tell(SetRoomRole{id(by), SessionId{session}, role});
  }
  RoomLines signal(const std::string& label, RoomSignal kind, const std::string& payload,
                   Politeness politeness = Politeness::Polite) {
    return tell(SendSignal{id(label), kind, payload, politeness});
  }
  RoomLines track(const std::string& label, const std::string& mid, std::optional<TrackSource> source,
                  std::optional<bool> muted) {
    return tell(UpdateTrack{id(label), mid, source, muted});
  }
  RoomLines ping(const std::string& label) { return tell(PingRoom{id(label)}); }
  RoomLines removed(const std::string& user, const RoomKey& room = kGroup) {
    return tell(MemberRemoved{room, UserId{user}});
  }
  RoomLines member_role(const std::string& user, RoomRole role) {
    return tell(MemberRoleChanged{kGroup, UserId{user}, role});
  }
  RoomLines membership_ended(const RoomKey& room = kGroup) { return tell(MembershipEnded{room}); }
  RoomLines media(std::uint64_t participant, ConnectionState state) {
    return tell(MediaStateChanged{ParticipantId{participant}, state});
  }
  RoomLines publish(std::uint64_t participant, std::uint64_t track, TrackKind kind, const std::string& mid = "0") {
    return tell(TrackPublished{ParticipantId{participant}, TrackId{track}, kind, mid, {}});
  }
  RoomLines ended(std::uint64_t track) { return tell(TrackEnded{TrackId{track}}); }

  RoomLines invite_phone(const std::string& label, const std::string& name = "") {
    return tell(InvitePhone{
        .connection = id(label), .number = phone::PhoneNumber{"+491512345678"}, .name = name, .request = "1"});
  }
  /// It is being called; asked by that socket.
  RoomLines phone_invited(const std::string& call, const std::string& label, const std::string& name = "") {
    return tell(PhoneInvited{.call = CallId{call},
                             .room = kGroup,
                             .by = UserId{label.substr(0, label.find('/'))},
                             .asker = id(label),
                             .number = "+49********78",
                             .name = name,
                             .request = "1"});
  }
  RoomLines phone(const std::string& call, phone::Status status, phone::Cause cause = phone::Cause::Provider) {
    return tell(PhoneProgressed{.call = CallId{call}, .status = status, .cause = cause});
  }
  RoomLines press(std::uint64_t participant, const std::string& keys) {
    RoomLines lines;
    for (const char key : keys) lines = tell(PhonePressed{ParticipantId{participant}, key});
    return lines;
  }
  RoomLines hang_up(const std::string& by, const std::string& session) {
    return tell(HangUpPhone{id(by), SessionId{session}});
  }

  /// Lets time pass and does what is due on the way, each thing at its own time.
  RoomLines wait(Duration duration) {
    const TimePoint until = now_.mono + duration;
    RoomEffects effects;
    while (rooms_.next_timeout() <= until) {
      go_to(rooms_.next_timeout());
      rooms_.handle_timeout(now_, effects);
    }
    go_to(until);
    return describe(effects);
  }
  RoomLines tell(RoomCommand command) {
    RoomEffects effects;
    rooms_.handle(std::move(command), now_, effects);
    return describe(effects);
  }
  /// Drops every socket and lets every grace pass.
  Rooms::Counts finish() {
    for (const auto& [connection, label] : labels_) tell(RoomSocketClosed{connection});
    wait(hours{1});
    return rooms_.counts();
  }

  [[nodiscard]] ConnectionId id(const std::string& label) const { return ids_.at(label); }
  [[nodiscard]] Rooms& rooms() { return rooms_; }
  [[nodiscard]] const std::vector<CallRecord>& records() const { return records_; }
  [[nodiscard]] const Now& now() const { return now_; }

 private:
  void go_to(TimePoint at) {
    now_.wall += std::chrono::duration_cast<milliseconds>(at - now_.mono);
    now_.mono = at;
  }
  RoomLines describe(const RoomEffects& effects) {
    RoomLines lines;
    for (const RoomEffect& effect : effects) lines.push_back(line(effect));
    return lines;
  }
  static std::string text(const TrackInfo& track) {
    std::ostringstream out;
    out << "#" << track.track << " " << track.session << " " << to_text(track.source) << (track.muted ? " muted" : "");
    return out.str();
  }

  std::string line(const RoomEffect& effect) {
    std::ostringstream out;
    const auto to = [&](ConnectionId connection) -> std::ostream& { return out << labels_.at(connection) << " <- "; };
    std::visit(
        Overloaded{
            [&](const DeliverJoined& e) {
              to(e.to) << (e.resumed ? "resumed" : "joined") << " as " << e.session << " " << to_text(e.role)
                       << (e.locked ? " locked" : "") << (e.encrypted ? " encrypted" : "");
              for (const auto& p : e.participants) {
                out << " (" << p.session << " " << p.user << " " << to_text(p.role) << " " << to_text(p.state) << ")";
              }
              for (const auto& t : e.tracks) out << " (" << text(t) << ")";
            },
            [&](const DeliverParticipantJoined& e) {
              to(e.to) << e.session << " of " << e.user << " joined" << (e.name.empty() ? "" : " named ") << e.name;
            },
            [&](const DeliverParticipantLeft& e) { to(e.to) << e.session << " left: " << to_text(e.reason); },
            [&](const DeliverTrack& e) {
              to(e.to) << to_text(e.state) << " " << text(e.track) << (e.mid.empty() ? "" : " in ") << e.mid;
            },
            [&](const DeliverDescription& e) { to(e.to) << to_text(e.kind) << " " << e.sdp; },
            [&](const DeliverSpeakers& e) {
              to(e.to) << "speakers";
              for (const auto& s : e.speakers) out << " " << s.session << "=" << int{s.level};
            },
            [&](const DeliverQuality& e) { to(e.to) << "quality " << e.session << " " << e.quality.score; },
            [&](const DeliverLayers& e) {
              to(e.to) << "layers " << e.mid;
              for (const auto& l : e.layers) out << " " << l.rid << (l.active ? "+" : "-");
            },
            [&](const DeliverState& e) { to(e.to) << e.session << " is " << to_text(e.state); },
            [&](const DeliverMute& e) { to(e.to) << "mute " << to_text(e.kind) << " by " << e.by; },
            [&](const DeliverLocked& e) { to(e.to) << (e.locked ? "locked by " : "unlocked by ") << e.by; },
            [&](const DeliverRole& e) { to(e.to) << e.session << " becomes " << to_text(e.role) << " by " << e.by; },
            [&](const DeliverRoomError& e) { to(e.to) << "error " << to_text(e.code); },
            [&](const DeliverKeyWords& e) { to(e.to) << e.from << " says " << e.data; },
            [&](const DeliverPhoneInvited& e) { to(e.to) << "invited " << e.session << " " << e.request; },
            [&](const DeliverPhone& e) {
              to(e.to) << e.session << " " << phone::to_text(e.status) << " by " << phone::to_text(e.cause);
            },
            [&](const CallPhone& e) { out << "call " << e.number << " for " << e.by; },
            [&](const DropPhone& e) { out << "drop " << e.call << " by " << phone::to_text(e.cause); },
            [&](const OpenPhone& e) { out << "open phone " << e.participant << " of " << e.call; },
            [&](const ConnectPhone& e) { out << "connect phone " << e.participant; },
            [&](const ConfirmMute& e) { out << "tones " << (e.muted ? "muted" : "unmuted") << " " << e.participant; },
            [&](const DeliverPong& e) { to(e.to) << "pong"; },
            [&](const OpenMedia& e) { out << "open media " << e.participant; },
            [&](const CloseMedia& e) { out << "close media " << e.participant; },
            [&](const ResumeMedia& e) { out << "resume media " << e.participant; },
            [&](const PassSignal& e) {
              out << "media " << e.participant << (e.politeness == Politeness::Impolite ? " impolite " : " ")
                  << to_text(e.kind) << " " << e.payload;
            },
            [&](const SetTrackMuted& e) {
              out << (e.muted ? "mute" : "unmute") << " #" << e.track
                  << (e.by == MutedBy::Owner ? " by its owner" : " by a moderator");
            },
            [&](const SetTrackSource& e) { out << "#" << e.track << " is " << to_text(e.source); },
            [&](const RefuseTrack& e) { out << "refuse #" << e.track << " of " << e.participant; },
            [&](const SetView& e) {
              out << "view of " << e.participant;
              for (const auto& w : e.wishes) out << " #" << w.track << "@" << w.height << "," << w.priority;
            },
            [&](const CloseRoomConnection& e) {
              out << "close " << labels_.at(e.connection) << " " << to_text(e.reason);
            },
            [&](const SaveRoomRecord& e) {
              records_.push_back(e.record);
              out << "save " << e.record.caller << " " << e.record.state;
              if (e.record.reason) out << " " << *e.record.reason << " " << e.record.duration_seconds << "s";
            },
            [&](const RevokeTokens& e) { out << "revoke " << e.token << " of " << e.user; },
        },
        effect);
    return out.str();
  }

  test::SeededEntropy entropy_;
  Rooms rooms_;
  Now now_{.mono = TimePoint{hours{1}}, .wall = wall_from_unix_milliseconds(1'700'000'000'000)};
  std::uint64_t next_connection_ = 1;
  std::map<std::string, ConnectionId> ids_;
  std::map<ConnectionId, std::string> labels_;
  std::vector<CallRecord> records_;
};

}  // namespace zvonok::call
