#include <gtest/gtest.h>

#include "base/base64.h"
#include "base/entropy.h"
#include "base/time.h"
#include "base/token_bucket.h"

namespace zvonok {
namespace {

TEST(Base64, EncodesTheVectorsOfTheRfc) {
  // RFC 4648 section 10
  const std::vector<std::pair<std::string, std::string>> vectors{{"", ""},
                                                                 {"f", "Zg=="},
                                                                 {"fo", "Zm8="},
                                                                 {"foo", "Zm9v"},
                                                                 {"foob", "Zm9vYg=="},
                                                                 {"fooba", "Zm9vYmE="},
                                                                 {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    EXPECT_EQ(base64_encode(as_bytes(plain)), encoded);
    const std::string unpadded = encoded.substr(0, encoded.find('='));
    EXPECT_EQ(base64url_encode(as_bytes(plain)), unpadded);
    const auto decoded = base64url_decode(unpadded);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(as_text(*decoded), plain);
  }
}

TEST(Base64, RefusesEverySecondSpelling) {
  for (const char* bad : {"Zg==", "Z", "Zh", "Zm9=", "Zm+v", "Zm/v", " Zm9v", "Zm9v\n", "Zm9vY"}) {
    EXPECT_FALSE(base64url_decode(bad)) << bad;
  }
  EXPECT_FALSE(base64url_decode("Zm9")) << "left-over bits must be zero";
}

TEST(Time, FormatsRfc3339) {
  EXPECT_EQ(format_rfc3339(wall_from_unix_milliseconds(0)), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(format_rfc3339(wall_from_unix_milliseconds(1770122096789)), "2026-02-03T12:34:56.789Z");
  EXPECT_EQ(format_rfc3339(wall_from_unix_milliseconds(1709164800000)), "2024-02-29T00:00:00.000Z");
}

class CountingEntropy final : public Entropy {
 public:
  void fill(MutableBytes out) override {
    for (auto& byte : out) byte = next_++;
  }

 private:
  std::uint8_t next_ = 0;
};

TEST(Entropy, MakesVersionFourUuids) {
  CountingEntropy entropy;
  EXPECT_EQ(make_uuid(entropy), "00010203-0405-4607-8809-0a0b0c0d0e0f");
}

TEST(Entropy, MakesVersionSevenUuidsThatSortByTimeAndThenByCounter) {
  CountingEntropy entropy;
  const WallTime time{milliseconds{0x0123456789AB}};
  const std::string first = make_ordered_uuid(entropy, time, 0xABC);
  EXPECT_EQ(first, "01234567-89ab-7abc-8809-0a0b0c0d0e0f");
  EXPECT_LT(first, make_ordered_uuid(entropy, time, 0xABD));
  EXPECT_LT(first, make_ordered_uuid(entropy, time + milliseconds{1}, 0));
}

TEST(TokenBucket, GivesTheBurstAndThenTheRate) {
  const TimePoint start{seconds{100}};
  TokenBucket bucket{{.burst = 3, .per_second = 2}, start};
  EXPECT_TRUE(bucket.take(3, start));
  EXPECT_FALSE(bucket.take(1, start));
  EXPECT_FALSE(bucket.take(1, start + milliseconds{499}));
  EXPECT_TRUE(bucket.take(1, start + milliseconds{500}));
  EXPECT_FALSE(bucket.full(start + seconds{1}));
  EXPECT_TRUE(bucket.full(start + seconds{10}));
}

TEST(TokenBucket, SaysHowLongADebtLasts) {
  const TimePoint start{};
  TokenBucket bucket{{.burst = 1, .per_second = 10}, start};
  bucket.charge(2, start);
  const Duration wait = bucket.wait(start);
  EXPECT_GE(wait, milliseconds{100});
  EXPECT_LE(wait, milliseconds{101});
  EXPECT_EQ(bucket.wait(start + wait), Duration::zero());
}

}  // namespace
}  // namespace zvonok
