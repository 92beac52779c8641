#include "adapter/voip_sip/telephone_event.h"

#include <algorithm>

#include "base/byte_io.h"

namespace zvonok::voip_sip {
namespace {

constexpr std::string_view kDigits = "0123456789*#ABCD";
constexpr int kEndPackets = 3;
constexpr std::uint16_t kStep = 160;  // 20 ms of the 8 kHz clock

}  // namespace

std::optional<TelephoneEvent> parse_event(Bytes payload) {
  if (payload.size() < kEventBytes) return std::nullopt;
  return TelephoneEvent{.event = payload[0],
                        .end = (payload[1] & 0x80) != 0,
                        .volume = static_cast<std::uint8_t>(payload[1] & 0x3F),
                        .duration = load_be16(payload.data() + 2)};
}

void write_event(const TelephoneEvent& event, std::span<std::uint8_t, kEventBytes> out) {
  out[0] = event.event;
  out[1] = static_cast<std::uint8_t>((event.end ? 0x80 : 0) | (event.volume & 0x3F));
  store_be16(out.data() + 2, event.duration);
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

std::optional<char> DigitReader::on_packet(std::uint32_t timestamp, const TelephoneEvent& event) {
  const auto digit = digit_of(event.event);
  if (!digit) return std::nullopt;
  const std::uint32_t end = timestamp + event.duration;
  if (last_) {
    const auto later = static_cast<std::int32_t>(timestamp - last_->timestamp);
    if (later == 0) {
      if (static_cast<std::int32_t>(end - last_->end) > 0) last_->end = end;
      return std::nullopt;
    }
    // Late packets of a digit before: told, or it was lost and is out of place by now. Far behind is another clock.
    constexpr std::int32_t kLateMax = 8000 * 10;
    if (later < 0 && later > -kLateMax) return std::nullopt;
    // A digit held for longer than its duration can say goes on in a new segment where the old one ended (2.5.1.3).
    if (timestamp == last_->end && event.event == last_->event && last_->end - last_->timestamp == 0xFFFF) {
      *last_ = {.timestamp = timestamp, .event = event.event, .end = end};
      return std::nullopt;
    }
  }
  last_ = Last{.timestamp = timestamp, .event = event.event, .end = end};
  return digit;
}

bool DigitWriter::add(char digit) {
  if (digit != ',' && !event_of(digit)) return false;
  if (waiting_.size() >= kWaitingMax) return false;
  waiting_.push_back(digit);
  return true;
}

TimePoint DigitWriter::next() const {
  return empty() ? TimePoint::max() : next_;
}

std::optional<DigitWriter::Packet> DigitWriter::poll(TimePoint now) {
  while (!empty() && now >= next_) {
    if (!current_) {
      const char digit = waiting_.front();
      waiting_.pop_front();
      if (digit == ',') {
        next_ = now + kComma;
        continue;
      }
      current_ = Current{.event = *event_of(digit), .began = now};
      current_->duration = kStep;
      next_ = now + kInterval;
      return Packet{.event = {.event = current_->event, .duration = kStep}, .is_first = true};
    }
    // The end packets all say the same (section 2.5.1.4).
    const bool over = now - current_->began >= kTone;
    if (current_->ends == 0) current_->duration = static_cast<std::uint16_t>(current_->duration + kStep);
    const Packet packet{.event = {.event = current_->event, .end = over, .duration = current_->duration},
                        .is_first = false};
    next_ = std::max(next_ + kInterval, now);
    if (over && ++current_->ends == kEndPackets) {
      current_.reset();
      next_ = now + kPause;
    }
    return packet;
  }
  return std::nullopt;
}

}  // namespace zvonok::voip_sip
