// The values of single attributes. For the parser only: each gives nothing when the value breaks its grammar.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/sdp/sdp.h"

namespace zvonok::sdp {

[[nodiscard]] std::optional<PayloadType> parse_payload_type(std::string_view value);
[[nodiscard]] std::optional<Ssrc> parse_ssrc(std::string_view value);
[[nodiscard]] std::optional<Direction> parse_direction(std::string_view value);
[[nodiscard]] std::optional<Setup> parse_setup(std::string_view value);
[[nodiscard]] std::optional<ExtMap> parse_extmap(std::string_view value);
[[nodiscard]] std::optional<SsrcGroup> parse_ssrc_group(std::string_view value);
[[nodiscard]] std::optional<Rid> parse_rid(std::string_view value);
[[nodiscard]] std::optional<Simulcast> parse_simulcast(std::string_view value);
[[nodiscard]] std::optional<Bandwidth> parse_bandwidth(std::string_view value);
/// A hash function that is not known gives a fingerprint without digest: it is to be skipped (RFC 8122 section 5).
[[nodiscard]] std::optional<Fingerprint> parse_fingerprint(std::string_view value);

/// What `a=rtpmap` says of a payload type.
struct RtpMap {
  std::string_view name;
  std::uint32_t clock_rate_hz = 0;
  std::uint8_t channels = 1;
};
/// `value` is without the payload type: `opus/48000/2`.
[[nodiscard]] std::optional<RtpMap> parse_rtpmap(std::string_view value);
/// The payload types that need no a=rtpmap (RFC 3551 section 6), as far as anybody offers them.
[[nodiscard]] std::optional<RtpMap> static_rtpmap(PayloadType type);

/// RFC 8839 section 5.4, and the few characters more that old clients use.
[[nodiscard]] bool is_ice_text(std::string_view value, std::size_t bytes_min);

}  // namespace zvonok::sdp
