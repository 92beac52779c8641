// TLS on sockets that others own. For listeners one immutable context per loaded certificate, replaced as a whole on
// reload; for clients one that says whom to trust.
#pragma once
#include <memory>
#include <string>

#include "base/result.h"

struct ssl_ctx_st;
struct ssl_st;

namespace zvonok::net {

struct SslDeleter {
  void operator()(ssl_st* ssl) const;
  void operator()(ssl_ctx_st* context) const;
};
using SslHandle = std::unique_ptr<ssl_st, SslDeleter>;

struct TlsFiles {
  std::string certificate_chain;  // PEM, leaf first
  std::string private_key;        // PEM
};

/// TLS 1.2 and 1.3, ALPN http/1.1. Sessions made before a reload keep the context they began with.
class TlsContext {
 public:
  /// The error is one line that names the file and what is wrong with it.
  [[nodiscard]] static Result<TlsContext, std::string> load(const TlsFiles& files);
  /// A server-side session on a connected, non-blocking socket, which it does not own.
  [[nodiscard]] SslHandle new_session(int fd) const;
  /// Unix seconds at which the certificate expires.
  [[nodiscard]] std::int64_t expires_at() const { return expires_at_; }
  /// The certificate as PEM when it was signed by itself, so that clients who must verify it need it; else empty.
  [[nodiscard]] const std::string& own_certificate() const { return own_certificate_; }

 private:
  TlsContext() = default;
  std::unique_ptr<ssl_ctx_st, SslDeleter> context_;
  std::int64_t expires_at_ = 0;
  std::string own_certificate_;
};

/// The other side: TLS 1.2 and 1.3, with the name asked for (SNI).
class TlsClient {
 public:
  enum class Trust { System, Everybody };  // whose certificates: those that the system trusts, for that name
  [[nodiscard]] static Result<TlsClient, std::string> create(Trust trust);
  /// Only certificates of that PEM file, such as one that a server has signed itself. The error is one line.
  [[nodiscard]] static Result<TlsClient, std::string> trusting(const std::string& pem_file);
  /// `host`: a name, or an address as text. Null: OpenSSL has no memory.
  [[nodiscard]] SslHandle new_session(int fd, const std::string& host) const;

 private:
  TlsClient() = default;
  std::unique_ptr<ssl_ctx_st, SslDeleter> context_;
};

}  // namespace zvonok::net
