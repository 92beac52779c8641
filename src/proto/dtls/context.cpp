// Sets up OpenSSL for DTLS-SRTP (RFC 8827 section 6.5, RFC 5764).
#include "proto/dtls/context.h"

#include <array>
#include <cstdlib>
#include <string_view>

#include <openssl/err.h>
#include <openssl/srtp.h>
#include <openssl/ssl.h>

namespace zvonok::dtls {
namespace {

constexpr const char* kCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

/// The smallest buffer for sending that OpenSSL may keep; no datagram of ours is larger than the MTU.
constexpr std::size_t kSendFragmentBytesMax = 2048;

std::string_view openssl_name(SrtpProfile profile) {
  switch (profile) {
    case SrtpProfile::Aes128CmSha1_80: return "SRTP_AES128_CM_SHA1_80";
    case SrtpProfile::AeadAes128Gcm: return "SRTP_AEAD_AES_128_GCM";
    case SrtpProfile::AeadAes256Gcm: return "SRTP_AEAD_AES_256_GCM";
  }
  std::abort();
}

/// Takes every certificate: a self-signed one has no chain worth building. Identity is the fingerprint's, checked
/// later.
int accept_certificate(X509_STORE_CTX*, void*) {
  return 1;
}

/// Suites that we can serve with an ECDSA certificate.
std::vector<std::uint16_t> servable_suites(SSL_CTX* context) {
  std::vector<std::uint16_t> result;
  const STACK_OF(SSL_CIPHER)* ciphers = SSL_CTX_get_ciphers(context);
  for (int i = 0; i < sk_SSL_CIPHER_num(ciphers); ++i) {
    const SSL_CIPHER* cipher = sk_SSL_CIPHER_value(ciphers, i);
    if (SSL_CIPHER_get_auth_nid(cipher) == NID_auth_ecdsa) result.push_back(SSL_CIPHER_get_protocol_id(cipher));
  }
  return result;
}

bool configure(SSL_CTX* context, const Certificate& certificate, const std::string& profiles) {
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_QUERY_MTU | SSL_OP_NO_RENEGOTIATION |
                                   SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_cert_verify_callback(context, accept_certificate, nullptr);
  return SSL_CTX_set_min_proto_version(context, DTLS1_2_VERSION) == 1 &&
         SSL_CTX_set_max_proto_version(context, DTLS1_2_VERSION) == 1 &&
         SSL_CTX_set_cipher_list(context, kCiphers) == 1 && SSL_CTX_set1_groups_list(context, "X25519:P-256") == 1 &&
         SSL_CTX_set_max_send_fragment(context, kSendFragmentBytesMax) == 1 &&
         SSL_CTX_use_certificate(context, certificate.x509()) == 1 &&
         SSL_CTX_use_PrivateKey(context, certificate.key()) == 1 &&
         SSL_CTX_set_tlsext_use_srtp(context, profiles.c_str()) == 0;  // this one says 0 when all is well
}

}  // namespace

Result<Context, std::string> Context::create(const Certificate& certificate, const ContextOptions& options) {
  std::string profiles;
  for (const SrtpProfile profile : options.srtp_profiles) {
    if (!profiles.empty()) profiles += ':';
    profiles += openssl_name(profile);
  }
  Context result;
  result.context_.reset(SSL_CTX_new(DTLS_method()));
  if (!result.context_ || !configure(result.context_.get(), certificate, profiles)) {
    std::array<char, 256> text{};
    ERR_error_string_n(ERR_get_error(), text.data(), text.size());
    ERR_clear_error();
    return fail(std::string{"cannot set up DTLS: "} + text.data());
  }
  result.hello_policy_.cipher_suites = servable_suites(result.context_.get());
  for (const SrtpProfile profile : options.srtp_profiles) {
    result.hello_policy_.srtp_profiles.push_back(static_cast<std::uint16_t>(profile));
  }
  return result;
}

}  // namespace zvonok::dtls
