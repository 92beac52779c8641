// The small parts: stamps, windows of numbers, the histogram, sources, messages.
#include <gtest/gtest.h>

#include "load/dialect.h"
#include "load/log_histogram.h"
#include "load/received.h"
#include "load/source.h"
#include "media/codec/vp8.h"

namespace zvonok::load {
namespace {

TEST(Stamp, SurvivesAndEveryByteBehindTheHeadCounts) {
  std::vector<std::uint8_t> payload(120);
  const Stamp stamp{.room = 1, .track = 2, .number = 300, .sent = TimePoint{seconds{4}}};
  write_stamp(payload, stamp);
  EXPECT_EQ(read_stamp(payload), stamp);
  for (std::size_t i = 0; i < kPayloadHeadBytes; ++i) payload[i] ^= 0xFF;
  EXPECT_EQ(read_stamp(payload), stamp) << "the head is the server's to change";
  payload.insert(payload.begin(), 1);  // a longer descriptor
  payload[kPayloadHeadBytes] = filler_of(stamp);
  EXPECT_EQ(read_stamp(payload), stamp);
  payload.erase(payload.begin());
  for (std::size_t i = kPayloadHeadBytes; i < payload.size(); ++i) {
    payload[i] ^= 0x10;
    EXPECT_NE(read_stamp(payload), stamp) << i;
    payload[i] ^= 0x10;
  }
  EXPECT_FALSE(read_stamp(Bytes{payload}.first(Stamp::kBytes - 1)));
}

TEST(SeenWindow, TellsNewFromLateFromDuplicate) {
  SeenWindow seen;
  EXPECT_EQ(seen.add(100), Seen::New);
  EXPECT_EQ(seen.add(100), Seen::Duplicate);
  EXPECT_EQ(seen.add(103), Seen::New);
  EXPECT_EQ(seen.add(102), Seen::Late);
  EXPECT_EQ(seen.add(102), Seen::Duplicate);
  EXPECT_EQ(seen.add(99), Seen::Late);
  EXPECT_EQ(seen.first(), 99U);
  EXPECT_EQ(seen.add(103 + SeenWindow::kPackets - 2), Seen::New);
  EXPECT_EQ(seen.add(103), Seen::Duplicate);
  EXPECT_EQ(seen.add(101), Seen::Duplicate) << "too old to tell";
  EXPECT_EQ(seen.add(104), Seen::Late);
  EXPECT_EQ(seen.add(100'000), Seen::New);
  EXPECT_EQ(seen.add(99'999), Seen::Late) << "nothing is left of before the jump";
}

TEST(HeaderCount, CountsSinceTheMarkAcrossTheWrap) {
  HeaderCount count;
  for (std::uint16_t n = 65'000; n < 65'100; ++n) count.on_packet(n, 10);
  count.mark();
  for (std::uint32_t n = 65'100; n < 66'100; ++n) {
    if (n % 100 != 7) count.on_packet(static_cast<std::uint16_t>(n), 10);
  }
  const Counts counts = count.since_mark();
  EXPECT_EQ(counts.packets, 990U);
  EXPECT_EQ(counts.lost, 10U);
  EXPECT_EQ(counts.bytes, 9900U);
  EXPECT_EQ(counts.duplicates + counts.reordered, 0U);
}

TEST(LogHistogram, QuantilesAreWithinTwoPercent) {
  LogHistogram histogram;
  EXPECT_EQ(histogram.quantile(0.5), Duration{});
  for (int us = 1; us <= 10'000; ++us) histogram.add(microseconds{us});
  for (const double share : {0.01, 0.5, 0.99, 0.999}) {
    const double wanted = share * 10'000'000;
    EXPECT_NEAR(static_cast<double>(histogram.quantile(share).count()), wanted, wanted * 0.02) << share;
  }
  EXPECT_EQ(histogram.quantile(1), histogram.most());
  histogram.add(-seconds{1});
  EXPECT_EQ(histogram.quantile(0), Duration{});
}

struct Made {
  std::size_t packets = 0;
  std::size_t frames = 0;
  std::size_t keys = 0;
  std::size_t in_a_row = 0;  // at one moment, the most
};
Made run(Source& source, Duration duration) {
  Made made;
  const TimePoint begin{seconds{100}};
  source.start(begin);
  for (TimePoint now = begin; now < begin + duration; now += milliseconds{1}) {
    std::size_t row = 0;
    while (source.next() <= now) {
      const Source::Packet packet = source.make(now);
      ++made.packets;
      made.in_a_row = std::max(made.in_a_row, ++row);
      if (packet.marker) ++made.frames;
      EXPECT_TRUE(read_stamp(packet.payload));
      if (source.options().kind == media::Kind::Audio) continue;
      const auto descriptor = media::parse_vp8_descriptor(packet.payload);
      EXPECT_TRUE(descriptor && descriptor->picture_id);
      const auto frame = media::look_at_vp8_frame(*descriptor, packet.payload);
      if (frame.starts && frame.keyframe) ++made.keys;
    }
  }
  return made;
}

TEST(Source, SendsAsManyPacketsAsItIsToldTo) {
  for (const unsigned rate : {50U, 100U}) {
    Source source{{.kind = media::Kind::Audio, .track = 1, .room = 1, .packets_per_second = rate, .payload_bytes = 60}};
    EXPECT_NEAR(static_cast<double>(run(source, seconds{10}).packets), 10.0 * rate, 2) << rate;
  }
  for (const unsigned rate : {10U, 30U, 60U, 100U, 1000U}) {
    Source source{
        {.kind = media::Kind::Video, .track = 2, .room = 1, .packets_per_second = rate, .payload_bytes = 1100}};
    const Made made = run(source, seconds{10});
    EXPECT_NEAR(static_cast<double>(made.packets), 10.0 * rate, 0.02 * 10 * rate + 2) << rate;
    EXPECT_NEAR(static_cast<double>(made.frames), 10.0 * std::min(rate, 30U), 3) << rate;
    EXPECT_EQ(made.keys, 1U);
    EXPECT_LE(made.in_a_row, 2 * Source::kBurst);
  }
}

TEST(Source, DoesNotCatchUpAfterALongStop) {
  Source source{{.kind = media::Kind::Audio, .track = 1, .room = 1, .packets_per_second = 50, .payload_bytes = 60}};
  const TimePoint begin{seconds{100}};
  source.start(begin);
  std::size_t packets = 0;
  for (const TimePoint now = begin + minutes{1}; source.next() <= now; ++packets) {
    static_cast<void>(source.make(now));
  }
  EXPECT_LE(packets, 2U);
}

TEST(Dialect, ReadsWhatMattersAndNoMore) {
  const auto offer = read_message(R"({"type":"offer","payload":{"type":"offer","sdp":"v=0\r\n"},"roomId":1})");
  ASSERT_TRUE(offer);
  EXPECT_EQ(offer->type, ServerMessage::Type::Offer);
  EXPECT_EQ(offer->text, "v=0\r\n");
  EXPECT_EQ(read_message(R"({"type":"speakers","payload":{}})")->type, ServerMessage::Type::Other);
  EXPECT_EQ(read_message(R"({"payload":{"code":"locked","message":"m"},"type":"error"})")->text, "locked: m");
  for (const char* bad : {"", "{", "[]", "{}", R"({"type":1})", R"({"type":"offer")"}) {
    EXPECT_FALSE(read_message(bad)) << bad;
  }
  EXPECT_EQ(room_message("join", "a\"b", ""), R"({"type":"join","sessionId":"a\"b"})");
  EXPECT_EQ(offer_payload("v=0\r\n"), R"({"type":"offer","sdp":"v=0\r\n","polite":false})");
}

}  // namespace
}  // namespace zvonok::load
