// What one participant sends us: which SSRC belongs to which of its tracks, loss and repair, feedback for its
// congestion control, keyframe requests; each media packet goes from here to all who get the track.
//
// On the packet path nothing allocates and nothing is looked up but the SSRC among this peer's few.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "media/burst.h"
#include "media/parameters.h"
#include "media/peer_host.h"
#include "media/rate_meter.h"
#include "media/track.h"
#include "proto/rtcp/packet.h"
#include "proto/rtcp/twcc_recorder.h"
#include "proto/rtp/packet.h"

namespace zvonok::media {

struct UplinkCounters {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;              // of RTP
  std::uint64_t unknown_ssrc = 0;       // belongs to no section
  std::uint64_t malformed = 0;          // authentic, and not RTP or not of its codec
  std::uint64_t too_much_audio = 0;     // beyond what one peer may have of it
  std::uint64_t padding = 0;            // probes: counted for congestion control, and dropped
  std::uint64_t nacked = 0;             // packets asked for again
  std::uint64_t keyframe_requests = 0;  // sent to it
  std::uint64_t shed = 0;               // video that was not sent on to somebody, for want of time
};

class Uplink {
 public:
  explicit Uplink(PeerLink& link);
  Uplink(const Uplink&) = delete;
  Uplink& operator=(const Uplink&) = delete;
  ~Uplink();

  /// Tracks that are not named any more are gone afterwards.
  void set_parameters(const std::vector<ReceiveParameters>& parameters, ParticipantId owner, RoomId room);
  [[nodiscard]] const std::vector<std::unique_ptr<Track>>& tracks() const { return tracks_; }
  /// The keys are new: what was known of streams is void.
  void restart();

  /// `plain` is the opened packet.
  void on_rtp(TimePoint now, Bytes plain, std::uint64_t extended_sequence);
  void on_sender_report(const rtcp::SenderInfo& info, TimePoint now);
  void on_bye(const rtcp::Bye& bye);

  /// A receiver can't go on without a keyframe of that layer.
  void want_keyframe(Track& track, std::uint8_t layer);

  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_timeout() const;
  /// Appends up to `most` report blocks, beginning where the call before ended.
  void collect_reports(TimePoint now, std::size_t most, std::vector<rtcp::ReportBlock>& out);
  /// The worst loss that its receivers' streams saw in the last report, 0 to 1, and jitter.
  [[nodiscard]] double loss() const;
  [[nodiscard]] std::uint64_t bitrate_bps(TimePoint now) { return received_.per_second(now) * 8; }
  [[nodiscard]] Duration jitter() const;
  /// Of one of its tracks, to all who get it.
  void forward(const Track& track, std::span<const Forwarding> packets, TimePoint now);

  [[nodiscard]] const UplinkCounters& counters() const { return counters_; }

 private:
  struct Route {
    rtp::Ssrc ssrc{};
    Track* track = nullptr;
    std::uint8_t layer = 0;
    bool rtx = false;
  };
  struct Incoming {  // one RTP packet
    rtp::PacketView view;
    Bytes payload;
    std::optional<std::uint16_t> transport_number;
    std::optional<std::uint8_t> audio_level;
    Bytes dependency_descriptor;
    std::string_view mid;
    std::string_view rid;
    std::string_view repaired_rid;
  };

  [[nodiscard]] bool may_sound(std::size_t bytes, TimePoint now);
  void read_extensions(Incoming& in) const;
  [[nodiscard]] const Route* route(const Incoming& in, TimePoint now);
  [[nodiscard]] const Route* learn_route(const Incoming& in, TimePoint now);
  [[nodiscard]] const Route* learn_rtx(const Incoming& in, Track& track, const SsrcPair* announced);
  [[nodiscard]] std::optional<std::uint8_t> layer_of(const Track& track, const Incoming& in) const;
  void begin_stream(Track& track, std::uint8_t layer, rtp::Ssrc ssrc, const CodecParameters& codec);
  void drop_routes(const Track& track, std::optional<std::uint8_t> layer);
  void on_media(Track& track, std::uint8_t layer, Incoming& in, std::uint64_t sequence, TimePoint now);
  void on_rtx(const Route& route, Incoming& in, TimePoint now);
  void leave_out(const Track& track, std::uint8_t layer, std::uint64_t sequence, TimePoint now);
  void forward_waiting(const Track& track, TimePoint now);
  void deliver(const Track& track, const MediaPacket& packet, rtp::PayloadType type, TimePoint now);
  void send_feedback(TimePoint now);
  void send_nacks(TimePoint now);
  void send_keyframe_requests(TimePoint now);
  void survey(TimePoint now);
  void remove_track(Track& track);
  [[nodiscard]] std::uint8_t worst_loss_of_receivers(rtp::Ssrc ssrc) const;

  PeerLink& link_;
  ExtensionIds ids_;  // of what the peer sends: one set for the whole bundle
  std::vector<std::unique_ptr<Track>> tracks_;
  std::vector<Route> routes_;
  rtcp::TwccRecorder recorder_;
  TimePoint next_survey_ = TimePoint::max();
  struct LayersTold {
    TrackId track;
    std::uint8_t layers = 0;
    TimePoint needed_at{};  // when more than that was last needed
  };
  std::vector<LayersTold> layers_told_;
  std::size_t reports_from_ = 0;
  std::vector<std::uint16_t> lost_;  // reused
  RateMeter received_;
  double audio_bytes_ = 0;
  double audio_packets_ = 0;
  TimePoint audio_credited_{};
  UplinkCounters counters_;
};

}  // namespace zvonok::media
