#include "proto/rtp/telephone_event.h"

#include <string_view>

namespace zvonok::rtp {
namespace {

constexpr std::string_view kDigits = "0123456789*#ABCD";
// An event that lasts longer than its duration can say goes on with a later timestamp (RFC 4733 section 2.5.1.3).
constexpr std::uint32_t kSegment = 0xFFFF;
// Older than that it is not late, but of another clock: ten seconds at 8 kHz.
constexpr std::int32_t kLateMost = 80'000;

}  // namespace

std::optional<TelephoneEvent> parse_telephone_event(Bytes payload) {
  if (payload.size() < TelephoneEvent::kBytes) return std::nullopt;
  return TelephoneEvent{.event = payload[0],
                        .end = (payload[1] & 0x80U) != 0,
                        .volume = static_cast<std::uint8_t>(payload[1] & 0x3FU),
                        .duration = static_cast<std::uint16_t>(payload[2] << 8 | payload[3])};
}

std::array<std::uint8_t, TelephoneEvent::kBytes> to_bytes(const TelephoneEvent& event) {
  return {event.event, static_cast<std::uint8_t>((event.end ? 0x80U : 0U) | (event.volume & 0x3FU)),
          static_cast<std::uint8_t>(event.duration >> 8), static_cast<std::uint8_t>(event.duration)};
}

std::optional<char> digit_of(std::uint8_t event) {
  if (event >= kDigits.size()) return std::nullopt;
  return kDigits[event];
}

std::optional<std::uint8_t> event_of(char digit) {
  const std::size_t at = kDigits.find(digit);
  if (at == std::string_view::npos) return std::nullopt;
  return static_cast<std::uint8_t>(at);
}

std::optional<char> DigitReceiver::on_packet(std::uint32_t timestamp, const TelephoneEvent& event) {
  if (last_) {
    const auto later = static_cast<std::int32_t>(timestamp - last_->timestamp);
    if (later == 0) {
      last_->ended = last_->ended || event.end;
      return std::nullopt;
    }
    if (later < 0 && later > -kLateMost) return std::nullopt;
    const bool goes_on = !last_->ended && event.event == last_->event && timestamp - last_->timestamp == kSegment;
    last_ = Last{.timestamp = timestamp, .event = event.event, .ended = event.end};
    if (goes_on) return std::nullopt;
  } else {
    last_ = Last{.timestamp = timestamp, .event = event.event, .ended = event.end};
  }
  return digit_of(event.event);
}

}  // namespace zvonok::rtp
