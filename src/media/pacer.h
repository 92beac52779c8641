// Spreads packets to one receiver over time, so that bursts (keyframes, layer switches) don't fill the queues on the
// way. It counts bytes and keeps handles; the packets stay with their owner.
//
// - Audio leaves at once, whatever the budget says; its bytes are charged, so video makes room for it.
// - Then retransmissions and video, of which retransmissions get at most a third while both wait, and padding last.
//   A retransmission that waited longer than 300 ms is dropped: the receiver asks again for what it still needs.
// - The rate is 1.1 x the target; it rises, up to 2.5 x, as far as needed to empty the queue in 200 ms. A keyframe is
//   a burst of half a second's bytes: slower it would come too late, faster it would be lost.
// - Video that waited longer than 250 ms (1 s while a keyframe passes) is late: the stream that holds most of the
//   queue is emptied and stays shut until its next keyframe. The owner is told, and asks for one.
//   A stall of our own, when the owner comes later than it was asked to, makes nothing late.
// - A probe cluster sets its own rate until it is complete. It is padding only, while video waits for its few
//   milliseconds: packets of one size measure exactly, mixed ones by as much as their sizes differ.
//
// Threads: belongs to one shard. No method allocates after construction, reads a clock or blocks.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"
#include "media/bwe/types.h"

namespace zvonok::media {

/// The owner's name for a packet. Means nothing to the pacer.
enum class PacketHandle : std::uint64_t {};
/// The owner's name for an outgoing stream.
enum class PacedStream : std::uint32_t {};
/// What a video packet belongs to; `Other` for what isn't video.
enum class FramePart : std::uint8_t { Other, Delta, KeyframeStart, Keyframe };

struct PacedPacket {
  PacketKind kind = PacketKind::Video;
  PacedStream stream{};
  FramePart part = FramePart::Other;
  std::uint32_t bytes = 0;
  PacketHandle handle{};
};

enum class Enqueued : std::uint8_t {
  Accepted,
  QueueFull,           ///< not taken; a video stream is shut as if it were late
  WaitingForKeyframe,  ///< not taken: the stream is shut
};

/// What the owner has to do now.
struct PacerOrder {
  enum class Action : std::uint8_t {
    Send,  ///< send the packet of `handle`
    Pad,   ///< make and send `bytes` of padding (or of old packets as RTX)
    Drop,  ///< forget the packet of `handle`: it is too late
    Shut,  ///< `stream` takes nothing until its next keyframe: ask for one
  };
  Action action = Action::Send;
  PacketKind kind = PacketKind::Video;
  PacedStream stream{};
  std::uint32_t bytes = 0;
  PacketHandle handle{};
  bwe::ProbeCluster cluster = bwe::ProbeCluster::None;

  friend bool operator==(const PacerOrder&, const PacerOrder&) = default;
};

struct PacerOptions {
  std::int64_t start_bps = 300'000;
  /// Packets per kind; the streams that can be shut at one time are limited to kStreamsMax.
  std::size_t audio_packets_max = 128;
  std::size_t rtx_packets_max = 512;
  std::size_t video_packets_max = 1024;
};

struct PacerStats {
  std::uint64_t dropped_late = 0;
  std::uint64_t dropped_repeats = 0;
  std::uint64_t refused_full = 0;
  std::uint64_t refused_shut = 0;
  std::uint64_t probes_cut = 0;
};

class Pacer {
 public:
  static constexpr Duration kVideoWaitMax = milliseconds{250};
  static constexpr Duration kKeyframeWaitMax = seconds{1};
  static constexpr Duration kRepeatWaitMax = milliseconds{300};
  static constexpr Duration kDrainWithin = milliseconds{200};
  static constexpr std::size_t kStreamsMax = 128;

  Pacer(TimePoint now, const PacerOptions& options);

  /// `target_bps` from the controller. `padding_bps`: keep the line warm at this rate when nothing waits; 0 is never.
  struct Rates {
    std::int64_t target_bps = 0;
    std::int64_t padding_bps = 0;
  };
  void set_rates(TimePoint now, const Rates& rates);
  /// Replaces a cluster that is still under way.
  void begin_probe(TimePoint now, const bwe::ProbePlan& plan);

