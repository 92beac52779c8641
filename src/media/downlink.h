// What one participant gets: its streams, how much its path carries, which layer of each video it is sent, and when
// each packet leaves.
//
// Audio goes out at once, whatever the estimate says. Video goes through the pacer as soon as the receiver reports on
// arrivals (transport-wide congestion control); while nothing waits, that costs one comparison. A packet that has to
// wait is remembered by name; its bytes stay in the publisher's ring. A receiver without such reports is sent
// everything it wants, within what its REMB allows if it sends any.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/prefetch.h"
#include "base/time.h"
#include "media/allocator.h"
#include "media/bwe/controller.h"
#include "media/bwe/sent_history.h"
#include "media/pacer.h"
#include "media/parameters.h"
#include "media/peer_host.h"
#include "media/rate_meter.h"
#include "media/send_stream.h"
#include "media/track.h"
#include "proto/rtcp/packet.h"

namespace zvonok::media {

/// How a receiver shows a track.
struct ViewWish {
  TrackId track;
  std::uint16_t height = 0;  // lines; 0: not at all
  std::uint8_t priority = 0;
};

/// Where a packet comes from, for all its receivers.
struct PacketSource {
  rtp::PayloadType type{};
  std::uint64_t key = 0;  // Track::key_of
  const Forwarder::Clocks& clocks;
};

struct DownlinkCounters {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;  // of RTP
  std::uint64_t queued = 0;
  std::uint64_t dropped_late = 0;  // by the pacer
  std::uint64_t switches = 0;      // of layers
  std::uint64_t audio_only = 0;    // times that a video was cut off
  std::uint64_t feedbacks = 0;
  std::uint64_t repeats_refused = 0;  // asked for beyond all measure
  std::uint64_t nacked = 0;           // packets that it asked for again
  std::uint64_t retransmitted = 0;
  std::uint64_t padding = 0;            // packets of it, to probe for room
  std::uint64_t keyframe_requests = 0;  // of its own
};

class Downlink {
 public:
  static constexpr double kRepeatBurstBytes = 200'000;

  explicit Downlink(PeerLink& link);
  Downlink(const Downlink&) = delete;
  Downlink& operator=(const Downlink&) = delete;
  ~Downlink();

  /// Applies the difference to what was before.
  void set_parameters(const std::vector<SendParameters>& parameters, RoomId room, TimePoint now);
  [[nodiscard]] const std::vector<std::unique_ptr<SendStream>>& streams() const { return streams_; }
  /// A track that a stream is for has come or changed. Tracks of other rooms are none of its business.
  void connect(Track& track, RoomId room);
  /// Tells the tracks that they lose a receiver.
  void disconnect_all();
  /// Media can flow from now on.
  void on_connected(TimePoint now);
  /// The keys are new: the other side begins at rollover counter 0.
  void restart(TimePoint now);
  /// The whole of what is shown; tracks that are not named are shown at their best.
  void set_view(std::vector<ViewWish> wishes, TimePoint now);

  /// The packet path: to this receiver as one of `track.subscribers`.
  void forward(SendStream& stream, const MediaPacket& packet, const PacketSource& source, TimePoint now);

  /// Of what `forward` will need; the second when the first has come.
  void prefetch() const {
    zvonok::prefetch(this);
    zvonok::prefetch(&control_);
    zvonok::prefetch(&sent_, sizeof sent_ + sizeof audio_);
    zvonok::prefetch(&counters_);
  }
  void prefetch_link() const { zvonok::prefetch(&link_); }

  void on_nack(const rtcp::Nack& nack, TimePoint now);
  void on_keyframe_request(rtp::Ssrc ssrc);
  void on_reports(const rtcp::ReportBlocks& blocks, TimePoint now);
  void on_transport_feedback(const rtcp::TransportFeedback& feedback, TimePoint now);
  void on_remb(const rtcp::Remb& remb);

  void handle_timeout(TimePoint now);
  [[nodiscard]] TimePoint next_timeout() const;

