// Keys as sound: what is made is found, at the edges that ITU-T Q.24 names, and what is no key is not.
#include "proto/dtmf/dtmf.h"

#include <cmath>
#include <numbers>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "proto/g711/g711.h"

namespace zvonok::dtmf {
namespace {

constexpr std::string_view kAll = "0123456789*#ABCD";
using Samples = std::vector<std::int16_t>;

struct Press {
  double low_hz;
  double high_hz;
  double low = 4000;  // amplitudes
  double high = 4000;
};
void add(Samples& to, const Press& press, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const double angle = 2 * std::numbers::pi * static_cast<double>(i) / 8000;
    to.push_back(static_cast<std::int16_t>(
        std::lround(press.low * std::sin(angle * press.low_hz) + press.high * std::sin(angle * press.high_hz))));
  }
}
Press press_of(char key) {
  const auto pair = pair_of(key);
  return {.low_hz = pair->low_hz, .high_hz = pair->high_hz};
}
void add_silence(Samples& to, std::size_t count) {
  to.resize(to.size() + count);
}
/// In pieces of that size.
std::string read(const Samples& samples, std::size_t piece = 160) {
  ToneReader reader;
  std::string keys;
  for (std::size_t at = 0; at < samples.size(); at += piece) {
    keys += reader.read(std::span{samples}.subspan(at, std::min(piece, samples.size() - at)));
  }
  return keys;
}
Samples written(std::string_view keys) {
  ToneWriter writer;
  for (const char key : keys) EXPECT_TRUE(writer.add(key));
  Samples all;
  while (writer.is_sending()) {
    Samples piece(160);
    piece.resize(writer.write(piece));
    all.insert(all.end(), piece.begin(), piece.end());
  }
  return all;
}

TEST(Dtmf, KeysThatAreMadeAreFound) {
  EXPECT_EQ(read(written(kAll)), kAll);
  for (const char key : kAll) EXPECT_EQ(read(written(std::string(3, key))), std::string(3, key));
  EXPECT_EQ(read(written("1,1")), "11");
}

TEST(Dtmf, KeysGoThroughBothLaws) {
  for (const auto law : {g711::Law::Ulaw, g711::Law::Alaw}) {
    Samples samples = written(kAll);
    for (std::int16_t& sample : samples) sample = g711::decode(law, g711::encode(law, sample));
    EXPECT_EQ(read(samples), kAll);
  }
}

TEST(Dtmf, PiecesMayHaveAnySize) {
  for (const std::size_t piece : {1UZ, 7UZ, 80UZ, 240UZ, 480UZ, 10'000UZ}) EXPECT_EQ(read(written(kAll), piece), kAll);
}

TEST(Dtmf, WriterTakesItsTime) {
  EXPECT_EQ(written("1").size(), ToneWriter::kTone + ToneWriter::kPause);
  EXPECT_EQ(written("1,2").size(), 2 * (ToneWriter::kTone + ToneWriter::kPause) + ToneWriter::kComma);
  ToneWriter writer;
  EXPECT_FALSE(writer.add('x'));
  EXPECT_FALSE(writer.is_sending());
  Samples none(160);
  EXPECT_EQ(writer.write(none), 0U);
  for (std::size_t i = 0; i < ToneWriter::kWaitingMax; ++i) EXPECT_TRUE(writer.add('1'));
  EXPECT_FALSE(writer.add('1'));
}

TEST(Dtmf, FortyMillisecondsAreEnoughWhereverTheyBegin) {
  for (const char key : kAll) {
    for (std::size_t begin = 0; begin < 104; begin += 13) {
      Samples samples;
      add_silence(samples, begin);
      add(samples, press_of(key), 320);
      add_silence(samples, 320);
      add(samples, press_of(key), 320);
      add_silence(samples, 320);
      EXPECT_EQ(read(samples), std::string(2, key)) << begin;
    }
  }
}

TEST(Dtmf, TooShortIsNoKey) {
  for (const char key : kAll) {
    Samples samples;
    add_silence(samples, 50);
    add(samples, press_of(key), 160);
    add_silence(samples, 400);
    EXPECT_EQ(read(samples), "");
  }
}

TEST(Dtmf, AnInterruptionDoesNotMakeTwoOfOne) {
  for (std::size_t begin = 0; begin < 104; begin += 13) {
    Samples samples;
    add_silence(samples, begin);
    add(samples, press_of('5'), 600);
    add_silence(samples, 80);
    add(samples, press_of('5'), 600);
    add_silence(samples, 400);
    EXPECT_EQ(read(samples), "5") << begin;
  }
}

TEST(Dtmf, TelephonesMayBeOffALittle) {
  for (const double off : {0.985, 1.015}) {
    for (const char key : kAll) {
      Samples samples;
      Press press = press_of(key);
      press.low_hz *= off;
      press.high_hz *= off;
      add(samples, press, 800);
      add_silence(samples, 400);
      EXPECT_EQ(read(samples), std::string(1, key)) << off;
    }
  }
}

TEST(Dtmf, LevelsMayDiffer) {
  for (const char key : kAll) {
    for (const auto& [low, high] : {std::pair{4000.0, 2000.0}, {2000.0, 4000.0}, {400.0, 400.0}, {15000.0, 15000.0}}) {
      Samples samples;
      Press press = press_of(key);
      press.low = low;
      press.high = high;
      add(samples, press, 800);
      add_silence(samples, 400);
      EXPECT_EQ(read(samples), std::string(1, key)) << low << " " << high;
    }
    Samples weak;
    Press press = press_of(key);
    press.low = press.high = 100;
    add(weak, press, 800);
    EXPECT_EQ(read(weak), "");
  }
}

TEST(Dtmf, NoiseBelowThemDoesNotHideThem) {
  std::mt19937 chance{7};  // NOLINT: the same every time
  std::normal_distribution<double> noise{0, 700};
  Samples samples = written(kAll);
  for (std::int16_t& sample : samples) {
    sample = static_cast<std::int16_t>(std::clamp(sample + noise(chance), -32767.0, 32767.0));
  }
  EXPECT_EQ(read(samples), kAll);
}

TEST(Dtmf, OtherSoundsAreNoKeys) {
  std::mt19937 chance{11};  // NOLINT: the same every time
  std::normal_distribution<double> noise{0, 4000};
  Samples hiss(80'000);
  for (std::int16_t& sample : hiss) sample = static_cast<std::int16_t>(std::clamp(noise(chance), -32767.0, 32767.0));
  EXPECT_EQ(read(hiss), "");
  for (const double hz : {440.0, 697.0, 1000.0, 1336.0, 1633.0}) {
    Samples one;
    add(one, {.low_hz = hz, .high_hz = hz}, 8000);
    EXPECT_EQ(read(one), "") << hz;
  }
  // Tones of exchanges: dialing, ringing, busy.
  for (const auto& [a, b] : {std::pair{350.0, 440.0}, {440.0, 480.0}, {480.0, 620.0}}) {
    Samples two;
    add(two, {.low_hz = a, .high_hz = b}, 8000);
    EXPECT_EQ(read(two), "") << a;
  }
}

/// Something like a voice, for ten minutes: a pitch that wanders, its harmonics through formants that wander,
/// syllables.
TEST(Dtmf, SpeechIsNoKey) {
  std::mt19937 chance{3};  // NOLINT: the same every time
  std::uniform_real_distribution<double> any{0, 1};
  Samples speech;
  double phase = 0;
  while (speech.size() < 8000 * 600) {
    const double pitch = 85 + 170 * any(chance);
    const double first = 300 + 600 * any(chance);
    const double second = 900 + 1500 * any(chance);
    const double glide = 0.9 + 0.2 * any(chance);
    const std::size_t count = 800 + static_cast<std::size_t>(2000 * any(chance));
    for (std::size_t i = 0; i < count; ++i) {
      const double at = static_cast<double>(i) / static_cast<double>(count);
      const double hz = pitch * (1 + (glide - 1) * at);
      phase += 2 * std::numbers::pi * hz / 8000;
      double value = 0;
      for (int k = 1; k * hz < 3400; ++k) {
        const auto near = [&](double formant) { return 1 / (1 + std::pow((k * hz - formant) / 90, 2)); };
        value += (near(first) + near(second) / 2) * std::sin(k * phase);
      }
      speech.push_back(
          static_cast<std::int16_t>(std::clamp(9000 * value * std::sin(std::numbers::pi * at), -32767.0, 32767.0)));
    }
    speech.resize(speech.size() + static_cast<std::size_t>(800 * any(chance)));
  }
  EXPECT_LE(read(speech).size(), 25U) << read(speech);
}

TEST(Dtmf, AfterAResetTheSameKeyIsAnotherOne) {
  ToneReader reader;
  Samples samples;
  add(samples, press_of('8'), 640);
  EXPECT_EQ(reader.read(samples), "8");
  EXPECT_EQ(reader.read(samples), "");
  reader.reset();
  EXPECT_EQ(reader.read(samples), "8");
}

}  // namespace
}  // namespace zvonok::dtmf
