// The sockets of rooms: text in, commands to the room engine, effects performed; offers and answers by each
// participant's negotiator; what was agreed to the media shard, and its events back. Belongs to the control thread.
#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "app/call_journal.h"
#include "app/deadline_timer.h"
#include "app/histogram.h"
#include "app/media/media_shards.h"
#include "app/rooms/telephones.h"
#include "base/entropy.h"
#include "base/log.h"
#include "call/room_engine.h"
#include "identity/principal.h"
#include "media/negotiate/negotiator.h"
#include "net/loop.h"
#include "net/responder.h"
#include "net/server.h"
#include "rest/rooms_api.h"

namespace zvonok::app {

struct RoomCounters {
  std::uint64_t started = 0;
  std::uint64_t ended = 0;
  std::uint64_t joins = 0;
  std::uint64_t bad_messages = 0;
  std::uint64_t bad_descriptions = 0;
  std::uint64_t key_words_refused = 0;  // too many
  std::uint64_t crossings = 0;
  std::uint64_t adopted = 0;  // crossings in which the client took our offer
  std::array<std::uint64_t, media::kTransportFailures> media_failures{};  // by media::TransportFailure
  std::uint64_t reconnections = 0;  // a session came back with another RTCPeerConnection
  std::uint64_t resumed = 0;        // it came back over another socket
  std::uint64_t removed = 0;        // because of a removal from the chat or group
  /// Seconds from a participant's join until its media could flow.
  Histogram<10> join_seconds{{0.1, 0.2, 0.5, 1, 2, 3, 5, 10, 20, 30}};
  // Of each connected participant, once in Engine::kStatisticsInterval.
  Histogram<8> score{{1.5, 2, 2.5, 3, 3.5, 4, 4.2, 4.4}};
  Histogram<9> round_trip_seconds{{0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2}};
  Histogram<8> jitter_seconds{{0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2}};
  Histogram<8> loss_up{{0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5}};
  Histogram<8> loss_down{{0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5}};
};

class RoomControl final : public net::WsHandler, private media::NegotiationIds {
 public:
  struct Parts {
    net::Loop& loop;
    CallJournal& journal;
    Entropy& entropy;
    Logger& log;
  };
  RoomControl(Parts parts, call::RoomOptions options);
  ~RoomControl() override;

  /// The texts for descriptions, of one media thread.
  struct Candidates {
    std::vector<std::string> everybody;
    std::vector<std::string> in_tunnel;  // also for users who are in a tunnel: those of `everybody`, and more
  };
  /// Before any socket. `candidates` are those of each media thread.
  void attach(net::Server& server, MediaShards& shards, sdp::Fingerprint fingerprint,
              std::vector<Candidates> candidates);
  /// Who is in a tunnel that leads to the media threads.
  void on_tunnel_question(std::function<bool(const UserId&)> is_in_tunnel) { is_in_tunnel_ = std::move(is_in_tunnel); }
  /// What `joined` tells a user of ICE servers, as a JSON array.
  void on_ice_servers(std::function<std::string(const UserId&)> list) { ice_servers_ = std::move(list); }

  /// A WebSocket whose user may enter that room.
  void open(ConnectionId id, call::RoomKey room, const identity::Principal& principal, std::string name,
            std::optional<call::RoomRole> role);
  [[nodiscard]] bool is_banned(const call::RoomKey& room, const UserId& user) const {
    return rooms_.is_banned(room, user);
  }