  [[nodiscard]] std::optional<bwe::Estimate> estimate(TimePoint now) const;
  [[nodiscard]] std::uint64_t bitrate_bps(TimePoint now) { return sent_.per_second(now) * 8; }
  /// Share of packets lost on the way to it, 0 to 1, and their jitter, the worst of its streams.
  [[nodiscard]] double loss() const;
  [[nodiscard]] Duration jitter() const;
  [[nodiscard]] const DownlinkCounters& counters() const { return counters_; }

 private:
  /// What the congestion control of video needs; there once a video can be counted by the receiver.
  struct Control {
    explicit Control(TimePoint now);
    bwe::SentHistory history;
    std::unique_ptr<bwe::Controller> controller;
    Pacer pacer;
    std::optional<TimePoint> first_feedback;
    TimePoint next_poll = TimePoint::max();
  };
  /// A packet that waits.
  struct Held {
    rtp::Ssrc stream{};
    TrackId track;  // none: its stream has ended
    Renumbered as;
    KeyframeStart keyframe = KeyframeStart::No;
    rtp::PayloadType source_type{};
    std::uint64_t key = 0;
    std::uint8_t layer = 0;
    std::optional<std::uint64_t> repeats;  // the number of what it is sent again for; it has no place then
  };

  /// Where the numbers of an SSRC that is not in use were left: none is ever used twice with one key.
  struct Left {
    std::uint64_t next_sequence = 0;
    std::uint64_t next_rtx_sequence = 0;
  };

  [[nodiscard]] bool pacing() const { return control_ != nullptr && control_->first_feedback.has_value(); }
  [[nodiscard]] SendStream* stream_of(rtp::Ssrc ssrc);
  [[nodiscard]] SendContext context(const SendStream& stream);
  void note_sent(const SendStream& stream, std::size_t bytes, PacketKind kind, TimePoint now,
                 bwe::ProbeCluster cluster = bwe::ProbeCluster::None);
  void send(SendStream& stream, const SendStream::Outgoing& packet, PacketKind kind, TimePoint now);
  /// False: it was not sent, and will not be.
  bool send_held(const Held& held, TimePoint now);
  enum class Dropped : std::uint8_t { ByThePacer, ByUs };
  /// It was held, and is not sent.
  void drop(const Held& held, Dropped by);
  /// False: there was no room.
  bool hold(const PacedPacket& packet, const Held& held, TimePoint now);
  void drain(TimePoint now);
  void pad(const PacerOrder& order, TimePoint now);
  /// Takes the bytes of a repeat from what may be repeated: half of what is sent, and a burst.
  [[nodiscard]] bool may_repeat(std::size_t bytes, TimePoint now);
  void want_keyframe(SendStream& stream);
  void unsubscribe(const SendStream& stream);
  void leave(const SendStream& stream);
  void allocate(TimePoint now);
  void apply(SendStream& stream, const Track& track, const VideoAllocation& given, TimePoint now);
  [[nodiscard]] std::int64_t allowed_bps(TimePoint now) const;
  void update_rates(TimePoint now);
  [[nodiscard]] SendStream::Options new_stream(const SendParameters& parameters) const;

  PeerLink& link_;
  std::vector<std::unique_ptr<SendStream>> streams_;
  std::unordered_map<rtp::Ssrc, Left> left_;
  std::unique_ptr<Control> control_;
  std::optional<std::int64_t> remb_bps_;
  Allocator allocator_;
  std::vector<WantedVideo> wanted_;  // reused
  std::int64_t wanted_bps_ = 0;
  std::int64_t allocated_for_bps_ = 0;
  TimePoint next_allocation_ = TimePoint::max();
  std::map<TrackId, ViewWish> view_;
  std::vector<Held> held_;
  std::vector<std::uint32_t> free_;  // places of `held_`
  RateMeter sent_;
  RateMeter audio_;
  double repeat_credit_ = kRepeatBurstBytes;
  TimePoint repeat_credited_{};
  DownlinkCounters counters_;
};

}  // namespace zvonok::media
