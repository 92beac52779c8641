// Both laws of G.711 against values of the recommendation's tables, and what must hold of all of them.
#include "proto/g711/g711.h"

#include <cmath>
#include <cstdlib>
#include <numbers>
#include <vector>

#include <gtest/gtest.h>

namespace zvonok::g711 {
namespace {

TEST(G711, DecodesAsTheTablesSay) {
  // ITU-T G.711 tables 1 and 2, in 16 bits.
  EXPECT_EQ(decode(Law::Ulaw, 0xFF), 0);
  EXPECT_EQ(decode(Law::Ulaw, 0x80), 32124);
  EXPECT_EQ(decode(Law::Ulaw, 0x00), -32124);
  EXPECT_EQ(decode(Law::Ulaw, 0xFE), 8);
  EXPECT_EQ(decode(Law::Ulaw, 0x8F), 16764);
  EXPECT_EQ(decode(Law::Alaw, 0xD5), 8);
  EXPECT_EQ(decode(Law::Alaw, 0x55), -8);
  EXPECT_EQ(decode(Law::Alaw, 0xAA), 32256);
  EXPECT_EQ(decode(Law::Alaw, 0x2A), -32256);
  EXPECT_EQ(decode(Law::Alaw, 0x80), 5504);
}

class G711Laws : public testing::TestWithParam<Law> {};
INSTANTIATE_TEST_SUITE_P(Both, G711Laws, testing::Values(Law::Ulaw, Law::Alaw));

TEST_P(G711Laws, EveryByteComesBack) {
  for (int i = 0; i < 256; ++i) {
    const auto byte = static_cast<std::uint8_t>(i);
    const std::int16_t sample = decode(GetParam(), byte);
    EXPECT_EQ(decode(GetParam(), encode(GetParam(), sample)), sample) << i;
  }
}

TEST_P(G711Laws, EverySampleIsGivenTheNearestValueOrTheOneBesideIt) {
  for (int sample = -32768; sample <= 32767; ++sample) {
    const int back = decode(GetParam(), encode(GetParam(), static_cast<std::int16_t>(sample)));
    // Half a step of its segment, and what is cut off above the last one.
    const int most = std::max(16, std::abs(sample) / 32 + 5);
    EXPECT_LE(std::abs(std::min(std::abs(sample), 32256) - std::abs(back)), std::max(most, 520)) << sample;
    if (std::abs(sample) < 30'000) {
      EXPECT_LE(std::abs(sample - back), most) << sample;
    }
  }
}

TEST_P(G711Laws, SilenceIsTheQuietestByte) {
  EXPECT_LE(std::abs(int{decode(GetParam(), silence(GetParam()))}), 8);
}

TEST_P(G711Laws, ToTheOtherLawAndBackLosesNextToNothing) {
  std::vector<std::uint8_t> bytes(256);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i);
  std::vector<std::uint8_t> there(256);
  std::vector<std::uint8_t> back(256);
  convert(GetParam(), bytes, there);
  convert(other(GetParam()), there, back);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const int before = decode(GetParam(), bytes[i]);
    const int after = decode(GetParam(), back[i]);
    EXPECT_LE(std::abs(before - after), std::abs(before) / 16 + 16) << i;
  }
}

TEST_P(G711Laws, ASineKeepsMoreThan35Decibels) {
  double signal = 0;
  double noise = 0;
  for (int i = 0; i < 8000; ++i) {
    const double sample = 10'000 * std::sin(2 * std::numbers::pi * 1004 * i / 8000);
    const auto coded = decode(GetParam(), encode(GetParam(), static_cast<std::int16_t>(std::lround(sample))));
    signal += sample * sample;
    noise += (sample - coded) * (sample - coded);
  }
  EXPECT_GT(10 * std::log10(signal / noise), 35);
}

}  // namespace
}  // namespace zvonok::g711
