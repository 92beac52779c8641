// RED as it is written is read back, and what is not RED is nothing.
#include "media/codec/red.h"

#include <algorithm>
#include <array>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "media/audio_history.h"

namespace zvonok::media {
namespace {

using Blob = std::vector<std::uint8_t>;

TEST(Red, IsWrittenAsInRfc2198) {
  const Blob older{1, 2, 3};
  const Blob newer{4, 5};
  const std::array blocks{RedBlock{.timestamp_offset = 1920, .payload = older},
                          RedBlock{.timestamp_offset = 960, .payload = newer}};
  std::array<std::uint8_t, 64> buffer{};
  const std::size_t size = write_red(buffer, rtp::PayloadType{111}, blocks);
  // 1920 << 10 | 3 = 0x1E0003, 960 << 10 | 2 = 0x0F0002
  const Blob expected{0x80 | 111, 0x1E, 0x00, 0x03, 0x80 | 111, 0x0F, 0x00, 0x02, 111, 1, 2, 3, 4, 5};
  EXPECT_EQ(Blob(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size)), expected);
}

TEST(Red, ThePrimaryIsReadBackBehindAnyBlocks) {
  std::mt19937 random{5};
  for (int round = 0; round < 2000; ++round) {
    std::vector<Blob> payloads(random() % 3);
    std::vector<RedBlock> blocks;
    for (Blob& payload : payloads) {
      payload.resize(random() % 300);
      blocks.push_back(
          {.timestamp_offset = static_cast<std::uint32_t>(random() % (kRedOffsetMax + 1)), .payload = payload});
    }
    std::array<std::uint8_t, 1000> buffer{};
    std::size_t size = write_red(buffer, rtp::PayloadType{96}, blocks);
    ASSERT_GT(size, 0U);
    const Blob primary(1 + random() % 100, 0xAB);
    std::ranges::copy(primary, buffer.begin() + static_cast<std::ptrdiff_t>(size));
    size += primary.size();
    const auto read = parse_red(Bytes{buffer}.first(size));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->type, rtp::PayloadType{96});
    EXPECT_TRUE(std::ranges::equal(read->payload, primary));
  }
}

TEST(Red, WhatEndsTooEarlyIsNothing) {
  const Blob whole{0x80 | 111, 0x0F, 0x00, 0x02, 111, 4, 5, 9};
  for (std::size_t size = 0; size < 7; ++size) EXPECT_FALSE(parse_red(Bytes{whole}.first(size))) << size;
  EXPECT_EQ(parse_red(whole)->payload.size(), 1U);
  EXPECT_EQ(parse_red(Bytes{whole}.first(7))->payload.size(), 0U);
}

TEST(Red, RefusesWhatItCanNotSay) {
  const Blob large(kRedBlockBytesMax + 1);
  std::array<std::uint8_t, 4000> buffer{};
  const std::array too_large{RedBlock{.timestamp_offset = 1, .payload = large}};
  EXPECT_EQ(write_red(buffer, rtp::PayloadType{111}, too_large), 0U);
  const std::array too_old{RedBlock{.timestamp_offset = kRedOffsetMax + 1, .payload = {}}};
  EXPECT_EQ(write_red(buffer, rtp::PayloadType{111}, too_old), 0U);
  const std::array good{RedBlock{.timestamp_offset = 1, .payload = Bytes{large}.first(10)}};
  EXPECT_EQ(write_red(MutableBytes{buffer}.first(14), rtp::PayloadType{111}, good), 0U);
}

TEST(AudioHistory, GivesThePacketsBeforeOldestFirstAndNothingAcrossSilence) {
  AudioHistory history;
  const auto offsets = [&](std::uint64_t sequence, std::uint32_t timestamp) {
    std::vector<std::uint32_t> all;
    for (const RedBlock& block : history.before(sequence, timestamp)) all.push_back(block.timestamp_offset);
    return all;
  };
  EXPECT_TRUE(offsets(10, 9600).empty());
  history.push(10, 9600, Blob{1});
  history.push(11, 10560, Blob{2});
  EXPECT_EQ(offsets(12, 11520), (std::vector<std::uint32_t>{1920, 960}));
  history.push(13, 12480, Blob{4});
  EXPECT_EQ(offsets(14, 13440), (std::vector<std::uint32_t>{960})) << "12 never came";
  EXPECT_EQ(offsets(14, 12480 + 48'000), (std::vector<std::uint32_t>{})) << "a second of silence";
  history.push(14, 0xFFFFFF00, Blob{5});
  EXPECT_EQ(offsets(15, 0x2C0).back(), 960U) << "the clock wraps";
  history.push(15, 960, Blob(AudioHistory::kBytesMax + 1));
  EXPECT_EQ(offsets(16, 1920).size(), 1U) << "too large to be kept: only the one before it";
}

}  // namespace
}  // namespace zvonok::media
