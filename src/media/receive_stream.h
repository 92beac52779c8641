// One SSRC that a peer sends: sequence and loss, what to ask for again, jitter, the sender's clock, bitrate, and when
// to ask for a keyframe. Works on packets that were authenticated and unwrapped from RTX; sees no bytes.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"
#include "media/nack_generator.h"
#include "media/packet_ring.h"
#include "media/parameters.h"
#include "media/rate_meter.h"
#include "proto/rtcp/packet.h"

namespace zvonok::media {

/// The publisher's wall clock and its RTP clock at one moment (a sender report), and when we heard of it.
struct SenderClock {
  rtcp::NtpTime ntp;
  std::uint32_t rtp = 0;
  TimePoint heard{};
  std::uint32_t clock_rate = 90'000;
};

class ReceiveStream {
 public:
  struct Options {
    rtp::Ssrc ssrc{};
    Kind kind = Kind::Audio;
    std::uint32_t clock_rate = 48000;
    Retransmission retransmission = Retransmission::Off;
    std::size_t packets_kept = 0;
    /// Between two requests, whoever asks: in the long run and when the one before was not answered; and when it was,
    /// for as many as kKeyframeBurst. Who comes just after a keyframe need not wait so long for the next.
    Duration keyframe_interval_min = milliseconds{500};
    Duration keyframe_interval_burst = milliseconds{150};
  };
  explicit ReceiveStream(const Options& options);

  struct Packet {
    std::uint64_t sequence = 0;
    std::uint32_t timestamp = 0;
    std::size_t bytes = 0;
  };
  /// A Stale one is to be dropped.
  NackGenerator::Arrival on_packet(const Packet& packet, TimePoint now);
  void on_sender_report(const rtcp::SenderInfo& info, TimePoint now);

  /// For the next receiver report; none before the first packet.
  [[nodiscard]] std::optional<rtcp::ReportBlock> report(TimePoint now);
  void collect_nacks(TimePoint now, Duration round_trip, std::vector<std::uint16_t>& out);
  [[nodiscard]] TimePoint next_nack() const;

  /// Somebody can't go on without a keyframe.
  void want_keyframe() { keyframe_wanted_ = true; }
  void on_keyframe(TimePoint now);
  /// True when a request must be sent now; it is then taken as sent.
  [[nodiscard]] bool take_keyframe_request(TimePoint now);
  /// When to ask `take_keyframe_request` again.
  [[nodiscard]] TimePoint next_keyframe_request() const;

  [[nodiscard]] const Options& options() const { return options_; }
  [[nodiscard]] const std::optional<SenderClock>& sender_clock() const { return clock_; }
  [[nodiscard]] std::uint64_t bitrate_bps(TimePoint now) { return bits_.per_second(now); }
  [[nodiscard]] std::optional<TimePoint> last_packet_at() const { return last_packet_at_; }
  [[nodiscard]] PacketRing& ring() { return ring_; }
  [[nodiscard]] std::uint64_t newest_sequence() const { return newest_sequence_; }

  struct Counters {
    std::uint64_t packets = 0;
    std::uint64_t bytes = 0;
    std::uint64_t recovered = 0;
    std::uint64_t stale = 0;
    std::uint64_t lost = 0;  // for good
    std::uint64_t nacked = 0;
    std::uint64_t keyframes = 0;
    std::uint64_t keyframe_requests = 0;
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }
  /// RFC 3550 section 6.4.1, in RTP clock units.
  [[nodiscard]] std::uint32_t jitter() const { return static_cast<std::uint32_t>(jitter_); }
  [[nodiscard]] double last_fraction_lost() const { return last_fraction_lost_; }

 private:
  void update_jitter(const Packet& packet, TimePoint now);

  Options options_;
  NackGenerator nacks_;
  PacketRing ring_;
  RateMeter bits_;
  std::optional<SenderClock> clock_;
  std::optional<TimePoint> last_packet_at_;
  std::uint64_t first_sequence_ = 0;
  std::uint64_t newest_sequence_ = 0;
  std::uint64_t expected_before_ = 0;
  std::uint64_t received_before_ = 0;
  double last_fraction_lost_ = 0;
  double jitter_ = 0;
  double last_transit_ = 0;
  std::uint32_t last_timestamp_ = 0;
  bool keyframe_wanted_ = false;
  static constexpr int kKeyframeBurst = 3;
  std::optional<TimePoint> keyframe_asked_at_;
  bool keyframe_answered_ = true;  // since then
  TimePoint keyframe_credited_{};  // when the burst would be whole again
  Counters counters_;
};

}  // namespace zvonok::media
