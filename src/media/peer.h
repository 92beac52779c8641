// One participant in the media plane: its transport, the tracks it publishes, the streams it gets, and the RTCP of
// both. Sans-IO; belongs to one engine.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/entropy.h"
#include "base/id.h"
#include "base/time.h"
#include "media/parameters.h"
#include "media/send_stream.h"
#include "media/track.h"
#include "media/transport.h"
#include "proto/rtcp/twcc_recorder.h"
#include "proto/rtp/packet.h"

namespace zvonok::media {

/// What a peer needs of the engine around it.
class PeerHost {
 public:
  virtual ~PeerHost() = default;
  [[nodiscard]] virtual Track* find_track(TrackId id) = 0;
  virtual void on_audio_level(const Track& track, std::uint8_t level) = 0;
  /// A timer of that peer may have come nearer.
  virtual void touch(Peer& peer) = 0;
};

struct PeerCounters {
  std::uint64_t unknown_ssrc = 0;  // RTP that belongs to no section
  std::uint64_t malformed = 0;     // authentic, and not RTP or not of its codec
  std::uint64_t padding = 0;       // probes: counted for congestion control, and dropped
  std::uint64_t bad_rtcp = 0;
};

class Peer {
 public:
  struct Parts {
    PeerHost& host;
    PacketSink& sink;
    const dtls::Context& dtls;
    Entropy& entropy;
  };
  Peer(TimePoint now, ParticipantId id, RoomId room, ice::Credentials local, Parts parts);
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer();

  [[nodiscard]] ParticipantId id() const { return id_; }
  [[nodiscard]] RoomId room() const { return room_; }
  [[nodiscard]] Transport& transport() { return transport_; }

  /// Applies the difference to what was before. Tracks that it publishes no more are gone afterwards.
  void set_parameters(const PeerParameters& parameters, TimePoint now);
  [[nodiscard]] const std::vector<std::unique_ptr<Track>>& tracks() const { return tracks_; }
  [[nodiscard]] const std::vector<std::unique_ptr<SendStream>>& streams() const { return streams_; }
  /// A track that it wants has come, changed, or is about to go.
  void connect(Track& track);
  void disconnect(const Track& track);

  void on_rtp(TimePoint now, const ice::Path& path, MutableBytes packet);
  void on_rtcp(TimePoint now, const ice::Path& path, MutableBytes packet);
  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_timeout() const;
  /// When the engine's timer for it is set; the engine's.
  TimePoint armed = TimePoint::max();
  bool touched = false;
  TransportState told_state = TransportState::New;

  /// Asks the publisher for what its receivers wait for.
  void ask_for_keyframes(TimePoint now);
  [[nodiscard]] const PeerCounters& counters() const { return counters_; }
  [[nodiscard]] Duration round_trip() const { return round_trip_; }

 private:
  struct Route {
    rtp::Ssrc ssrc{};
    Track* track = nullptr;
    std::uint8_t layer = 0;
    bool rtx = false;
  };
  struct Incoming {  // of one RTP packet
    rtp::PacketView view;
    Bytes payload;
    std::optional<std::uint16_t> transport_number;
    std::optional<std::uint8_t> audio_level;
    Bytes dependency_descriptor;
    std::string_view mid;
    std::string_view rid;
    std::string_view repaired_rid;
  };

  void read_extensions(Incoming& in) const;
  [[nodiscard]] const Route* route(const Incoming& in);
  [[nodiscard]] const Route* learn_route(const Incoming& in);
  [[nodiscard]] std::uint8_t layer_of(Track& track, std::string_view rid, rtp::Ssrc ssrc, const CodecParameters& codec);
  void on_media(Track& track, std::uint8_t layer, Incoming& in, std::uint64_t sequence, Bytes plain, TimePoint now);
  void on_rtx(const Route& route, Incoming& in, TimePoint now);
  void deliver(Track& track, const MediaPacket& packet, rtp::PayloadType type, TimePoint now);
  void handle_packet(const rtcp::Packet& packet, TimePoint now);
  void on_nack(const rtcp::Nack& nack, TimePoint now);
  void on_keyframe_request(rtp::Ssrc ssrc);
  void on_reports(const rtcp::ReportBlocks& blocks, TimePoint now);
  [[nodiscard]] SendStream* stream_of(rtp::Ssrc ssrc);
  void send_feedback(TimePoint now);
  void send_nacks(TimePoint now);
  void send_reports(TimePoint now);
  void remove_track(Track& track);
  [[nodiscard]] SendContext context() { return {transport_, parts_.sink, transport_sequence_}; }

  ParticipantId id_;
  RoomId room_;
  Parts parts_;
  Transport transport_;
  rtp::Ssrc own_ssrc_{};
  ExtensionIds ids_;  // of what it sends: one set for the whole bundle
  std::vector<std::unique_ptr<Track>> tracks_;
  std::vector<std::unique_ptr<SendStream>> streams_;
  std::vector<Route> routes_;
  rtcp::TwccRecorder recorder_;
  std::uint16_t transport_sequence_ = 0;
  TimePoint next_reports_ = TimePoint::max();
  TimePoint next_nack_check_ = TimePoint::max();
  Duration round_trip_ = milliseconds{100};
  std::vector<std::uint16_t> lost_;  // reused
  PeerCounters counters_;
};

}  // namespace zvonok::media
