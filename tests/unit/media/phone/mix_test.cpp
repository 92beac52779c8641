// What a telephone in a room hears, in virtual time: everybody at once, and the tones of its keys.
#include <cmath>
#include <numbers>
#include <vector>

#include <gtest/gtest.h>

#include "media/phone/loudness.h"
#include "media/phone/mix_to_line.h"
#include "unit/media/phone/tone.h"

namespace zvonok::media::phone {
namespace {

constexpr double kAmplitude = 6000;

/// Of one frequency in what was heard, as the amplitude of a tone.
double amplitude_of(const std::vector<std::int16_t>& samples, double hz) {
  double in_phase = 0;
  double across = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const double turn = 2 * std::numbers::pi * hz * static_cast<double>(i) / g711::kSampleRate;
    in_phase += samples[i] * std::cos(turn);
    across += samples[i] * std::sin(turn);
  }
  return 2 * std::hypot(in_phase, across) / static_cast<double>(samples.size());
}

class Line final : public MixToLine::Out {
 public:
  void on_sound(TimePoint now, const Sound& sound) override {
    EXPECT_EQ(sound.timestamp, next_) << "no gaps";
    EXPECT_EQ(sound.samples.size(), kFrameSamples);
    EXPECT_EQ(sound.is_first, next_ == 0);
    next_ += static_cast<std::uint32_t>(kFrameSamples);
    at_ = now;
    for (const std::uint8_t byte : sound.samples) heard.push_back(g711::decode(sound.law, byte));
    newest = {sound.samples.begin(), sound.samples.end()};
  }
  std::vector<std::int16_t> heard;
  std::vector<std::uint8_t> newest;

 private:
  std::uint32_t next_ = 0;
  TimePoint at_{};
};

class MixTest : public testing::Test {
 protected:
  MixTest() { mix_.start(now_); }

  struct Voice {
    std::uint64_t track = 0;
    double hz = 0;
    std::uint8_t epoch = 1;
    std::uint64_t sequence = 1000;
    Codec codec = Codec::Pcmu;
  };
  /// Everybody says the tone of theirs, and the line is served, 20 ms after 20 ms.
  void talk(std::vector<Voice>& voices, Duration length) {
    for (const TimePoint until = now_ + length; now_ < until; now_ += kFrame, ++frame_) {
      for (Voice& voice : voices) say(voice);
      mix_.handle_timeout(now_);
    }
  }
  void say(Voice& voice) {
    std::vector<std::uint8_t> payload(kFrameSamples);
    g711::encode(g711::Law::Ulaw, sine(voice.hz, frame_ * kFrameSamples, kFrameSamples, kAmplitude), payload);
    const auto timestamp = static_cast<std::uint32_t>(frame_ * kFrameSamples);
    MediaPacket packet = packet_of(voice.codec, voice.sequence++, timestamp, payload);
    packet.clock_rate = 8000;
    mix_.on_packet(now_, TrackId{voice.track}, voice.epoch, packet);
  }
  [[nodiscard]] std::vector<std::int16_t> last(Duration length) const {
    const auto samples = static_cast<std::ptrdiff_t>(length / microseconds{125});
    return {line_.heard.end() - samples, line_.heard.end()};
  }

