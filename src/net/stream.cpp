#include "net/stream.h"

#include <algorithm>
#include <cerrno>
#include <climits>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <sys/socket.h>

namespace zvonok::net {
namespace {

IoResult from_errno() {
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return {.status = IoStatus::WouldBlock};
  return {.status = IoStatus::Failed};
}

IoResult from_ssl(SSL* ssl, int result) {
  const int error = SSL_get_error(ssl, result);
  ERR_clear_error();
  switch (error) {
    case SSL_ERROR_WANT_READ: return {.status = IoStatus::WouldBlock};
    case SSL_ERROR_WANT_WRITE: return {.status = IoStatus::WouldBlock, .bytes = 0, .wants_write = true};
    case SSL_ERROR_ZERO_RETURN: return {.status = IoStatus::Closed};
    default: return {.status = IoStatus::Failed};  // OpenSSL's own list may grow
  }
}

int clamp_size(std::size_t size) {
  return static_cast<int>(std::min<std::size_t>(size, INT_MAX));
}

}  // namespace

IoResult Stream::read(MutableBytes into) {
  if (tls_ != nullptr) {
    const int got = SSL_read(tls_.get(), into.data(), clamp_size(into.size()));
    if (got > 0) return {.status = IoStatus::Done, .bytes = static_cast<std::size_t>(got)};
    return from_ssl(tls_.get(), got);
  }
  const ssize_t got = ::recv(fd_.get(), into.data(), into.size(), 0);
  if (got > 0) return {.status = IoStatus::Done, .bytes = static_cast<std::size_t>(got)};
  if (got == 0) return {.status = IoStatus::Closed};
  return from_errno();
}

IoResult Stream::write(Bytes data) {
  if (tls_ != nullptr) {
    const int sent = SSL_write(tls_.get(), data.data(), clamp_size(data.size()));
    if (sent > 0) return {.status = IoStatus::Done, .bytes = static_cast<std::size_t>(sent)};
    return from_ssl(tls_.get(), sent);
  }
  const ssize_t sent = ::send(fd_.get(), data.data(), data.size(), MSG_NOSIGNAL);
  if (sent >= 0) return {.status = IoStatus::Done, .bytes = static_cast<std::size_t>(sent)};
  return from_errno();
}

void Stream::shutdown_write() {
  if (tls_ != nullptr) {
    SSL_shutdown(tls_.get());
    ERR_clear_error();
  }
  ::shutdown(fd_.get(), SHUT_WR);
}

bool Stream::has_buffered_input() const {
  return tls_ != nullptr && SSL_pending(tls_.get()) > 0;
}

std::optional<std::string> Stream::distrust() const {
  const long result = tls_ == nullptr ? X509_V_OK : SSL_get_verify_result(tls_.get());
  if (result == X509_V_OK) return std::nullopt;
  return X509_verify_cert_error_string(result);
}

}  // namespace zvonok::net
