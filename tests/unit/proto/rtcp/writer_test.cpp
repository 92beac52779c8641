// What is written is what the RFCs draw, fits or leaves no trace, and reads back.
#include "proto/rtcp/writer.h"

#include <algorithm>
#include <array>
#include <functional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "proto/rtcp/reader.h"
#include "unit/proto/rtcp/hex.h"

namespace zvonok::rtcp {
namespace {

constexpr FeedbackSource kSource{.sender = Ssrc{1}, .media = Ssrc{2}};

class Buffer {
 public:
  ByteWriter writer{bytes_};
  [[nodiscard]] std::string hex() const { return to_hex(writer.written()); }
  [[nodiscard]] std::vector<Packet> packets() const {
    std::vector<Packet> all;
    Reader reader{writer.written()};
    while (const auto packet = reader.next()) all.push_back(*packet);
    EXPECT_FALSE(reader.error());
    return all;
  }

 private:
  std::array<std::uint8_t, 8192> bytes_{};
};

TEST(RtcpWriter, WritesTheBytesOfTheRfcs) {
  Buffer pli;
  EXPECT_EQ(write_pli(pli.writer, kSource), Written::Yes);
  EXPECT_EQ(pli.hex(), "81ce00020000000100000002");

  Buffer fir;
  EXPECT_EQ(write_fir(fir.writer, Ssrc{1}, std::vector<FirEntry>{{Ssrc{2}, 7}}), Written::Yes);
  EXPECT_EQ(fir.hex(), "84ce000400000001000000000000000207000000");

  Buffer cname;
  EXPECT_EQ(write_cname(cname.writer, {Ssrc{1}, "ab"}), Written::Yes);
  EXPECT_EQ(cname.hex(), "81ca0003000000010102616200000000") << "the end needs a null, the chunk whole words";

  Buffer bye;
  EXPECT_EQ(write_bye(bye.writer, std::vector{Ssrc{1}}, "gone"), Written::Yes);
  EXPECT_EQ(bye.hex(), "81cb00030000000104676f6e65000000");

  Buffer nack;
  EXPECT_EQ(write_nack(nack.writer, kSource, std::vector<std::uint16_t>{10, 11, 26, 27}), 4U);
  EXPECT_EQ(nack.hex(), "81cd00040000000100000002000a8001001b0000");

  Buffer remb;
  EXPECT_EQ(write_remb(remb.writer, Ssrc{1}, 1'000'000, std::vector{Ssrc{2}}), Written::Yes);
  EXPECT_EQ(remb.hex(), "8fce0005000000010000000052454d42010bd09000000002");
}

TEST(RtcpWriter, SpreadsManyReportBlocks) {
  std::vector<ReportBlock> blocks(70);
  for (std::uint32_t i = 0; i < blocks.size(); ++i) {
    blocks[i] = {.ssrc = Ssrc{i}, .fraction_lost = 3, .cumulative_lost = -static_cast<std::int32_t>(i), .jitter = i};
  }
  Buffer buffer;
  const SenderInfo info{.sender = Ssrc{9}, .ntp = {77}, .rtp_timestamp = 1, .packets = 2, .octets = 3};
  ASSERT_EQ(write_sender_report(buffer.writer, info, blocks), Written::Yes);
  ASSERT_EQ(write_receiver_report(buffer.writer, Ssrc{9}, {}), Written::Yes);
  const auto packets = buffer.packets();
  ASSERT_EQ(packets.size(), 4U);
  EXPECT_EQ(std::get<SenderReport>(packets[0]).info, info);
  std::vector<ReportBlock> read;
  const auto collect = [&](const ReportBlocks& some) { read.insert(read.end(), some.begin(), some.end()); };
  collect(std::get<SenderReport>(packets[0]).blocks);
  collect(std::get<ReceiverReport>(packets[1]).blocks);
  collect(std::get<ReceiverReport>(packets[2]).blocks);
  EXPECT_EQ(read, blocks);
  EXPECT_TRUE(std::get<ReceiverReport>(packets[3]).blocks.empty());
}

TEST(RtcpWriter, ClampsTheCountOfLosses) {
  Buffer buffer;
  const std::vector<ReportBlock> blocks{{.cumulative_lost = 0x1234567}, {.cumulative_lost = -0x1234567}};
  ASSERT_EQ(write_receiver_report(buffer.writer, Ssrc{9}, blocks), Written::Yes);
  const auto packets = buffer.packets();
  EXPECT_EQ(std::get<ReceiverReport>(packets.at(0)).blocks[0].cumulative_lost, 0x7FFFFF);
  EXPECT_EQ(std::get<ReceiverReport>(packets.at(0)).blocks[1].cumulative_lost, -0x800000);
}

TEST(RtcpWriter, NamesOfEveryLengthReadBack) {
  for (std::size_t size = 0; size <= 300; ++size) {
    const std::string name(size, 'n');
    Buffer buffer;
    ASSERT_EQ(write_cname(buffer.writer, {Ssrc{1}, name}), Written::Yes);
    ASSERT_EQ(write_bye(buffer.writer, std::vector{Ssrc{1}}, name), Written::Yes);
    const auto packets = buffer.packets();
    ASSERT_EQ(packets.size(), 2U);
    const auto cname = std::get<Sdes>(packets[0]).cnames().next();
    ASSERT_TRUE(cname);
    EXPECT_EQ(cname->name, name.substr(0, 255));
    EXPECT_EQ(std::get<Bye>(packets[1]).reason, name.substr(0, 255));
  }
}

TEST(RtcpWriter, RembKeepsEighteenBits) {
  std::mt19937_64 random{3};
  for (int i = 0; i < 10'000; ++i) {
    const std::uint64_t bitrate = random() >> (random() % 64);
    Buffer buffer;
    ASSERT_EQ(write_remb(buffer.writer, Ssrc{1}, bitrate, {}), Written::Yes);
    const std::uint64_t read = std::get<Remb>(buffer.packets().at(0)).bitrate_bps;
    ASSERT_LE(read, bitrate);
    ASSERT_LE(bitrate - read, bitrate >> 17) << bitrate;
  }
}

TEST(RtcpWriter, NackOfAnySortedNumbersReadsBack) {
  std::mt19937 random{4};
  for (int round = 0; round < 500; ++round) {
    std::vector<std::uint16_t> lost;
    std::uint64_t number = random();
    const std::size_t count = 1 + random() % 200;
    for (std::size_t i = 0; i < count; ++i) {
      number += 1 + (random() % 4 == 0 ? random() % 40 : random() % 3);
      lost.push_back(static_cast<std::uint16_t>(number));
    }
    std::vector<std::uint16_t> read;
    std::span<const std::uint16_t> rest{lost};
    const std::size_t room = 16 + random() % 200;
    while (!rest.empty()) {
      std::vector<std::uint8_t> bytes(room);
      ByteWriter writer{bytes};
      const std::size_t done = write_nack(writer, kSource, rest);
      ASSERT_GT(done, 0U);
      ASSERT_TRUE(writer.ok());
      rest = rest.subspan(done);
      Reader reader{writer.written()};
      const auto packet = reader.next();
      ASSERT_TRUE(packet);
      auto numbers = std::get<Nack>(*packet).lost();
      while (const auto one = numbers.next()) read.push_back(*one);
    }
    ASSERT_EQ(read, lost) << "round " << round;
  }
}

TEST(RtcpWriter, NackSaysARepeatedNumberOnce) {
  Buffer buffer;
  EXPECT_EQ(write_nack(buffer.writer, kSource, std::vector<std::uint16_t>{10, 10, 12}), 3U);
  EXPECT_EQ(buffer.hex(), "81cd00030000000100000002000a0002");
}

TEST(RtcpWriter, WritesWholePacketsOrNothing) {
  const std::vector<ReportBlock> blocks(40);
  const std::vector<Ssrc> ssrcs(5);
  const std::vector<FirEntry> entries(3);
  const std::vector<std::function<bool(ByteWriter&)>> writes{
      [&](ByteWriter& to) { return write_sender_report(to, {}, blocks) == Written::Yes; },
      [&](ByteWriter& to) { return write_receiver_report(to, {}, blocks) == Written::Yes; },
      [&](ByteWriter& to) { return write_cname(to, {Ssrc{1}, "alice"}) == Written::Yes; },
      [&](ByteWriter& to) { return write_bye(to, ssrcs, "bob") == Written::Yes; },
      [&](ByteWriter& to) { return write_pli(to, kSource) == Written::Yes; },
      [&](ByteWriter& to) { return write_fir(to, {}, entries) == Written::Yes; },
      [&](ByteWriter& to) { return write_remb(to, {}, 1000, ssrcs) == Written::Yes; },
      [&](ByteWriter& to) { return write_nack(to, kSource, std::vector<std::uint16_t>{1}) == 1; },
  };
  for (std::size_t kind = 0; kind < writes.size(); ++kind) {
    std::array<std::uint8_t, 2048> bytes{};
    ByteWriter roomy{bytes};
    ASSERT_TRUE(writes[kind](roomy));
    const std::size_t needed = roomy.size();
    for (std::size_t room = 0; room <= needed; ++room) {
      ByteWriter writer{MutableBytes{bytes}.first(room)};
      EXPECT_EQ(writes[kind](writer), room == needed) << kind << " in " << room;
      EXPECT_TRUE(writer.ok());
      EXPECT_EQ(writer.size(), room == needed ? needed : 0);
    }
  }
}

}  // namespace
}  // namespace zvonok::rtcp
