// VP8 payload descriptors (RFC 7741): the forms it draws, keyframes, rewriting, truncation.
#include "media/codec/vp8.h"

#include <random>

#include <gtest/gtest.h>

#include "unit/media/codec/bits.h"

namespace zvonok::media {
namespace {

constexpr std::string_view kKeyframe = "10 00 00 9d012a 80 02 e0 41";  // 640 x 480, the height with scaling bits

TEST(Vp8, ReadsTheShortDescriptor) {
  const ByteVector payload = from_hex("30 01");
  const auto descriptor = parse_vp8_descriptor(payload);
  ASSERT_TRUE(descriptor);
  EXPECT_TRUE(descriptor->non_reference);
  EXPECT_TRUE(descriptor->starts_partition);
  EXPECT_EQ(descriptor->size, 1);
  EXPECT_FALSE(descriptor->picture_id || descriptor->temporal || descriptor->key_index);
}

TEST(Vp8, ReadsEveryField) {
  // RFC 7741 section 4.2: X, S; I, L, T, K; 15-bit id 4711; TL0PICIDX 18; TID 2, Y, KEYIDX 5.
  const ByteVector payload = from_hex("90 f0 9267 12 a5 01");
  const auto descriptor = parse_vp8_descriptor(payload);
  ASSERT_TRUE(descriptor);
  EXPECT_EQ(descriptor->picture_id, 0x1267);
  EXPECT_TRUE(descriptor->picture_id_is_long);
  EXPECT_EQ(descriptor->tl0_picture_index, 0x12);
  EXPECT_EQ(descriptor->temporal, 2);
  EXPECT_TRUE(descriptor->layer_sync);
  EXPECT_EQ(descriptor->key_index, 5);
  EXPECT_EQ(descriptor->size, 6);
}

TEST(Vp8, ReadsOnlyTheHalvesThatAreThere) {
  const ByteVector only_key = from_hex("80 10 a5 01");
  EXPECT_EQ(parse_vp8_descriptor(only_key)->key_index, 5);
  EXPECT_FALSE(parse_vp8_descriptor(only_key)->temporal);
  EXPECT_FALSE(parse_vp8_descriptor(only_key)->layer_sync);
  const ByteVector only_temporal = from_hex("80 20 a5 01");
  EXPECT_EQ(parse_vp8_descriptor(only_temporal)->temporal, 2);
  EXPECT_FALSE(parse_vp8_descriptor(only_temporal)->key_index);
}

TEST(Vp8, FindsKeyframesAndTheirSize) {
  ByteVector payload = from_hex(std::string{"10"} + std::string{kKeyframe});
  auto info = inspect(Codec::Vp8, {.payload = payload, .marker = false, .dependency_descriptor = {}});
  ASSERT_TRUE(info);
  EXPECT_TRUE(info->keyframe && info->starts_frame && info->switch_up_point);
  EXPECT_FALSE(info->ends_frame);
  EXPECT_EQ(info->resolution, (Resolution{640, 480}));

  payload[0] = 0x11;  // the second partition
  info = inspect(Codec::Vp8, {.payload = payload, .marker = true, .dependency_descriptor = {}});
  ASSERT_TRUE(info);
  EXPECT_FALSE(info->keyframe || info->starts_frame);
  EXPECT_TRUE(info->ends_frame && info->ends_picture);

  payload[0] = 0x10;
  payload[1] = 0x11;  // an interframe
  EXPECT_FALSE(inspect(Codec::Vp8, {.payload = payload, .dependency_descriptor = {}})->keyframe);
  payload[1] = 0x10;
  payload[4] = 0x9E;  // not the start code
  EXPECT_FALSE(inspect(Codec::Vp8, {.payload = payload, .dependency_descriptor = {}})->keyframe);
}

TEST(Vp8, TellsTemporalLayers) {
  const ByteVector payload = from_hex("b0 a0 05 60 01");  // N; I, T; TID 1, Y
  const auto info = inspect(Codec::Vp8, {.payload = payload, .dependency_descriptor = {}});
  ASSERT_TRUE(info);
  EXPECT_EQ(info->temporal, 1);
  EXPECT_TRUE(info->switch_up_point && info->discardable);
  EXPECT_EQ(info->picture_id, 5);
}

TEST(Vp8, WidensAShortPictureId) {
  const ByteVector payload = from_hex("90 f0 05 12 a5 01 02");
  const auto prefix = rewrite(*parse_vp8_descriptor(payload), payload,
                              {.picture_id = 0x1234, .tl0_picture_index = 7, .key_index = 0xFF});
  EXPECT_EQ(forwarded(prefix, payload), from_hex("90 f0 9234 07 bf 01 02"));
}

TEST(Vp8, AddsNothingThatWasNotThere) {
  for (const auto* hex : {"10 01", "80 00 01", "80 20 60 01"}) {
    const ByteVector payload = from_hex(hex);
    const auto prefix = rewrite(*parse_vp8_descriptor(payload), payload,
                                {.picture_id = 0x1234, .tl0_picture_index = 7, .key_index = 3});
    EXPECT_EQ(forwarded(prefix, payload), payload) << hex;
  }
}

/// Every first and second byte, random others.
TEST(Vp8, WhatIsRewrittenReadsBackAndNothingElseChanges) {
  std::mt19937 random{5};
  for (unsigned first = 0; first < 256; ++first) {
    for (unsigned flags = 0; flags < 256; flags += 1 + static_cast<unsigned>(random() % 3)) {
      ByteVector payload{static_cast<std::uint8_t>(first), static_cast<std::uint8_t>(flags)};
      for (int i = 0; i < 8; ++i) payload.push_back(static_cast<std::uint8_t>(random()));
      const auto before = parse_vp8_descriptor(payload);
      ASSERT_TRUE(before);
      const Vp8Rewrite numbers{.picture_id = static_cast<std::uint16_t>(random() & 0x7FFF),
                               .tl0_picture_index = static_cast<std::uint8_t>(random()),
                               .key_index = static_cast<std::uint8_t>(random() & 31)};
      const auto prefix = rewrite(*before, payload, numbers);
      ASSERT_EQ(prefix.replaces, before->size);
      const ByteVector written = forwarded(prefix, payload);
      const auto after = parse_vp8_descriptor(written);
      ASSERT_TRUE(after);
      ASSERT_EQ(after->size, prefix.size);
      ASSERT_EQ(after->picture_id, before->picture_id ? std::optional{numbers.picture_id} : std::nullopt);
      ASSERT_EQ(after->picture_id_is_long, before->picture_id.has_value());
      ASSERT_EQ(after->tl0_picture_index,
                before->tl0_picture_index ? std::optional{numbers.tl0_picture_index} : std::nullopt);
      ASSERT_EQ(after->key_index, before->key_index ? std::optional{numbers.key_index} : std::nullopt);
      ASSERT_EQ(after->temporal, before->temporal);
      ASSERT_EQ(after->layer_sync, before->layer_sync);
      ASSERT_EQ(written[0], payload[0]);
      ASSERT_TRUE(
          std::equal(written.begin() + after->size, written.end(), payload.begin() + before->size, payload.end()));
    }
  }
}

TEST(Vp8, RefusesEveryTruncatedDescriptor) {
  const ByteVector whole = from_hex("90 f0 9267 12 a5 01");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Exact cut{Bytes{whole}.first(size)};
    const auto descriptor = parse_vp8_descriptor(cut.view());
    ASSERT_FALSE(descriptor) << size;
    EXPECT_EQ(descriptor.error(), size == 0 ? CodecError::Empty : CodecError::Truncated);
  }
}

TEST(Vp8, TakesKeyframesCutShort) {
  const ByteVector whole = from_hex(std::string{"10"} + std::string{kKeyframe});
  for (std::size_t size = 2; size < whole.size(); ++size) {
    const Exact cut{Bytes{whole}.first(size)};
    const auto info = inspect(Codec::Vp8, {.payload = cut.view(), .dependency_descriptor = {}});
    ASSERT_TRUE(info) << size;
    EXPECT_TRUE(info->keyframe);
    EXPECT_FALSE(info->resolution) << "not all there";
  }
}

}  // namespace
}  // namespace zvonok::media
