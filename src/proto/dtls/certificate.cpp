// Making of a self-signed certificate.
#include "proto/dtls/certificate.h"

#include <array>
#include <ctime>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

namespace zvonok::dtls {
namespace {

constexpr long kVersion3 = 2;

bool set_serial(X509* certificate, Entropy& entropy) {
  std::array<std::uint8_t, 16> bytes{};
  entropy.fill(bytes);
  bytes[0] = static_cast<std::uint8_t>((bytes[0] & 0x7f) | 0x40);  // positive, and of the same length always
  const std::unique_ptr<BIGNUM, decltype(&BN_free)> number{BN_bin2bn(bytes.data(), bytes.size(), nullptr), BN_free};
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_names(X509* certificate, Entropy& entropy) {
  const std::string name = make_secret(entropy, 12);
  X509_NAME* subject = X509_get_subject_name(certificate);
  return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>(name.data()),
                                    static_cast<int>(name.size()), -1, 0) == 1 &&
         X509_set_issuer_name(certificate, subject) == 1;
}

bool set_validity(X509* certificate, const CertificateOptions& options) {
  const std::time_t from = unix_seconds(options.now - hours{24});
  const std::time_t until = unix_seconds(options.now + options.validity);
  return ASN1_TIME_set(X509_getm_notBefore(certificate), from) != nullptr &&
         ASN1_TIME_set(X509_getm_notAfter(certificate), until) != nullptr;
}

}  // namespace

void OpensslDeleter::operator()(evp_pkey_st* key) const {
  EVP_PKEY_free(key);
}
void OpensslDeleter::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}
void OpensslDeleter::operator()(ssl_st* ssl) const {
  SSL_free(ssl);
}
void OpensslDeleter::operator()(x509_st* certificate) const {
  X509_free(certificate);
}

Result<Certificate, std::string> Certificate::generate(Entropy& entropy, const CertificateOptions& options) {
  Certificate result;
  result.key_.reset(EVP_EC_gen("P-256"));
  result.x509_.reset(X509_new());
  X509* x509 = result.x509_.get();
  if (!result.key_ || x509 == nullptr || X509_set_version(x509, kVersion3) != 1 || !set_serial(x509, entropy) ||
      !set_names(x509, entropy) || !set_validity(x509, options) || X509_set_pubkey(x509, result.key_.get()) != 1 ||
      X509_sign(x509, result.key_.get(), EVP_sha256()) == 0) {
    ERR_clear_error();
    return fail(std::string{"OpenSSL cannot make a P-256 certificate"});
  }
  const int size = i2d_X509(x509, nullptr);
  if (size <= 0) return fail(std::string{"OpenSSL cannot encode a certificate"});
  result.der_.resize(static_cast<std::size_t>(size));
  unsigned char* to = result.der_.data();
  i2d_X509(x509, &to);
  result.fingerprint_ = Fingerprint::of(HashAlgorithm::Sha256, result.der_);
  return result;
}

}  // namespace zvonok::dtls
