#include "proto/framing/framing.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace zvonok::framing {
namespace {

using Packet = std::vector<std::uint8_t>;

struct Read {
  std::vector<Packet> packets;
  bool failed = false;
};

/// Feeds one chunk, as a caller does.
void feed(Deframer& deframer, Bytes chunk, Read& read) {
  for (;;) {
    const auto packet = deframer.next(chunk);
    if (!packet) {
      read.failed = true;
      return;
    }
    if (!*packet) break;
    read.packets.emplace_back((*packet)->begin(), (*packet)->end());
  }
  EXPECT_TRUE(chunk.empty());
}

Packet framed(const std::vector<Packet>& packets) {
  Packet stream;
  for (const Packet& packet : packets) {
    Packet frame(kHeaderBytes + packet.size());
    EXPECT_EQ(write_frame(frame, packet), frame.size());
    stream.insert(stream.end(), frame.begin(), frame.end());
  }
  return stream;
}

TEST(Framing, WritesALengthOfTwoBytesBeforeThePacket) {
  EXPECT_EQ(framed({{1, 2, 3}}), (Packet{0, 3, 1, 2, 3}));
  EXPECT_EQ(framed({Packet(258, 7)})[0], 1);
  EXPECT_EQ(framed({Packet(258, 7)})[1], 2);
  EXPECT_EQ(frame_header(65535), (std::array<std::uint8_t, 2>{0xFF, 0xFF}));
  Packet small(4);
  EXPECT_EQ(write_frame(small, Packet{1, 2, 3}), 0U);
}

TEST(Framing, AnyWayOfCuttingTheStreamGivesTheSamePackets) {
  for (unsigned seed = 1; seed <= 100; ++seed) {
    std::mt19937 random{seed};
    const auto below = [&](unsigned bound) { return random() % bound; };
    std::vector<Packet> packets(1 + below(30));
    for (Packet& packet : packets) {
      // Sizes of STUN, DTLS, video, and the edges of the format.
      const std::size_t sizes[] = {1, 2, 96, 255, 256, 1200, 1467, 4095, 4096, 1 + below(4096)};
      packet.resize(sizes[below(10)]);
      for (std::uint8_t& byte : packet) byte = static_cast<std::uint8_t>(random());
    }
    const Packet stream = framed(packets);
    Deframer deframer;
    Read read;
    const unsigned longest = seed % 3 == 0 ? 3 : seed % 3 == 1 ? 1500 : 20'000;
    for (std::size_t at = 0; at < stream.size();) {
      const std::size_t size = std::min<std::size_t>(below(longest + 1), stream.size() - at);
      feed(deframer, Bytes{stream}.subspan(at, size), read);
      at += size;
      ASSERT_LE(deframer.buffered_bytes(), 4096 + kHeaderBytes);
    }
    ASSERT_FALSE(read.failed) << "seed " << seed;
    ASSERT_EQ(read.packets, packets) << "seed " << seed;
    ASSERT_EQ(deframer.buffered_bytes(), 0U) << "seed " << seed;
  }
}

TEST(Framing, GivesSeveralPacketsOfOneSegmentWithoutCopyingThem) {
  const Packet stream = framed({Packet(96, 1), Packet(1200, 22)});
  Deframer deframer;
  Bytes chunk{stream};
  const auto first = deframer.next(chunk);
  ASSERT_TRUE(first && *first);
  EXPECT_EQ((*first)->data(), stream.data() + 2);
  const auto second = deframer.next(chunk);
  ASSERT_TRUE(second && *second);
  EXPECT_EQ((*second)->size(), 1200U);
  EXPECT_EQ((*second)->data(), stream.data() + 100);
  EXPECT_TRUE(chunk.empty());
}

TEST(Framing, SkipsEmptyPackets) {
  const Packet stream = framed({{}, {1}, {}, {}, {2}, {}});
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    Deframer deframer;
    Read read;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      feed(deframer, Bytes{stream}.subspan(at, std::min(piece, stream.size() - at)), read);
    }
    EXPECT_EQ(read.packets, (std::vector<Packet>{{1}, {2}})) << piece;
  }
}

TEST(Framing, StopsForGoodAtAnEmptyPacketWhereThoseAreRefused) {
  Deframer deframer{{.empty = EmptyFrames::Refuse}};
  Read read;
  feed(deframer, framed({{1}, {}, {2}}), read);
  EXPECT_EQ(read.packets, (std::vector<Packet>{{1}}));
  EXPECT_TRUE(read.failed);
  Bytes more;
  EXPECT_EQ(deframer.next(more).error(), Error::FrameEmpty);
}

TEST(Framing, StopsForGoodAtAPacketLongerThanAllowed) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, std::size_t{10'000}}) {
    Deframer deframer{{.frame_bytes_max = 100}};
    Read read;
    const Packet stream = framed({Packet(100, 1), Packet(101, 2), Packet(3, 3)});
    for (std::size_t at = 0; at < stream.size() && !read.failed; at += piece) {
      feed(deframer, Bytes{stream}.subspan(at, std::min(piece, stream.size() - at)), read);
    }
    EXPECT_TRUE(read.failed);
    EXPECT_EQ(read.packets, (std::vector<Packet>{Packet(100, 1)})) << piece;
    const Packet good = framed({{1}});
    Bytes chunk{good};
    EXPECT_FALSE(deframer.next(chunk)) << "an error stays";
  }
}

}  // namespace
}  // namespace zvonok::framing
