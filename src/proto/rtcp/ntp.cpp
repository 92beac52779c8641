// NTP arithmetic, without floating point: 1/2^32 s is 0.23 ns.
#include "proto/rtcp/ntp.h"

#include <chrono>
#include <limits>

namespace zvonok::rtcp {
namespace {

constexpr std::int64_t kUnixEpochSeconds = 2'208'988'800;  // 1970 in seconds since 1900
constexpr std::uint64_t kEraSeconds = std::uint64_t{1} << 32;
constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;

/// Whole seconds and a fraction in 2^-32 s as one number that wraps.
std::uint64_t fixed_point(Duration duration) {
  const auto whole = std::chrono::floor<seconds>(duration);
  const auto nanoseconds = static_cast<std::uint64_t>((duration - whole).count());
  const std::uint64_t fraction = ((nanoseconds << 32) + kNanosecondsPerSecond / 2) / kNanosecondsPerSecond;
  return (static_cast<std::uint64_t>(whole.count()) << 32) + fraction;
}

}  // namespace

NtpTime ntp_from_wall(WallTime time) {
  const auto whole = std::chrono::floor<seconds>(time);
  const auto milli = static_cast<std::uint64_t>((time - whole).count());
  const auto since_1900 = static_cast<std::uint64_t>(whole.time_since_epoch().count() + kUnixEpochSeconds);
  return {(since_1900 << 32) + ((milli << 32) + 500) / 1000};
}

WallTime wall_from_ntp(NtpTime time) {
  const std::uint64_t in_era = time.value >> 32;
  const bool is_era_1 = (in_era & 0x8000'0000U) == 0;
  const std::int64_t since_1900 = static_cast<std::int64_t>(in_era + (is_era_1 ? kEraSeconds : 0));
  const std::uint64_t fraction = time.value & 0xFFFF'FFFFU;
  const auto milli = static_cast<std::int64_t>((fraction * 1000 + (std::uint64_t{1} << 31)) >> 32);
  return wall_from_unix_milliseconds((since_1900 - kUnixEpochSeconds) * 1000 + milli);
}

NtpTime operator+(NtpTime time, Duration by) {
  return {time.value + fixed_point(by)};
}

Duration operator-(NtpTime later, NtpTime earlier) {
  const auto difference = static_cast<std::int64_t>(later.value - earlier.value);
  const std::int64_t whole = difference >> 32;  // rounds down, so the fraction is positive
  const auto fraction = static_cast<std::uint64_t>(difference) & 0xFFFF'FFFFU;
  const std::uint64_t nanoseconds = (fraction * kNanosecondsPerSecond + (std::uint64_t{1} << 31)) >> 32;
  return seconds{whole} + Duration{static_cast<std::int64_t>(nanoseconds)};
}

std::uint32_t compact_from_duration(Duration duration) {
  if (duration <= Duration::zero()) return 0;
  if (duration >= seconds{65536}) return std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::uint32_t>(fixed_point(duration) >> 16);
}

Duration duration_from_compact(std::uint32_t compact) {
  return Duration{static_cast<std::int64_t>((std::uint64_t{compact} * kNanosecondsPerSecond + (1U << 15)) >> 16)};
}

std::optional<Duration> round_trip(const RoundTripInput& input) {
  if (input.lsr == 0) return std::nullopt;
  const std::uint32_t difference = input.now - input.lsr - input.delay;
  const auto signed_difference = static_cast<std::int32_t>(difference);
  // A second of disagreement is more than rounding and clock drift explain.
  if (signed_difference < -0x1'0000) return std::nullopt;
  if (signed_difference <= 0) return Duration::zero();
  const Duration result = duration_from_compact(difference);
  if (result > kRoundTripMax) return std::nullopt;
  return result;
}

}  // namespace zvonok::rtcp
