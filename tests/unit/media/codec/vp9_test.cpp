// VP9 payload descriptors (RFC 9628): layers, references, structure, keyframes, rewriting, truncation.
#include "media/codec/vp9.h"

#include <random>

#include <gtest/gtest.h>

#include "unit/media/codec/bits.h"

namespace zvonok::media {
namespace {

// I, L, B, V; 15-bit id 0x1234; TID 0, U, SID 0; TL0PICIDX 9; structure of two layers with sizes and a group of two
// pictures: TID 0 with one reference, TID 1 with two.
constexpr std::string_view kKeyframe = "aa 9234 10 09 38 0140 00b4 0280 0168 02 14 01 38 01 02 49";

FrameInfo look(const ByteVector& payload, bool marker = false) {
  const auto info = inspect(Codec::Vp9, {.payload = payload, .marker = marker, .dependency_descriptor = {}});
  EXPECT_TRUE(info);
  return info.value_or(FrameInfo{});
}

TEST(Vp9, ReadsAKeyframeWithItsStructure) {
  const ByteVector payload = from_hex(kKeyframe);
  const auto descriptor = parse_vp9_descriptor(payload);
  ASSERT_TRUE(descriptor);
  EXPECT_EQ(descriptor->picture_id, 0x1234);
  EXPECT_EQ(descriptor->tl0_picture_index, 9);
  ASSERT_TRUE(descriptor->structure);
  EXPECT_EQ(descriptor->structure->spatial_layers, 2);
  EXPECT_EQ(descriptor->structure->resolutions[1], (Resolution{640, 360}));
  EXPECT_EQ(descriptor->structure->group_pictures, 2);
  EXPECT_EQ(descriptor->size, payload.size() - 1);
  const FrameInfo info = look(payload);
  EXPECT_TRUE(info.keyframe && info.starts_frame && info.switch_up_point);
  EXPECT_EQ(info.resolution, (Resolution{320, 180}));
}

TEST(Vp9, ReadsUpperLayers) {
  // I, P, L, E, Z; short id; TID 2, U, SID 1, D; TL0PICIDX 3
  const FrameInfo info = look(from_hex("e5 05 53 03 00"), true);
  EXPECT_EQ(info.temporal, 2);
  EXPECT_EQ(info.spatial, 1);
  EXPECT_TRUE(info.switch_up_point && info.ends_frame && info.ends_picture);
  EXPECT_FALSE(info.keyframe || info.starts_frame);
  EXPECT_EQ(info.picture_id, 5);
  EXPECT_EQ(info.tl0_picture_index, 3);
}

TEST(Vp9, KnowsKeyframesByTheirLowestLayer) {
  EXPECT_TRUE(look(from_hex("88 05 00")).keyframe);
  EXPECT_FALSE(look(from_hex("80 05 00")).keyframe) << "not its first packet";
  EXPECT_FALSE(look(from_hex("c8 05 00")).keyframe) << "inter-predicted";
  EXPECT_FALSE(look(from_hex("a8 05 03 09 00")).keyframe) << "its second spatial layer";
}

TEST(Vp9, StepsOverTheReferencesOfFlexibleMode) {
  // I, P, L, F, B; TID 1; references 1, 2 and 4 back: no TL0PICIDX in this mode
  const ByteVector payload = from_hex("f8 8005 20 03 05 08 77");
  const auto descriptor = parse_vp9_descriptor(payload);
  ASSERT_TRUE(descriptor);
  EXPECT_EQ(descriptor->reference_count, 3);
  EXPECT_EQ(descriptor->references, (std::array<std::uint8_t, 3>{1, 2, 4}));
  EXPECT_FALSE(descriptor->tl0_picture_index);
  EXPECT_EQ(descriptor->fixed_size, 4);
  EXPECT_EQ(descriptor->size, 7);
  const auto too_many = parse_vp9_descriptor(from_hex("f8 8005 20 03 05 09 08 77"));
  ASSERT_FALSE(too_many);
  EXPECT_EQ(too_many.error(), CodecError::Malformed);
  EXPECT_EQ(parse_vp9_descriptor(from_hex("98 8005 77"))->reference_count, 0) << "a keyframe has none";
}

TEST(Vp9, RefusesEveryTruncatedDescriptor) {
  for (const std::string_view hex : {kKeyframe, std::string_view{"f8 8005 20 03 05 08 77"}}) {
    const ByteVector whole = from_hex(hex);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const Exact cut{Bytes{whole}.first(size)};
      EXPECT_FALSE(parse_vp9_descriptor(cut.view())) << hex << " cut to " << size;
    }
  }
}

TEST(Vp9, WidensAShortPictureId) {
  const ByteVector payload = from_hex("e5 05 53 03 00");
  const auto prefix = rewrite(*parse_vp9_descriptor(payload), payload, {.picture_id = 0x1234, .tl0_picture_index = 7});
  EXPECT_EQ(forwarded(prefix, payload), from_hex("e5 9234 53 07 00"));
}

TEST(Vp9, WhatIsRewrittenReadsBackAndNothingElseChanges) {
  std::mt19937 random{6};
  int read = 0;
  for (int i = 0; i < 50'000; ++i) {
    ByteVector payload;
    const std::size_t size = 1 + random() % 60;
    for (std::size_t at = 0; at < size; ++at) payload.push_back(static_cast<std::uint8_t>(random()));
    const Exact exact{payload};
    const auto before = parse_vp9_descriptor(exact.view());
    if (!before) continue;
    ++read;
    const Vp9Rewrite numbers{.picture_id = static_cast<std::uint16_t>(random() & 0x7FFF),
                             .tl0_picture_index = static_cast<std::uint8_t>(random())};
    const auto prefix = rewrite(*before, exact.view(), numbers);
    const ByteVector written = forwarded(prefix, payload);
    const auto after = parse_vp9_descriptor(written);
    ASSERT_TRUE(after);
    ASSERT_EQ(after->picture_id, before->picture_id ? std::optional{numbers.picture_id} : std::nullopt);
    ASSERT_EQ(after->tl0_picture_index,
              before->tl0_picture_index ? std::optional{numbers.tl0_picture_index} : std::nullopt);
    ASSERT_EQ(after->temporal, before->temporal);
    ASSERT_EQ(after->spatial, before->spatial);
    ASSERT_EQ(after->switching_up, before->switching_up);
    ASSERT_EQ(after->references, before->references);
    ASSERT_EQ(after->size - prefix.size, before->size - prefix.replaces);
    ASSERT_TRUE(
        std::equal(written.begin() + prefix.size, written.end(), payload.begin() + prefix.replaces, payload.end()));
  }
  EXPECT_GT(read, 1000);
}

}  // namespace
}  // namespace zvonok::media
