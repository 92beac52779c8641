// Both implementations of AES-GCM: the vectors of its authors (McGrew and Viega, "The Galois/Counter Mode of Operation",
// appendix B), and each against the other.
#include <functional>
#include <random>
#include <string>
#include <typeinfo>
#include <vector>

#include <gtest/gtest.h>

#include "unit/proto/srtp/packets.h"

namespace zvonok::srtp {
namespace {

using test::Blob;
using test::unhex;

struct Maker {
  std::string name;
  std::function<std::unique_ptr<Gcm>(Bytes key, Direction)> make;
};

std::vector<Maker> makers() {
  std::vector<Maker> all{{"Openssl", make_openssl_gcm}};
  if (make_multi_buffer_gcm(Blob(16))) {
    all.push_back({"MultiBuffer", [](Bytes key, Direction) { return make_multi_buffer_gcm(key); }});
  }
  return all;
}

class GcmTest : public testing::TestWithParam<Maker> {};

INSTANTIATE_TEST_SUITE_P(Made, GcmTest, testing::ValuesIn(makers()),
                         [](const auto& made) { return made.param.name; });

struct Vector {
  const char *key, *iv, *header, *text, *sealed, *tag;
};
constexpr auto kKey = "feffe9928665731c6d6a8f9467308308";
constexpr auto kText =
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
constexpr Vector kVectors[] = {
    {"00000000000000000000000000000000", "000000000000000000000000", "", "", "", "58e2fccefa7e3061367f1d57a4e7455a"},
    {kKey, "cafebabefacedbaddecaf888", "feedfacedeadbeeffeedfacedeadbeefabaddad2", kText,
     "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
     "5bc94fbc3221a5db94fae95ae7121a47"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2", kText,
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
     "76fc6ece0f4e1768cddf8853bb2d551b"},
};

TEST_P(GcmTest, SealsAndOpensTheVectors) {
  for (const Vector& vector : kVectors) {
    const Blob key = unhex(vector.key);
    const Blob text = unhex(vector.text);
    Blob sealed(text.size());
    Blob tag(kGcmTagBytes);
    ASSERT_TRUE(GetParam().make(key, Direction::Seal)
                    ->seal(unhex(vector.iv), unhex(vector.header), {}, sealed.data(), {}, text, tag));
    EXPECT_EQ(sealed, unhex(vector.sealed));
    EXPECT_EQ(tag, unhex(vector.tag));
    ASSERT_TRUE(
        GetParam().make(key, Direction::Open)->open(unhex(vector.iv), unhex(vector.header), {}, sealed, tag));
    EXPECT_EQ(sealed, text);
  }
}

TEST_P(GcmTest, RefusesWhateverIsChanged) {
  const Blob key = unhex(kKey);
  const Blob iv = unhex("cafebabefacedbaddecaf888");
  const Blob header = unhex("feedfacedeadbeef");
  const Blob trailer = unhex("80000001");
  Blob sealed = unhex(kText);
  Blob tag(kGcmTagBytes);
  const auto seals = GetParam().make(key, Direction::Seal);
  ASSERT_TRUE(seals->seal(iv, header, trailer, sealed.data(), {}, sealed, tag));
  const auto opens = GetParam().make(key, Direction::Open);
  for (int part = 0; part < 5; ++part) {
    Blob copies[] = {iv, header, trailer, sealed, tag};
    for (std::size_t bit = 0; bit < 8 * copies[part].size(); ++bit) {
      Blob changed[] = {iv, header, trailer, sealed, tag};
      changed[part][bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
      ASSERT_FALSE(opens->open(changed[0], changed[1], changed[2], changed[3], changed[4])) << part << " " << bit;
    }
  }
  EXPECT_TRUE(opens->open(iv, header, trailer, sealed, tag)) << "what was refused has left no trace";
}

TEST_P(GcmTest, DoesAsTheOtherWithTextInPiecesAndInPlace) {
  std::mt19937 random{7};
  const auto blob = [&](std::size_t size) {
    Blob bytes(size);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
    return bytes;
  };
  for (int i = 0; i < 2000; ++i) {
    const Blob key = blob(random() % 2 == 0 ? 16 : 32);
    const Blob iv = blob(kGcmIvBytes);
    const bool rtcp = random() % 4 == 0;
    const Blob header = blob(rtcp ? 8 : 12 + 4 * (random() % 20));
    const Blob trailer = blob(rtcp ? 4 : 0);
    const Blob prefix = blob(random() % 3 == 0 ? random() % 40 : 0);
    const Blob rest = blob(random() % 5 == 0 ? 0 : random() % 1400);
    const Blob text = test::concat(prefix, rest);

    Blob expected(text.size());
    Blob expected_tag(kGcmTagBytes);
    ASSERT_TRUE(make_openssl_gcm(key, Direction::Seal)
                    ->seal(iv, header, trailer, expected.data(), {}, text, expected_tag));

    // The rest lies at its place already, as in a packet that came with room before it.
    Blob sealed(text.size());
    std::copy(rest.begin(), rest.end(), sealed.begin() + static_cast<std::ptrdiff_t>(prefix.size()));
    Blob tag(kGcmTagBytes);
    ASSERT_TRUE(GetParam()
                    .make(key, Direction::Seal)
                    ->seal(iv, header, trailer, sealed.data(), prefix, Bytes{sealed}.subspan(prefix.size()), tag));
    ASSERT_EQ(sealed, expected) << i;
    ASSERT_EQ(tag, expected_tag) << i;
    ASSERT_TRUE(GetParam().make(key, Direction::Open)->open(iv, header, trailer, sealed, tag)) << i;
    ASSERT_EQ(sealed, text) << i;
  }
}

TEST(Gcm, IsTheFastOneWhereThereIsOne) {
  const Blob key(16);
  const auto fast = make_multi_buffer_gcm(key);
  const auto made = make_gcm(key, Direction::Seal);
  const auto slow = make_openssl_gcm(key, Direction::Seal);
  const Gcm& chosen = *made;
  const Gcm& expected = fast ? *fast : *slow;
  EXPECT_EQ(typeid(chosen), typeid(expected));
}

}  // namespace
}  // namespace zvonok::srtp
