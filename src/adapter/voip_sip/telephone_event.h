// Digits as telephone events, RFC 4733: read once each out of their many packets, and written packet by packet. Pure.
#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/time.h"

namespace zvonok::voip_sip {

inline constexpr std::size_t kEventBytes = 4;

/// RFC 4733 section 2.3.
struct TelephoneEvent {
  std::uint8_t event = 0;  // 0 to 15: 0-9 * # A-D
  bool end = false;
  std::uint8_t volume = 10;    // -dBm0
  std::uint16_t duration = 0;  // of the RTP clock
};
/// Nothing when it is shorter than one.
[[nodiscard]] std::optional<TelephoneEvent> parse_event(Bytes payload);
void write_event(const TelephoneEvent& event, std::span<std::uint8_t, kEventBytes> out);

/// 0-9 * # A-D; nothing for any other event.
[[nodiscard]] std::optional<char> digit_of(std::uint8_t event);
[[nodiscard]] std::optional<std::uint8_t> event_of(char digit);

/// Tells each digit once, at the first packet of it that comes.
class DigitReader {
 public:
  /// Nothing for what is no digit, or one that was told.
  [[nodiscard]] std::optional<char> on_packet(std::uint32_t timestamp, const TelephoneEvent& event);

 private:
  struct Last {
    std::uint32_t timestamp = 0;
    std::uint8_t event = 0;
    std::uint32_t end = 0;  // of what is known of it
  };
  std::optional<Last> last_;
};

/// Digits that wait, and the packets of the one under way: one every 20 ms, three at the end (section 2.5.1.4).
class DigitWriter {
 public:
  static constexpr std::size_t kWaitingMax = 128;
  static constexpr Duration kInterval = milliseconds{20};
  static constexpr Duration kTone = milliseconds{120};   // some gateways miss shorter ones
  static constexpr Duration kPause = milliseconds{100};  // between two
  static constexpr Duration kComma = milliseconds{500};

  /// False when it was dropped: too many wait. `digit`: 0-9 * # A-D and `,`, others are none.
  bool add(char digit);
  [[nodiscard]] bool empty() const { return waiting_.empty() && !current_; }
  /// Whether a digit is being sent: no sound meanwhile.
  [[nodiscard]] bool is_sending() const { return current_.has_value(); }
  /// When to ask next; TimePoint::max() when nothing waits.
  [[nodiscard]] TimePoint next() const;

  struct Packet {
    TelephoneEvent event;
    bool is_first = false;  // the marker; its timestamp is kept for the others
  };
  /// What is due by now, one at a time.
  [[nodiscard]] std::optional<Packet> poll(TimePoint now);

 private:
  struct Current {
    std::uint8_t event = 0;
    TimePoint began{};
    int ends = 0;  // packets with the end bit that were sent
    std::uint16_t duration = 0;
  };
  std::deque<char> waiting_;
  std::optional<Current> current_;
  TimePoint next_{};
};

}  // namespace zvonok::voip_sip
