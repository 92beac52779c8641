#include "proto/rtp/extensions.h"

#include <algorithm>

#include "base/byte_io.h"

namespace zvonok::rtp {
namespace {

constexpr std::int64_t kAbsSendTimePeriodNs = 64'000'000'000;
constexpr unsigned kAbsSendTimeFractionBits = 18;
constexpr std::uint32_t kPlayoutDelayMax = 0xFFF;
constexpr milliseconds kPlayoutDelayUnit{10};

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}
bool is_rid_char(char c) {
  return is_alphanumeric(c) || c == '-' || c == '_';
}
bool is_token_char(char c) {
  return is_alphanumeric(c) || std::string_view{"!#$%&'*+-.^_`{|}~"}.find(c) != std::string_view::npos;
}

template <class Allowed>
std::optional<std::string_view> short_text(Bytes bytes, Allowed allowed) {
  const std::string_view text = as_text(bytes);
  if (text.empty() || text.size() > kStreamTextBytesMax || !std::ranges::all_of(text, allowed)) return std::nullopt;
  return text;
}

std::uint32_t playout_units(milliseconds delay) {
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(delay / kPlayoutDelayUnit, 0, kPlayoutDelayMax));
}

std::array<std::uint8_t, 3> encode_u24(std::uint32_t value) {
  return {static_cast<std::uint8_t>(value >> 16), static_cast<std::uint8_t>(value >> 8),
          static_cast<std::uint8_t>(value)};
}

}  // namespace

AbsSendTime encode_abs_send_time(TimePoint sent) {
  std::int64_t within = sent.time_since_epoch().count() % kAbsSendTimePeriodNs;
  if (within < 0) within += kAbsSendTimePeriodNs;
  // 36 bits of nanoseconds and 18 of fraction fit into 64.
  const std::uint64_t scaled = static_cast<std::uint64_t>(within) << kAbsSendTimeFractionBits;
  return encode_u24(static_cast<std::uint32_t>(scaled / 1'000'000'000));
}

std::optional<Duration> parse_abs_send_time(Bytes bytes) {
  if (bytes.size() != 3) return std::nullopt;
  const std::int64_t value = ByteReader{bytes}.u24();
  return Duration{(value * 1'000'000'000) >> kAbsSendTimeFractionBits};
}

TransportSequence encode_transport_sequence(std::uint16_t number) {
  TransportSequence bytes{};
  store_be16(bytes.data(), number);
  return bytes;
}

std::optional<std::uint16_t> parse_transport_sequence(Bytes bytes) {
  if (bytes.size() != 2 && bytes.size() != 4) return std::nullopt;
  return load_be16(bytes.data());
}

std::array<std::uint8_t, 1> encode_audio_level(AudioLevel level) {
  const unsigned voice = level.voice == Voice::Yes ? 0x80U : 0U;
  return {static_cast<std::uint8_t>(voice | std::min<unsigned>(level.level, 127))};
}

std::optional<AudioLevel> parse_audio_level(Bytes bytes) {
  if (bytes.size() != 1) return std::nullopt;
  return AudioLevel{.voice = (bytes[0] & 0x80) != 0 ? Voice::Yes : Voice::No,
                    .level = static_cast<std::uint8_t>(bytes[0] & 0x7F)};
}

std::optional<std::string_view> parse_mid(Bytes bytes) {
  return short_text(bytes, is_token_char);
}

std::optional<std::string_view> parse_rid(Bytes bytes) {
  return short_text(bytes, is_rid_char);
}

std::array<std::uint8_t, 3> encode_playout_delay(PlayoutDelay delay) {
  return encode_u24((playout_units(delay.shortest) << 12) | playout_units(delay.longest));
}

std::optional<PlayoutDelay> parse_playout_delay(Bytes bytes) {
  if (bytes.size() != 3) return std::nullopt;
  const std::uint32_t value = ByteReader{bytes}.u24();
  const PlayoutDelay delay{.shortest = kPlayoutDelayUnit * (value >> 12),
                           .longest = kPlayoutDelayUnit * (value & kPlayoutDelayMax)};
  if (delay.longest < delay.shortest) return std::nullopt;
  return delay;
}

}  // namespace zvonok::rtp
