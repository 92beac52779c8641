// The media plane of one shard: peers, where their packets come from, the rooms they share. Sans-IO: datagrams,
// commands and time go in; datagrams and events come out. docs/life_of_a_packet.md walks through it.
//
// The way of a packet: on_datagram -> the peer of its path (or of its STUN ufrag) -> Transport -> Peer::on_rtp -> Track
// -> Burst (of video) -> Forwarder -> SendStream -> PacketSink. Nothing on it locks, allocates per receiver or looks
// anything up by text.
//
// Threads: one. Commands and events are values, so they may cross threads around it.
#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "base/entropy.h"
#include "base/id.h"
#include "base/time.h"
#include "media/burst.h"
#include "media/guest.h"
#include "media/packet_sink.h"
#include "media/parameters.h"
#include "media/peer.h"
#include "media/speakers.h"
#include "media/totals.h"
#include "media/transport.h"

namespace zvonok::media {

// ---- commands -------------------------------------------------------------------------------------------------------

struct OpenPeer {
  ParticipantId peer;  // new
  RoomId room;
  ice::Credentials local;
  std::uint32_t generation = 0;  // comes back with its states: of peers with one id, which one
};
/// What was negotiated, the whole of it.
struct ConfigurePeer {
  ParticipantId peer;
  Transport::Remote remote;
  PeerParameters parameters;
};
struct RestartIce {
  ParticipantId peer;
  ice::Credentials local;
};
/// Nothing of that track is forwarded while it is muted.
struct MuteTrack {
  TrackId track;
  bool muted = false;
};
/// Its owner says that it is muted: guests don't hear it, whatever it sends.
struct SetTrackQuiet {
  TrackId track;
  bool quiet = false;
};
/// What the track shows: a screen goes before cameras when there is not room for all.
struct SetTrackSource {
  TrackId track;
  VideoSource source = VideoSource::Camera;
};
/// The whole of how a receiver shows what it gets.
struct SetView {
  ParticipantId peer;
  std::vector<ViewWish> wishes;
};
struct ClosePeer {
  ParticipantId peer;
};
/// Unknown peers and tracks are ignored: they may have gone meanwhile.
using Command =
    std::variant<OpenPeer, ConfigurePeer, RestartIce, MuteTrack, SetTrackQuiet, SetTrackSource, SetView, ClosePeer>;

// ---- events ---------------------------------------------------------------------------------------------------------

struct PeerStateChanged {
  ParticipantId peer;
  std::uint32_t generation = 0;
  TransportState state = TransportState::New;
  TransportFailure failure = TransportFailure::None;
};
struct SpeakersChanged {
  RoomId room;
  struct Speaker {
    ParticipantId participant;
    std::uint8_t level = 0;
  };
  std::vector<Speaker> speakers;
};
/// Which layers of a simulcast track somebody can use, by rid. On change.
struct LayersWanted {
  ParticipantId publisher;
  TrackId track;
  std::vector<std::pair<std::string, bool>> layers;
};
/// How it goes for a participant. `up` is what it sends, `down` what it gets.
struct PeerStatistics {
  struct Direction {
    std::uint64_t bitrate_bps = 0;
    std::uint64_t packets = 0;  // in all
    std::uint64_t bytes = 0;    // likewise
    double loss = 0;            // share of packets lately, 0 to 1
    Duration jitter{};
  };
  /// A video that it gets at this moment, and by which of its simulcast layers.
  struct Video {
    TrackId track;
    std::string rid;
  };
  ParticipantId peer;
  Duration round_trip{};
  Direction up;
  Direction down;
  std::optional<std::int64_t> estimate_bps;
  std::vector<Video> videos;
};
/// Of some of the connected peers; of each once in Engine::kStatisticsInterval.
struct StatisticsTaken {
  std::vector<PeerStatistics> peers;
};
using Event = std::variant<PeerStateChanged, SpeakersChanged, LayersWanted, StatisticsTaken>;

/// Where a guest is, and what it publishes.
struct GuestSeat {
  ParticipantId guest;  // new
  RoomId room;
  TrackId track;  // new
  std::vector<CodecParameters> codecs;
};

struct EngineCounters {
  std::uint64_t datagrams = 0;
  std::uint64_t unknown_kind = 0;   // neither STUN, DTLS, RTP nor RTCP
  std::uint64_t unknown_path = 0;   // DTLS or RTP from an address that has not passed a check
  std::uint64_t unknown_ufrag = 0;  // STUN for nobody here
  std::uint64_t handshakes_put_off = 0;
  std::uint64_t handshakes_dropped = 0;  // too many were put off: they are repeated
};

class Engine final : private PeerHost {
 public:
  static constexpr Duration kStatisticsInterval = seconds{2};
  /// Parts of the peers, one after the other within the interval. To tell hundreds how they do takes whoever tells them
  /// milliseconds, for which media waits where both share a core.
  static constexpr std::uint8_t kStatisticsLots = 16;

  Engine(const dtls::Context& dtls, Entropy& entropy, PacketSink& sink);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine() override;

