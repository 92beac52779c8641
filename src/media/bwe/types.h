// The words of congestion control: what was sent, what became of it, what may be sent next.
// Rates are bits per second (RTP packets without UDP/IP headers); sizes are bytes; times are the injected monotonic
// ones.
#pragma once
#include <cstdint>
#include <optional>

#include "base/time.h"

namespace zvonok::media {

/// What a packet is for, the most urgent first: the order in which the pacer serves them.
enum class PacketKind : std::uint8_t { Audio, Rtx, Video, Padding };

}  // namespace zvonok::media

namespace zvonok::media::bwe {

/// A burst sent faster than the estimate to see whether the path carries it. 0 is "no cluster".
enum class ProbeCluster : std::uint16_t { None = 0 };

/// A packet as it leaves. `sequence` is the transport-wide number unrolled to 64 bits (SentHistory::record gives it).
struct SentPacket {
  std::uint64_t sequence = 0;
  std::uint32_t bytes = 0;
  PacketKind kind = PacketKind::Video;
  ProbeCluster cluster = ProbeCluster::None;
};

/// What the receiver told of a packet. `ArrivedAfterLoss` corrects an earlier `Lost` (reordering across reports).
enum class Fate : std::uint8_t { Arrived, Lost, ArrivedAfterLoss };

/// One packet's report. `arrived` is on the receiver's clock, shifted near ours: only differences between two
/// arrivals mean something. It is meaningless for `Lost`.
struct PacketResult {
  SentPacket packet;
  Fate fate = Fate::Lost;
  TimePoint sent{};
  TimePoint arrived{};
};

/// A burst to send now: padding packets of `packet_bytes` at `bitrate_bps` until both minima are reached.
struct ProbePlan {
  ProbeCluster cluster = ProbeCluster::None;
  std::int64_t bitrate_bps = 0;
  std::uint32_t bytes_min = 0;
  std::uint32_t packets_min = 0;
  std::uint32_t packet_bytes = 0;
};

/// Which rule set the target, for logs and statistics.
enum class LimitedBy : std::uint8_t { Start, Delay, Loss, Drain, FeedbackGap, Ceiling };

struct Estimate {
  /// What may be sent in all, audio and padding included.
  std::int64_t target_bps = 0;
  /// What lately arrived at the receiver; nothing before the first half second of feedback.
  std::optional<std::int64_t> acked_bps{};
  /// Queue on the way as far as known: one-way delay above the lowest of the last seconds.
  Duration queue_delay{};
  Duration rtt{};
  /// Share of packets lost lately, 0 to 1.
  double loss = 0;
  LimitedBy limited_by = LimitedBy::Start;
  /// The application sends clearly less than it may ("application limited region"): growth needs probes.
  bool is_alr = false;
};

}  // namespace zvonok::media::bwe
