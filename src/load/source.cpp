#include "load/source.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/address.h"
#include "base/check.h"

namespace zvonok::load {
namespace {

using media::Kind;

/// Who was stopped for longer than this does not catch up.
constexpr Duration kLate = seconds{1};

}  // namespace

Source::Source(const SourceOptions& options) : options_{options}, payload_(options.payload_bytes) {
  ZVONOK_CHECK(options.packets_per_second > 0 && options.payload_bytes >= kPayloadBytesMin);
  const unsigned ticks =
      options.kind == Kind::Audio ? options.packets_per_second : std::min(options.packets_per_second, kFramesPerSecond);
  interval_ = Duration{seconds{1}} / ticks;
  timestamp_ = static_cast<std::uint32_t>(mix_bits(options.track));
}

void Source::start(TimePoint now) {
  const std::uint64_t phase = mix_bits(options_.track + 1) % static_cast<std::uint64_t>(interval_.count());
  next_ = tick_ = now + Duration{static_cast<std::int64_t>(phase)};
  key_wanted_ = true;
  if (options_.kind == Kind::Video) begin_frame();
}

void Source::begin_frame() {
  owed_ += std::max(options_.packets_per_second, kFramesPerSecond);
  const unsigned frames = std::max(1U, static_cast<unsigned>(Duration{seconds{1}} / interval_));
  packets_of_frame_ = options_.packets_per_second <= kFramesPerSecond ? 1 : owed_ / frames;
  owed_ -= std::min(owed_, packets_of_frame_ * frames);
  packet_of_frame_ = 0;
  is_key_ = std::exchange(key_wanted_, false);
  if (!is_key_) return;
  ++key_frames_;
  packets_of_frame_ *= options_.key_frame_factor;
}

Source::Packet Source::make(TimePoint now) {
  const Stamp stamp{.room = options_.room, .track = options_.track, .number = number_, .sent = now};
  Packet packet{.marker = false, .timestamp = timestamp_, .stamp = stamp, .payload = payload_};
  if (options_.kind == Kind::Video) {
    write_vp8();
    packet.marker = packet_of_frame_ + 1 == packets_of_frame_;
  }
  write_stamp(payload_, stamp);
  ++number_;
  plan_next(now);
  return packet;
}

void Source::plan_next(TimePoint now) {
  if (options_.kind == Kind::Video && ++packet_of_frame_ < packets_of_frame_) {
    const unsigned burst = std::max(kBurst, (packets_of_frame_ + kBurstsMax - 1) / kBurstsMax);
    if (packet_of_frame_ % burst == 0) next_ = std::max(next_, now) + kBurstInterval;
    return;
  }
  timestamp_ += static_cast<std::uint32_t>(interval_.count() / 1000 * clock_rate() / 1'000'000);
  tick_ += interval_;
  if (now - tick_ > kLate) tick_ = now;
  next_ = std::max(tick_, options_.kind == Kind::Video ? next_ : tick_);
  if (options_.kind == Kind::Video) {
    ++frame_;
    begin_frame();
  }
}

/// The payload descriptor with a long picture id (RFC 7741 section 4.2) and the frame's header (section 4.3).
void Source::write_vp8() {
  const bool first = packet_of_frame_ == 0;
  payload_[0] = first ? 0x90 : 0x80;  // X, and S at the start of the partition
  payload_[1] = 0x80;                 // I
  payload_[2] = static_cast<std::uint8_t>(0x80 | ((frame_ >> 8) & 0x7F));
  payload_[3] = static_cast<std::uint8_t>(frame_);
  if (!first) return;
  const auto size = static_cast<std::uint32_t>(payload_.size()) << 5;
  payload_[4] = static_cast<std::uint8_t>((size & 0xE0) | 0x10 | (is_key_ ? 0 : 1));  // shown
  payload_[5] = static_cast<std::uint8_t>(size >> 8);
  payload_[6] = static_cast<std::uint8_t>(size >> 16);
  if (!is_key_) return;
  constexpr std::array<std::uint8_t, 3> kStart{0x9D, 0x01, 0x2A};
  const unsigned width = options_.height * 16U / 9;
  copy_bytes(kStart, MutableBytes{payload_}.subspan(7));
  payload_[10] = static_cast<std::uint8_t>(width);
  payload_[11] = static_cast<std::uint8_t>(width >> 8);
  payload_[12] = static_cast<std::uint8_t>(options_.height);
  payload_[13] = static_cast<std::uint8_t>(options_.height >> 8);
}

}  // namespace zvonok::load
