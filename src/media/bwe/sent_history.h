// Gives outgoing packets their transport-wide sequence numbers, remembers them for a while, and turns the receiver's
// feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01, already parsed) into results for a controller.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/time.h"
#include "media/bwe/types.h"
#include "media/growing_ring.h"

namespace zvonok::media::bwe {

/// One packet of a feedback message. No `since_reference`: not received. Times may go backwards (reordering).
struct PacketStatus {
  std::uint16_t sequence = 0;
  std::optional<Duration> since_reference;
};

/// A feedback message. `reference_ticks` is the 24-bit reference time field (section 3.1), units of 64 ms, wrapping.
struct TransportFeedback {
  std::uint32_t reference_ticks = 0;
  std::span<const PacketStatus> packets;
};

struct SentHistoryStats {
  std::uint64_t unknown = 0;       ///< never sent, or forgotten
  std::uint64_t repeated = 0;      ///< told before
  std::uint64_t overflow = 0;      ///< more results than the caller's buffer holds
  std::uint64_t clock_resets = 0;  ///< the receiver's clock jumped by more than kClockJump
};

class SentHistory {
 public:
  /// Enough for a second of 20 Mbit/s. Room for as many is taken only when that many are younger than kKeep.
  static constexpr std::size_t kCapacity = 2048;
  static constexpr Duration kKeep = seconds{4};
  static constexpr Duration kClockJump = seconds{60};

  /// The number for a packet that leaves now: its low 16 bits go into the header extension.
  std::uint64_t record(TimePoint now, std::uint32_t bytes, PacketKind kind, ProbeCluster cluster);
  /// The number that `record` will give next, for those who must write the packet first.
  [[nodiscard]] std::uint64_t next_sequence() const { return next_; }

  /// Fills `out` (kCapacity is always enough for an honest peer) and returns the part filled. A packet is told as
  /// arrived at most once, whatever the peer repeats, so a peer can't invent throughput.
  std::span<const PacketResult> resolve(TimePoint now, const TransportFeedback& feedback, std::span<PacketResult> out);

  /// Bytes sent and not yet told of.
  [[nodiscard]] std::uint64_t bytes_in_flight() const { return bytes_in_flight_; }
  [[nodiscard]] const SentHistoryStats& stats() const { return stats_; }

 private:
  enum class State : std::uint8_t { InFlight, ToldLost, ToldArrived };
  struct Slot {
    std::uint64_t number = kNoNumber;
    TimePoint at{};  // it was sent
    std::uint32_t bytes = 0;
    ProbeCluster cluster = ProbeCluster::None;
    PacketKind kind = PacketKind::Video;
    State state = State::InFlight;
  };

  Slot* find(std::uint16_t sequence);
  TimePoint anchor(TimePoint now, std::uint32_t reference_ticks);

  GrowingRing<Slot> slots_{{.least = 64, .most = kCapacity, .keep = kKeep}};
  std::uint64_t next_ = 1;
  std::uint64_t bytes_in_flight_ = 0;
  std::optional<std::uint32_t> last_ticks_;
  TimePoint last_reference_{};
  SentHistoryStats stats_;
};

}  // namespace zvonok::media::bwe
