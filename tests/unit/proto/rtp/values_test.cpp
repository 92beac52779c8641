// Values of header extensions, RED and RTX payloads, and the sorting of datagrams.
#include <vector>

#include <gtest/gtest.h>

#include "proto/rtp/demux.h"
#include "proto/rtp/extensions.h"
#include "proto/rtp/red.h"
#include "proto/rtp/rtx.h"

namespace zvonok::rtp {
namespace {

using Blob = std::vector<std::uint8_t>;

Blob blob(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}

TEST(RtpExtensionValues, AbsSendTimeIsSecondsIn6And18Bits) {
  struct Case {
    Duration time;
    AbsSendTime bytes;
  };
  const Case cases[] = {
      {seconds{0}, {0, 0, 0}},
      {seconds{1}, {0x04, 0, 0}},
      {milliseconds{500}, {0x02, 0, 0}},
      {seconds{63}, {0xFC, 0, 0}},
      {seconds{64}, {0, 0, 0}},
      {seconds{65'000'001}, {0x04, 0, 0}},
      {seconds{-1}, {0xFC, 0, 0}},
      {Duration{3814}, {0, 0, 0}},
      {Duration{3815}, {0, 0, 1}},
      {hours{1'000'000}, {0, 0, 0}},
      {Duration{63'999'999'999}, {0xFF, 0xFF, 0xFF}},
  };
  for (const Case& one : cases) EXPECT_EQ(encode_abs_send_time(TimePoint{one.time}), one.bytes) << one.time.count();
}

TEST(RtpExtensionValues, AbsSendTimeIsReadToItsPrecision) {
  for (Duration time{0}; time < seconds{64}; time += Duration{123'456'789}) {
    const auto read = parse_abs_send_time(encode_abs_send_time(TimePoint{time}));
    ASSERT_TRUE(read);
    EXPECT_LE(*read, time);
    EXPECT_LT(time - *read, microseconds{4});
  }
  EXPECT_EQ(parse_abs_send_time(Blob{1, 2}), std::nullopt);
  EXPECT_EQ(parse_abs_send_time(Blob{1, 2, 3, 4}), std::nullopt);
}

TEST(RtpExtensionValues, TransportSequenceIsTwoBytes) {
  EXPECT_EQ(encode_transport_sequence(0x1234), (TransportSequence{0x12, 0x34}));
  EXPECT_EQ(parse_transport_sequence(Blob{0xFF, 0xFE}), 0xFFFE);
  EXPECT_EQ(parse_transport_sequence(Blob{0, 7, 1, 2}), 7);
  for (const Blob& bytes : {Blob{}, Blob{1}, Blob{1, 2, 3}}) EXPECT_EQ(parse_transport_sequence(bytes), std::nullopt);
}

TEST(RtpExtensionValues, AudioLevelHasAVoiceBit) {
  EXPECT_EQ(parse_audio_level(Blob{0x80 | 30}), (AudioLevel{.voice = Voice::Yes, .level = 30}));
  EXPECT_EQ(parse_audio_level(Blob{127}), (AudioLevel{.voice = Voice::No, .level = 127}));
  EXPECT_EQ(parse_audio_level(Blob{}), std::nullopt);
  EXPECT_EQ(parse_audio_level(Blob{1, 2}), std::nullopt);
  for (unsigned byte = 0; byte < 256; ++byte) {
    const std::array bytes{static_cast<std::uint8_t>(byte)};
    EXPECT_EQ(encode_audio_level(*parse_audio_level(bytes)), bytes);
  }
  EXPECT_EQ(encode_audio_level({.voice = Voice::No, .level = 200}), (std::array<std::uint8_t, 1>{127}));
}

TEST(RtpExtensionValues, MidAndRidAreShortPlainTexts) {
  struct Case {
    std::string_view text;
    bool mid;
    bool rid;
  };
  constexpr Case kCases[] = {
      {"0", true, true},
      {"hi-res_1", true, true},
      {"a.b", true, false},
      {"", false, false},
      {"0123456789abcdef", true, true},
      {"0123456789abcdefg", false, false},
      {"a b", false, false},
      {"a\n", false, false},
      {"\xD1\x8F", false, false},
      {"a/b", false, false},
      {std::string_view{"a\0", 2}, false, false},
  };
  for (const Case& one : kCases) {
    const auto mid = parse_mid(as_bytes(one.text));
    const auto rid = parse_rid(as_bytes(one.text));
    EXPECT_EQ(mid, one.mid ? std::optional{one.text} : std::nullopt) << one.text;
    EXPECT_EQ(rid, one.rid ? std::optional{one.text} : std::nullopt) << one.text;
  }
}

TEST(RtpExtensionValues, PlayoutDelayIsTwoNumbersOfTwelveBits) {
  EXPECT_EQ(parse_playout_delay(Blob{0, 0, 0}), (PlayoutDelay{}));
  EXPECT_EQ(parse_playout_delay(Blob{0x00, 0xA0, 0x14}),
            (PlayoutDelay{.shortest = milliseconds{100}, .longest = milliseconds{200}}));
  EXPECT_EQ(parse_playout_delay(Blob{0xFF, 0xFF, 0xFF})->longest, milliseconds{40'950});
  EXPECT_EQ(parse_playout_delay(Blob{0x00, 0x20, 0x01}), std::nullopt);
  EXPECT_EQ(parse_playout_delay(Blob{0, 0}), std::nullopt);
  const PlayoutDelay delay{.shortest = milliseconds{20}, .longest = milliseconds{500}};
  EXPECT_EQ(parse_playout_delay(encode_playout_delay(delay)), delay);
  EXPECT_EQ(encode_playout_delay({.shortest = milliseconds{-10}, .longest = milliseconds{1'000'000}}),
            (std::array<std::uint8_t, 3>{0x00, 0x0F, 0xFF}));
}

TEST(Red, GivesThePrimaryAndTheEarlierBlocks) {
  // Offsets 1920 and 960, of 2 and 1 bytes; the primary has 3.
  const Blob payload{0x80 | 111, 0x1E, 0x00, 0x02, 0x80 | 111, 0x0F, 0x00, 0x01, 111, 1, 2, 3, 4, 5, 6};
  const auto red = RedPayload::parse(payload);
  ASSERT_TRUE(red);
  EXPECT_EQ(red->primary().payload_type, PayloadType{111});
  EXPECT_EQ(red->primary().timestamp_offset, 0);
  EXPECT_EQ(blob(red->primary().payload), (Blob{4, 5, 6}));
  EXPECT_EQ(red->earlier_count(), 2U);
  ASSERT_TRUE(red->earlier(1) && red->earlier(2));
  EXPECT_EQ(red->earlier(1)->timestamp_offset, 960);
  EXPECT_EQ(blob(red->earlier(1)->payload), Blob{3});
  EXPECT_EQ(red->earlier(2)->timestamp_offset, 1920);
  EXPECT_EQ(blob(red->earlier(2)->payload), (Blob{1, 2}));
  EXPECT_FALSE(red->earlier(0));
  EXPECT_FALSE(red->earlier(3));
}

TEST(Red, MayHoldOnlyThePrimaryOrEmptyBlocks) {
  const Blob alone{111, 7, 8};
  EXPECT_EQ(blob(RedPayload::parse(alone)->primary().payload), (Blob{7, 8}));
  EXPECT_EQ(RedPayload::parse(alone)->earlier_count(), 0U);
  const Blob empty{0x80 | 111, 0, 0, 0, 111};
  ASSERT_TRUE(RedPayload::parse(empty));
  EXPECT_TRUE(RedPayload::parse(empty)->primary().payload.empty());
  EXPECT_FALSE(RedPayload::parse(empty)->earlier(1));
}

TEST(Red, IsRefusedWhenItsBlocksDoNotFit) {
  const Blob whole{0x80 | 111, 0x1E, 0x00, 0x02, 0x80 | 111, 0x0F, 0x00, 0x01, 111, 1, 2, 3};
  ASSERT_TRUE(RedPayload::parse(whole));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto red = RedPayload::parse(Bytes{whole}.first(size));
    ASSERT_FALSE(red) << size;
    EXPECT_EQ(red.error(), RedError::TooShort) << size;
  }
}

TEST(Red, HasALimitOnItsBlocks) {
  const auto with_blocks = [](std::size_t count) {
    Blob payload;
    for (std::size_t i = 1; i < count; ++i) payload.insert(payload.end(), {0x80 | 111, 0, 0, 0});
    payload.push_back(111);
    return payload;
  };
  const Blob most = with_blocks(kRedBlocksMax);
  const Blob more = with_blocks(kRedBlocksMax + 1);
  ASSERT_TRUE(RedPayload::parse(most));
  EXPECT_EQ(RedPayload::parse(most)->earlier_count(), kRedBlocksMax - 1);
  ASSERT_FALSE(RedPayload::parse(more));
  EXPECT_EQ(RedPayload::parse(more).error(), RedError::TooManyBlocks);
}

TEST(Rtx, BeginsWithTheOriginalSequenceNumber) {
  EXPECT_EQ(encode_osn(0x1234), (std::array<std::uint8_t, 2>{0x12, 0x34}));
  const Blob payload{0x12, 0x34, 9, 8};
  const auto rtx = parse_rtx(payload);
  ASSERT_TRUE(rtx);
  EXPECT_EQ(rtx->original_sequence, 0x1234);
  EXPECT_EQ(blob(rtx->payload), (Blob{9, 8}));
  EXPECT_TRUE(parse_rtx(Blob{1, 2}));
  EXPECT_FALSE(parse_rtx(Blob{1}));
  EXPECT_FALSE(parse_rtx(Blob{}));
}

TEST(Demux, SortsByTheFirstByteAsRfc7983) {
  const auto expected = [](unsigned first) {
    if (first <= 3) return PacketKind::Stun;
    if (first >= 20 && first <= 63) return PacketKind::Dtls;
    if (first >= 64 && first <= 79) return PacketKind::TurnChannel;
    return first >= 128 && first <= 191 ? PacketKind::Rtp : PacketKind::Unknown;
  };
  for (unsigned first = 0; first < 256; ++first) {
    EXPECT_EQ(classify(Blob{static_cast<std::uint8_t>(first), 111}), expected(first)) << first;
  }
  EXPECT_EQ(classify(Blob{}), PacketKind::Unknown);
  EXPECT_EQ(classify(Blob{0x80}), PacketKind::Unknown);
}

TEST(Demux, TellsRtcpByTheSecondByteAsRfc5761) {
  for (unsigned second = 0; second < 256; ++second) {
    const Blob datagram{0x81, static_cast<std::uint8_t>(second)};
    const bool rtcp = second >= 192 && second <= 223;
    EXPECT_EQ(is_rtcp(datagram), rtcp) << second;
    EXPECT_EQ(classify(datagram), rtcp ? PacketKind::Rtcp : PacketKind::Rtp) << second;
  }
}

}  // namespace
}  // namespace zvonok::rtp
