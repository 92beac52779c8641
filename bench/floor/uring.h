// Sending by io_uring: kBatch requests for each io_uring_enter. Only where liburing was there when this was built.
#pragma once
#include <memory>

#include "sockets.h"

namespace zvonok::floor {

enum class UringSend : std::uint8_t {
  Messages,        // IORING_OP_SENDMSG by one unconnected socket
  Connected,       // IORING_OP_SEND by a socket connected to each receiver
  RegisteredZero,  // IORING_OP_SEND_ZC out of registered memory by one unconnected socket
};

/// Null where the kernel can't or may not: says why on stderr. The thread that makes it is the only one that may use
/// it.
[[nodiscard]] std::unique_ptr<Outlet> make_uring(const To& to, UringSend how);

}  // namespace zvonok::floor