  void handle(const Command& command, TimePoint now);
  /// `packet` is decrypted in place. Video that comes so may be sent on as late as in `end_turn`.
  void on_datagram(TimePoint now, const ice::Path& path, MutableBytes packet);
  /// A TCP connection is gone.
  void on_path_closed(TimePoint now, const ice::Path& path);
  /// A DTLS message costs as much as a hundred packets of media, and after an outage all come back at once: of each
  /// turn the first kHandshakesAtOnce are served as they come, the others when this is called, one at a time, in their
  /// order. Without it `handle_timeout` serves one.
  [[nodiscard]] bool has_put_off() const { return !put_off_.empty(); }
  void serve_put_off(TimePoint now);
  static constexpr std::size_t kHandshakesAtOnce = 2;
  static constexpr std::size_t kPutOffMax = 8192;

  // Guests are of this thread alone, so these are no commands. Unknown ones are ignored.
  /// `guest` outlives its stay.
  void seat(const GuestSeat& seat, Guest& guest);
  /// A packet of what it publishes. `type` is one of its codecs', `sequence` grows by one each time.
  void publish(ParticipantId guest, const MediaPacket& packet, rtp::PayloadType type, TimePoint now);
  void unseat(ParticipantId guest);

  /// How much of video is left out from now on, because the thread can't keep up (media/shedding.h). What is let
  /// through again begins with a keyframe.
  void set_shedding(std::uint8_t level);

  /// Once after each batch of datagrams and commands, before waiting for `next_timeout`.
  void end_turn(TimePoint now);
  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_timeout() const;
  [[nodiscard]] std::vector<Event> take_events() { return std::exchange(events_, {}); }

  [[nodiscard]] const EngineCounters& counters() const { return counters_; }
  /// Of all peers that there ever were. Walks those that there are.
  [[nodiscard]] MediaTotals totals() const;
  [[nodiscard]] std::size_t peer_count() const { return peers_.size(); }
  [[nodiscard]] std::size_t path_count() const { return paths_.size(); }
  [[nodiscard]] Peer* find(ParticipantId peer);

 private:
  struct Room {
    std::vector<Peer*> peers;
    Speakers speakers;
    TimePoint next_speakers = TimePoint::max();
    std::map<TrackId, ParticipantId> owners;  // of audio tracks
    std::optional<ParticipantId> loudest;
    std::vector<Guest*> guests;
  };
  using Rooms = std::unordered_map<RoomId, Room>;
  struct Seated {
    Guest* guest = nullptr;
    Track track;
    TimePoint clock_told{};
  };
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };

  void on(const OpenPeer& command, TimePoint now);
  void on(const ConfigurePeer& command, TimePoint now);
  void on(const RestartIce& command, TimePoint now);
  void on(const MuteTrack& command, TimePoint now);
  void on(const SetTrackQuiet& command, TimePoint now);
  void on(const SetTrackSource& command, TimePoint now);
  void on(const SetView& command, TimePoint now);
  void on(const ClosePeer& command, TimePoint now);

  [[nodiscard]] Track* find_track(TrackId id) override;
  void on_audio_level(const Track& track, std::uint8_t level) override;
  void on_layers_wanted(const Track& track, std::uint8_t layers) override;
  [[nodiscard]] bool is_speaking(const Track& track) const override;
  [[nodiscard]] std::uint8_t shedding() const override { return shedding_; }
  [[nodiscard]] FeedbackScratch& feedback_scratch() override { return feedback_scratch_; }
  [[nodiscard]] Burst& burst() override { return burst_; }
  void forward_burst(TimePoint now) override;
  void touch(Peer& peer) override;

  void add_ufrag(Peer& peer, const std::string& ufrag);
  void add_path(Peer& peer, const ice::Path& path);
  void remove_path(Peer& peer, const ice::Path& path);
  void take_statistics(TimePoint now);
  void index_tracks(Peer& peer);
  void forget_tracks(Peer& peer, const PeerParameters& parameters);
  void after_transport(Peer& peer, TimePoint now);
  void arm(Peer& peer, TimePoint at);
  void update_speakers(RoomId id, Room& room, TimePoint now);
  static void introduce(Guest& guest, Track& track);
  void forget_empty(Rooms::iterator room);

  struct PutOff {
    ParticipantId peer;
    ice::Path path;
    std::vector<std::uint8_t> datagram;
  };
  void on_handshake(Peer& peer, const ice::Path& path, Bytes packet, TimePoint now);

  const dtls::Context& dtls_;
  Entropy& entropy_;
  PacketSink& sink_;
  std::unordered_map<ParticipantId, std::unique_ptr<Peer>> peers_;
  std::unordered_map<ice::Path, Peer*> paths_;
  std::unordered_map<std::string, Peer*, TextHash, std::equal_to<>> ufrags_;
  std::unordered_map<TrackId, Track*> tracks_;
  Rooms rooms_;
  std::unordered_map<ParticipantId, std::unique_ptr<Seated>> guests_;
  std::set<std::pair<TimePoint, Peer*>> timers_;
  std::vector<Peer*> touched_;
  std::vector<Peer*> due_;  // reused
  FeedbackScratch feedback_scratch_;
  Burst burst_;
  TimePoint next_statistics_ = TimePoint::max();
  // Lots are by these, which begin anew at a multiple of their number.
  static_assert(256 % kStatisticsLots == 0);
  std::uint8_t statistics_taken_ = 0;
  std::uint8_t peers_opened_ = 0;
  std::vector<Event> events_;
  TimePoint next_speakers_ = TimePoint::max();
  std::uint8_t shedding_ = 0;
  std::deque<PutOff> put_off_;
  std::size_t handshakes_in_turn_ = 0;
  EngineCounters counters_;
  MediaTotals gone_;  // of peers that were closed
};

}  // namespace zvonok::media