  Line line_;
  MixToLine mix_{line_};
  TimePoint now_{hours{1}};
  std::size_t frame_ = 0;
};

TEST_F(MixTest, EverybodyIsHeardAtOnce) {
  std::vector<Voice> voices{{.track = 1, .hz = 400}, {.track = 2, .hz = 1000}};
  talk(voices, seconds{1});
  const auto heard = last(milliseconds{500});
  EXPECT_NEAR(amplitude_of(heard, 400), kAmplitude, kAmplitude * 0.1);
  EXPECT_NEAR(amplitude_of(heard, 1000), kAmplitude, kAmplitude * 0.1);
  EXPECT_LT(amplitude_of(heard, 700), kAmplitude * 0.05);
}

TEST_F(MixTest, WhoHasLeftIsNotHeardAnyMore) {
  std::vector<Voice> voices{{.track = 1, .hz = 400}, {.track = 2, .hz = 1000}};
  talk(voices, seconds{1});
  mix_.remove(TrackId{2});
  EXPECT_EQ(mix_.voices(), 1U);
  voices.pop_back();
  talk(voices, seconds{1});
  const auto heard = last(milliseconds{500});
  EXPECT_NEAR(amplitude_of(heard, 400), kAmplitude, kAmplitude * 0.1);
  EXPECT_LT(amplitude_of(heard, 1000), kAmplitude * 0.02);
}

TEST_F(MixTest, AnotherStreamOfATrackIsHeardAtOnceWhateverItsNumbers) {
  std::vector<Voice> voices{{.track = 1, .hz = 400, .sequence = 60'000}};
  talk(voices, seconds{1});
  voices[0] = {.track = 1, .hz = 1000, .epoch = 2, .sequence = 5};
  talk(voices, milliseconds{400});
  EXPECT_NEAR(amplitude_of(last(milliseconds{200}), 1000), kAmplitude, kAmplitude * 0.1);
}

TEST_F(MixTest, SilenceIsSteadyToo) {
  std::vector<Voice> nobody;
  talk(nobody, seconds{1});
  EXPECT_EQ(line_.heard.size(), 8000U);
  EXPECT_EQ(line_.newest, std::vector<std::uint8_t>(kFrameSamples, g711::silence(g711::Law::Ulaw)));
  mix_.set_law(g711::Law::Alaw);
  talk(nobody, kFrame);
  EXPECT_EQ(line_.newest, std::vector<std::uint8_t>(kFrameSamples, g711::silence(g711::Law::Alaw)));
  EXPECT_EQ(mix_.counters().spoken, 0U);
}

TEST_F(MixTest, NothingIsKeptBeforeTheStart) {
  MixToLine idle{line_};
  EXPECT_EQ(idle.next_timeout(), TimePoint::max());
  const std::vector<std::uint8_t> payload(kFrameSamples, 0x80);
  MediaPacket packet;
  packet.codec = Codec::Pcmu;
  packet.clock_rate = 8000;
  packet.payload = payload;
  idle.on_packet(now_, TrackId{1}, 1, packet);
  EXPECT_EQ(idle.voices(), 0U);
}

TEST_F(MixTest, CuesAreTwoTonesBesideWhatIsSaid) {
  std::vector<Voice> voices{{.track = 1, .hz = 1000}};
  talk(voices, milliseconds{500});
  mix_.play(Cue::Muted);
  talk(voices, milliseconds{120});
  const auto first = last(milliseconds{100});
  EXPECT_GT(amplitude_of(first, 660), 3000) << "high";
  EXPECT_LT(amplitude_of(first, 440), 1000);
  EXPECT_GT(amplitude_of(first, 1000), 4000) << "the room goes on";
  talk(voices, milliseconds{160});
  EXPECT_GT(amplitude_of(last(milliseconds{100}), 440), 3000) << "then low";
  talk(voices, milliseconds{200});
  EXPECT_LT(amplitude_of(last(milliseconds{100}), 440), 300) << "and no more";
  std::vector<Voice> nobody;
  mix_.play(Cue::Unmuted);
  talk(nobody, milliseconds{120});
  EXPECT_GT(amplitude_of(last(milliseconds{100}), 440), 3000) << "the other way round";
  EXPECT_EQ(mix_.counters().cues, 2U);
}

TEST_F(MixTest, MoreVoicesThanCanBeDecodedAreCounted) {
  std::vector<Voice> crowd;
  for (std::uint64_t i = 0; i < Mixer::kVoicesMax + 3; ++i) crowd.push_back({.track = i + 1, .hz = 300});
  talk(crowd, kFrame);
  EXPECT_EQ(mix_.voices(), Mixer::kVoicesMax);
  EXPECT_EQ(mix_.counters().refused, 3U);
  mix_.remove(TrackId{1});
  talk(crowd, kFrame);
  EXPECT_EQ(mix_.voices(), Mixer::kVoicesMax) << "the next one has the place";
}

TEST_F(MixTest, AThreadThatStoodStillDoesNotMakeUpForIt) {
  std::vector<Voice> nobody;
  talk(nobody, milliseconds{100});
  const std::size_t before = line_.heard.size();
  now_ += seconds{10};
  mix_.handle_timeout(now_);
  EXPECT_LE(line_.heard.size() - before, 2 * kFrameSamples);
}

TEST(Loudness, IsThatOfRfc6464) {
  std::vector<std::uint8_t> bytes(kFrameSamples, g711::silence(g711::Law::Ulaw));
  EXPECT_EQ(loudness_of({.law = g711::Law::Ulaw, .samples = bytes}), 127);
  EXPECT_EQ(loudness_of({.samples = {}}), 127);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = g711::encode(g711::Law::Ulaw, static_cast<std::int16_t>(i % 2 == 0 ? 3277 : -3277));
  }
  EXPECT_NEAR(loudness_of({.law = g711::Law::Ulaw, .samples = bytes}), 20, 1);
}

}  // namespace
}  // namespace zvonok::media::phone
