// Digits of a telephone as RTP packets (RFC 4733): one event for as long as a key is pressed, told again and again, its
// end three times.
#pragma once
#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace zvonok::rtp {

/// RFC 4733 section 2.3.
struct TelephoneEvent {
  std::uint8_t event = 0;  // 0 to 15 are digits
  bool end = false;
  std::uint8_t volume = 10;    // below 0 dBm0, 0 to 63
  std::uint16_t duration = 0;  // since the packet's timestamp, in its units

  static constexpr std::size_t kBytes = 4;
  friend bool operator==(const TelephoneEvent&, const TelephoneEvent&) = default;
};

/// The first event of a payload; nothing when it is too short for one.
[[nodiscard]] std::optional<TelephoneEvent> parse_telephone_event(Bytes payload);
[[nodiscard]] std::array<std::uint8_t, TelephoneEvent::kBytes> to_bytes(const TelephoneEvent& event);

/// 0-9 * # A-D; nothing for events that are no digits, and for characters that are none.
[[nodiscard]] std::optional<char> digit_of(std::uint8_t event);
[[nodiscard]] std::optional<std::uint8_t> event_of(char digit);

/// Makes one digit of the many packets of each event, in whatever order they come and whichever of them are lost.
class DigitReceiver {
 public:
  /// The digit, with the first packet of its event that comes.
  [[nodiscard]] std::optional<char> on_packet(std::uint32_t timestamp, const TelephoneEvent& event);

 private:
  struct Last {
    std::uint32_t timestamp = 0;
    std::uint8_t event = 0;
    bool ended = false;
  };
  std::optional<Last> last_;
};

}  // namespace zvonok::rtp
