#include "proto/vless/early_data.h"

#include <string>

#include <gtest/gtest.h>

#include "base/base64.h"

namespace zvonok::vless {
namespace {

using Buffer = std::vector<std::uint8_t>;

TEST(VlessEarlyData, IsReadInEverySpelling) {
  const Buffer bytes{0xFB, 0xFF, 0xFE, 0x00};
  for (const char* const text : {"-__-AA", "+//+AA", "+//+AA==", "-__-AA=="}) {
    EXPECT_EQ(decode_early_data(text), bytes) << text;
  }
  const Buffer long_one(2048, 0xA7);
  EXPECT_EQ(decode_early_data(base64url_encode(long_one)), long_one);
  EXPECT_EQ(decode_early_data(base64_encode(long_one)), long_one);
}

TEST(VlessEarlyData, IsNothingElse) {
  for (const char* const text : {"", "=", "==", "A", "A=", "AAA===", "AA=A", "chat, superchat", "AA AA", "AA\n",
                                 "A\x80"
                                 "AA"}) {
    EXPECT_FALSE(decode_early_data(text)) << text;
  }
}

TEST(VlessEarlyData, HasALimit) {
  EXPECT_TRUE(decode_early_data(base64url_encode(Buffer(kEarlyDataBytesMax, 1))));
  EXPECT_FALSE(decode_early_data(base64url_encode(Buffer(kEarlyDataBytesMax + 1, 1))));
  EXPECT_FALSE(decode_early_data(std::string(1'000'000, 'A')));
}

}  // namespace
}  // namespace zvonok::vless
