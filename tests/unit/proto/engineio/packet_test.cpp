#include "proto/engineio/packet.h"

#include <map>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/base64.h"
#include "proto/engineio/timer_heap.h"

namespace zvonok::engineio {
namespace {

std::vector<std::string> packets_of(std::string_view payload) {
  std::vector<std::string> packets;
  PayloadReader reader{payload};
  while (const auto packet = reader.next()) packets.emplace_back(*packet);
  return packets;
}

TEST(EnginePacket, HasATypeDigitAndData) {
  const struct {
    std::string_view text;
    Packet packet;
  } cases[] = {
      {"0{}", {.type = PacketType::Open, .form = DataForm::Text, .data = "{}"}},
      {"1", {.type = PacketType::Close, .form = DataForm::Text, .data = ""}},
      {"2probe", {.type = PacketType::Ping, .form = DataForm::Text, .data = "probe"}},
      {"3", {.type = PacketType::Pong, .form = DataForm::Text, .data = ""}},
      {"4", {.type = PacketType::Message, .form = DataForm::Text, .data = ""}},
      {"4\xE2\x82\xAC", {.type = PacketType::Message, .form = DataForm::Text, .data = "\xE2\x82\xAC"}},
      {"5", {.type = PacketType::Upgrade, .form = DataForm::Text, .data = ""}},
      {"6", {.type = PacketType::Noop, .form = DataForm::Text, .data = ""}},
      {"bAQID", {.type = PacketType::Message, .form = DataForm::Base64, .data = "AQID"}},
  };
  for (const auto& c : cases) EXPECT_EQ(parse_packet(c.text), c.packet) << c.text;
}

TEST(EnginePacket, OfAnotherTypeIsAnError) {
  EXPECT_EQ(parse_packet("").error(), PacketError::Empty);
  for (const std::string_view text : {"7", "abc", " 4", "B", "-1", "\x1e", "/", ":"}) {
    EXPECT_EQ(parse_packet(text).error(), PacketError::UnknownType) << text;
  }
}

TEST(EnginePayload, IsCutAtEverySeparator) {
  EXPECT_EQ(packets_of("4a"), (std::vector<std::string>{"4a"}));
  EXPECT_EQ(packets_of("4a\x1e"
                       "2\x1e"
                       "bAQ=="),
            (std::vector<std::string>{"4a", "2", "bAQ=="}));
  EXPECT_EQ(packets_of(""), (std::vector<std::string>{""}));
  EXPECT_EQ(packets_of("4a\x1e"), (std::vector<std::string>{"4a", ""}));
  EXPECT_EQ(packets_of("\x1e\x1e"), (std::vector<std::string>{"", "", ""}));
}

TEST(EnginePayload, JoinsWhatIsAppended) {
  std::string payload;
  append_to_payload(payload, "4hello");
  append_binary_to_payload(payload, std::string_view{"\x01\x02\x03\x04", 4});
  append_to_payload(payload, "2");
  EXPECT_EQ(payload,
            "4hello\x1e"
            "bAQIDBA==\x1e"
            "2");
}

TEST(EngineBase64, TakesBothAlphabetsWithAndWithoutPadding) {
  EXPECT_EQ(decode_base64("AQIDBA=="), std::string("\x01\x02\x03\x04"));
  EXPECT_EQ(decode_base64("AQIDBA"), std::string("\x01\x02\x03\x04"));
  EXPECT_EQ(decode_base64("-_-_"), decode_base64("+/+/"));
  EXPECT_EQ(decode_base64(""), std::string{});
  for (const std::string_view text : {"A", "AAAAA", "AA=", "AAA==", "=", "====", "AA==AA==", "A A=", "AA\n=", "AA*="}) {
    EXPECT_EQ(decode_base64(text), std::nullopt) << text;
  }
}

TEST(EngineBase64, UndoesWhatIsEncoded) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(decode_base64(base64_encode(as_bytes(bytes))), bytes) << i;
    bytes.push_back(static_cast<char>(i * 7));
  }
}

struct Item {
  TimerPlace timer_place;
};

TEST(EngineTimerHeap, SaysWhatASortedListWouldSay) {
  std::mt19937 random{42};
  std::vector<Item> items(60);
  TimerHeap<Item> heap;
  std::map<Item*, TimePoint> expected;
  for (int step = 0; step < 20'000; ++step) {
    Item& item = items[random() % items.size()];
    if (random() % 4 == 0) {
      heap.remove(item);
      expected.erase(&item);
    } else {
      const TimePoint at{Duration{random() % 1000}};
      heap.set(item, at);
      expected[&item] = at;
    }
    TimePoint earliest = TimePoint::max();
    for (const auto& [ignored, at] : expected) earliest = std::min(earliest, at);
    ASSERT_EQ(heap.earliest(), earliest) << "step " << step;
    ASSERT_EQ(heap.size(), expected.size()) << "step " << step;
    if (Item* const due = heap.due(earliest)) {
      ASSERT_EQ(expected.at(due), earliest) << "step " << step;
    }
  }
}

}  // namespace
}  // namespace zvonok::engineio
