#include "echo.h"

#include <array>

#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"

namespace zvonok::bench {

Echo::Echo(std::uint16_t port) : fd_{::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0)} {
  constexpr int kBufferBytes = 8 << 20;
  if (::setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &kBufferBytes, sizeof kBufferBytes) != 0) {
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &kBufferBytes, sizeof kBufferBytes);
  }
  const sockaddr_in address = loopback(port);
  if (::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    give_up("the echo's port is taken");
}

Echo::~Echo() {
  ::close(fd_);
}

void Echo::read() {
  constexpr std::size_t kBatch = 64;
  std::array<std::array<std::uint8_t, 400>, kBatch> buffers;
  std::array<sockaddr_in, kBatch> addresses;
  std::array<iovec, kBatch> pieces;
  std::array<mmsghdr, kBatch> messages{};
  for (;;) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      pieces[i] = {.iov_base = buffers[i].data(), .iov_len = buffers[i].size()};
      messages[i].msg_hdr.msg_name = &addresses[i];
      messages[i].msg_hdr.msg_namelen = sizeof addresses[i];
      messages[i].msg_hdr.msg_iov = &pieces[i];
      messages[i].msg_hdr.msg_iovlen = 1;
    }
    const int count = ::recvmmsg(fd_, messages.data(), kBatch, MSG_DONTWAIT, nullptr);
    if (count <= 0) return;
    for (int i = 0; i < count; ++i)
      pieces[static_cast<std::size_t>(i)].iov_len = messages[static_cast<std::size_t>(i)].msg_len;
    for (int sent = 0; sent < count;) {
      const int more = ::sendmmsg(fd_, messages.data() + sent, static_cast<unsigned>(count - sent), MSG_NOSIGNAL);
      sent += more > 0 ? more : 1;  // what can't be sent is lost, and counted so
    }
  }
}

}  // namespace zvonok::bench
