#include "load/udp_port.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "net/clock.h"
#include "net/sockaddr.h"

namespace zvonok::load {
namespace {

constexpr int kReceiveBufferBytes = 1 << 20;  // a thousand of them are not all full at once
constexpr Duration kOffsetGoodFor = seconds{1};

Duration wall_nanoseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return seconds{now.tv_sec} + Duration{now.tv_nsec};
}

}  // namespace

UdpBatches::UdpBatches() {
  received_.reserve(kBatch);
  for (std::size_t i = 0; i < kBatch; ++i) {
    in_parts_[i] = {.iov_base = in_bytes_[i].data(), .iov_len = kDatagramBytesMax};
    out_parts_[i] = {.iov_base = out_bytes_[i].data(), .iov_len = 0};
    out_messages_[i].msg_hdr.msg_iov = &out_parts_[i];
    out_messages_[i].msg_hdr.msg_iovlen = 1;
  }
}

void UdpBatches::read_offset() {
  const TimePoint before = net::read_clocks().mono;
  if (offset_read_ != TimePoint{} && before - offset_read_ < kOffsetGoodFor) return;
  // The reading that took the least time is the truest.
  Duration shortest = Duration::max();
  for (int i = 0; i < 5; ++i) {
    const TimePoint first = net::read_clocks().mono;
    const Duration wall = wall_nanoseconds();
    const TimePoint second = net::read_clocks().mono;
    if (second - first >= shortest) continue;
    shortest = second - first;
    offset_ = first.time_since_epoch() + shortest / 2 - wall;
  }
  offset_read_ = before;
}

const std::vector<UdpBatches::Datagram>& UdpBatches::receive(int fd) {
  read_offset();
  received_.clear();
  for (std::size_t i = 0; i < used_; ++i) {  // the kernel has written to what was used
    in_messages_[i].msg_hdr = {.msg_name = nullptr,
                               .msg_namelen = 0,
                               .msg_iov = &in_parts_[i],
                               .msg_iovlen = 1,
                               .msg_control = control_[i].bytes.data(),
                               .msg_controllen = control_[i].bytes.size(),
                               .msg_flags = 0};
  }
  ++counters_.receive_calls;
  const int count = ::recvmmsg(fd, in_messages_.data(), kBatch, MSG_DONTWAIT, nullptr);
  used_ = count > 0 ? std::min(static_cast<std::size_t>(count) + 1, kBatch) : 1;
  for (std::size_t i = 0; count > 0 && i < static_cast<std::size_t>(count); ++i) {
    msghdr& header = in_messages_[i].msg_hdr;
    TimePoint at = offset_read_;
    const cmsghdr* const control = CMSG_FIRSTHDR(&header);
    if (control != nullptr && control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_TIMESTAMPNS) {
      timespec stamp{};
      std::memcpy(&stamp, CMSG_DATA(control), sizeof stamp);
      at = TimePoint{seconds{stamp.tv_sec} + Duration{stamp.tv_nsec} + offset_};
    }
    ++counters_.received;
    received_.push_back({.at = at, .bytes = MutableBytes{in_bytes_[i]}.first(in_messages_[i].msg_len)});
  }
  return received_;
}

void UdpBatches::commit(int fd, std::size_t size) {
  if (queued_ > 0 && queued_for_ != fd) {
    // Keep what was written where the next claim will not write: it becomes the first of a new batch.
    const std::size_t at = queued_;
    flush();
    std::memcpy(out_bytes_[0].data(), out_bytes_[at].data(), size);
  }
  queued_for_ = fd;
  out_parts_[queued_].iov_len = size;
  if (++queued_ == kBatch) flush();
}

void UdpBatches::flush() {
  std::size_t done = 0;
  while (done < queued_) {
    ++counters_.send_calls;
    const int sent = ::sendmmsg(queued_for_, &out_messages_[done], static_cast<unsigned>(queued_ - done), MSG_DONTWAIT);
    if (sent > 0) {
      done += static_cast<std::size_t>(sent);
      counters_.sent += static_cast<std::uint64_t>(sent);
    } else if (errno != EINTR) {
      ++counters_.not_sent;
      ++done;
    }
  }
  queued_ = 0;
}

Result<net::Fd, std::string> open_udp(const SocketAddress& server) {
  net::Fd fd{::socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!fd.valid()) return fail(std::string{"a UDP socket: "} + std::strerror(errno));
  const int off = 0;
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBufferBytes, sizeof kReceiveBufferBytes) != 0) {
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBufferBytes, sizeof kReceiveBufferBytes);
  }
  const sockaddr_in6 address = net::to_sockaddr(server);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return fail("a UDP socket to " + server.to_text() + ": " + std::strerror(errno));
  }
  return fd;
}

}  // namespace zvonok::load
