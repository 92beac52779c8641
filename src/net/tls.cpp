#include "net/tls.h"

#include <array>
#include <ctime>
#include <memory>
#include <string_view>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

namespace zvonok::net {
namespace {

// Release buffers: an idle session then costs about half. Moving buffers: our output string may be reallocated.
constexpr long kModes = SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER;

std::string last_openssl_error() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "unknown error";
  std::array<char, 256> text{};
  ERR_error_string_n(code, text.data(), text.size());
  return text.data();
}

/// RFC 7301: we speak HTTP/1.1 only; a client that offers other things only is served HTTP/1.1 all the same.
int select_alpn(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in, unsigned in_size,
                void*) {
  static constexpr std::array<unsigned char, 9> kOffer{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(&chosen, out_size, kOffer.data(), kOffer.size(), in, in_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_NOACK;
  }
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

std::int64_t expiry_of(const SSL_CTX* context) {
  const X509* certificate = SSL_CTX_get0_certificate(context);
  if (certificate == nullptr) return 0;
  std::tm parts{};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &parts) != 1) return 0;
  return static_cast<std::int64_t>(timegm(&parts));
}

std::string self_signed_pem(const SSL_CTX* context) {
  X509* const certificate = SSL_CTX_get0_certificate(context);
  if (certificate == nullptr || X509_self_signed(certificate, 0) != 1) return {};
  const std::unique_ptr<BIO, decltype(&BIO_free)> memory{BIO_new(BIO_s_mem()), &BIO_free};
  if (!memory || PEM_write_bio_X509(memory.get(), certificate) != 1) return {};
  char* data = nullptr;
  const long size = BIO_get_mem_data(memory.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

}  // namespace

void SslDeleter::operator()(ssl_st* ssl) const {
  SSL_free(ssl);
}
void SslDeleter::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

Result<TlsContext, std::string> TlsContext::load(const TlsFiles& files) {
  TlsContext result;
  result.context_.reset(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* context = result.context_.get();
  if (context == nullptr) return fail("cannot create a TLS context: " + last_openssl_error());
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                   SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context, kModes);
  SSL_CTX_set_alpn_select_cb(context, &select_alpn, nullptr);
  if (SSL_CTX_use_certificate_chain_file(context, files.certificate_chain.c_str()) != 1) {
    return fail("cannot read the certificate " + files.certificate_chain + ": " + last_openssl_error());
  }
  if (SSL_CTX_use_PrivateKey_file(context, files.private_key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return fail("cannot read the private key " + files.private_key + ": " + last_openssl_error());
  }
  if (SSL_CTX_check_private_key(context) != 1) {
    return fail("the private key " + files.private_key + " does not belong to the certificate " +
                files.certificate_chain);
  }
  result.expires_at_ = expiry_of(context);
  result.own_certificate_ = self_signed_pem(context);
  return result;
}

Result<TlsClient, std::string> TlsClient::create(Trust trust) {
  TlsClient result;
  result.context_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* context = result.context_.get();
  if (context == nullptr) return fail("cannot create a TLS context: " + last_openssl_error());
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context, kModes);
  if (trust == Trust::Everybody) return result;
  if (SSL_CTX_set_default_verify_paths(context) != 1) {
    return fail("cannot read the system's certificates: " + last_openssl_error());
  }
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  return result;
}

Result<TlsClient, std::string> TlsClient::trusting(const std::string& pem_file) {
  auto result = create(Trust::Everybody);
  if (!result) return result;
  if (SSL_CTX_load_verify_file(result->context_.get(), pem_file.c_str()) != 1) {
    return fail("cannot read certificates from " + pem_file + ": " + last_openssl_error());
  }
  SSL_CTX_set_verify(result->context_.get(), SSL_VERIFY_PEER, nullptr);
  return result;
}

SslHandle TlsClient::new_session(int fd, const std::string& host) const {
  SslHandle session{SSL_new(context_.get())};
  if (session == nullptr || SSL_set_fd(session.get(), fd) != 1) return nullptr;
  X509_VERIFY_PARAM* const wanted = SSL_get0_param(session.get());
  if (X509_VERIFY_PARAM_set1_ip_asc(wanted, host.c_str()) != 1) {  // no address, so a name
    ERR_clear_error();
    if (X509_VERIFY_PARAM_set1_host(wanted, host.c_str(), 0) != 1) return nullptr;
    if (SSL_set_tlsext_host_name(session.get(), host.c_str()) != 1) return nullptr;
  }
  SSL_set_connect_state(session.get());
  return session;
}

SslHandle TlsContext::new_session(int fd) const {
  SslHandle session{SSL_new(context_.get())};
  if (session == nullptr || SSL_set_fd(session.get(), fd) != 1) return nullptr;
  SSL_set_accept_state(session.get());
  return session;
}

}  // namespace zvonok::net
