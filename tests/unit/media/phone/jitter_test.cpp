// A steady stream out of an unsteady one, in virtual time: what is heard of a tone that came over a bad network.
#include <cmath>
#include <map>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "media/phone/jitter_buffer.h"
#include "unit/media/phone/tone.h"

namespace zvonok::media::phone {
namespace {

constexpr double kHz = 400;
constexpr double kAmplitude = 8000;

struct Network {
  Duration jitter{};  // up to
  double loss = 0;
  double twice = 0;
  Duration outage_at = seconds{1000};
  Duration outage{};  // everything is held back for so long
};

/// What a sender and a network do to a tone, and what is heard of it.
class Heard {
 public:
  Heard(Codec codec, const Network& network, Duration length, unsigned seed = 711) : random_{seed} {
    std::multimap<TimePoint, MediaPacket> on_the_way;
    std::vector<std::vector<std::uint8_t>> payloads;
    const auto packets = static_cast<std::size_t>(length / kFrame);
    payloads.reserve(packets);
    OpusEncoder encoder;
    for (std::size_t i = 0; i < packets; ++i) {
      const Samples samples = sine(kHz, i * kFrameSamples, kFrameSamples, kAmplitude);
      std::vector<std::uint8_t> payload(OpusEncoder::kBytesMax);
      if (codec == Codec::Opus) {
        payload.resize(encoder.encode(samples, payload));
      } else {
        payload.resize(kFrameSamples);
        g711::encode(g711::Law::Ulaw, samples, payload);
      }
      payloads.push_back(std::move(payload));
      const TimePoint sent = start_ + kFrame * static_cast<int>(i);
      if (chance(network.loss)) continue;
      TimePoint at = sent + milliseconds{30} + std::chrono::duration_cast<Duration>(network.jitter * uniform());
      const TimePoint held = start_ + network.outage_at;
      if (at >= held && at < held + network.outage) at = held + network.outage;
      const auto timestamp = static_cast<std::uint32_t>(0xFFFFF000U + i * (codec == Codec::Opus ? 960 : 160));
      const MediaPacket packet = packet_of(codec, 70'000 + i, timestamp, payloads.back());
      on_the_way.emplace(at, packet);
      if (chance(network.twice)) on_the_way.emplace(at + milliseconds{5}, packet);
    }
    TimePoint now = start_ + milliseconds{13};
    for (std::size_t i = 0; i < packets + 30; ++i, now += kFrame) {
      while (!on_the_way.empty() && on_the_way.begin()->first <= now) {
        buffer_.on_packet(on_the_way.begin()->first, on_the_way.begin()->second);
        on_the_way.erase(on_the_way.begin());
      }
      std::array<std::int16_t, kFrameSamples> out;
      said_.push_back(buffer_.pull(now, out));
      samples_.insert(samples_.end(), out.begin(), out.end());
      levels_.push_back(buffer_.level());
    }
  }

  [[nodiscard]] JitterCounters counters() const { return buffer_.counters(); }
  /// Share of the energy between two times that is of the tone, and the energy itself compared with what was sent.
  [[nodiscard]] double purity(Duration from, Duration to) const {
    Energy sum;
    const std::size_t end = at(to);
    for (std::size_t i = at(from); i + kFrameSamples <= end; i += kFrameSamples) {
      sum += energy(kHz, std::span{samples_}.subspan(i, kFrameSamples));
    }
    return sum.share();
  }
  [[nodiscard]] double loudness(Duration from, Duration to) const {
    double all = 0;
    for (std::size_t i = at(from); i < at(to); ++i) all += double{static_cast<double>(samples_[i])} * samples_[i];
    return std::sqrt(2 * all / static_cast<double>(at(to) - at(from))) / kAmplitude;
  }
  [[nodiscard]] Duration level_at(Duration time) const { return levels_[static_cast<std::size_t>(time / kFrame)]; }
  [[nodiscard]] Duration silent_at_first() const {
    std::size_t frames = 0;
    while (frames < said_.size() && !said_[frames]) ++frames;
    return kFrame * static_cast<int>(frames);
  }

 private:
  static std::size_t at(Duration time) { return static_cast<std::size_t>(time / microseconds{125}); }
  double uniform() { return std::uniform_real_distribution<double>{0, 1}(random_); }
  bool chance(double share) { return uniform() < share; }

  std::mt19937 random_;
  TimePoint start_ = TimePoint{} + seconds{100};
  JitterBuffer buffer_;
  Samples samples_;
  std::vector<bool> said_;
  std::vector<Duration> levels_;
};

class JitterBufferOf : public testing::TestWithParam<Codec> {};
INSTANTIATE_TEST_SUITE_P(Codecs, JitterBufferOf, testing::Values(Codec::Pcmu, Codec::Opus));

TEST_P(JitterBufferOf, AGoodNetworkCostsLittleAndIsHeardWhole) {
  const Heard heard{GetParam(), {}, seconds{10}};
  EXPECT_LE(heard.silent_at_first(), milliseconds{80});
  EXPECT_EQ(heard.counters().lost, 0U);
  EXPECT_EQ(heard.counters().late, 0U);
  EXPECT_LE(heard.counters().concealed_samples, 6 * kFrameSamples) << "those behind the end";
  EXPECT_GT(heard.purity(milliseconds{500}, seconds{9}), 0.98);
  EXPECT_NEAR(heard.loudness(milliseconds{500}, seconds{9}), 1, 0.1);
  EXPECT_LE(heard.level_at(seconds{5}), milliseconds{40});
}

TEST_P(JitterBufferOf, JitterIsWaitedFor) {
  const Heard heard{GetParam(), {.jitter = milliseconds{80}}, seconds{30}};
  EXPECT_LT(static_cast<double>(heard.counters().late), 0.02 * 1500);
  EXPECT_GT(heard.purity(seconds{5}, seconds{29}), 0.95);
  EXPECT_NEAR(heard.loudness(seconds{5}, seconds{29}), 1, 0.1);
  EXPECT_LE(heard.level_at(seconds{20}), milliseconds{180});
}

TEST_P(JitterBufferOf, WhatIsLostIsConcealed) {
  const Heard heard{GetParam(), {.jitter = milliseconds{10}, .loss = 0.1, .twice = 0.1}, seconds{20}};
  EXPECT_NEAR(static_cast<double>(heard.counters().lost), 100, 40);
  EXPECT_GT(heard.counters().repeated + heard.counters().late, 50U);
  EXPECT_GT(heard.purity(seconds{2}, seconds{19}), 0.9);
  // Opus makes up tones more quietly than voices.
  EXPECT_NEAR(heard.loudness(seconds{2}, seconds{19}), 1, GetParam() == Codec::Opus ? 0.3 : 0.15);
}

TEST_P(JitterBufferOf, WhatIsLostCostsItsOwnTimeAndNoMore) {
  const Heard heard{GetParam(), {.loss = 0.05}, seconds{30}};
  const auto lost = static_cast<double>(heard.counters().lost);
  EXPECT_NEAR(lost, 75, 30);
  EXPECT_NEAR(static_cast<double>(heard.counters().concealed_samples), (lost + 5) * kFrameSamples, 10 * kFrameSamples);
  EXPECT_LE(heard.counters().shortened_samples, 3 * kFrameSamples) << "nothing piled up";
  for (int i = 2; i < 29; ++i) EXPECT_LE(heard.level_at(seconds{i}), milliseconds{40});
}

TEST_P(JitterBufferOf, NumbersThatBeginAnewAreHeardAfterAWhileAlsoWithoutAWord) {
  JitterBuffer buffer;
  std::array<std::int16_t, kFrameSamples> out;
  std::array<std::int16_t, kFrameSamples> loud;
  for (std::size_t i = 0; i < loud.size(); ++i) loud[i] = i % 40 < 20 ? 8000 : -8000;
  std::vector<std::uint8_t> payload(kFrameSamples);
  OpusEncoder encoder;
  TimePoint now = TimePoint{} + seconds{1};
  const auto play = [&](std::uint64_t from, std::size_t packets) {
    std::size_t heard = 0;
    for (std::size_t i = 0; i < packets; ++i, now += kFrame) {
      if (GetParam() == Codec::Opus) {
        payload.resize(OpusEncoder::kBytesMax);
        payload.resize(encoder.encode(loud, payload));
      } else {
        g711::encode(g711::Law::Ulaw, loud, payload);
      }
      const auto timestamp = static_cast<std::uint32_t>((from + i) * (GetParam() == Codec::Opus ? 960 : 160));
      buffer.on_packet(now, packet_of(GetParam(), from + i, timestamp, payload));
      heard += buffer.pull(now, out) ? 1U : 0U;
    }
    return heard;
  };
  EXPECT_GE(play(30'000, 500), 495U);
  buffer.restart();
  EXPECT_GE(play(20'000, 500), 495U) << "told of it";
  EXPECT_EQ(buffer.counters().late, 0U);
  EXPECT_GE(play(5, 500), 430U) << "not told of it";
  EXPECT_EQ(buffer.counters().late, JitterBuffer::kLateMost);
}

TEST_P(JitterBufferOf, AfterAnOutageTheDelayComesDownAgain) {
  const Heard heard{
      GetParam(), {.jitter = milliseconds{5}, .outage_at = seconds{5}, .outage = milliseconds{400}}, seconds{40}};
  EXPECT_LE(heard.level_at(seconds{39}), milliseconds{80});
  EXPECT_GT(heard.purity(seconds{7}, seconds{39}), 0.95);
  EXPECT_NEAR(heard.loudness(seconds{7}, seconds{39}), 1, 0.1);
}

TEST_P(JitterBufferOf, SilenceIsSaidWhenNothingComes) {
  JitterBuffer buffer;
  std::array<std::int16_t, kFrameSamples> out;
  out.fill(7);
  EXPECT_FALSE(buffer.pull(TimePoint{} + seconds{1}, out));
  for (const std::int16_t sample : out) EXPECT_EQ(sample, 0);
}

TEST_P(JitterBufferOf, JunkIsCountedAndHoldsNothingUp) {
  std::mt19937 random{5};
  JitterBuffer buffer;
  TimePoint now = TimePoint{} + seconds{1};
  std::array<std::int16_t, kFrameSamples> out;
  for (int i = 0; i < 20'000; ++i) {
    std::vector<std::uint8_t> payload(random() % 400);
    for (auto& byte : payload) byte = static_cast<std::uint8_t>(random());
    const Codec codec = random() % 2 == 0 ? Codec::Opus : Codec::Pcma;
    const std::uint64_t sequence = 100'000 + static_cast<std::uint64_t>(i) + random() % 200;
    MediaPacket packet = packet_of(codec, sequence, static_cast<std::uint32_t>(random()), payload);
    packet.clock_rate = 8000;
    if (random() % 7 == 0) {
      buffer.skip(now, packet.sequence);
    } else {
      buffer.on_packet(now, packet);
    }
    now += milliseconds{random() % 40};
    (void)buffer.pull(now, out);
    ASSERT_LE(buffer.level(), seconds{9});
  }
}

}  // namespace
}  // namespace zvonok::media::phone
