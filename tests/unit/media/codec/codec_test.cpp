// Codecs by name, and what is said of those that are never looked into.
#include "media/codec/codec.h"

#include <array>

#include <gtest/gtest.h>

#include "unit/media/codec/bits.h"

namespace zvonok::media {
namespace {

constexpr std::array kAudio{Codec::Opus, Codec::Pcmu,         Codec::Pcma,           Codec::G722,
                            Codec::Red,  Codec::ComfortNoise, Codec::TelephoneEvent, Codec::Rtx};
constexpr std::array kVideo{Codec::Vp8, Codec::Vp9, Codec::H264, Codec::Av1};

TEST(Codec, HasOneNameInAnyCase) {
  for (const Codec codec : kAudio) EXPECT_EQ(codec_named(name_of(codec)), codec);
  for (const Codec codec : kVideo) EXPECT_EQ(codec_named(name_of(codec)), codec);
  EXPECT_EQ(codec_named("OPUS"), Codec::Opus);
  EXPECT_EQ(codec_named("vp8"), Codec::Vp8);
  EXPECT_EQ(codec_named("pcmU"), Codec::Pcmu);
  EXPECT_FALSE(codec_named("VP80"));
  EXPECT_FALSE(codec_named(""));
}

TEST(Codec, AudioIsAFrameAPacket) {
  const ByteVector payload{1};
  for (const Codec codec : kAudio) {
    EXPECT_FALSE(is_video(codec));
    const auto info = inspect(codec, {.payload = payload, .marker = true, .dependency_descriptor = {}});
    ASSERT_TRUE(info);
    EXPECT_TRUE(info->starts_frame && info->ends_frame && info->ends_picture);
    EXPECT_FALSE(info->keyframe);
  }
  for (const Codec codec : kVideo) EXPECT_TRUE(is_video(codec));
}

TEST(Codec, PaddingOnlyIsNoFrame) {
  for (const Codec codec : {Codec::Opus, Codec::Vp8, Codec::Vp9, Codec::H264, Codec::Av1}) {
    const auto info = inspect(codec, {});
    ASSERT_FALSE(info);
    EXPECT_EQ(info.error(), CodecError::Empty);
  }
}

}  // namespace
}  // namespace zvonok::media
