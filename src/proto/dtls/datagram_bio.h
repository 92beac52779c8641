// Where OpenSSL reads and writes: one write is one datagram, one read takes one record that was laid ready. OpenSSL's
// own memory BIO would glue datagrams together.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "proto/dtls/openssl_handles.h"

namespace zvonok::dtls {

struct DatagramPipe {
  static constexpr std::size_t kWrittenMax = 64;

  std::size_t mtu_bytes = 1200;
  /// Read once, whole; then empty. The view must hold until it is taken back.
  Bytes incoming;
  /// Datagrams that OpenSSL wrote and nobody took yet; at most kWrittenMax, the rest is lost as on a network.
  std::vector<std::vector<std::uint8_t>> written;
  /// Whether `spares` gets the encrypted records that OpenSSL writes from now on, and `written` nothing.
  bool spares_only = false;
  std::vector<std::vector<std::uint8_t>> spares;
};

/// A BIO over `pipe`, which must outlive it. The caller owns the one reference. Null when memory is out.
[[nodiscard]] bio_st* new_datagram_bio(DatagramPipe& pipe);

}  // namespace zvonok::dtls
