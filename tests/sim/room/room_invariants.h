// What must be true of every run of the room engine whatever the rules say in detail. Believes the effects alone: each
// socket's picture of its room is put together from the messages to it, and must be the room's own.
#pragma once
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>

#include "base/time.h"
#include "call/room_engine.h"

namespace zvonok::sim {

/// A rule was broken. The test adds the seed.
class Violation : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct RoomTally {
  std::map<std::string, std::uint64_t> ended;   // records by reason
  std::map<std::string, std::uint64_t> left;    // stays by reason, as others or they themselves heard
  std::map<std::string, std::uint64_t> errors;  // by code
  std::map<std::string, std::uint64_t> closed;  // sockets by reason
  std::uint64_t stays = 0;
  std::uint64_t resumed = 0;
  std::uint64_t answered = 0;
  std::uint64_t phones = 0;        // that came in
  std::uint64_t phones_muted = 0;  // times, by their keys or by a moderator
  std::uint64_t drops = 0;         // calls that the room hung up
};

class RoomInvariants {
 public:
  void opened(ConnectionId connection, const call::RoomKey& room, const UserId& user);
  void closed(ConnectionId connection) { clients_.erase(connection); }
  /// The media plane is about to tell the engine so.
  void media_state(ParticipantId participant, call::ConnectionState state);
  /// `acting`: the socket whose message it was. Throws Violation.
  void observe(const call::RoomEffects& effects, std::optional<ConnectionId> acting, const call::Rooms& rooms);
  /// When all sockets are gone and all time has passed.
  void at_the_end(const call::Rooms& rooms) const;

  [[nodiscard]] const RoomTally& tally() const { return tally_; }
  /// Open stays, as the media plane knows them.
  [[nodiscard]] const auto& stays() const { return stays_; }
  /// A telephone is about to be in a room, or its call is about to be so far.
  void phone_invited(const CallId& call) { phones_.emplace(call, std::nullopt); }
  void phone_status(const CallId& call, call::phone::Status status);
  /// Calls that the rooms have not done with, and who they are there.
  [[nodiscard]] const auto& phones() const { return phones_; }
  [[nodiscard]] bool is_joined(ConnectionId connection) const;
  [[nodiscard]] bool is_closing(ConnectionId connection) const;

 private:
  struct Other {
    UserId user;
    call::RoomRole role = call::RoomRole::Member;
    call::ConnectionState state = call::ConnectionState::New;
    friend bool operator==(const Other&, const Other&) = default;
  };
  struct Client {
    call::RoomKey room;
    UserId user;
    bool closing = false;
    std::optional<call::SessionId> joined;  // as which session
    call::RoomRole role = call::RoomRole::Member;
    bool locked = false;
    bool encrypted = false;
    std::map<call::SessionId, Other> others;
    std::map<TrackId, call::TrackInfo> tracks;
  };
  struct Stay {
    call::RoomKey room;
    UserId user;
    call::SessionId session;
    call::ConnectionState media = call::ConnectionState::New;
    std::optional<CallId> call = std::nullopt;  // of a telephone
  };

  void on(const call::DeliverJoined& e);
  void on(const call::DeliverParticipantJoined& e);
  void on(const call::DeliverParticipantLeft& e);
  void on(const call::DeliverTrack& e);
  void on(const call::DeliverDescription& e);
  void on(const call::DeliverSpeakers& e);
  void on(const call::DeliverQuality& e);
  void on(const call::DeliverLayers& e);
  void on(const call::DeliverState& e);
  void on(const call::DeliverMute& e);
  void on(const call::DeliverLocked& e);
  void on(const call::DeliverRole& e);
  void on(const call::DeliverRoomError& e);
  void on(const call::DeliverKeyWords& e);
  void on(const call::DeliverPong& e);
  void on(const call::DeliverPhoneInvited& e);
  void on(const call::DeliverPhone& e);
  void on(const call::CallPhone& e);
  void on(const call::DropPhone& e);
  void on(const call::OpenPhone& e);
  void on(const call::ConnectPhone& e);
  void on(const call::ConfirmMute& e);
  void on(const call::OpenMedia& e);
  void on(const call::CloseMedia& e);
  void on(const call::ResumeMedia& e);
  void on(const call::PassSignal& e);
  void on(const call::SetTrackMuted& e);
  void on(const call::SetTrackSource& e);
  void on(const call::RefuseTrack& e);
  void on(const call::SetView& e);
  void on(const call::CloseRoomConnection& e);
  void on(const call::SaveRoomRecord& e);
  void on(const call::RevokeTokens& e);

  Client& client(ConnectionId id);
  Client& joined(ConnectionId id);
  Other& other(Client& client, const call::SessionId& session);
  void must_know(Client& client, const call::SessionId& session);
  [[nodiscard]] call::ConnectionState true_state(ParticipantId participant) const;
  void check_room(const call::RoomView& view) const;
  void check_everything(const call::Rooms& rooms);
  [[nodiscard]] std::size_t stays_of(const call::RoomKey& room, const UserId* user) const;

  std::map<ConnectionId, Client> clients_;
  std::map<ParticipantId, Stay> stays_;
  std::map<CallId, std::optional<ParticipantId>> phones_;
  std::set<CallId> phones_answered_;
  std::set<CallId> phones_over_;  // of which an end was told, or is being told
  std::set<ParticipantId> over_;
  std::map<std::pair<call::RoomKey, call::SessionId>, ParticipantId> sessions_;
  std::map<std::string, call::CallRecord> records_;  // open ones
  std::set<std::string> ended_;
  std::map<call::RoomKey, std::set<UserId>> kicked_;
  std::set<call::RoomKey> locked_;
  std::optional<ConnectionId> acting_;
  bool acting_was_in_ = false;  // its user was in the room before
  RoomTally tally_;
};

}  // namespace zvonok::sim
