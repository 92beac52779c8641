// NTP time as RTCP carries it (RFC 3550 section 4) and the round trip that report blocks give (section 6.4.1).
#pragma once
#include <compare>
#include <cstdint>
#include <optional>

#include "base/time.h"

namespace zvonok::rtcp {

/// Seconds since 1900 in the high 32 bits, their fraction in the low ones. Wraps in 2036 (era 1), as the wire does.
struct NtpTime {
  std::uint64_t value = 0;

  /// The middle 32 bits: what LSR and LRR carry, in 1/65536 s.
  [[nodiscard]] constexpr std::uint32_t compact() const { return static_cast<std::uint32_t>(value >> 16); }
  constexpr auto operator<=>(const NtpTime&) const = default;
};

[[nodiscard]] NtpTime ntp_from_wall(WallTime time);
/// Rounded to a millisecond. Times whose top bit is clear are of era 1, after 2036 (RFC 4330 section 3).
[[nodiscard]] WallTime wall_from_ntp(NtpTime time);
/// `by` may be negative and up to 60 years.
[[nodiscard]] NtpTime operator+(NtpTime time, Duration by);
/// The shorter way round: within 68 years.
[[nodiscard]] Duration operator-(NtpTime later, NtpTime earlier);

/// 1/65536 s, as DLSR and DLRR carry it. Negative durations give 0, those past 18 hours the greatest value.
[[nodiscard]] std::uint32_t compact_from_duration(Duration duration);
[[nodiscard]] Duration duration_from_compact(std::uint32_t compact);

/// The greatest round trip that is believed.
inline constexpr Duration kRoundTripMax = seconds{60};

/// What a report block tells; all in 1/65536 s.
struct RoundTripInput {
  std::uint32_t now = 0;    // compact() of the time the report came, by the clock that made the sender report
  std::uint32_t lsr = 0;    // of the report
  std::uint32_t delay = 0;  // DLSR of the report
};
/// None without a sender report before it (LSR 0), or when the numbers make no sense. Never negative: clocks that
/// disagree by a hair give 0.
[[nodiscard]] std::optional<Duration> round_trip(const RoundTripInput& input);

}  // namespace zvonok::rtcp
