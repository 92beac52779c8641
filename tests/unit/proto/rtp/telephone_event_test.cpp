// Digits of RFC 4733: each pressed key is one, however many of its packets come and in whatever order.
#include "proto/rtp/telephone_event.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace zvonok::rtp {
namespace {

struct Packet {
  std::uint32_t timestamp;
  TelephoneEvent event;
};

/// As browsers send them: updates every 20 ms, the end three times.
std::vector<Packet> press(char digit, std::uint32_t timestamp, int updates = 5) {
  std::vector<Packet> packets;
  for (int i = 1; i <= updates + 3; ++i) {
    packets.push_back({timestamp,
                       {.event = *event_of(digit),
                        .end = i > updates,
                        .volume = 10,
                        .duration = static_cast<std::uint16_t>(160 * std::min(i, updates))}});
  }
  return packets;
}

std::string received(const std::vector<Packet>& packets) {
  DigitReceiver receiver;
  std::string digits;
  for (const Packet& packet : packets) {
    if (const auto digit = receiver.on_packet(packet.timestamp, packet.event)) digits += *digit;
  }
  return digits;
}

TEST(TelephoneEvent, ReadsWhatItWrites) {
  const TelephoneEvent event{.event = 11, .end = true, .volume = 63, .duration = 0xABCD};
  EXPECT_EQ(parse_telephone_event(to_bytes(event)), event);
  EXPECT_EQ(parse_telephone_event(Bytes{}), std::nullopt);
  const std::vector<std::uint8_t> wire{0x05, 0x8A, 0x03, 0x20};  // of RFC 4733 section 2.3's layout
  EXPECT_EQ(parse_telephone_event(wire), (TelephoneEvent{.event = 5, .end = true, .volume = 10, .duration = 800}));
  EXPECT_EQ(parse_telephone_event(Bytes{wire}.first(3)), std::nullopt);
}

TEST(TelephoneEvent, DigitsAreSixteen) {
  for (const char digit : std::string{"0123456789*#ABCD"}) EXPECT_EQ(digit_of(*event_of(digit)), digit);
  EXPECT_EQ(digit_of(16), std::nullopt) << "a flash of the hook is no digit";
  EXPECT_EQ(event_of('a'), std::nullopt);
}

TEST(DigitReceiver, EachKeyIsOneDigit) {
  std::vector<Packet> all;
  std::uint32_t timestamp = 0xFFFFF000;  // it wraps
  for (const char digit : std::string{"1123*#D0"}) {
    std::ranges::copy(press(digit, timestamp), std::back_inserter(all));
    timestamp += 1600;
  }
  EXPECT_EQ(received(all), "1123*#D0");
}

TEST(DigitReceiver, WhateverIsLostOrLateAsLongAsOneComes) {
  std::mt19937 random{4733};
  for (int round = 0; round < 500; ++round) {
    std::vector<Packet> all;
    std::string expected;
    std::size_t before = 0;
    auto timestamp = static_cast<std::uint32_t>(random());
    for (int i = 0; i < 20; ++i) {
      const char digit = "0123456789*#ABCD"[random() % 16];
      std::vector<Packet> packets = press(digit, timestamp);
      std::erase_if(packets, [&](const Packet&) { return random() % 10 < 7; });
      std::ranges::shuffle(packets, random);
      if (!packets.empty()) expected += digit;
      const std::size_t begun = all.size();
      std::ranges::copy(packets, std::back_inserter(all));
      // The last packet of the key before comes behind the first of this one.
      if (before >= 2 && packets.size() >= 2) std::swap(all[begun - 1], all[begun]);
      before = packets.size();
      timestamp += 1600;
    }
    EXPECT_EQ(received(all), expected) << "round " << round;
  }
}

TEST(DigitReceiver, AKeyHeldForLongGoesOnWithALaterTimestamp) {
  std::vector<Packet> all{{100, {.event = 7, .end = false, .volume = 10, .duration = 0xFFFF}},
                          {100 + 0xFFFF, {.event = 7, .end = false, .volume = 10, .duration = 160}},
                          {100 + 0xFFFF, {.event = 7, .end = true, .volume = 10, .duration = 320}}};
  EXPECT_EQ(received(all), "7");
  all[0].event.end = true;  // that one was over: the next is another
  EXPECT_EQ(received(all), "77");
}

TEST(DigitReceiver, AnotherBrowsersClockBeginsAnywhere) {
  std::vector<Packet> all = press('1', 3'000'000'000);
  std::ranges::copy(press('2', 1'000'000'000), std::back_inserter(all));
  EXPECT_EQ(received(all), "12");
}

}  // namespace
}  // namespace zvonok::rtp
