// What a phone call's two directions do with packets, without a network: laws, digits, silence, clocks.
#include <numeric>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "media/phone/to_browser.h"
#include "media/phone/to_line.h"
#include "unit/media/phone/tone.h"

namespace zvonok::media::phone {
namespace {

using Blob = std::vector<std::uint8_t>;

Blob ramp(std::size_t size) {
  Blob bytes(size);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{0});
  return bytes;
}

struct Line final : ToLine::Out {
  struct Heard {
    g711::Law law;
    std::uint32_t timestamp;
    bool is_first;
    Blob samples;
  };
  std::vector<Heard> sounds;
  std::string digits;
  void on_sound(TimePoint, const Sound& sound) override {
    sounds.push_back({sound.law, sound.timestamp, sound.is_first, Blob(sound.samples.begin(), sound.samples.end())});
  }
  void on_digit(TimePoint, char digit) override { digits += digit; }
};

struct Browser final : ToBrowser::Out {
  struct Got {
    Codec codec;
    rtp::PayloadType type;
    std::uint64_t sequence;
    std::uint32_t timestamp;
    bool marker;
    Blob payload;
  };
  std::vector<Got> packets;
  void on_packet(TimePoint, const MediaPacket& packet, rtp::PayloadType type) override {
    packets.push_back({packet.codec, type, packet.sequence, packet.timestamp, packet.marker,
                       Blob(packet.payload.begin(), packet.payload.end())});
  }
};

class PhoneWays : public testing::Test {
 protected:
  TimePoint now = TimePoint{} + seconds{1000};
  Line line;
  ToLine to_line{line};
  Browser browser;
  ToBrowser to_browser{browser};

