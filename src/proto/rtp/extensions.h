// The values inside the RTP header extensions we use: each is read from an element's bytes and written as bytes for
// one. abs-capture-time and the dependency descriptor are passed on as bytes and have nothing here.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/time.h"

namespace zvonok::rtp {

/// abs-send-time: 24 bits of seconds in 6.18 fixed point, so it wraps every 64 s. Only differences mean anything, which
/// is why the monotonic clock will do.
using AbsSendTime = std::array<std::uint8_t, 3>;
[[nodiscard]] AbsSendTime encode_abs_send_time(TimePoint sent);
/// The time within its 64 s, 0 to 64 s.
[[nodiscard]] std::optional<Duration> parse_abs_send_time(Bytes bytes);

/// The transport-wide sequence number of draft-holmer-rmcat-transport-wide-cc-extensions-01, section 2. The 4-byte
/// form (version 2) begins with the same number.
using TransportSequence = std::array<std::uint8_t, 2>;
[[nodiscard]] TransportSequence encode_transport_sequence(std::uint16_t number);
[[nodiscard]] std::optional<std::uint16_t> parse_transport_sequence(Bytes bytes);

enum class Voice : std::uint8_t { No, Yes };

/// Client-to-mixer audio level, RFC 6464 section 3.
struct AudioLevel {
  Voice voice = Voice::No;   ///< V: the encoder believes there is speech; means nothing where vad=off was agreed
  std::uint8_t level = 127;  ///< in -dBov: 0 is the loudest, 127 is silence
  friend bool operator==(const AudioLevel&, const AudioLevel&) = default;
};
[[nodiscard]] std::array<std::uint8_t, 1> encode_audio_level(AudioLevel level);
[[nodiscard]] std::optional<AudioLevel> parse_audio_level(Bytes bytes);

/// MID (RFC 9143 section 15), RID and repaired RID (RFC 8852 section 3) are short ASCII texts. Browsers take no more
/// than 16 bytes.
constexpr std::size_t kStreamTextBytesMax = 16;
/// A token of RFC 4566. The text holds as long as the bytes do.
[[nodiscard]] std::optional<std::string_view> parse_mid(Bytes bytes);
/// Letters, digits, '-' and '_' (RFC 8851 section 10).
[[nodiscard]] std::optional<std::string_view> parse_rid(Bytes bytes);

/// playout-delay: bounds on how long a receiver may hold a frame, 12 bits each in units of 10 ms.
struct PlayoutDelay {
  milliseconds shortest{};
  milliseconds longest{};
  friend bool operator==(const PlayoutDelay&, const PlayoutDelay&) = default;
};
/// Values are rounded down to 10 ms and kept within 0 to 40,950 ms.
[[nodiscard]] std::array<std::uint8_t, 3> encode_playout_delay(PlayoutDelay delay);
/// Nothing when the longest is below the shortest.
[[nodiscard]] std::optional<PlayoutDelay> parse_playout_delay(Bytes bytes);

}  // namespace zvonok::rtp
