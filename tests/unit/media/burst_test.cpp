// What waits for the rest of its turn: whole, in order, and each track's together.
#include "media/burst.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>


namespace zvonok::media {
namespace {

struct Taken {
  const Track* track;
  std::string packets;  // each as layer:number:type:key:payload:descriptor
  friend bool operator==(const Taken&, const Taken&) = default;
};

std::vector<Taken> take(Burst& burst) {
  std::vector<Taken> all;
  burst.take([&](const Track& track, std::span<const Forwarding> packets) {
    std::string text;
    for (const Forwarding& one : packets) {
      const MediaPacket& packet = *one.packet;
      text += std::to_string(packet.layer) + ":" + std::to_string(packet.sequence) + ":" +
              std::to_string(std::to_underlying(one.type)) + ":" + std::to_string(one.key) + ":" +
              std::string{as_text(packet.payload)} + ":" + std::string{as_text(packet.dependency_descriptor)} + " ";
    }
    all.push_back({.track = &track, .packets = text});
  });
  return all;
}

MediaPacket packet_of(std::uint64_t sequence, std::string_view payload, std::string_view descriptor = {}) {
  MediaPacket packet;
  packet.sequence = sequence;
  packet.payload = as_bytes(payload);
  packet.dependency_descriptor = as_bytes(descriptor);
  return packet;
}

class BurstTest : public testing::Test {
 protected:
  BurstTest() {
    for (Track* const track : {&one, &other}) track->layers.resize(2);
    other.layers[1].epoch = 3;
  }
  bool add(const Track& track, const MediaPacket& packet, unsigned type = 96) {
    return burst.add(track, packet, rtp::PayloadType{static_cast<std::uint8_t>(type)});
  }
  Track one;
  Track other;
  Burst burst;
};

TEST_F(BurstTest, GivesEachTracksPacketsTogetherInTheirOrder) {
  EXPECT_TRUE(burst.is_empty());
  ASSERT_TRUE(add(one, packet_of(10, "first", "d")));
  MediaPacket upper = packet_of(7, "upper");
  upper.layer = 1;
  ASSERT_TRUE(add(other, upper, 97));
  ASSERT_TRUE(add(one, packet_of(11, "second")));
  EXPECT_TRUE(burst.has_of(one));
  EXPECT_TRUE(burst.has_of(other));
  EXPECT_EQ(take(burst), (std::vector<Taken>{{&one, "0:10:96:10:first:d 0:11:96:11:second: "},
                                             {&other, "1:7:97:" + std::to_string((3ULL << 56) + 7) + ":upper: "}}));
  EXPECT_TRUE(burst.is_empty());
  EXPECT_FALSE(burst.has_of(one));
  EXPECT_TRUE(take(burst).empty());
}

TEST_F(BurstTest, KeepsWhatTheCallersBufferLoses) {
  std::string buffer = "payload";
  ASSERT_TRUE(add(one, packet_of(1, buffer)));
  buffer.assign(7, 'x');
  EXPECT_EQ(take(burst), (std::vector<Taken>{{&one, "0:1:96:1:payload: "}}));
}

TEST_F(BurstTest, TakesNoMoreThanItHasRoomFor) {
  const std::string largest(PacketRing::kPacketBytesMax - 3, 'a');
  EXPECT_TRUE(add(one, packet_of(1, largest, "ddd")));
  EXPECT_FALSE(add(one, packet_of(2, largest, "dddd")));
  for (std::uint64_t s = 2; s <= Burst::kPacketsMax; ++s) ASSERT_TRUE(add(one, packet_of(s, "p")));
  EXPECT_FALSE(add(one, packet_of(99, "p")));
  EXPECT_EQ(take(burst).size(), 1U);
  EXPECT_TRUE(add(one, packet_of(99, "p")));
}

}  // namespace
}  // namespace zvonok::media
