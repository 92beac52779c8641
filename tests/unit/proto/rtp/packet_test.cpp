// RTP headers and their extensions, read and written.
#include "proto/rtp/packet.h"

#include <array>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "base/byte_io.h"

namespace zvonok::rtp {
namespace {

using Blob = std::vector<std::uint8_t>;
using Random = std::mt19937_64;

std::size_t below(Random& random, std::size_t bound) {
  return std::uniform_int_distribution<std::size_t>{0, bound - 1}(random);
}

/// Sequence 0x1234, timestamp 0x89ABCDEF, SSRC 0xDEADBEEF, payload type 111 with marker; then `rest`.
Blob packet(std::uint8_t first, const Blob& rest) {
  Blob bytes{first, 0x80 | 111, 0x12, 0x34, 0x89, 0xAB, 0xCD, 0xEF, 0xDE, 0xAD, 0xBE, 0xEF};
  bytes.insert(bytes.end(), rest.begin(), rest.end());
  return bytes;
}

Blob blob(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}

struct Element {
  int id;
  Blob bytes;
  friend bool operator==(const Element&, const Element&) = default;
};

std::vector<Element> elements_of(Extensions extensions) {
  std::vector<Element> elements;
  while (const auto element = extensions.next()) elements.push_back({element->id, blob(element->bytes)});
  return elements;
}
std::vector<Element> elements_of(std::uint16_t form, const Blob& block) {
  return elements_of(Extensions{form, block});
}

TEST(RtpPacket, IsReadFieldByField) {
  const Blob bytes = packet(0x80, {1, 2, 3});
  const auto view = PacketView::parse(bytes);
  ASSERT_TRUE(view);
  EXPECT_TRUE(view->marker);
  EXPECT_FALSE(view->padding);
  EXPECT_EQ(view->payload_type, PayloadType{111});
  EXPECT_EQ(view->sequence, 0x1234);
  EXPECT_EQ(view->timestamp, 0x89ABCDEFU);
  EXPECT_EQ(view->ssrc, Ssrc{0xDEADBEEF});
  EXPECT_EQ(view->header_length, 12U);
  EXPECT_EQ(view->extension_form, std::nullopt);
  EXPECT_TRUE(view->extensions().empty());
  EXPECT_EQ(blob(view->body), (Blob{1, 2, 3}));
}

TEST(RtpPacket, SkipsCsrcsAndFindsTheExtensionBlock) {
  Blob rest(8, 0x11);  // two CSRCs
  const Blob block{0xBE, 0xDE, 0, 1, 0x10, 0xAA, 0, 0};
  rest.insert(rest.end(), block.begin(), block.end());
  rest.push_back(9);
  const Blob bytes = packet(0x92, rest);
  const auto view = PacketView::parse(bytes);
  ASSERT_TRUE(view);
  EXPECT_EQ(view->header_length, 12U + 8 + 8);
  EXPECT_EQ(view->extension_form, 0xBEDE);
  EXPECT_EQ(elements_of(view->extensions()), (std::vector<Element>{{1, {0xAA}}}));
  EXPECT_EQ(blob(view->body), Blob{9});
}

TEST(RtpPacket, IsRefusedWhenItEndsInItsHeader) {
  Blob rest(15 * 4 + 4 + 8, 0);
  rest[15 * 4 + 3] = 2;  // two words of extension block
  const Blob whole = packet(0x9F, rest);
  ASSERT_TRUE(PacketView::parse(whole));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto view = PacketView::parse(Bytes{whole}.first(size));
    ASSERT_FALSE(view) << size;
    EXPECT_EQ(view.error(), ParseError::TooShort) << size;
  }
}

TEST(RtpPacket, IsRefusedInOtherVersions) {
  for (const std::uint8_t first : std::array<std::uint8_t, 3>{0x00, 0x40, 0xC0}) {
    const Blob bytes = packet(first, {1});
    const auto view = PacketView::parse(bytes);
    ASSERT_FALSE(view);
    EXPECT_EQ(view.error(), ParseError::BadVersion);
  }
}

TEST(RtpPacket, LosesItsPaddingOnlyWhenAsked) {
  struct Case {
    std::uint8_t first;
    Blob body;
    std::optional<Blob> payload;
    std::size_t padding;
  };
  const Case cases[] = {
      {0x80, {1, 2, 3}, Blob{1, 2, 3}, 0}, {0xA0, {1, 0, 2}, Blob{1}, 2},
      {0xA0, {1, 2, 1}, Blob{1, 2}, 1},    {0xA0, {0, 0, 3}, Blob{}, 3},
      {0xA0, {0, 0, 4}, std::nullopt, 0},  {0xA0, {0, 0, 0}, std::nullopt, 0},
      {0xA0, {}, std::nullopt, 0},         {0x80, {}, Blob{}, 0},
  };
  for (const Case& one : cases) {
    const Blob bytes = packet(one.first, one.body);
    const auto view = PacketView::parse(bytes);
    ASSERT_TRUE(view);
    const auto payload = payload_of(*view);
    ASSERT_EQ(payload.has_value(), one.payload.has_value());
    if (!payload) {
      EXPECT_EQ(payload.error(), ParseError::BadPadding);
      continue;
    }
    EXPECT_EQ(blob(payload->bytes), *one.payload);
    EXPECT_EQ(payload->padding_length, one.padding);
  }
}

TEST(RtpExtensions, OfTheOneByteFormAreRead) {
  using Elements = std::vector<Element>;
  EXPECT_EQ(elements_of(0xBEDE, {0x10, 0xAA, 0x21, 0xBB, 0xCC, 0, 0, 0}), (Elements{{1, {0xAA}}, {2, {0xBB, 0xCC}}}));
  EXPECT_EQ(elements_of(0xBEDE, {0, 0, 0x10, 0xAA}), (Elements{{1, {0xAA}}})) << "padding in front";
  EXPECT_EQ(elements_of(0xBEDE, {0x10, 0xAA, 0, 0x20, 0xBB, 0, 0, 0}), (Elements{{1, {0xAA}}, {2, {0xBB}}}));
  EXPECT_EQ(elements_of(0xBEDE, {0, 0, 0, 0}), Elements{});
  EXPECT_EQ(elements_of(0xBEDE, {}), Elements{});
}

TEST(RtpExtensions, OfTheOneByteFormEndAtId15) {
  using Elements = std::vector<Element>;
  EXPECT_EQ(elements_of(0xBEDE, {0x10, 0xAA, 0xFF, 0x20}), (Elements{{1, {0xAA}}}));
  EXPECT_EQ(elements_of(0xBEDE, {0x10, 0xAA, 0x02, 0x20}), (Elements{{1, {0xAA}}})) << "id 0 with a length";
}

TEST(RtpExtensions, OfTheTwoByteFormAreRead) {
  using Elements = std::vector<Element>;
  for (const std::uint16_t form : std::array<std::uint16_t, 3>{0x1000, 0x1007, 0x100F}) {
    EXPECT_EQ(elements_of(form, {1, 0, 15, 1, 0xAA, 0, 200, 1, 0xBB, 0, 0, 0}),
              (Elements{{1, {}}, {15, {0xAA}}, {200, {0xBB}}}));
  }
}

TEST(RtpExtensions, AreDroppedWholeWhenAnElementRunsPastTheEnd) {
  EXPECT_TRUE(Extensions(0xBEDE, Blob{0x10, 0xAA, 0x21, 0xBB}).empty());
  EXPECT_TRUE(Extensions(0xBEDE, Blob{0, 0, 0, 0x10}).empty());
  EXPECT_TRUE(Extensions(0x1000, Blob{1, 0, 2, 1}).empty());
  EXPECT_TRUE(Extensions(0x1000, Blob{1, 0, 0, 2}).empty());
  EXPECT_FALSE(Extensions(0x1000, Blob{1, 0, 2, 0}).empty());
}

TEST(RtpExtensions, OfOtherFormsAreNone) {
  for (const std::uint16_t form : std::array<std::uint16_t, 5>{0x0000, 0x1010, 0x2000, 0xBEDF, 0xABAC}) {
    EXPECT_TRUE(Extensions(form, Blob{0x10, 0xAA, 0x10, 0xAA}).empty()) << form;
  }
}

TEST(RtpExtensions, AreFoundById) {
  const Blob block{0x10, 0xAA, 0x21, 0xBB, 0xCC, 0x10, 0xDD, 0};
  const Extensions extensions{0xBEDE, block};
  EXPECT_EQ(blob(extensions.find(1).value()), Blob{0xAA}) << "the first of two";
  EXPECT_EQ(blob(extensions.find(2).value()), (Blob{0xBB, 0xCC}));
  EXPECT_EQ(extensions.find(3), std::nullopt);
  EXPECT_EQ(extensions.find(0), std::nullopt);
}

TEST(RtpWriter, WritesTheFixedHeader) {
  Blob buffer(12);
  const HeaderFields fields{.padding = true,
                            .marker = true,
                            .payload_type = PayloadType{111},
                            .sequence = 0x1234,
                            .timestamp = 0x89ABCDEF,
                            .ssrc = Ssrc{0xDEADBEEF}};
  EXPECT_EQ(write_header(buffer, fields, {}), 12U);
  EXPECT_EQ(buffer, packet(0xA0, {}));
}

TEST(RtpWriter, ChoosesTheForm) {
  struct Case {
    std::uint8_t id;
    std::size_t size;
    std::optional<std::uint16_t> form;
  };
  constexpr Case kCases[] = {
      {1, 1, 0xBEDE},   {14, 16, 0xBEDE}, {14, 17, 0x1000},       {1, 0, 0x1000},       {15, 1, 0x1000},
      {255, 1, 0x1000}, {1, 255, 0x1000}, {1, 256, std::nullopt}, {0, 1, std::nullopt},
  };
  for (const Case& one : kCases) {
    const Blob bytes(one.size, 0x5A);
    const ExtensionElement elements[] = {{3, Bytes{bytes}.first(std::min<std::size_t>(one.size, 1))}, {one.id, bytes}};
    Blob buffer(600);
    const std::size_t length = write_header(buffer, {}, elements);
    EXPECT_EQ(length != 0, one.form.has_value()) << int{one.id} << " " << one.size;
    if (length == 0) continue;
    const auto view = PacketView::parse(Bytes{buffer}.first(length));
    ASSERT_TRUE(view);
    EXPECT_EQ(view->extension_form, one.form);
  }
}

TEST(RtpWriter, ReadsBackWhatItWrote) {
  constexpr std::uint64_t kSeed = 31;
  Random random{kSeed};
  for (int i = 0; i < 5000; ++i) {
    const bool wide = below(random, 4) == 0;
    std::vector<Element> expected;
    for (std::size_t count = below(random, 8); count > 0; --count) {
      Blob bytes(wide ? below(random, 60) : 1 + below(random, 16));
      for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
      expected.push_back({static_cast<int>(1 + below(random, wide ? 255 : 14)), bytes});
    }
    std::vector<ExtensionElement> elements;
    for (const Element& element : expected) elements.push_back({static_cast<std::uint8_t>(element.id), element.bytes});
    const HeaderFields fields{.marker = below(random, 2) == 0,
                              .payload_type = PayloadType{static_cast<std::uint8_t>(below(random, 128))},
                              .sequence = static_cast<std::uint16_t>(random()),
                              .timestamp = static_cast<std::uint32_t>(random()),
                              .ssrc = Ssrc{static_cast<std::uint32_t>(random())}};
    Blob buffer(600);
    const std::size_t length = write_header(buffer, fields, elements);
    ASSERT_GE(length, 12U) << "seed " << kSeed << ", packet " << i;
    EXPECT_EQ(length % 4, 0U);
    const auto view = PacketView::parse(Bytes{buffer}.first(length));
    ASSERT_TRUE(view);
    EXPECT_EQ(view->header_length, length);
    EXPECT_EQ(view->marker, fields.marker);
    EXPECT_EQ(view->payload_type, fields.payload_type);
    EXPECT_EQ(view->sequence, fields.sequence);
    EXPECT_EQ(view->timestamp, fields.timestamp);
    EXPECT_EQ(view->ssrc, fields.ssrc);
    EXPECT_EQ(elements_of(view->extensions()), expected) << "seed " << kSeed << ", packet " << i;
    // A buffer one byte short takes nothing.
    EXPECT_EQ(write_header(MutableBytes{buffer}.first(length - 1), fields, elements), 0U);
  }
}

}  // namespace
}  // namespace zvonok::rtp