  /// Before any socket.
  void on_telephones(Telephones& telephones) { telephones_ = &telephones; }
  /// What became of telephones: PhoneInvited, PhoneNotInvited, PhoneProgressed, PhoneDismissed.
  void tell(call::RoomCommand command) { run(std::move(command)); }
  /// The telephone's end of that call, to be heard in its room once it is answered. Goes where there is none.
  void attach_line(const CallId& call, std::unique_ptr<port::PhoneLine> line);
  /// A key that was pressed at a telephone; most are in no room.
  void on_phone_digit(ParticipantId telephone, char digit);
  [[nodiscard]] std::optional<call::Rooms::Refusal> phone_refusal(const call::RoomKey& room,
                                                                  call::RoomRole role) const {
    return rooms_.phone_refusal(room, role);
  }
  [[nodiscard]] std::optional<UserId> inviter_of(const call::RoomKey& room, const call::SessionId& session) const {
    return rooms_.inviter_of(room, session);
  }
  [[nodiscard]] std::optional<call::RoomView> describe(const call::RoomKey& room) const {
    return rooms_.describe(room);
  }
  /// A room as its members may see it.
  [[nodiscard]] rest::RoomReport report(const call::RoomKey& room) const;
  /// A member was removed from the chat or group, or is sent out of its room.
  void remove_member(const call::RoomKey& room, const UserId& user);
  void change_role(const call::RoomKey& room, const UserId& user, call::RoomRole role);
  /// The chat or group was deleted.
  void remove_everybody(const call::RoomKey& room);
  /// Counts these: who was found to be a member before one of them may be none any more.
  [[nodiscard]] std::uint64_t removals() const { return removals_; }
  void close_session(const std::string& session_id);
  void drain();
  void shut_down();

  void on_ws_message(ConnectionId id, std::string_view text) override;
  void on_ws_close(ConnectionId id) override;
  void on_media_events(std::vector<media::Event> events);

  [[nodiscard]] std::size_t rooms() const { return rooms_.room_count(); }
  [[nodiscard]] std::size_t participants() const { return rooms_.participant_count(); }
  /// Participants whose socket is open: the others are waited for.
  [[nodiscard]] std::size_t present() const { return rooms_.present_count(); }
  [[nodiscard]] std::size_t tracks() const { return rooms_.counts().tracks; }
  [[nodiscard]] const RoomCounters& counters() const { return counters_; }
  /// Rooms and their participants on each media thread.
  struct ShardUse {
    std::size_t rooms = 0;
    std::size_t participants = 0;
  };
  [[nodiscard]] std::size_t phones() const { return phones_.size(); }
  [[nodiscard]] const std::vector<ShardUse>& shard_use() const { return shard_use_; }

 private:
  struct Publication {
    TrackId track;
    media::Kind kind = media::Kind::Audio;
    std::string mid;
    std::vector<media::CodecParameters> codecs;
  };
  /// One participant's media.
  struct Stay {
    ParticipantId id;
    call::RoomKey room;
    std::size_t shard = 0;  // the room's
    UserId user;
    std::string stream;                             // in msid and cname
    std::optional<CallId> call;                     // of a telephone, which negotiates nothing
    std::unique_ptr<media::Negotiator> negotiator;  // null for a telephone
    bool peer_open = false;
    std::uint32_t generation = 0;  // of the peer: the next one of this participant is another
    std::vector<Publication> published;
    std::vector<std::pair<TrackId, std::string>> receiving;  // told of, with their mids
    std::set<std::uint32_t> ssrcs;                           // every one it ever had
    std::string last_offer;                                  // unanswered
    std::vector<std::string> pending_ice;                    // candidates that came before the first description
    Now joined_at{};
    std::optional<Duration> connected_after;          // since the join, the first time
    std::optional<media::PeerStatistics> statistics;  // of a moment ago, while it is connected
    std::optional<net::Loop::TimerKey> offer_timer;
    TimePoint offer_at{};
    std::optional<net::Loop::TimerKey> answer_timer;
  };
  struct MediaRoom {
    RoomId id;
    std::size_t shard = 0;  // the media thread that it is on, from its first participant to its last
    std::vector<ParticipantId> participants;
    std::optional<net::Loop::TimerKey> update_timer;
  };

  void run(call::RoomCommand command);
  void perform(call::RoomEffect& effect);
  void perform(const call::OpenMedia& effect);
  void perform(const call::CloseMedia& effect);
  void perform(const call::ResumeMedia& effect);
  void perform(call::PassSignal& effect);
  void perform(const call::OpenPhone& effect);
  void perform(const call::ConnectPhone& effect);
  void perform(const call::ConfirmMute& effect);
  void perform(const call::SetTrackMuted& effect);
  void perform(const call::SaveRoomRecord& effect);
  template <class Deliver>
  void deliver(const Deliver& effect, call::RoomEffect& whole);
  template <class Deliver>
  [[nodiscard]] bool says_the_same(const Deliver& effect) const;
  void perform_all(call::RoomEffects effects);
  void handle_timeout();

