// TLS for connections that we make: who may be at the other end, once for the process.
#pragma once
#include <memory>
#include <string>

#include "base/result.h"
#include "net/tls.h"

namespace zvonok::caller {

/// TLS 1.2 and 1.3, ALPN http/1.1, the server's certificate verified against its name.
class TlsClient {
 public:
  /// `ca_file`: PEM certificates to trust, such as that of a server that signed its own; empty: those of the system.
  /// The error is one line that names the file.
  [[nodiscard]] static Result<TlsClient, std::string> create(const std::string& ca_file);
  /// A session on a connected, non-blocking socket, which it does not own. `host` is a name or an address without
  /// brackets.
  [[nodiscard]] net::SslHandle new_session(int fd, const std::string& host) const;

 private:
  TlsClient() = default;
  std::unique_ptr<ssl_ctx_st, net::SslDeleter> context_;
};

}  // namespace zvonok::caller
