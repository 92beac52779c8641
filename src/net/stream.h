// A connected, non-blocking TCP stream, plain or TLS, with one interface for both.
#pragma once
#include <cstddef>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "net/fd.h"
#include "net/tls.h"

namespace zvonok::net {

enum class IoStatus {
  Done,        // `bytes` > 0 were moved
  WouldBlock,  // try again when readable (or writable, when `wants_write`)
  Closed,      // the peer ended the stream in order
  Failed,      // reset, TLS alert, broken TLS record
};

struct IoResult {
  IoStatus status = IoStatus::Failed;
  std::size_t bytes = 0;
  bool wants_write = false;  // TLS: a read needs the socket to become writable first
};

class Stream {
 public:
  /// `tls` is null for a plain stream.
  Stream(Fd fd, SslHandle tls) : fd_{std::move(fd)}, tls_{std::move(tls)} {}

  [[nodiscard]] IoResult read(MutableBytes into);
  [[nodiscard]] IoResult write(Bytes data);
  /// Says that nothing more will be written (TLS close_notify, TCP FIN).
  void shutdown_write();
  [[nodiscard]] bool is_tls() const { return tls_ != nullptr; }
  /// TLS keeps decrypted bytes that epoll can't see.
  [[nodiscard]] bool has_buffered_input() const;
  /// After Failed: what is wrong with the other side's certificate, if that is why.
  [[nodiscard]] std::optional<std::string> distrust() const;
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  Fd fd_;
  SslHandle tls_;
};

}  // namespace zvonok::net
