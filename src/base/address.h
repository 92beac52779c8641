// Internet addresses as values: compared, hashed, parsed and printed without a socket header. Where an address came
// from or may go to is told to nobody by printing it: logs mask addresses, so these types have no operator<<.
#pragma once
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace zvonok {

/// An IPv4 or IPv6 address. There is one form of every address: an IPv4-mapped IPv6 address (::ffff:192.0.2.1) is the
/// IPv4 address, whichever way it came, so that no rule about addresses can be passed by another spelling.
/// Zones (fe80::1%eth0) are not kept.
class IpAddress {
 public:
  enum class Family : std::uint8_t { V4, V6 };

  /// 0.0.0.0
  constexpr IpAddress() = default;
  /// `value` as written: 0xC0000201 is 192.0.2.1.
  [[nodiscard]] static constexpr IpAddress v4(std::uint32_t value) { return {0, kMappedPrefix | value}; }
  /// The first and the second half of the sixteen bytes, as written.
  [[nodiscard]] static constexpr IpAddress v6(std::uint64_t high, std::uint64_t low) { return {high, low}; }
  /// From 4 or 16 bytes in network order; nothing for any other size.
  [[nodiscard]] static std::optional<IpAddress> from_bytes(Bytes bytes);
  /// "192.0.2.1" (four decimal numbers, no leading zeros) or any RFC 4291 section 2.2 text of an IPv6 address. No
  /// brackets, zones, prefixes or spaces.
  [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text);

  [[nodiscard]] constexpr Family family() const { return is_v4() ? Family::V4 : Family::V6; }
  [[nodiscard]] constexpr bool is_v4() const { return high_ == 0 && (low_ & ~kV4Mask) == kMappedPrefix; }
  /// Of an IPv4 address only.
  [[nodiscard]] constexpr std::uint32_t v4_value() const { return static_cast<std::uint32_t>(low_ & kV4Mask); }
  /// The sixteen bytes in network order; an IPv4 address in its mapped form, as a dual-stack socket wants it.
  [[nodiscard]] std::array<std::uint8_t, 16> v6_bytes() const;
  /// The halves of v6_bytes() as numbers.
  [[nodiscard]] constexpr std::uint64_t high() const { return high_; }
  [[nodiscard]] constexpr std::uint64_t low() const { return low_; }

  /// 0.0.0.0 or ::
  [[nodiscard]] bool is_unspecified() const;
  /// 127.0.0.0/8 or ::1
  [[nodiscard]] bool is_loopback() const;
  /// Of a network of somebody's own: RFC 1918, the shared space of RFC 6598 (100.64.0.0/10), fc00::/7.
  [[nodiscard]] bool is_private() const;
  /// 169.254.0.0/16 or fe80::/10
  [[nodiscard]] bool is_link_local() const;

  /// RFC 5952 form.
  [[nodiscard]] std::string to_text() const;

  friend constexpr bool operator==(const IpAddress&, const IpAddress&) = default;
  friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  static constexpr std::uint64_t kMappedPrefix = 0xFFFF00000000;
  static constexpr std::uint64_t kV4Mask = 0xFFFFFFFF;
  constexpr IpAddress(std::uint64_t high, std::uint64_t low) : high_{high}, low_{low} {}

  std::uint64_t high_ = 0;
  std::uint64_t low_ = kMappedPrefix;
};

struct SocketAddress {
  IpAddress ip;
  std::uint16_t port = 0;

  /// "192.0.2.1:5" or "[::1]:5".
  [[nodiscard]] static std::optional<SocketAddress> parse(std::string_view text);
  [[nodiscard]] std::string to_text() const;
  friend constexpr bool operator==(const SocketAddress&, const SocketAddress&) = default;
  friend constexpr auto operator<=>(const SocketAddress&, const SocketAddress&) = default;
};

/// Spreads every bit of `value` over all 64 (the finalizer of SplitMix64). For hash tables, not for secrets.
[[nodiscard]] constexpr std::uint64_t mix_bits(std::uint64_t value) {
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
  return value ^ (value >> 31);
}

}  // namespace zvonok

template <>
struct std::hash<zvonok::IpAddress> {
  std::size_t operator()(const zvonok::IpAddress& ip) const noexcept {
    return zvonok::mix_bits(ip.low() ^ (ip.high() * 0x9E3779B97F4A7C15));
  }
};
template <>
struct std::hash<zvonok::SocketAddress> {
  std::size_t operator()(const zvonok::SocketAddress& at) const noexcept {
    return zvonok::mix_bits((at.ip.low() ^ (at.ip.high() * 0x9E3779B97F4A7C15)) + at.port * 0xD6E8FEB86659FD93);
  }
};
