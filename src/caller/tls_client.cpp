#include "caller/tls_client.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/address.h"

namespace zvonok::caller {

Result<TlsClient, std::string> TlsClient::create(const std::string& ca_file) {
  TlsClient result;
  result.context_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* const context = result.context_.get();
  if (context == nullptr) return fail(std::string{"cannot create a TLS context"});
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  const bool trusts = ca_file.empty() ? SSL_CTX_set_default_verify_paths(context) == 1
                                      : SSL_CTX_load_verify_file(context, ca_file.c_str()) == 1;
  ERR_clear_error();
  if (!trusts) return fail("cannot read certificates from " + (ca_file.empty() ? "the system's store" : ca_file));
  return result;
}

net::SslHandle TlsClient::new_session(int fd, const std::string& host) const {
  net::SslHandle session{SSL_new(context_.get())};
  if (session == nullptr || SSL_set_fd(session.get(), fd) != 1) return nullptr;
  if (IpAddress::parse(host)) {
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session.get()), host.c_str()) != 1) return nullptr;
  } else if (SSL_set1_host(session.get(), host.c_str()) != 1 ||
             SSL_set_tlsext_host_name(session.get(), host.c_str()) != 1) {
    return nullptr;
  }
  static constexpr unsigned char kOffer[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
  SSL_set_alpn_protos(session.get(), kOffer, sizeof kOffer);
  SSL_set_connect_state(session.get());
  return session;
}

}  // namespace zvonok::caller
