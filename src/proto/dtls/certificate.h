// The self-signed certificate by which this server is known in DTLS. It lives in memory only: a new one at each start.
#pragma once
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/entropy.h"
#include "base/result.h"
#include "base/time.h"
#include "proto/dtls/fingerprint.h"
#include "proto/dtls/openssl_handles.h"

namespace zvonok::dtls {

struct CertificateOptions {
  /// Peers look at the fingerprint and not at the dates, but the dates must make sense to those that look.
  WallTime now{};
  /// The certificate is good from a day before `now` (clocks differ) until this long after it.
  milliseconds validity = hours{24 * 365};
};

class Certificate {
 public:
  /// ECDSA over P-256, signed by itself with SHA-256; serial number and name are random and say nothing about the host.
  /// The key comes from OpenSSL's own generator, not from `entropy`. The error is a text for the log; peers can't
  /// cause one.
  [[nodiscard]] static Result<Certificate, std::string> generate(Entropy& entropy, const CertificateOptions& options);

  /// SHA-256, for our SDP.
  [[nodiscard]] const Fingerprint& fingerprint() const { return fingerprint_; }
  [[nodiscard]] Bytes der() const { return der_; }

  [[nodiscard]] evp_pkey_st* key() const { return key_.get(); }
  [[nodiscard]] x509_st* x509() const { return x509_.get(); }

 private:
  Certificate() = default;

  OpensslHandle<evp_pkey_st> key_;
  OpensslHandle<x509_st> x509_;
  std::vector<std::uint8_t> der_;
  Fingerprint fingerprint_;
};

}  // namespace zvonok::dtls
