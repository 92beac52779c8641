// Certificates and the text of their fingerprints.
#include <string>

#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "dtls_link.h"
#include "proto/dtls/certificate.h"

namespace zvonok::dtls {
namespace {

std::string pairs(std::size_t count, const std::string& pair = "AB") {
  std::string text = pair;
  while (--count > 0) text += ':' + pair;
  return text;
}

TEST(DtlsFingerprint, ReadsTheThreeHashesAndWritesThemAgain) {
  const struct {
    std::string name;
    std::size_t bytes;
    HashAlgorithm algorithm;
  } kCases[] = {{"sha-256", 32, HashAlgorithm::Sha256},
                {"sha-384", 48, HashAlgorithm::Sha384},
                {"sha-512", 64, HashAlgorithm::Sha512}};
  for (const auto& c : kCases) {
    const auto parsed = Fingerprint::parse(c.name + ' ' + pairs(c.bytes));
    ASSERT_TRUE(parsed) << c.name;
    EXPECT_EQ(parsed->algorithm, c.algorithm);
    EXPECT_EQ(parsed->bytes, std::vector<std::uint8_t>(c.bytes, 0xab));
    EXPECT_EQ(parsed->text(), c.name + ' ' + pairs(c.bytes));
  }
}

TEST(DtlsFingerprint, TakesEitherCase) {
  const auto parsed = Fingerprint::parse("SHA-256 " + pairs(32, "ab"));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->hex(), pairs(32));
}

TEST(DtlsFingerprint, RefusesWhatIsWeakUnknownOrMisspelt) {
  const struct {
    std::string text;
    FingerprintError error;
  } kCases[] = {
      {"sha-1 " + pairs(20), FingerprintError::WeakAlgorithm},
      {"SHA-1 " + pairs(20), FingerprintError::WeakAlgorithm},
      {"md5 " + pairs(16), FingerprintError::WeakAlgorithm},
      {"sha-224 " + pairs(28), FingerprintError::UnknownAlgorithm},
      {"", FingerprintError::BadSyntax},
      {"sha-256", FingerprintError::BadSyntax},
      {"sha-256 ", FingerprintError::WrongLength},
      {"sha-256 " + pairs(31), FingerprintError::WrongLength},
      {"sha-256 " + pairs(33), FingerprintError::WrongLength},
      {"sha-512 " + pairs(32), FingerprintError::WrongLength},
      {"sha-256 " + pairs(32, "GB"), FingerprintError::BadSyntax},
      {"sha-256 " + pairs(31) + "-AB", FingerprintError::BadSyntax},
  };
  for (const auto& c : kCases) {
    const auto parsed = Fingerprint::parse(c.text);
    ASSERT_FALSE(parsed) << c.text;
    EXPECT_EQ(parsed.error(), c.error) << c.text;
  }
}

TEST(DtlsCertificate, IsEcdsaP256SignedByItself) {
  const Certificate certificate = test::make_certificate(1);
  X509* x509 = certificate.x509();
  EXPECT_EQ(X509_verify(x509, certificate.key()), 1);
  char group[32] = {};
  EVP_PKEY_get_utf8_string_param(X509_get0_pubkey(x509), "group", group, sizeof group, nullptr);
  EXPECT_STREQ(group, "prime256v1");
  EXPECT_LT(certificate.der().size(), 400U);
}

TEST(DtlsCertificate, IsGoodFromADayAgoForAYear) {
  const Certificate certificate = test::make_certificate(1);
  const auto valid_at = [&](WallTime time) {
    std::time_t seconds_since_1970 = unix_seconds(time);
    return X509_cmp_time(X509_get0_notBefore(certificate.x509()), &seconds_since_1970) < 0 &&
           X509_cmp_time(X509_get0_notAfter(certificate.x509()), &seconds_since_1970) > 0;
  };
  EXPECT_FALSE(valid_at(test::kToday - hours{25}));
  EXPECT_TRUE(valid_at(test::kToday - hours{23}));
  EXPECT_TRUE(valid_at(test::kToday + hours{24 * 364}));
  EXPECT_FALSE(valid_at(test::kToday + hours{24 * 366}));
}

TEST(DtlsCertificate, FingerprintIsOfItsDer) {
  const Certificate certificate = test::make_certificate(1);
  EXPECT_EQ(certificate.fingerprint(), Fingerprint::of(HashAlgorithm::Sha256, certificate.der()));
  EXPECT_EQ(certificate.fingerprint().hex().size(), 95U);
}

TEST(DtlsCertificate, TwoShareNothing) {
  const Certificate one = test::make_certificate(1);
  const Certificate other = test::make_certificate(2);
  EXPECT_NE(one.fingerprint(), other.fingerprint());
  EXPECT_NE(X509_NAME_cmp(X509_get_subject_name(one.x509()), X509_get_subject_name(other.x509())), 0);
  EXPECT_NE(ASN1_INTEGER_cmp(X509_get0_serialNumber(one.x509()), X509_get0_serialNumber(other.x509())), 0);
}

}  // namespace
}  // namespace zvonok::dtls
