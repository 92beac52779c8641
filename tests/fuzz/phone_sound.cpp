// Phone calls: whatever a browser sends as sound and digits, and whatever pieces a telephone's line gives, what comes
// out stays within the bounds that the other side relies on.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "fuzz/input.h"
#include "media/phone/to_browser.h"
#include "media/phone/to_line.h"
#include "unit/media/phone/tone.h"

using namespace zvonok;
using namespace zvonok::media;
using namespace zvonok::media::phone;

namespace {

struct Line final : ToLine::Out {
  bool steady = false;
  std::uint32_t next = 0;
  void on_sound(TimePoint, const Sound& sound) override {
    ZVONOK_CHECK(!sound.samples.empty() && sound.samples.size() <= Sound::kSamplesMax);
    if (!steady) return;
    ZVONOK_CHECK(sound.samples.size() == kFrameSamples && sound.timestamp == next);
    next += static_cast<std::uint32_t>(kFrameSamples);
  }
  void on_digit(TimePoint, char digit) override { ZVONOK_CHECK(rtp::event_of(digit).has_value()); }
};

struct Browser final : ToBrowser::Out {
  std::uint64_t next = 0;
  void on_packet(TimePoint, const MediaPacket& packet, rtp::PayloadType) override {
    ZVONOK_CHECK(packet.sequence == next++);
    ZVONOK_CHECK(!packet.payload.empty() && packet.payload.size() <= Sound::kSamplesMax);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input{data, size};
  Line line;
  ToLine to_line{line};
  Browser browser;
  ToBrowser to_browser{browser};
  const std::uint8_t how = input.byte();
  line.steady = (how & 1U) != 0;
  to_line.set_feed(line.steady ? ToLine::Feed::Steady : ToLine::Feed::AsItComes);
  std::vector<CodecParameters> taken = ToBrowser::codecs();
  std::erase_if(taken, [&](const CodecParameters&) { return (input.byte() & 1U) != 0; });
  to_browser.set_taken(taken);
  TimePoint now = TimePoint{} + seconds{1000};
  std::uint64_t sequence = 0x10000;
  std::uint32_t timestamp = 0;
  for (int i = 0; i < 400 && !input.rest().empty(); ++i) {
    const std::uint8_t what = input.byte();
    now += milliseconds{input.byte() % 50};
    to_line.handle_timeout(now);
    to_browser.handle_timeout(now);
    to_line.set_silent((what & 0x40U) != 0);
    const std::size_t length = std::min<std::size_t>(std::size_t{input.byte()} * 5, 1400);
    const Bytes payload = as_bytes(input.rest()).first(std::min(length, input.rest().size()));
    timestamp += input.byte() * ((what & 0x20U) != 0 ? 160U : 0x01234567U);
    sequence += input.byte() % 8;
    constexpr std::array kCodecs{Codec::Pcmu, Codec::Pcma, Codec::Opus, Codec::TelephoneEvent};
    const Codec codec = kCodecs[what % kCodecs.size()];
    switch (what >> 2 & 3U) {
      case 0:
        to_browser.on_sound(now,
                            {.law = g711::Law::Alaw, .timestamp = timestamp, .is_first = false, .samples = payload});
        break;
      case 1: to_browser.on_digit(now, static_cast<char>(what)); break;
      default: to_line.on_packet(now, packet_of(codec, sequence, timestamp, payload));
    }
  }
  return 0;
}
