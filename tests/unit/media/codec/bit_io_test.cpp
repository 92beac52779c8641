// Bit fields: any cut of a stream into fields reads what was written; the special codes are those of their documents.
#include "media/codec/bit_io.h"

#include <random>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "unit/media/codec/bits.h"

namespace zvonok::media {
namespace {

TEST(BitIo, AnyFieldsReadBack) {
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::mt19937 random{seed};
    std::vector<std::pair<std::uint32_t, unsigned>> fields;
    Bits expected;
    for (int i = 0; i < 50; ++i) {
      const auto count = static_cast<unsigned>(random() % 33);
      const auto value = static_cast<std::uint32_t>(count == 0 ? 0 : random() >> (32 - count));
      fields.emplace_back(value, count);
      expected.add(value, count);
    }
    ByteVector bytes(expected.bytes().size(), 0xAA);
    BitWriter writer{bytes};
    for (const auto& [value, count] : fields) writer.bits(value, count);
    ASSERT_TRUE(writer.ok());
    ASSERT_EQ(bytes, expected.bytes()) << "seed " << seed;
    const Exact exact{bytes};
    BitReader reader{exact.view()};
    for (const auto& [value, count] : fields) ASSERT_EQ(reader.bits(count), value) << "seed " << seed;
    ASSERT_TRUE(reader.ok());
    reader.bits(8);
    EXPECT_FALSE(reader.ok());
    EXPECT_EQ(reader.bits(1), 0U);
  }
}

TEST(BitIo, ReadsTheNonSymmetricCodesOfTheSpecification) {
  const ByteVector bytes = Bits{}.add("00 01 10 110 111").bytes();
  BitReader reader{bytes};
  for (std::uint32_t value = 0; value < 5; ++value) EXPECT_EQ(reader.non_symmetric(5), value);
  EXPECT_EQ(reader.non_symmetric(1), 0U) << "no bits at all";
  EXPECT_TRUE(reader.ok());
}

TEST(BitIo, ReadsExpGolombCodes) {
  Bits bits;
  const std::vector<std::uint32_t> values{0, 1, 2, 3, 7, 254, 255, 65535, 0x7FFFFFFE};
  for (const std::uint32_t value : values) bits.golomb(value);
  const ByteVector bytes = bits.bytes();
  BitReader reader{bytes};
  for (const std::uint32_t value : values) EXPECT_EQ(reader.unsigned_golomb(), value);
  const ByteVector signed_bytes = Bits{}.golomb(0).golomb(1).golomb(2).golomb(5).golomb(6).bytes();
  BitReader signed_reader{signed_bytes};
  for (const std::int32_t value : {0, 1, -1, 3, -3}) EXPECT_EQ(signed_reader.signed_golomb(), value);
  const ByteVector zeros(20);
  BitReader endless{zeros};
  EXPECT_EQ(endless.unsigned_golomb(), 0U);
  EXPECT_FALSE(endless.ok());
}

TEST(BitIo, WritesNothingPastTheEnd) {
  ByteVector bytes(2);
  BitWriter writer{bytes};
  writer.bits(0x1FF, 9);
  writer.bits(0xFF, 8);
  EXPECT_FALSE(writer.ok());
  EXPECT_EQ(bytes, (ByteVector{0xFF, 0x80}));
}

}  // namespace
}  // namespace zvonok::media
