// The room engine: every rule of docs/protocol/room.md that is about who is where and who hears what. Commands and time
// in, effects out. This class knows the sockets and which room is whose; what happens inside one room is RoomCall's.
//
// Pure: no clock, no I/O. Belongs to the control thread.
#pragma once
#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/entropy.h"
#include "base/time.h"
#include "call/deadlines.h"
#include "call/room_call.h"
#include "call/room_command.h"
#include "call/room_effect.h"
#include "call/room_ids.h"
#include "call/room_options.h"
#include "call/room_participant.h"

namespace zvonok::call {

/// A room as others may see it.
struct RoomView {
  struct Member {
    ParticipantId participant;
    ParticipantInfo info;
    std::vector<TrackInfo> tracks;  // its own, oldest first
  };
  RoomKey key;
  CallId call;
  WallTime started_at{};
  bool locked = false;
  bool encrypted = false;
  std::vector<Member> members;  // in the order in which they came
};

class Rooms {
 public:
  /// `entropy` (for call ids and sessions without a name) must outlive the engine.
  Rooms(RoomOptions options, Entropy& entropy);
  Rooms(const Rooms&) = delete;
  Rooms& operator=(const Rooms&) = delete;

  /// Takes one command; what must be done because of it is appended to `effects`. Commands of unknown connections,
  /// participants and tracks are ignored: they were on their way when that was gone.
  void handle(RoomCommand command, const Now& now, RoomEffects& effects);
  /// Does everything that is due at `now`. Earlier calls do nothing.
  void handle_timeout(const Now& now, RoomEffects& effects);
  /// When to call `handle_timeout` next; TimePoint::max() when nothing is waited for.
  [[nodiscard]] TimePoint next_timeout() const { return std::min(socket_deadlines_.next(), grace_deadlines_.next()); }

  struct Refusal {
    RoomErrorCode code;
    std::string_view message;  // a literal
  };
  /// What keeps a user with that role from inviting a telephone into that room; NotFound: nobody is there.
  [[nodiscard]] std::optional<Refusal> phone_refusal(const RoomKey& room, RoomRole role) const;
  /// Who invited the telephone that is there as that session; nothing when there is none.
  [[nodiscard]] std::optional<UserId> inviter_of(const RoomKey& room, const SessionId& session) const;

  /// How the connection calls its room and itself; null for an unknown one. Good until the next command.
  [[nodiscard]] const RoomAddress* address_of(ConnectionId connection) const;
  /// Whether a moderator has removed the user from the room that lives now: such a user must not get in.
  [[nodiscard]] bool is_banned(const RoomKey& room, const UserId& user) const;
  /// nullopt when nobody is there.
  [[nodiscard]] std::optional<RoomView> describe(const RoomKey& room) const;
  [[nodiscard]] std::size_t room_count() const { return rooms_.size(); }
  [[nodiscard]] std::size_t participant_count() const { return participants_.size(); }
  /// Of them, those whose socket is open.
  [[nodiscard]] std::size_t present_count() const;
  [[nodiscard]] const RoomOptions& options() const { return options_; }

  /// Everything that is held, for tests and metrics. Walks the rooms.
  struct Counts {
    std::size_t sockets = 0;
    std::size_t rooms = 0;
    std::size_t participants = 0;
    std::size_t tracks = 0;
    std::size_t users = 0;
    std::size_t deadlines = 0;
    std::size_t phones = 0;
    friend bool operator==(const Counts&, const Counts&) = default;
  };
  [[nodiscard]] Counts counts() const;

 private:
  /// A user with a socket or a participant, whatever the room.
  struct User {
    std::vector<RoomSocket*> sockets;  // without those that are being closed
    std::set<RoomKey> rooms;           // in which the user is
  };

