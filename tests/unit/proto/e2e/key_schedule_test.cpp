#include "proto/e2e/key_schedule.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "support/seeded_entropy.h"

namespace zvonok::e2e {
namespace {

std::vector<std::uint8_t> from_hex(std::string_view text) {
  std::vector<std::uint8_t> out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    out.push_back(static_cast<std::uint8_t>(std::stoi(std::string{text.substr(i, 2)}, nullptr, 16)));
  }
  return out;
}
std::string to_hex(Bytes bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const std::uint8_t byte : bytes) out.append({kDigits[byte >> 4], kDigits[byte & 15]});
  return out;
}

// RFC 7748 section 6.1.
constexpr std::string_view kAlicePrivate = "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a";
constexpr std::string_view kAlicePublic = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a";
constexpr std::string_view kBobPrivate = "5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb";
constexpr std::string_view kBobPublic = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f";
constexpr std::string_view kShared = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742";

TEST(KeySchedule, AgreesAsInTheRfc) {
  const KeyPair alice = key_pair_from(from_hex(kAlicePrivate));
  const KeyPair bob = key_pair_from(from_hex(kBobPrivate));
  EXPECT_EQ(to_hex(alice.public_key), kAlicePublic);
  EXPECT_EQ(to_hex(bob.public_key), kBobPublic);
  EXPECT_EQ(to_hex(shared_secret(alice.private_key, bob.public_key)->view()), kShared);
  EXPECT_EQ(to_hex(shared_secret(bob.private_key, alice.public_key)->view()), kShared);
}

TEST(KeySchedule, TakesNoKeyThatLeadsToNoSecret) {
  const KeyPair alice = key_pair_from(from_hex(kAlicePrivate));
  EXPECT_FALSE(shared_secret(alice.private_key, PublicKey{}));
  EXPECT_FALSE(shared_secret(alice.private_key, PublicKey{1}));
}

// The same numbers stand in web/client/test/e2e.test.ts: browsers and this come to one key.
TEST(KeySchedule, DerivesAsTheSdkDoes) {
  const KeyPair alice = key_pair_from(from_hex(kAlicePrivate));
  const KeyPair bob = key_pair_from(from_hex(kBobPrivate));
  EXPECT_EQ(to_hex(commitment_of(alice.public_key)),
            "7cc5846ace772ef9cefdb975cf3c8d95777d05077a82a71fe3100c841795194c");
  const Key shared{from_hex(kShared)};
  const End one{.user = "alice", .key = alice.public_key};
  const End two{.user = "bob", .key = bob.public_key};
  const PairKeys hers = derive_pair_keys(shared, as_bytes("a salt"), one, two);
  EXPECT_EQ(to_hex(hers.send.base.view()), "02f33b8b263c37fb7a0cfb5ebcdda8fb6c4aac436bddcc18d82a6f65e9b55d6e");
  EXPECT_EQ(hers.send.kid, 0xE2A97D7DU);
  EXPECT_EQ(to_hex(hers.receive.base.view()), "70bf764f87f3bc39b21aacf6d35298251c099d6154008313e0a5850745f84bef");
  EXPECT_EQ(hers.receive.kid, 0xE79E2967U);
  EXPECT_EQ(hers.code, "15633037");
  const srtp::MasterKey srtp = srtp_key(hers.send);
  EXPECT_EQ(to_hex(srtp.key.view()) + to_hex(srtp.salt.view()),
            "f5db1615e3528ec714414b2775144f17fb4c28667d18a1b50dca3b9e");

  const PairKeys his = derive_pair_keys(shared, as_bytes("a salt"), two, one);
  EXPECT_EQ(his.send.base, hers.receive.base);
  EXPECT_EQ(his.receive.kid, hers.send.kid);
  EXPECT_EQ(his.code, hers.code);
}

TEST(KeySchedule, EverythingKnownIsPartOfIt) {
  const Key shared{from_hex(kShared)};
  const End one{.user = "alice", .key = key_pair_from(from_hex(kAlicePrivate)).public_key};
  const End two{.user = "bob", .key = key_pair_from(from_hex(kBobPrivate)).public_key};
  const PairKeys keys = derive_pair_keys(shared, as_bytes("salt"), one, two);
  End other = two;
  other.user = "bobby";
  for (const PairKeys& different :
       {derive_pair_keys(shared, as_bytes("salt2"), one, two), derive_pair_keys(shared, {}, one, two),
        derive_pair_keys(shared, as_bytes("salt"), one, other),
        derive_pair_keys(Key{from_hex(kAlicePublic)}, as_bytes("salt"), one, two)}) {
    EXPECT_NE(different.code, keys.code);
    EXPECT_NE(different.send.base, keys.send.base);
  }
  EXPECT_EQ(call_salt("key", ""), "key");
  EXPECT_NE(call_salt("key", "x"), call_salt("keyx", ""));
  EXPECT_NE(call_salt("ke", "yx"), call_salt("key", "x"));
}

TEST(KeySchedule, CodesHaveEightDigitsWhateverTheyAre) {
  test::SeededEntropy entropy{7};
  for (int i = 0; i < 300; ++i) {
    const KeyPair one = make_key_pair(entropy);
    const KeyPair two = make_key_pair(entropy);
    const auto keys = derive_pair_keys(*shared_secret(one.private_key, two.public_key), {},
                                       {.user = "a", .key = one.public_key}, {.user = "b", .key = two.public_key});
    EXPECT_EQ(keys.code.size(), kCodeDigits);
    EXPECT_TRUE(std::ranges::all_of(keys.code, [](char c) { return c >= '0' && c <= '9'; })) << keys.code;
  }
}

}  // namespace
}  // namespace zvonok::e2e