  static std::vector<CodecParameters> taken(std::initializer_list<Codec> codecs) {
    std::vector<CodecParameters> all;
    for (const Codec codec : codecs) {
      all.push_back({.codec = codec, .type = {}, .rtx = {}, .clock_rate = 8000, .profile = {}});
    }
    return all;
  }
  void speak(Codec codec, std::uint32_t timestamp, const Blob& payload) {
    to_line.on_packet(now, packet_of(codec, 0, timestamp, payload));
  }
};

TEST_F(PhoneWays, WhatBothSpeakIsUnchanged) {
  const Blob sound = ramp(160);
  speak(Codec::Pcmu, 5, sound);
  ASSERT_EQ(line.sounds.size(), 1U);
  EXPECT_EQ(line.sounds[0].samples, sound);
  EXPECT_EQ(line.sounds[0].timestamp, 5U);
  to_browser.set_taken(taken({Codec::Opus, Codec::Pcmu, Codec::Pcma}));
  to_browser.on_sound(now, {.law = g711::Law::Alaw, .timestamp = 7, .is_first = true, .samples = sound});
  ASSERT_EQ(browser.packets.size(), 1U);
  EXPECT_EQ(browser.packets[0].codec, Codec::Pcma);
  EXPECT_EQ(browser.packets[0].payload, sound);
  EXPECT_EQ(browser.packets[0].timestamp, 7U);
  EXPECT_TRUE(browser.packets[0].marker);
}

TEST_F(PhoneWays, TheOtherLawGoesByTheTable) {
  const Blob sound = ramp(256);
  Blob converted(256);
  g711::convert(g711::Law::Alaw, sound, converted);
  to_line.set_law(g711::Law::Ulaw);
  speak(Codec::Pcma, 0, sound);
  EXPECT_EQ(line.sounds.at(0).samples, converted);
  EXPECT_EQ(line.sounds.at(0).law, g711::Law::Ulaw);
  to_browser.set_taken(taken({Codec::Pcmu}));
  to_browser.on_sound(now, {.law = g711::Law::Alaw, .timestamp = 0, .is_first = false, .samples = sound});
  EXPECT_EQ(browser.packets.at(0).payload, converted);
  EXPECT_EQ(browser.packets.at(0).codec, Codec::Pcmu);
}

TEST_F(PhoneWays, LongPacketsAreCutForTheLine) {
  const Blob sound = ramp(960);
  speak(Codec::Pcmu, 100, sound);
  ASSERT_EQ(line.sounds.size(), 2U);
  EXPECT_EQ(line.sounds[1].timestamp, 580U);
  EXPECT_EQ(line.sounds[1].samples, Blob(sound.begin() + 480, sound.end()));
  speak(Codec::Pcmu, 100, ramp(961));
  speak(Codec::Pcmu, 100, {});
  EXPECT_EQ(line.sounds.size(), 2U);
  EXPECT_EQ(to_line.counters().malformed, 2U);
}

TEST_F(PhoneWays, MutedIsSilenceOfTheSameLength) {
  to_line.set_silent(true);
  to_line.set_law(g711::Law::Alaw);
  speak(Codec::Pcmu, 0, ramp(160));
  EXPECT_EQ(line.sounds.at(0).samples, Blob(160, g711::silence(g711::Law::Alaw)));
  to_browser.set_taken(taken({Codec::Pcmu}));
  to_browser.set_silent(true);
  to_browser.on_sound(now, {.law = g711::Law::Ulaw, .timestamp = 0, .is_first = false, .samples = ramp(160)});
  EXPECT_EQ(browser.packets.at(0).payload, Blob(160, g711::silence(g711::Law::Ulaw)));
}

TEST_F(PhoneWays, ADigitOfTheBrowserIsToldOnce) {
  for (int i = 1; i <= 8; ++i) {
    const auto payload = rtp::to_bytes(
        {.event = 9, .end = i > 5, .volume = 10, .duration = static_cast<std::uint16_t>(160 * std::min(i, 5))});
    speak(Codec::TelephoneEvent, 4000, Blob(payload.begin(), payload.end()));
  }
  EXPECT_EQ(line.digits, "9");
  EXPECT_TRUE(line.sounds.empty());
}

TEST_F(PhoneWays, ADigitOfTheTelephoneIsAToneOf100Milliseconds) {
  to_browser.set_taken(taken({Codec::Pcmu, Codec::TelephoneEvent}));
  to_browser.on_sound(now, {.law = g711::Law::Ulaw, .timestamp = 1000, .is_first = false, .samples = ramp(160)});
  now += milliseconds{10};
  to_browser.on_digit(now, '#');
  to_browser.on_digit(now, '#');
  const TimePoint begun = now;
  while (to_browser.next_timeout() != TimePoint::max()) {
    now = to_browser.next_timeout();
    to_browser.handle_timeout(now);
    ASSERT_LT(now - begun, seconds{1});
  }
  ASSERT_EQ(browser.packets.size(), 1U + 16U);
  std::uint16_t duration = 0;
  for (std::size_t i = 1; i <= 8; ++i) {
    const auto event = rtp::parse_telephone_event(browser.packets[i].payload);
    ASSERT_TRUE(event);
    EXPECT_EQ(browser.packets[i].sequence, i);
    EXPECT_EQ(browser.packets[i].timestamp, 1080U) << "10 ms after the sound";
    EXPECT_EQ(browser.packets[i].marker, i == 1);
    EXPECT_EQ(rtp::digit_of(event->event), '#');
    EXPECT_EQ(event->end, i > 5);
    EXPECT_GE(event->duration, duration);
    duration = event->duration;
  }
  EXPECT_EQ(duration, 800U);
  EXPECT_NE(browser.packets[9].timestamp, 1080U) << "the same key again is another event";
  EXPECT_EQ(to_browser.counters().digits, 2U);
}

TEST_F(PhoneWays, DigitsOfATelephoneThatNeverSaidAnythingAreSeveral) {
  for (const bool opus : {false, true}) {
    ToBrowser quiet{browser};
    auto with_events = taken({opus ? Codec::Opus : Codec::Pcmu, Codec::TelephoneEvent});
    with_events.back().clock_rate = opus ? 48'000 : 8'000;
    quiet.set_taken(with_events);
    browser.packets.clear();
    quiet.on_digit(now, '1');
    quiet.on_digit(now, '1');
    const TimePoint begun = now;
    while (quiet.next_timeout() != TimePoint::max()) {
      now = quiet.next_timeout();
      quiet.handle_timeout(now);
    }
    ASSERT_EQ(browser.packets.size(), 16U);
    const std::uint32_t apart = browser.packets[8].timestamp - browser.packets[0].timestamp;
    EXPECT_EQ(apart, opus ? 6U * 1600U : 1600U) << "200 ms";
    EXPECT_LT(now - begun, seconds{1});
  }
}

TEST_F(PhoneWays, DigitsDontPileUpWithoutBound) {
  to_browser.set_taken(taken({Codec::Pcmu, Codec::TelephoneEvent}));
  for (int i = 0; i < 1000; ++i) to_browser.on_digit(now, '1');
  EXPECT_EQ(to_browser.counters().digits_dropped, 1000 - ToBrowser::kDigitsWaitingMax);
}

TEST_F(PhoneWays, NothingIsSentThatTheBrowserDoesNotTake) {
  to_browser.on_sound(now, {.law = g711::Law::Ulaw, .timestamp = 0, .is_first = false, .samples = ramp(160)});
  to_browser.on_digit(now, '1');
  EXPECT_TRUE(browser.packets.empty());
  EXPECT_EQ(to_browser.counters().unheard, 2U);
  speak(Codec::G722, 0, ramp(160));
  EXPECT_EQ(to_line.counters().no_codec, 1U);
}

TEST(Timeline, AnotherClockGoesOnWhereTheOneBeforeWas) {
  Timeline timeline;
  TimePoint now = TimePoint{} + seconds{1};
  EXPECT_EQ(timeline.map(now, 4'000'000'000, 160).timestamp, 4'000'000'000U);
  now += milliseconds{20};
  EXPECT_EQ(timeline.map(now, 4'000'000'160, 160).timestamp, 4'000'000'160U);
  now += milliseconds{40};
  const Timeline::Mapped other = timeline.map(now, 12, 160);
  EXPECT_TRUE(other.jumped);
  EXPECT_EQ(other.timestamp, 4'000'000'160U + 320U);
  now += milliseconds{20};
  const Timeline::Mapped next = timeline.map(now, 172, 160);
  EXPECT_FALSE(next.jumped);
  EXPECT_EQ(next.timestamp, 4'000'000'160U + 480U);
  EXPECT_EQ(timeline.now_at(now + milliseconds{10}), 4'000'000'160U + 560U);
}

TEST(Timeline, JitterAndLossAndPausesAreNoJumps) {
  Timeline timeline;
  TimePoint now = TimePoint{} + seconds{1};
  EXPECT_FALSE(timeline.map(now, 0, 160).jumped);
  EXPECT_FALSE(timeline.map(now + milliseconds{700}, 160, 160).jumped) << "held back";
  EXPECT_FALSE(timeline.map(now + milliseconds{701}, 320, 160).jumped);
  EXPECT_FALSE(timeline.map(now + milliseconds{702}, 5600, 160).jumped) << "the rest of it at once";
  EXPECT_EQ(timeline.map(now + milliseconds{703}, 480, 160).timestamp, 480U) << "late";
  EXPECT_FALSE(timeline.map(now + seconds{60}, 480'000, 160).jumped) << "a minute of silence";
  EXPECT_TRUE(timeline.map(now + seconds{120}, 480'160, 160).jumped) << "a clock that stood still meanwhile";
}

}  // namespace
}  // namespace zvonok::media::phone