  [[nodiscard]] Stay* find(ParticipantId participant);
  /// A participant in its room's media: the first one finds a thread for it.
  Stay& add_stay(ParticipantId participant, const call::RoomKey& key);
  void with_phone(const Stay& stay, std::move_only_function<void(PhoneLegs&, ParticipantId)> task);
  /// To the media thread that the participant, or the track, is on.
  void post(const Stay& stay, media::Command command);
  void post(TrackId track, media::Command command);
  [[nodiscard]] std::size_t place_room() const;
  [[nodiscard]] const std::vector<std::string>& candidates_for(const Stay& stay) const;
  [[nodiscard]] static rest::RoomPeerDetail detail_of(const Stay& stay);
  [[nodiscard]] static std::vector<rest::RoomReceived> received_by(const Stay& stay);
  static void keep_candidate(Stay& stay, std::string candidate);
  void begin_media(Stay& stay);
  void end_media(Stay& stay);
  /// Another RTCPeerConnection takes over: what the one before published is gone.
  void begin_media_again(Stay& stay);
  void end_publications(Stay& stay);
  void on_signal_offer(Stay& stay, const std::string& sdp, media::Politeness politeness);
  /// No offer of ours is going to be answered, or one was.
  void wait_for_no_answer(Stay& stay);
  void on_signal_answer(Stay& stay, const std::string& sdp);
  void agree(Stay& stay, const media::Negotiator::Agreed& agreed);
  void update_publications(Stay& stay, const media::PeerParameters& parameters);
  /// Somebody's publications changed: all others are to get what there is now. Several changes make one round.
  void update_wanted_soon(const call::RoomKey& room);
  void update_wanted(Stay& to, const MediaRoom& room);
  void on_event(const media::PeerStateChanged& event);
  void on_event(const media::SpeakersChanged& event);
  void on_event(const media::LayersWanted& event);
  void on_event(const media::StatisticsTaken& event);
  void count(const media::PeerStatistics& taken, double score);
  void offer_soon(Stay& stay, Duration delay);
  void offer_now(ParticipantId participant);
  void restart_ice(Stay& stay);

  TrackId new_track() override { return TrackId{next_track_++}; }
  rtp::Ssrc new_ssrc() override;
  Credentials new_credentials() override;

  Parts parts_;
  net::Server* server_ = nullptr;
  MediaShards* shards_ = nullptr;
  sdp::Fingerprint fingerprint_;
  std::vector<Candidates> candidates_;  // of each media thread
  std::vector<ShardUse> shard_use_;     // likewise
  std::function<bool(const UserId&)> is_in_tunnel_;
  std::function<std::string(const UserId&)> ice_servers_;
  call::Rooms rooms_;
  std::unordered_map<ConnectionId, std::string> sessions_;  // login sessions, to close sockets by
  std::unordered_map<ParticipantId, Stay> stays_;
  std::unordered_map<CallId, ParticipantId> phones_;  // telephones by their calls
  std::unordered_set<TrackId> phone_tracks_;
  Telephones* telephones_ = nullptr;
  std::unordered_map<call::RoomKey, MediaRoom> media_rooms_;
  std::unordered_map<RoomId, call::RoomKey> room_keys_;
  std::unordered_map<TrackId, std::size_t> track_shards_;  // of published tracks
  std::deque<call::RoomCommand> waiting_;                  // commands that came while effects were performed
  bool running_ = false;
  call::RoomEffects effects_;  // reused
  std::string text_;           // reused
  /// What `text_` says, while the effects of one command are performed.
  struct Told {
    call::RoomEffect* effect = nullptr;
    std::size_t body_bytes = 0;
  };
  Told told_;
  DeadlineTimer timer_{parts_.loop, [this] { return rooms_.next_timeout(); }, [this] { handle_timeout(); }};
  std::uint64_t next_track_ = 1;
  std::uint64_t next_room_ = 1;
  Stay* negotiated_ = nullptr;  // for whom the negotiator asks for numbers
  std::uint64_t removals_ = 0;
  RoomCounters counters_;
};

}  // namespace zvonok::app
