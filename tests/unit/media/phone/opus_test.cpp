// Opus between a browser and a telephone: clocks, lost packets, digits on Opus's clock; and many voices in one.
#include <cstdlib>
#include <map>
#include <vector>

#include <gtest/gtest.h>

#include "media/phone/mixer.h"
#include "media/phone/opus_codec.h"
#include "media/phone/to_browser.h"
#include "media/phone/to_line.h"
#include "unit/media/phone/tone.h"

namespace zvonok::media::phone {
namespace {

using Blob = std::vector<std::uint8_t>;

/// How much of the energy is of that tone, 0 to 1.
double share_of(double hz, std::span<const std::int16_t> samples) {
  return energy(hz, samples).share();
}

/// The same of pieces of 20 ms, whatever their phases: what was made up is not in step.
double share_in_pieces(double hz, std::span<const std::int16_t> samples) {
  double sum = 0;
  const std::size_t pieces = samples.size() / kFrameSamples;
  for (std::size_t i = 0; i < pieces; ++i) sum += share_of(hz, samples.subspan(i * kFrameSamples, kFrameSamples));
  return sum / static_cast<double>(pieces);
}

struct Line final : ToLine::Out {
  std::vector<std::uint32_t> timestamps;
  Samples heard;
  std::string digits;
  void on_sound(TimePoint, const Sound& sound) override {
    EXPECT_EQ(sound.samples.size(), kFrameSamples);
    timestamps.push_back(sound.timestamp);
    for (const std::uint8_t byte : sound.samples) heard.push_back(g711::decode(sound.law, byte));
  }
  void on_digit(TimePoint, char digit) override { digits += digit; }
};

struct Browser final : ToBrowser::Out {
  OpusDecoder decoder;
  Samples heard;
  std::vector<std::uint32_t> timestamps;
  std::vector<std::uint32_t> event_timestamps;
  std::uint16_t event_duration = 0;
  void on_packet(TimePoint, const MediaPacket& packet, rtp::PayloadType type) override {
    EXPECT_EQ(packet.clock_rate, 48'000U);
    if (packet.codec == Codec::TelephoneEvent) {
      EXPECT_EQ(type, rtp::PayloadType{110});
      event_timestamps.push_back(packet.timestamp);
      event_duration = rtp::parse_telephone_event(packet.payload)->duration;
      return;
    }
    EXPECT_EQ(packet.codec, Codec::Opus);
    timestamps.push_back(packet.timestamp);
    std::array<std::int16_t, kOpusSamplesMax> out;
    const auto count = decoder.decode(packet.payload, out);
    ASSERT_TRUE(count);
    heard.insert(heard.end(), out.begin(), out.begin() + static_cast<std::ptrdiff_t>(*count));
  }
};

std::vector<CodecParameters> opus_alone() {
  std::vector<CodecParameters> taken = ToBrowser::codecs();
  std::erase_if(taken, [](const CodecParameters& codec) { return codec.clock_rate == 8000; });
  return taken;
}

TEST(PhoneOpus, ATelephoneIsHeardInPiecesOfAnyLength) {
  Browser browser;
  ToBrowser to_browser{browser};
  to_browser.set_taken(opus_alone());
  TimePoint now = TimePoint{} + seconds{50};
  std::uint32_t at = 0xFFFFFE00;  // it wraps
  std::size_t said = 0;
  for (const std::size_t length : {80U, 160U, 240U, 33U, 287U, 480U}) {
    for (int i = 0; i < 20; ++i) {
      const Samples samples = sine(500, said, length);
      Blob bytes(length);
      g711::encode(g711::Law::Alaw, samples, bytes);
      to_browser.on_sound(now, {.law = g711::Law::Alaw, .timestamp = at, .is_first = false, .samples = bytes});
      at += static_cast<std::uint32_t>(length);
      said += length;
      now += microseconds{125} * static_cast<std::int64_t>(length);
    }
  }
  ASSERT_EQ(browser.timestamps.size(), said / kFrameSamples);
  for (std::size_t i = 1; i < browser.timestamps.size(); ++i) {
    EXPECT_EQ(browser.timestamps[i] - browser.timestamps[i - 1], 960U) << i;
  }
  EXPECT_GT(share_of(500, std::span{browser.heard}.subspan(1600, 16'000)), 0.97);
}

TEST(PhoneOpus, AGapOfTheTelephonesIsOneOnTheClock) {
  Browser browser;
  ToBrowser to_browser{browser};
  to_browser.set_taken(opus_alone());
  TimePoint now = TimePoint{} + seconds{50};
  const Blob bytes(160, 0x70);
  const auto say = [&](std::uint32_t at) {
    to_browser.on_sound(now, {.law = g711::Law::Ulaw, .timestamp = at, .is_first = false, .samples = bytes});
  };
  say(1000);
  now += milliseconds{500};
  say(5000);
  say(4000);  // late
  ASSERT_EQ(browser.timestamps.size(), 2U);
  EXPECT_EQ(browser.timestamps[1] - browser.timestamps[0], 4000U * 6);
  EXPECT_EQ(to_browser.counters().late, 1U);
}

TEST(PhoneOpus, DigitsOfTheTelephoneAreOnTheClockOfOpus) {
  Browser browser;
  ToBrowser to_browser{browser};
  to_browser.set_taken(opus_alone());
  TimePoint now = TimePoint{} + seconds{50};
  const Blob bytes(160, 0x70);
  to_browser.on_sound(now, {.law = g711::Law::Ulaw, .timestamp = 0, .is_first = false, .samples = bytes});
  to_browser.on_digit(now, '5');
  while (to_browser.next_timeout() != TimePoint::max()) {
    now = to_browser.next_timeout();
    to_browser.handle_timeout(now);
  }
  ASSERT_EQ(browser.event_timestamps.size(), 8U);
  EXPECT_LE(browser.event_timestamps.front() - browser.timestamps.front(), 960U);
  EXPECT_EQ(browser.event_duration, 4800U);
}

class OpusToLine : public testing::Test {
 protected:
  void say(std::size_t packet) {
    Blob payload(OpusEncoder::kBytesMax);
    payload.resize(encoder.encode(sine(500, packet * kFrameSamples, kFrameSamples), payload));
    packets[packet] = payload;
  }
  void bring(std::size_t packet) {
    to_line.on_packet(now + kFrame * static_cast<int>(packet),
                      packet_of(Codec::Opus, 5000 + packet, static_cast<std::uint32_t>(0xFFFFF000U + packet * 960),
                                packets.at(packet)));
  }
  TimePoint now = TimePoint{} + seconds{50};
  OpusEncoder encoder;
  std::map<std::size_t, Blob> packets;
  Line line;
  ToLine to_line{line};
};

TEST_F(OpusToLine, IsHeardAsItCame) {
  for (std::size_t i = 0; i < 100; ++i) say(i);
  for (std::size_t i = 0; i < 100; ++i) bring(i);
  ASSERT_EQ(line.timestamps.size(), 100U);
  for (std::size_t i = 1; i < 100; ++i) EXPECT_EQ(line.timestamps[i] - line.timestamps[i - 1], kFrameSamples);
  EXPECT_GT(share_of(500, std::span{line.heard}.subspan(1600)), 0.97);
}

TEST_F(OpusToLine, WhatIsLostIsThereWhenThePacketBehindItComes) {
  for (std::size_t i = 0; i < 100; ++i) say(i);
  for (std::size_t i = 0; i < 100; ++i) {
    if (i % 10 != 5 && i != 56) bring(i);
  }
  bring(56);  // far too late
  EXPECT_EQ(line.timestamps.size(), 100U);
  for (std::size_t i = 1; i < 100; ++i) EXPECT_EQ(line.timestamps[i] - line.timestamps[i - 1], kFrameSamples);
  EXPECT_EQ(to_line.counters().concealed, 11 * kFrameSamples);
  EXPECT_EQ(to_line.counters().late, 1U);
  // Opus makes up voices; a tone takes some packets to be one again.
  EXPECT_GT(share_in_pieces(500, std::span{line.heard}.subspan(1600)), 0.7);
}

TEST_F(OpusToLine, APauseIsNotFilled) {
  for (std::size_t i = 0; i < 100; ++i) say(i);
  bring(0);
  bring(90);
  EXPECT_EQ(line.timestamps.size(), 2U);
  EXPECT_EQ(line.timestamps[1] - line.timestamps[0], 90 * kFrameSamples);
}

/// A page that was loaded again: the same telephone, another stream.
class OpusBegunAnew : public testing::TestWithParam<ToLine::Feed> {
 protected:
  OpusBegunAnew() { to_line.set_feed(GetParam()); }
  void say(std::uint64_t first, std::uint32_t timestamp, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i, now += kFrame) {
      while (to_line.next_timeout() <= now) to_line.handle_timeout(to_line.next_timeout());
      Blob payload(OpusEncoder::kBytesMax);
      payload.resize(encoder.encode(sine(500, i * kFrameSamples, kFrameSamples), payload));
      to_line.on_packet(now,
                        packet_of(Codec::Opus, first + i, timestamp + static_cast<std::uint32_t>(i * 960), payload));
    }
  }
  [[nodiscard]] double heard_since(std::size_t from) const {
    return share_in_pieces(500, std::span{line.heard}.subspan(from));
  }
  void expect_one_clock() const {
    for (std::size_t i = 1; i < line.timestamps.size(); ++i) {
      const std::uint32_t step = line.timestamps[i] - line.timestamps[i - 1];
      ASSERT_GE(step, kFrameSamples) << i;
      ASSERT_LE(step, 10 * kFrameSamples) << i;
    }
  }
  TimePoint now = TimePoint{} + seconds{50};
  OpusEncoder encoder;
  Line line;
  ToLine to_line{line};
};
INSTANTIATE_TEST_SUITE_P(Feeds, OpusBegunAnew, testing::Values(ToLine::Feed::AsItComes, ToLine::Feed::Steady));

TEST_P(OpusBegunAnew, IsHeardAtOnce) {
  say(30'000, 1'000'000, 500);
  now += milliseconds{100};
  const std::size_t before = line.heard.size();
  to_line.restart();
  say(12, 77, 200);
  EXPECT_EQ(to_line.counters().late, 0U);
  EXPECT_GE(line.heard.size(), before + 195 * kFrameSamples);
  EXPECT_GT(heard_since(before + 20 * kFrameSamples), 0.95);
  expect_one_clock();
}

TEST_P(OpusBegunAnew, IsHeardAfterAWhileThoughNobodySaidSo) {
  say(30'000, 1'000'000, 500);
  const std::size_t before = line.heard.size();
  say(12, 77, 200);
  EXPECT_EQ(to_line.counters().late, JitterBuffer::kLateMost);
  EXPECT_GT(heard_since(before + 90 * kFrameSamples), 0.95);
}

TEST_P(OpusBegunAnew, ItsDigitsAreNoRepeatsOfThoseBefore) {
  say(30'000, 1'000'000, 5);
  const auto press = [&](std::uint64_t sequence) {
    Blob event{5, 0x80, 0x03, 0x20};  // "5", its end, after 800 ticks
    to_line.on_packet(now, packet_of(Codec::TelephoneEvent, sequence, 96'000, event));
  };
  press(30'005);
  press(30'006);
  EXPECT_EQ(line.digits, "5");
  to_line.restart();
  press(7);
  EXPECT_EQ(line.digits, "55");
}

TEST_P(OpusBegunAnew, TheFirstNumberMayBeNull) {
  say(0, 0, 100);
  EXPECT_EQ(to_line.counters().late, 0U);
  EXPECT_GE(line.heard.size(), 95 * kFrameSamples);
}

TEST_F(OpusToLine, MutedIsSilence) {
  for (std::size_t i = 0; i < 10; ++i) say(i);
  to_line.set_silent(true);
  for (std::size_t i = 0; i < 10; ++i) bring(i);
  EXPECT_EQ(line.heard, Samples(10 * kFrameSamples, g711::decode(g711::Law::Ulaw, g711::silence(g711::Law::Ulaw))));
}

TEST_F(OpusToLine, ASteadyLineGetsItEvery20Milliseconds) {
  for (std::size_t i = 0; i < 100; ++i) say(i);
  to_line.set_feed(ToLine::Feed::Steady);
  for (std::size_t i = 0; i < 100; ++i) {
    const TimePoint at = now + kFrame * static_cast<int>(i);
    while (to_line.next_timeout() <= at) to_line.handle_timeout(to_line.next_timeout());
    bring(i);
  }
  EXPECT_GE(line.timestamps.size(), 98U);
  for (std::size_t i = 0; i < line.timestamps.size(); ++i) EXPECT_EQ(line.timestamps[i], i * kFrameSamples);
  EXPECT_GT(share_of(500, std::span{line.heard}.subspan(3200)), 0.97);
}

TEST(PhoneMixer, EverybodyIsHeardAndNothingIsCutOff) {
  Mixer mixer;
  TimePoint now = TimePoint{} + seconds{50};
  Samples heard;
  const std::array<double, 3> voices{400, 700, 1100};
  for (std::size_t i = 0; i < 100; ++i, now += kFrame) {
    for (std::size_t v = 0; v < voices.size(); ++v) {
      Blob bytes(kFrameSamples);
      g711::encode(g711::Law::Ulaw, sine(voices[v], i * kFrameSamples, kFrameSamples, 12'000), bytes);
      mixer.on_packet(now, TrackId{v + 1}, packet_of(Codec::Pcmu, 100 + i, static_cast<std::uint32_t>(i * 160), bytes));
    }
    std::array<std::int16_t, kFrameSamples> out;
    (void)mixer.pull(now + milliseconds{1}, out);
    heard.insert(heard.end(), out.begin(), out.end());
  }
  const auto steady = std::span{heard}.subspan(3200, 8000);
  for (const double hz : voices) EXPECT_GT(share_of(hz, steady), 0.25) << hz;
  for (const std::int16_t sample : steady) EXPECT_LT(std::abs(int{sample}), 32'001);
  mixer.remove(TrackId{1});
  mixer.remove(TrackId{2});
  mixer.remove(TrackId{3});
  std::array<std::int16_t, kFrameSamples> out;
  EXPECT_FALSE(mixer.pull(now, out));
}

TEST(PhoneMixer, AVoiceMayBeginAnew) {
  Mixer mixer;
  TimePoint now = TimePoint{} + seconds{50};
  const Blob bytes(kFrameSamples, 0x10);
  std::array<std::int16_t, kFrameSamples> out;
  const auto heard = [&](std::uint64_t first) {
    int spoke = 0;
    for (std::uint64_t i = 0; i < 50; ++i, now += kFrame) {
      mixer.on_packet(now, TrackId{1}, packet_of(Codec::Pcmu, first + i, static_cast<std::uint32_t>(i * 160), bytes));
      spoke += mixer.pull(now, out) ? 1 : 0;
    }
    return spoke;
  };
  EXPECT_GE(heard(9000), 45);
  mixer.restart(TrackId{1});
  mixer.restart(TrackId{2});  // nobody
  EXPECT_GE(heard(5), 45);
}

TEST(PhoneMixer, VoicesHaveALimit) {
  Mixer mixer;
  const Blob bytes(kFrameSamples, 0xFF);
  for (std::uint64_t i = 0; i < 100; ++i) {
    mixer.on_packet(TimePoint{} + seconds{1}, TrackId{i}, packet_of(Codec::Pcmu, 1, 0, bytes));
  }
  EXPECT_EQ(mixer.voices(), Mixer::kVoicesMax);
  EXPECT_EQ(mixer.refused(), 100 - Mixer::kVoicesMax);
}

}  // namespace
}  // namespace zvonok::media::phone
