// One room: who is in it, what is published, who may do what. Rooms owns the rooms, finds them and knows the sockets; a
// room tells its participants what they must hear of one another.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/time.h"
#include "call/call.h"
#include "call/room_effect.h"
#include "call/room_ids.h"
#include "call/room_options.h"
#include "call/room_participant.h"

namespace zvonok::call {

struct RoomTrack {
  TrackInfo info;
  Participant* owner = nullptr;
  std::string mid;        // of the owner's section
  bool silenced = false;  // by a moderator, until its owner unmutes it
};

class RoomCall {
 public:
  /// `record` is complete but for what follows the start. `options` must outlive the room.
  enum class Encryption { Off, EndToEnd };
  RoomCall(std::uint64_t serial, RoomKey key, CallRecord record, Encryption encryption, const RoomOptions& options);
  RoomCall(const RoomCall&) = delete;
  RoomCall& operator=(const RoomCall&) = delete;

  [[nodiscard]] std::uint64_t serial() const { return serial_; }
  [[nodiscard]] const RoomKey& key() const { return key_; }
  [[nodiscard]] const CallRecord& record() const { return record_; }
  [[nodiscard]] bool locked() const { return locked_; }
  /// Media is sealed by the participants for each other: nobody gets in who can't do that, such as a telephone.
  [[nodiscard]] bool encrypted() const { return encryption_ == Encryption::EndToEnd; }
  [[nodiscard]] std::size_t size() const { return participants_.size(); }
  [[nodiscard]] std::size_t phones() const { return phones_; }
  /// Without telephones.
  [[nodiscard]] std::size_t people() const { return participants_.size() - phones_; }
  [[nodiscard]] bool has_user(const UserId& user) const { return users_.contains(user); }
  [[nodiscard]] bool is_banned(const UserId& user) const { return banned_.contains(user); }
  [[nodiscard]] Participant* find(const SessionId& session) const;
  [[nodiscard]] Participant* find(ParticipantId id) const;
  /// In the order in which they came.
  [[nodiscard]] std::vector<Participant*> participants() const;
  [[nodiscard]] std::vector<Participant*> participants_of(const UserId& user) const;
  [[nodiscard]] const RoomTrack* find(TrackId track) const;
  [[nodiscard]] std::size_t track_count() const { return tracks_.size(); }

  // ---- coming and going
  // -----------------------------------------------------------------------------------------------
  /// The session must be new here. Tells it and the others, and saves the record when that is news.
  Participant& enter(ParticipantId id, JoinRoom command, RoomSocket& socket, const Now& now, RoomEffects& effects);
  /// A telephone, which is being called. The session must be new here.
  Participant& enter_phone(ParticipantId id, const PhoneInvited& invited, RoomEffects& effects);
  /// Not an end.
  void progress(Participant& telephone, const PhoneProgressed& news, const Now& now, RoomEffects& effects);
  /// Its keys.
  void press(Participant& telephone, char digit, const Now& now, RoomEffects& effects);
  void tell_phone(const Participant& telephone, phone::Status status, phone::Cause cause, RoomEffects& effects) const;
  /// The participant, which has lost its socket or has another one now, goes on over `socket`.
  void resume(Participant& participant, RoomSocket& socket, RoomEffects& effects);
  /// Everything it sees when it enters or comes back.
  [[nodiscard]] std::optional<RoomRole> phone_role() const;
  void tell_joined(const Participant& participant, bool resumed, RoomEffects& effects) const;
  /// Tells the others that its tracks ended and that it left. It is destroyed.
  void leave(Participant& participant, LeaveReason reason, RoomEffects& effects);
  /// The same, and tells nobody: at the room's end.
  void forget(Participant& participant);
  /// Only for an empty room. The final record.
  void end(LeaveReason last, const Now& now, RoomEffects& effects);
  void ban(const UserId& user) { banned_.insert(user); }
  [[nodiscard]] std::size_t banned_count() const { return banned_.size(); }

  // ---- media
  // ------------------------------------------------------------------------------------------------------------
  void set_media(Participant& participant, ConnectionState state, RoomEffects& effects);
  /// Tells the others when what they see of it has changed: call after it lost its socket.
  void show_state(Participant& participant, RoomEffects& effects);
  enum class Published { Yes, Refused };
  /// Refused when the participant has too many.
  [[nodiscard]] Published publish(Participant& participant, const TrackPublished& track, RoomEffects& effects);
  void end_track(TrackId track, RoomEffects& effects);
  /// All of the participant's; returns them.
  std::vector<TrackId> end_tracks(Participant& participant, RoomEffects& effects);
  void update_track(Participant& owner, const UpdateTrack& update, RoomEffects& effects);
  void offer_track(const Participant& receiver, TrackId track, std::string mid, RoomEffects& effects) const;
  void set_view(const Participant& viewer, std::vector<TrackWish> wishes, RoomEffects& effects) const;
  void tell_speakers(const std::vector<SpeakerLevel>& levels, RoomEffects& effects) const;
  /// `to` null: to all others.
  void pass_key_words(const Participant& from, const Participant* to, std::string data, RoomEffects& effects) const;

  // ---- moderation; the caller has checked the role
  // ------------------------------------------------------------------------
  void mute(Participant& target, TrackKind kind, const Participant& by, RoomEffects& effects);
  void set_locked(bool locked, const Participant& by, RoomEffects& effects);
  /// For all of the user's sessions here, and for those that come while the room lives. `by`: empty when it is nobody's
  /// here.
  void set_role(const UserId& user, RoomRole role, const SessionId& by, RoomEffects& effects);

 private:
  [[nodiscard]] RoomRole role_of(const RoomSocket& socket);
  void grant(const UserId& user, RoomRole role);
  /// Two are talking, people or telephones that have answered: the record says so.
  void note_talk(const Now& now, RoomEffects& effects);
  void set_source(RoomTrack& track, TrackSource source, RoomEffects& effects);
  void set_muted(RoomTrack& track, bool muted, MutedBy by, RoomEffects& effects);
  void tell_track(const RoomTrack& track, TrackState state, RoomEffects& effects) const;
  /// One effect for each participant with a socket, but for `except`.
  template <class Make>
  void tell_all(const Participant* except, RoomEffects& effects, Make make) const {
    for (const auto& [id, participant] : participants_) {
      if (participant.get() == except || participant->socket == nullptr) continue;
      effects.emplace_back(make(participant->socket->id));
    }
  }

  const std::uint64_t serial_;
  const RoomKey key_;
  CallRecord record_;
  const Encryption encryption_;
  const RoomOptions& options_;
  TimePoint answered_{};
  bool locked_ = false;
  std::map<ParticipantId, std::unique_ptr<Participant>> participants_;
  std::size_t phones_ = 0;
  // Ordered: clients choose these texts, and texts that all hash alike must not slow everybody down.
  std::map<SessionId, Participant*> sessions_;
  std::unordered_map<UserId, std::vector<Participant*>> users_;  // no empty list, no telephones
  std::map<TrackId, RoomTrack> tracks_;
  std::unordered_map<UserId, RoomRole> granted_;  // by a host, or for being first
  std::unordered_set<UserId> banned_;
};

/// Of the telephone that this call leads to, in its room.
[[nodiscard]] SessionId session_of_phone(const CallId& call);
[[nodiscard]] ParticipantInfo info_of(const Participant& participant);
void refuse(const RoomSocket& socket, RoomErrorCode code, std::string_view literal, RoomEffects& effects);

}  // namespace zvonok::call
