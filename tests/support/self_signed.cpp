#include "support/self_signed.h"

#include <cstdio>
#include <memory>
#include <stdexcept>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

namespace zvonok::test {
namespace {

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

File open_file(const std::string& path) {
  File file{std::fopen(path.c_str(), "w"), std::fclose};
  if (!file) throw std::runtime_error{"cannot write " + path};
  return file;
}

}  // namespace

void write_self_signed(const std::string& name, const std::string& certificate_path, const std::string& key_path) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key{EVP_EC_gen("P-256"), EVP_PKEY_free};
  const std::unique_ptr<X509, decltype(&X509_free)> certificate{X509_new(), X509_free};
  if (!key || !certificate) throw std::runtime_error{"no key"};
  constexpr long kDay = 86'400;
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -kDay);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), kDay);
  X509_set_pubkey(certificate.get(), key.get());
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1,
                             0);
  X509_set_issuer_name(certificate.get(), subject);
  if (X509_sign(certificate.get(), key.get(), EVP_sha256()) == 0) throw std::runtime_error{"cannot sign"};
  PEM_write_X509(open_file(certificate_path).get(), certificate.get());
  PEM_write_PrivateKey(open_file(key_path).get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
}

}  // namespace zvonok::test
