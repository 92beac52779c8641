#include "proto/vless/mux.h"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace zvonok::vless::mux {
namespace {

using Buffer = std::vector<std::uint8_t>;

/// A frame as text, so that tables can be compared and printed.
std::string shown(const Frame& frame) {
  static const char* const kStatus[] = {"?", "new", "keep", "end", "keepalive"};
  std::string text = std::to_string(frame.session) + " " + kStatus[static_cast<std::size_t>(frame.status)];
  if (frame.fault == Fault::Yes) text += " fault";
  if (frame.destination) {
    text += frame.destination->network == Network::Tcp ? " tcp " : " udp ";
    text += frame.destination->target.at ? frame.destination->target.at->to_text() : "name";
  }
  if (frame.global_id) text += " id " + std::to_string(frame.global_id->back());
  if (frame.data) {
    text += " =";
    if (frame.data->size() > 16) return text + std::string{as_text(*frame.data)};
    for (const std::uint8_t byte : *frame.data) text += " " + std::to_string(byte);
  }
  return text;
}

struct Read {
  std::vector<std::string> frames;
  std::optional<Error> error;
};

Read read(const Buffer& stream, std::size_t piece) {
  Reader reader;
  Read result;
  for (std::size_t at = 0; at < stream.size(); at += piece) {
    Bytes chunk = Bytes{stream}.subspan(at, std::min(piece, stream.size() - at));
    for (;;) {
      const auto frame = reader.next(chunk);
      if (!frame) {
        result.error = frame.error();
        Bytes more;
        EXPECT_EQ(reader.next(more).error(), frame.error()) << "an error stays";
        return result;
      }
      if (!*frame) break;
      result.frames.push_back(shown(**frame));
    }
    EXPECT_TRUE(chunk.empty());
    EXPECT_LE(reader.buffered_bytes(), kFrameBytesMax);
  }
  return result;
}

struct Case {
  std::string name;
  Buffer bytes;
  std::string frame;
};

const std::vector<Case> kFrames{
    {"new TCP with data",
     {0, 12, 0, 1, 1, 1, 1, 0x01, 0xBB, 1, 198, 18, 0, 2, 0, 2, 7, 8},
     "1 new tcp 198.18.0.2:443 = 7 8"},
    {"new TCP without data", {0, 12, 0, 1, 1, 0, 1, 0x01, 0xBB, 1, 198, 18, 0, 2}, "1 new tcp 198.18.0.2:443"},
    {"new UDP, global id",
     {0, 20, 0, 0, 1, 1, 2, 0, 5, 1, 1, 2, 3, 4, 9, 9, 9, 9, 9, 9, 9, 6, 0, 1, 3},
     "0 new udp 1.2.3.4:5 id 6 = 3"},
    {"new UDP, global id of zeros",
     {0, 20, 0, 0, 1, 1, 2, 0, 5, 1, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3},
     "0 new udp 1.2.3.4:5 = 3"},
    {"new UDP to a name", {0, 12, 0, 2, 1, 1, 2, 0, 53, 2, 3, 'a', '.', 'b', 0, 0}, "2 new udp name ="},
    {"keep", {0, 4, 1, 0, 2, 1, 0, 3, 1, 2, 3}, "256 keep = 1 2 3"},
    {"keep with a target",
     {0, 24, 0, 0, 2, 1, 2, 0, 5, 3, 0x20, 1, 0xD, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 4},
     "0 keep udp [2001:db8::1]:5 = 4"},
    {"keep with a mapped target",
     {0, 24, 0, 0, 2, 1, 2, 0, 5, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 127, 0, 0, 1, 0, 1, 4},
     "0 keep udp 127.0.0.1:5 = 4"},
    {"keep with something else than a target", {0, 6, 0, 0, 2, 1, 0, 9, 0, 1, 4}, "0 keep = 4"},
    {"keep without data", {0, 4, 0, 7, 2, 0}, "7 keep"},
    {"keepalive with padding", {0, 4, 0, 0, 4, 1, 0, 2, 0, 0}, "0 keepalive = 0 0"},
    {"end", {0, 4, 0, 1, 3, 0}, "1 end"},
    {"end by a fault", {0, 4, 0, 1, 3, 2}, "1 end fault"},
    {"unknown options are ignored", {0, 4, 0, 1, 3, 0xFC}, "1 end"},
};

TEST(VlessMux, AFrameIsReadHoweverItIsCut) {
  for (const Case& c : kFrames) {
    for (std::size_t piece = 1; piece <= c.bytes.size(); ++piece) {
      const Read got = read(c.bytes, piece);
      EXPECT_FALSE(got.error) << c.name;
      EXPECT_EQ(got.frames, std::vector<std::string>{c.frame}) << c.name << " in pieces of " << piece;
    }
  }
}

TEST(VlessMux, AStreamOfFramesIsReadHoweverItIsCut) {
  Buffer stream;
  std::vector<std::string> expected;
  for (const Case& c : kFrames) {
    stream.insert(stream.end(), c.bytes.begin(), c.bytes.end());
    expected.push_back(c.frame);
  }
  for (std::size_t piece = 1; piece <= stream.size(); ++piece) {
    EXPECT_EQ(read(stream, piece).frames, expected) << "in pieces of " << piece;
  }
}

TEST(VlessMux, GivesFramesOfOneChunkWithoutCopyingThem) {
  const Buffer stream{0, 4, 0, 1, 2, 1, 0, 1, 5, 0, 4, 0, 1, 2, 1, 0, 1, 6};
  Reader reader;
  Bytes chunk{stream};
  const auto first = reader.next(chunk);
  ASSERT_TRUE(first && *first && (*first)->data);
  EXPECT_EQ((*first)->data->data(), stream.data() + 8);
  const auto second = reader.next(chunk);
  ASSERT_TRUE(second && *second && (*second)->data);
  EXPECT_EQ((*second)->data->data(), stream.data() + 17);
}

TEST(VlessMux, StopsAtWhatIsNoFrame) {
  struct Bad {
    std::string name;
    Buffer bytes;
    Error error;
  };
  const std::vector<Bad> table{
      {"a head of 3 bytes", {0, 3, 0, 0, 2}, Error::HeadLength},
      {"a head of no bytes", {0, 0}, Error::HeadLength},
      {"a head of 513 bytes", {2, 1}, Error::HeadLength},
      {"status 0", {0, 4, 0, 0, 0, 0}, Error::Status},
      {"status 5", {0, 4, 0, 0, 5, 0}, Error::Status},
      {"new without a target", {0, 4, 0, 0, 1, 0}, Error::HeadTooShort},
      {"new with half a target", {0, 9, 0, 0, 1, 0, 1, 0, 5, 1, 1}, Error::HeadTooShort},
      {"new on network 3", {0, 12, 0, 0, 1, 0, 3, 0, 5, 1, 1, 2, 3, 4}, Error::Network},
      {"new to an unknown kind", {0, 12, 0, 0, 1, 0, 1, 0, 5, 4, 1, 2, 3, 4}, Error::AddressKind},
      {"a name past the head", {0, 9, 0, 0, 1, 0, 1, 0, 5, 2, 9}, Error::HeadTooShort},
      {"keep with half a target", {0, 6, 0, 0, 2, 0, 2, 0}, Error::HeadTooShort},
  };
  for (const Bad& bad : table) {
    for (std::size_t piece = 1; piece <= bad.bytes.size(); ++piece) {
      const Read got = read(bad.bytes, piece);
      ASSERT_TRUE(got.error) << bad.name << " in pieces of " << piece;
      EXPECT_EQ(*got.error, bad.error) << bad.name;
      EXPECT_TRUE(got.frames.empty()) << bad.name;
    }
  }
}

TEST(VlessMux, WhatIsWrittenIsReadAgain) {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    std::mt19937 random{seed};
    const auto below = [&](unsigned bound) { return static_cast<unsigned>(random() % bound); };
    Buffer stream;
    std::vector<std::string> expected;
    for (unsigned i = 0; i < 20; ++i) {
      Frame frame;
      frame.session = static_cast<std::uint16_t>(random());
      frame.status = static_cast<Status>(1 + below(4));
      frame.fault = below(4) == 0 ? Fault::Yes : Fault::No;
      const bool opens = frame.status == Status::New;
      if (opens || (frame.status == Status::Keep && below(2) == 0)) {
        const IpAddress ip = below(2) == 0 ? IpAddress::v4(static_cast<std::uint32_t>(random()))
                                           : IpAddress::v6(0x20010DB800000000, random());
        frame.destination = Destination{.network = opens && below(2) == 0 ? Network::Tcp : Network::Udp,
                                        .target = {SocketAddress{ip, static_cast<std::uint16_t>(random())}}};
      }
      Buffer data(below(20) == 0 ? below(60'000) : below(10), static_cast<std::uint8_t>(random()));
      if (below(4) != 0) frame.data = Bytes{data};
      if (opens && frame.data && frame.destination->network == Network::Udp && below(2) == 0) {
        frame.global_id = GlobalId{1, 2, 3, 4, 5, 6, 7, 8};
      }
      Buffer head(kWrittenBytesMax);
      ByteWriter writer{head};
      write_head(writer, {.session = frame.session,
                          .status = frame.status,
                          .fault = frame.fault,
                          .network = frame.destination ? frame.destination->network : Network::Udp,
                          .address = frame.destination ? frame.destination->target.at : std::nullopt,
                          .global_id = frame.global_id,
                          .data_bytes = frame.data ? std::optional{data.size()} : std::nullopt});
      ASSERT_TRUE(writer.ok());
      stream.insert(stream.end(), head.begin(), head.begin() + static_cast<std::ptrdiff_t>(writer.size()));
      if (frame.data) stream.insert(stream.end(), data.begin(), data.end());
      expected.push_back(shown(frame));
    }
    ASSERT_EQ(read(stream, 1 + below(3000)).frames, expected) << "seed " << seed;
  }
}

}  // namespace
}  // namespace zvonok::vless::mux