  void on(RoomSocketOpened& command, const Now& now, RoomEffects& effects);
  void on(RoomSocketClosed& command, const Now& now, RoomEffects& effects);
  void on(JoinRoom& command, const Now& now, RoomEffects& effects);
  void on(LeaveRoom& command, const Now& now, RoomEffects& effects);
  void on(UpdateTrack& command, const Now& now, RoomEffects& effects);
  void on(ViewTracks& command, const Now& now, RoomEffects& effects);
  void on(MuteParticipant& command, const Now& now, RoomEffects& effects);
  void on(KickParticipant& command, const Now& now, RoomEffects& effects);
  void on(LockRoom& command, const Now& now, RoomEffects& effects);
  void on(UnlockRoom& command, const Now& now, RoomEffects& effects);
  void on(SetRoomRole& command, const Now& now, RoomEffects& effects);
  void on(InvitePhone& command, const Now& now, RoomEffects& effects);
  void on(HangUpPhone& command, const Now& now, RoomEffects& effects);
  void on(PhoneInvited& command, const Now& now, RoomEffects& effects);
  void on(PhoneNotInvited& command, const Now& now, RoomEffects& effects);
  void on(PhoneProgressed& command, const Now& now, RoomEffects& effects);
  void on(PhonePressed& command, const Now& now, RoomEffects& effects);
  void on(PhoneDismissed& command, const Now& now, RoomEffects& effects);
  void on(SendSignal& command, const Now& now, RoomEffects& effects);
  void on(SendKeyWords& command, const Now& now, RoomEffects& effects);
  void on(PingRoom& command, const Now& now, RoomEffects& effects);
  void on(HeardFrom& command, const Now& now, RoomEffects& effects);
  void on(MemberRemoved& command, const Now& now, RoomEffects& effects);
  void on(MemberRoleChanged& command, const Now& now, RoomEffects& effects);
  void on(MembershipEnded& command, const Now& now, RoomEffects& effects);
  void on(MediaStateChanged& command, const Now& now, RoomEffects& effects);
  void on(DescriptionMade& command, const Now& now, RoomEffects& effects);
  void on(SignalRefused& command, const Now& now, RoomEffects& effects);
  void on(TrackPublished& command, const Now& now, RoomEffects& effects);
  void on(TrackEnded& command, const Now& now, RoomEffects& effects);
  void on(TrackOffered& command, const Now& now, RoomEffects& effects);
  void on(SpeakersChanged& command, const Now& now, RoomEffects& effects);
  void on(QualityMeasured& command, const Now& now, RoomEffects& effects);
  void on(LayersWanted& command, const Now& now, RoomEffects& effects);
  void on(DrainRooms& command, const Now& now, RoomEffects& effects);
  void on(ShutDownRooms& command, const Now& now, RoomEffects& effects);

  // Joining.
  [[nodiscard]] std::optional<Refusal> refusal_of(const RoomSocket& socket, const RoomCall* room) const;
  RoomCall& begin_room(const RoomSocket& socket, RoomCall::Encryption encryption, const Now& now);
  void resume(Participant& participant, RoomSocket& socket, const Now& now, RoomEffects& effects);

  // Sockets.
  [[nodiscard]] RoomSocket* find_socket(ConnectionId connection);
  /// The socket that says something, and its sign of life; null when it is unknown or being closed.
  [[nodiscard]] RoomSocket* hear(ConnectionId connection, const Now& now);
  /// The participant that says something; an error and null when it has not joined.
  [[nodiscard]] Participant* hear_joined(ConnectionId connection, const Now& now, RoomEffects& effects);
  /// The same, when its role suffices.
  [[nodiscard]] Participant* hear_with_role(ConnectionId connection, RoomRole least, const Now& now,
                                            RoomEffects& effects);
  /// Asks for the close. Its participant, if it has one, stays without a socket: `lose` or remove it.
  void close(RoomSocket& socket, RoomCloseReason reason, RoomEffects& effects);
  void close_all_of(const UserId& user, const RoomKey& room, RoomEffects& effects);
  void withdraw(RoomSocket& socket);
  void forget_user_if_idle(const UserId& user);
  void arm(RoomSocket& socket, TimePoint at);
  void expire(RoomSocket& socket, const Now& now, RoomEffects& effects);

  // Participants.
  [[nodiscard]] Participant* find(ParticipantId participant);
  /// The socket is gone: the grace begins, or the end.
  void lose(Participant& participant, const Now& now, RoomEffects& effects);
  enum class EmptyRoom { Ends, Stays };
  /// The participant is destroyed, and the room unless it stays.
  void remove(Participant& participant, LeaveReason reason, EmptyRoom empty, const Now& now, RoomEffects& effects);
  void remove_user(RoomCall& room, const UserId& user, LeaveReason reason, const Now& now, RoomEffects& effects);
  /// Everybody at once; the room ends.
  void dismiss(RoomCall& room, LeaveReason reason, const Now& now, RoomEffects& effects);
  template <class Leave>
  void forget_participant(Participant& participant, RoomEffects& effects, Leave leave);
  void end(RoomCall& room, LeaveReason last, const Now& now, RoomEffects& effects);
  /// Telephones are nobody's company: without people they are dropped, and the room ends.
  void end_without_people(RoomCall& room, LeaveReason last, const Now& now, RoomEffects& effects);
  /// The room hangs up; it goes on.
  void drop_phone(Participant& telephone, phone::Cause cause, const Now& now, RoomEffects& effects);

  [[nodiscard]] RoomCall* find_room(const RoomKey& key) const;

  RoomOptions options_;
  Entropy& entropy_;
  std::unordered_map<ConnectionId, std::unique_ptr<RoomSocket>> sockets_;
  std::unordered_map<RoomKey, std::unique_ptr<RoomCall>> rooms_;
  std::unordered_map<ParticipantId, Participant*> participants_;
  std::unordered_map<TrackId, RoomCall*> tracks_;
  std::unordered_map<CallId, Participant*> phones_;
  std::unordered_map<UserId, User> users_;
  // Two sets with keys of one kind each: connections, participants.
  Deadlines socket_deadlines_;
  Deadlines grace_deadlines_;
  std::uint64_t next_serial_ = 1;
  ParticipantId::rep next_participant_ = 1;
  bool draining_ = false;
};

}  // namespace zvonok::call
