// Messages of Twilio Media Streams: JSON texts on a WebSocket, sound in them as base64 of G.711 u-law at 8 kHz
// (docs/protocol/twilio.md). Read in place; nothing is allocated for sound. Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/bytes.h"

namespace zvonok::voip_twilio {

inline constexpr std::size_t kStreamSidBytesMax = 64;

struct StreamStarts {
  std::string_view stream_sid;
  std::string_view call_sid;
  std::string_view account_sid;
  bool is_ulaw = true;  // at 8 kHz, one channel: anything else is not ours
};
struct StreamSound {
  std::uint64_t timestamp_ms = 0;  // since the stream's start
  std::string_view payload;        // base64
};
struct StreamDigit {
  char digit = '0';  // 0-9 * # A-D
};
/// One of ours that comes back: all that was sent before it has been played.
struct StreamMark {
  std::uint64_t number = 0;
};
struct StreamStops {};
/// connected, sound of the other track, and whatever may come to be.
struct StreamOther {};

using StreamMessage = std::variant<StreamStarts, StreamSound, StreamDigit, StreamMark, StreamStops, StreamOther>;

/// Views into `text`. nullopt: not a message of this protocol, or one without what it must have.
[[nodiscard]] std::optional<StreamMessage> read_stream_message(std::string_view text);

/// Appends one to `out`. `stream_sid` as StreamStarts had it.
void append_sound(std::string& out, std::string_view stream_sid, Bytes ulaw);
/// To be sent back once what is before it has been played.
void append_mark(std::string& out, std::string_view stream_sid, std::uint64_t number);
/// What waits at Twilio's to be played is forgotten.
void append_clear(std::string& out, std::string_view stream_sid);

/// Digits, letters, `-` and `_`, not longer than kStreamSidBytesMax: harmless wherever it is quoted.
[[nodiscard]] bool is_stream_sid(std::string_view text);

}  // namespace zvonok::voip_twilio
