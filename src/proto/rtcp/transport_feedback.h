// Builds transport-wide congestion control feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1).
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/byte_io.h"
#include "base/time.h"
#include "proto/rtcp/packet.h"
#include "proto/rtcp/writer.h"

namespace zvonok::rtcp {

/// A packet that came: its transport-wide number, unrolled, and when.
struct PacketArrival {
  std::uint64_t sequence = 0;
  TimePoint arrival;
};

/// The largest transport feedback written, whatever is asked for.
inline constexpr std::size_t kFeedbackBytesMax = 1200;

struct FeedbackRequest {
  FeedbackSource source;
  std::uint8_t feedback_count = 0;
  std::uint64_t first_sequence = 0;  // numbers from here to the first arrival are reported as lost
  std::size_t bytes_max = kFeedbackBytesMax;
};

/// Writes one packet about the first of `arrivals`, which are in strictly rising order of sequence, none before
/// `first_sequence`; numbers between them are reported as lost. Returns how many arrivals it covers. Fewer than all
/// when the packet is full, a time delta is too large, or numbers lie too far apart; the rest goes into another packet,
/// whose first_sequence is one behind the last arrival of this one. 0, and nothing is written, when not even one fits.
/// Losses more than kFeedbackStatusesMax numbers before the first arrival are not reported.
///
/// Arrival times are rounded down to 250 us from the epoch of TimePoint, so errors don't add up over packets.
[[nodiscard]] std::size_t write_transport_feedback(ByteWriter& writer, const FeedbackRequest& request,
                                                   std::span<const PacketArrival> arrivals);

}  // namespace zvonok::rtcp
