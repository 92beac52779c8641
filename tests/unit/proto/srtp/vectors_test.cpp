// The published vectors: RFC 3711 appendix B, RFC 7714 sections 16 and 17.
#include <gtest/gtest.h>

#include "unit/proto/srtp/packets.h"

namespace zvonok::srtp {
namespace {

using test::Blob;
using test::unhex;

Blob blob(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}

TEST(SrtpKeys, AreDerivedAsInRfc3711AppendixB3) {
  const MasterKey master{.key = Secret<kKeyBytesMax>{unhex("E1F97A0D3E018BE0D64FA32C06DE4139")},
                         .salt = Secret<kSaltBytesMax>{unhex("0EC675AD498AFEEBB6960B3AABE6")}};
  const SessionKeys keys = derive_session_keys(Profile::Aes128CmSha1_80, master);
  EXPECT_EQ(blob(keys.rtp.cipher.view()), unhex("C61E7A93744F39EE10734AFE3FF7A087"));
  EXPECT_EQ(blob(keys.rtp.salt.view()), unhex("30CBBC08863D8C85D49DB34A9AE1"));
  EXPECT_EQ(blob(keys.rtp.mac.view()), unhex("CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"));
}

TEST(SrtpKeys, OfRtpAndRtcpAllDiffer) {
  for (const Profile profile : test::kProfiles) {
    const SessionKeys keys = derive_session_keys(profile, test::master_key(profile));
    EXPECT_NE(blob(keys.rtp.cipher.view()), blob(keys.rtcp.cipher.view()));
    EXPECT_NE(blob(keys.rtp.salt.view()), blob(keys.rtcp.salt.view()));
    EXPECT_EQ(keys.rtp.mac.view().empty(), is_aead(profile));
    if (!is_aead(profile)) {
      EXPECT_NE(blob(keys.rtp.mac.view()), blob(keys.rtcp.mac.view()));
    }
  }
}

TEST(SrtpKeys, AreSplitInTheOrderOfRfc5764) {
  const std::size_t sizes[] = {56, 88, 60};
  for (std::size_t i = 0; i < test::kProfiles.size(); ++i) {
    const Profile profile = test::kProfiles.at(i);
    ASSERT_EQ(exported_bytes(profile), sizes[i]);
    const Blob bytes = test::exported(profile, 5);
    const KeyingMaterial material = split_keying_material(profile, bytes);
    const Blob keys = test::concat(material.client.key.view(), material.server.key.view());
    const Blob salts = test::concat(material.client.salt.view(), material.server.salt.view());
    EXPECT_EQ(test::concat(keys, salts), bytes) << profile;
    EXPECT_EQ(material.client.key.view().size(), key_bytes(profile));
    EXPECT_EQ(material.client.salt.view().size(), salt_bytes(profile));
  }
}

TEST(SrtpProtection, CountsAsInRfc3711AppendixB2) {
  PacketKeys keys;
  keys.cipher = Secret<kKeyBytesMax>{unhex("2B7E151628AED2A6ABF7158809CF4F3C")};
  keys.salt = Secret<kSaltBytesMax>{unhex("F0F1F2F3F4F5F6F7F8F9FAFBFCFD")};
  keys.mac = Secret<kMacKeyBytes>{Blob(20)};
  Protection protection{Profile::Aes128CmSha1_80, Direction::Seal, keys};
  Blob text(0xFF02 * 16);
  Blob tag(10);
  ASSERT_TRUE(protection.seal({}, text, 0, {}, text, {}, tag));
  const auto at = [&](std::size_t block, std::size_t count) {
    return blob(Bytes{text}.subspan(block * 16, count * 16));
  };
  EXPECT_EQ(at(0, 3),
            unhex("E03EAD0935C95E80E166B16DD92B4EB4D23513162B02D0F72A43A2FE4A5F97AB41E95B3BB0A2E8DD477901E4FCA894C0"));
  EXPECT_EQ(at(0xFEFF, 3),
            unhex("EC8CDF7398607CB0F2D21675EA9EA1E4362B7C3C6773516318A077D7FC5073AE6A2CC3787889374FBEB4C81B17BA6C44"));
}

constexpr std::string_view kKey = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
constexpr std::string_view kSalt = "517569642070726f2071756f";
constexpr std::string_view kRtp =
    "8040f17b8041f8d35501a0b247616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573";
constexpr std::string_view kRtcp =
    "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbeef";
constexpr std::uint32_t kRtcpIndex = 0x5d4;

struct GcmVector {
  Profile profile;
  std::string_view rtp;
  std::string_view rtcp;
};
constexpr GcmVector kGcmVectors[] = {
    {Profile::AeadAes128Gcm,
     "8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833899d7f27beb1"
     "6a9152cf765ee4390cce",
     "81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9275bc84aa458"
     "96cf4d2fc5abf87245d9eade800005d4"},
    {Profile::AeadAes256Gcm,
     "8040f17b8041f8d35501a0b232b1de78a822fe12ef9f78fa332e33aab18012389a58e2f3b50b2a0276ffae0f1ba63799b87b7aa3db36dfff"
     "d6b0f9bb7878d7a76c13",
     "81c8000d4d617273d50ae4d1f5ce5d304ba297e47d470c282c3ece5dbffe0a50a2eaa5c1110555be8415f658c61de0476f1b6fad1d1eb30c"
     "4446839f57ff6f6cb26ac3be800005d4"},
};
/// Section 17.3: AEAD_AES_128_GCM, authenticated but not encrypted.
constexpr std::string_view kRtcpTaggedOnly =
    "81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbeef841dd968"
    "3dd78ec92ae58790125f62b3000005d4";

/// The vectors are given with session keys, so nothing is derived.
SessionKeys vector_keys(Profile profile) {
  PacketKeys keys;
  keys.cipher = Secret<kKeyBytesMax>{unhex(kKey.substr(0, 2 * key_bytes(profile)))};
  keys.salt = Secret<kSaltBytesMax>{unhex(kSalt)};
  return {.rtp = keys, .rtcp = keys};
}

TEST(SrtpVectors, OfRfc7714Section16AreSealedAndOpened) {
  for (const GcmVector& vector : kGcmVectors) {
    Sender sender{vector.profile, vector_keys(vector.profile)};
    const test::Packet packet{
        .plain = unhex(kRtp), .header_length = 12, .extended_sequence = 0xf17b, .ssrc = rtp::Ssrc{0x5501a0b2}};
    EXPECT_EQ(test::seal(sender, packet), unhex(vector.rtp)) << vector.profile;

    Receiver receiver{vector.profile, vector_keys(vector.profile)};
    Blob sealed = unhex(vector.rtp);
    const auto opened = receiver.open_rtp(sealed);
    ASSERT_TRUE(opened) << vector.profile;
    sealed.resize(opened->length);
    EXPECT_EQ(sealed, packet.plain);
    EXPECT_EQ(opened->extended_sequence, 0xf17bU);
    EXPECT_EQ(opened->ssrc, packet.ssrc);
  }
}

TEST(SrtpVectors, OfRfc7714Section17AreSealedAndOpened) {
  for (const GcmVector& vector : kGcmVectors) {
    Sender sender{vector.profile, vector_keys(vector.profile)};
    for (std::uint32_t i = 0; i < kRtcpIndex; ++i) test::seal_rtcp(sender, unhex(kRtcp));
    EXPECT_EQ(test::seal_rtcp(sender, unhex(kRtcp)), unhex(vector.rtcp)) << vector.profile;

    Receiver receiver{vector.profile, vector_keys(vector.profile)};
    Blob sealed = unhex(vector.rtcp);
    const auto length = receiver.open_rtcp(sealed);
    ASSERT_TRUE(length) << vector.profile;
    sealed.resize(*length);
    EXPECT_EQ(sealed, unhex(kRtcp));
  }
}

TEST(SrtpVectors, RtcpThatIsOnlyAuthenticatedIsRefused) {
  Receiver receiver{Profile::AeadAes128Gcm, vector_keys(Profile::AeadAes128Gcm)};
  EXPECT_EQ(test::open_rtcp_error(receiver, unhex(kRtcpTaggedOnly)), Error::Malformed);
}

}  // namespace
}  // namespace zvonok::srtp
