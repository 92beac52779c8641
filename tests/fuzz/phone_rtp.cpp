// The sound of a telephone call: whatever comes to its ports, nothing crashes, and what is heard keeps to its bounds.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "adapter/voip_sip/rtp_session.h"
#include "base/check.h"
#include "fuzz/input.h"
#include "support/seeded_entropy.h"

using namespace zvonok;
using namespace zvonok::voip_sip;

namespace {

class Ears final : public port::PhoneEars {
 public:
  void on_sound(TimePoint, const port::PhoneSound& sound) override {
    ZVONOK_CHECK(!sound.samples.empty() && sound.samples.size() <= port::PhoneSound::kSamplesMax);
    for (const std::uint8_t sample : sound.samples) sum_ += sample;  // all of it can be read
  }
  void on_digit(TimePoint, char digit) override { ZVONOK_CHECK(event_of(digit).has_value()); }

 private:
  std::uint64_t sum_ = 0;
};

class Wire final : public RtpOut {
 public:
  void send_rtp(const SocketAddress&, Bytes datagram) override { ZVONOK_CHECK(datagram.size() <= 1500); }
  void send_rtcp(const SocketAddress&, Bytes datagram) override { ZVONOK_CHECK(datagram.size() <= 1500); }
  void on_silence() override {}
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input{data, size};
  Ears ears;
  Wire wire;
  RtpSession session{{.ssrc = rtp::Ssrc{1}, .sequence = 1, .timestamp = 0, .cname = "x"}, wire, ears};
  const IpAddress there = IpAddress::v4(0xC0000201);
  AgreedMedia agreed;
  agreed.remote.rtp = {.ip = there, .port = 1000};
  agreed.remote.rtcp = {.ip = there, .port = 1001};
  agreed.remote.formats = {{.payload_type = static_cast<std::uint8_t>(input.below(128)), .law = port::G711::Alaw}};
  const auto event_type = static_cast<std::uint8_t>(input.below(256));
  if (event_type < 128) agreed.remote.event_type = event_type;  // else digits are tones
  TimePoint now{seconds{1}};
  session.agree(now, agreed);
  for (int i = 0; i < 64 && !input.rest().empty(); ++i) {
    const std::size_t what = input.below(8);
    now += milliseconds{static_cast<int>(input.byte()) * 8};
    const std::size_t length = std::min<std::size_t>(input.byte() * std::size_t{8}, input.rest().size());
    std::vector<std::uint8_t> datagram(length);
    for (std::uint8_t& byte : datagram) byte = input.byte();
    const SocketAddress from{.ip = there, .port = static_cast<std::uint16_t>(1000 + what % 2)};
    if (what < 5) session.on_rtp(now, from, datagram);
    if (what == 5) session.on_rtcp(now, from, datagram);
    if (what == 6) session.add_digits(now, as_text(datagram));
    if (what == 7 && !datagram.empty()) {
      session.send(now, {.law = port::G711::Alaw, .timestamp = input.byte() * 1000U, .samples = datagram});
    }
    session.poll({.mono = now, .wall = WallTime{}});
    ZVONOK_CHECK(session.next_timeout() > now);
  }
  session.end({.mono = now, .wall = WallTime{}});
  return 0;
}