  /// Whether `enqueue` would take the packet, but for a full queue. To be asked before the packet gets a number.
  [[nodiscard]] bool is_refused(const PacedPacket& packet) const {
    return packet.kind == PacketKind::Video && packet.part != FramePart::KeyframeStart && shut_count_ > 0 &&
           is_shut(packet.stream);
  }
  /// True: nothing waits and the rate allows it, so the packet may leave now without being queued. It is then charged.
  /// Audio may always.
  [[nodiscard]] bool pass(TimePoint now, const PacedPacket& packet);

  [[nodiscard]] Enqueued enqueue(TimePoint now, const PacedPacket& packet);
  /// Of the packet ordered last, which could not be sent: its bytes are not charged.
  void refund(std::uint32_t bytes);
  /// Until empty, after every enqueue and at next_timeout.
  [[nodiscard]] std::optional<PacerOrder> poll(TimePoint now);
  /// When poll will have something, if nothing else happens.
  [[nodiscard]] std::optional<TimePoint> next_timeout() const;

  /// Forgets a stream that ended: it isn't shut any more. Its queued packets are sent or dropped as usual.
  void forget_stream(PacedStream stream);

  [[nodiscard]] std::int64_t queued_bytes() const;
  /// The pace at this moment.
  [[nodiscard]] std::int64_t pace_bps() const;
  [[nodiscard]] const PacerStats& stats() const { return stats_; }

 private:
  struct Waiting {
    PacedPacket packet;
    TimePoint since{};
    bool is_late = false;  ///< marked to be dropped
  };
  /// A queue of a fixed size.
  class Ring {
   public:
    explicit Ring(std::size_t size) : slots_(size) {}
    [[nodiscard]] bool is_full() const { return count_ == slots_.size(); }
    [[nodiscard]] bool is_empty() const { return count_ == 0; }
    [[nodiscard]] std::size_t count() const { return count_; }
    [[nodiscard]] std::int64_t bytes() const { return bytes_; }
    [[nodiscard]] Waiting& at(std::size_t i) { return slots_[(first_ + i) % slots_.size()]; }
    [[nodiscard]] const Waiting& at(std::size_t i) const { return slots_[(first_ + i) % slots_.size()]; }
    void push(const Waiting& waiting);
    PacedPacket pop();
    void mark_late(std::size_t i);

   private:
    std::vector<Waiting> slots_;
    std::size_t first_ = 0;
    std::size_t count_ = 0;
    std::int64_t bytes_ = 0;  ///< of those not late
  };
  struct Probe {
    bwe::ProbePlan plan;
    TimePoint began{};
    std::optional<TimePoint> first_sent{};
    std::int64_t bytes = 0;
    std::uint32_t packets = 0;
  };

  void refill(TimePoint now);
  void forgive_stall(TimePoint now);
  void drop_late_video(TimePoint now);
  void drop_before_keyframe(PacedStream stream);
  void shut_largest();
  void shut(PacedStream stream);
  [[nodiscard]] bool is_shut(PacedStream stream) const;
  [[nodiscard]] Duration wait_max(TimePoint now) const;
  [[nodiscard]] Ring* next_ring();
  PacerOrder release(Ring& ring);
  std::optional<PacerOrder> poll_probe(TimePoint now, Probe& probe);
  std::optional<PacerOrder> poll_padding();
  void charge(std::uint32_t bytes);
  [[nodiscard]] static TimePoint due(const Probe& probe);
  [[nodiscard]] TimePoint budget_due(double budget_bits, std::int64_t bps) const;

  Ring audio_;
  Ring rtx_;
  Ring video_;
  Rates rates_;
  /// What may leave now, in bits; below zero after a packet until time has paid for it.
  double budget_bits_ = 0;
  double padding_bits_ = 0;
  /// Bytes of video that go before the next repeat.
  std::int64_t video_credit_ = 0;
  TimePoint refilled_;
  TimePoint keyframe_until_{};
  std::optional<Probe> probe_;
  std::array<PacedStream, kStreamsMax> shut_{};
  std::size_t shut_count_ = 0;
  std::size_t shut_told_ = 0;
  PacerStats stats_;
};

}  // namespace zvonok::media
