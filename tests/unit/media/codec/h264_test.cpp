// H.264 payloads (RFC 6184): units alone, aggregated and fragmented; picture sizes from parameter sets.
#include "media/codec/h264.h"

#include <random>

#include <gtest/gtest.h>

#include "unit/media/codec/bits.h"

namespace zvonok::media {
namespace {

struct SpsShape {
  std::uint32_t profile = 66;
  std::uint32_t width_blocks = 80;
  std::uint32_t height_units = 45;
  bool frames_only = true;
  std::uint32_t crop_right = 0;
  std::uint32_t crop_bottom = 0;
  std::uint32_t chroma_format = 1;
  std::uint32_t order_type = 2;
};

/// H.264 section 7.3.2.1.1, with emulation prevention.
ByteVector make_sps(const SpsShape& shape) {
  Bits bits;
  bits.add(shape.profile, 8).add(0, 8).add(31, 8).golomb(0);
  if (shape.profile == 100) {
    bits.golomb(shape.chroma_format);
    if (shape.chroma_format == 3) bits.add("0");
    bits.golomb(0).golomb(0).add("0");
    // A scaling matrix whose first list has two deltas, the second ending it; no others.
    bits.add("1").add("1").golomb(1).golomb(18).add(shape.chroma_format == 3 ? "00000000000" : "0000000");
  }
  bits.golomb(0).golomb(shape.order_type);
  if (shape.order_type == 0) bits.golomb(4);
  if (shape.order_type == 1) bits.add("0").golomb(1).golomb(2).golomb(2).golomb(3).golomb(4);
  bits.golomb(1).add("0").golomb(shape.width_blocks - 1).golomb(shape.height_units - 1);
  bits.add(shape.frames_only ? "1" : "00").add("1");
  if (shape.crop_right + shape.crop_bottom > 0) {
    bits.add("1").golomb(0).golomb(shape.crop_right).golomb(0).golomb(shape.crop_bottom);
  } else {
    bits.add("0");
  }
  bits.add("0 1");  // no VUI; the stop bit
  ByteVector unit{0x67};
  unsigned zeros = 0;
  for (const std::uint8_t byte : bits.bytes()) {
    if (zeros >= 2 && byte <= 3) {
      unit.push_back(3);
      zeros = 0;
    }
    unit.push_back(byte);
    zeros = byte == 0 ? zeros + 1 : 0;
  }
  return unit;
}

ByteVector stap_a(const std::vector<ByteVector>& units) {
  ByteVector payload{0x78};
  for (const ByteVector& unit : units) {
    payload.push_back(static_cast<std::uint8_t>(unit.size() >> 8));
    payload.push_back(static_cast<std::uint8_t>(unit.size()));
    payload.insert(payload.end(), unit.begin(), unit.end());
  }
  return payload;
}

FrameInfo look(const ByteVector& payload, bool marker = false) {
  const auto info = inspect(Codec::H264, {.payload = payload, .marker = marker, .dependency_descriptor = {}});
  EXPECT_TRUE(info);
  return info.value_or(FrameInfo{});
}

TEST(H264, ReadsPictureSizes) {
  struct Case {
    const char* what;
    SpsShape shape;
    Resolution expected;
  };
  const std::vector<Case> cases{
      {"baseline 1280x720", {}, {1280, 720}},
      {"cropped 1920x1080", {.width_blocks = 120, .height_units = 68, .crop_bottom = 4}, {1920, 1080}},
      {"high with a scaling matrix", {.profile = 100, .order_type = 0}, {1280, 720}},
      {"4:4:4, cropped by single samples",
       {.profile = 100, .crop_right = 3, .crop_bottom = 1, .chroma_format = 3},
       {1277, 719}},
      {"4:0:0", {.profile = 100, .crop_right = 1, .chroma_format = 0}, {1279, 720}},
      {"fields", {.height_units = 34, .frames_only = false, .crop_bottom = 2}, {1280, 1080}},
      {"order count of type 1", {.width_blocks = 20, .height_units = 15, .order_type = 1}, {320, 240}},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(parse_h264_sps(make_sps(one.shape)), one.expected) << one.what;
  }
}

TEST(H264, GivesNoSizeWithoutSense) {
  EXPECT_FALSE(parse_h264_sps(make_sps({.width_blocks = 5000})));
  EXPECT_FALSE(parse_h264_sps(make_sps({.crop_right = 640}))) << "nothing left";
  EXPECT_FALSE(parse_h264_sps(make_sps({.profile = 100, .chroma_format = 4})));
  EXPECT_FALSE(parse_h264_sps(make_sps({.order_type = 3})));
  EXPECT_FALSE(parse_h264_sps(from_hex("68 ce 3c 80"))) << "a picture parameter set";
  const ByteVector whole = make_sps({.crop_bottom = 4});
  for (std::size_t size = 0; size + 1 < whole.size(); ++size) {
    const Exact cut{Bytes{whole}.first(size)};
    EXPECT_FALSE(parse_h264_sps(cut.view())) << size;
  }
}

TEST(H264, KnowsKeyframes) {
  const ByteVector sps = make_sps({});
  EXPECT_TRUE(look(sps).keyframe);
  EXPECT_EQ(look(sps).resolution, (Resolution{1280, 720}));
  EXPECT_TRUE(look(from_hex("65 88 80")).keyframe) << "an IDR slice alone";
  EXPECT_FALSE(look(from_hex("41 9a 00")).keyframe);
  const FrameInfo aggregated = look(stap_a({sps, from_hex("68 ce 3c 80"), from_hex("65 88 80")}), true);
  EXPECT_TRUE(aggregated.keyframe && aggregated.starts_frame && aggregated.ends_frame);
  EXPECT_EQ(aggregated.resolution, (Resolution{1280, 720}));
  EXPECT_FALSE(look(stap_a({from_hex("06 05"), from_hex("41 9a")})).keyframe);
  EXPECT_TRUE(look(from_hex("7c 85 88 80")).keyframe) << "the first fragment of an IDR slice";
  EXPECT_FALSE(look(from_hex("7c 05 88 80")).keyframe) << "a middle one";
  EXPECT_FALSE(look(from_hex("7c 45 88 80")).keyframe) << "the last one";
  EXPECT_FALSE(look(from_hex("5c 81 9a 80")).keyframe) << "of another slice";
}

TEST(H264, KnowsWhereAFrameStarts) {
  EXPECT_TRUE(look(from_hex("09 10")).starts_frame);
  EXPECT_TRUE(look(from_hex("41 9a 00")).starts_frame) << "first macroblock 0";
  EXPECT_FALSE(look(from_hex("41 5a 00")).starts_frame) << "a later slice";
  EXPECT_TRUE(look(from_hex("5c 81 9a 80")).starts_frame);
  EXPECT_FALSE(look(from_hex("5c 01 9a 80")).starts_frame);
  EXPECT_FALSE(look(from_hex("68 ce 3c 80")).starts_frame);
}

TEST(H264, KnowsWhatNobodyNeeds) {
  EXPECT_TRUE(look(from_hex("01 9a 00")).discardable);
  EXPECT_FALSE(look(from_hex("21 9a 00")).discardable);
  EXPECT_TRUE(look(from_hex("1c 81 9a")).discardable);
  EXPECT_FALSE(look(stap_a({from_hex("01 9a"), from_hex("21 9a")})).discardable);
}

TEST(H264, RefusesWhatDoesNotFit) {
  const std::vector<std::pair<const char*, CodecError>> cases{
      {"78", CodecError::Truncated},
      {"78 00", CodecError::Truncated},
      {"78 0003 67 42", CodecError::Truncated},
      {"78 0001 67 00", CodecError::Truncated},
      {"78 0000", CodecError::Malformed},
      {"7c", CodecError::Truncated},
      {"7c c5 88", CodecError::Malformed},
      {"00 88", CodecError::Malformed},
      {"1e 88", CodecError::Malformed},
  };
  for (const auto& [hex, error] : cases) {
    const auto payload = parse_h264_payload(from_hex(hex));
    ASSERT_FALSE(payload) << hex;
    EXPECT_EQ(payload.error(), error) << hex;
  }
  EXPECT_FALSE(look(from_hex("79 0001 67")).keyframe) << "STAP-B is let through unread";
}

TEST(H264, SurvivesRandomBytes) {
  std::mt19937 random{8};
  const ByteVector good = stap_a({make_sps({.profile = 100}), from_hex("68 ce 3c 80")});
  for (int i = 0; i < 50'000; ++i) {
    ByteVector payload = good;
    payload.resize(1 + random() % good.size());
    for (int change = 0; change < 3; ++change) {
      payload[random() % payload.size()] = static_cast<std::uint8_t>(random());
    }
    const Exact exact{payload};
    const auto seen = parse_h264_payload(exact.view());
    if (seen && seen->resolution) {
      ASSERT_LE(seen->resolution->width, 65536U);
      ASSERT_LE(seen->resolution->height, 131072U);
      ASSERT_TRUE(seen->has_sps);
    }
  }
}

}  // namespace
}  // namespace zvonok::media
