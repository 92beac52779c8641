#include "net/udp_socket.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include "net/sockaddr.h"

namespace zvonok::net {
namespace {

std::string system_error(const char* what) {
  return std::string{what} + ": " + std::strerror(errno);
}

bool set(int fd, int level, int name, int value) {
  return setsockopt(fd, level, name, &value, sizeof value) == 0;
}

/// Asks for `bytes`, beyond the system's limit when that is allowed; returns what is in force.
int set_buffer(int fd, int name, int forced_name, int bytes) {
  if (!set(fd, SOL_SOCKET, forced_name, bytes)) set(fd, SOL_SOCKET, name, bytes);
  int given = 0;
  socklen_t size = sizeof given;
  getsockopt(fd, SOL_SOCKET, name, &given, &size);
  return given / 2;  // the kernel counts its own overhead as well, and doubles what is asked for
}

}  // namespace

UdpSocket::UdpSocket(Fd fd, SocketAddress local)
    : fd_{std::move(fd)}, local_{local}, in_{std::make_unique<Batch>()}, out_{std::make_unique<Batch>()} {
  received_.reserve(kBatch);
  for (std::size_t i = 0; i < kBatch; ++i) {
    in_->parts[i] = {.iov_base = in_->bytes[i].data(), .iov_len = kDatagramBytesMax};
    out_->parts[i] = {.iov_base = out_->bytes[i].data(), .iov_len = 0};
  }
}

Result<UdpSocket, std::string> UdpSocket::open(const Options& options) {
  Fd fd{socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (fd.get() < 0) return fail(system_error("socket"));
  SocketAddress wanted = options.address;
  if (wanted.ip.is_unspecified()) wanted.ip = IpAddress::v6(0, 0);
  if (!set(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 0)) return fail(system_error("IPV6_V6ONLY"));
  if (!set(fd.get(), IPPROTO_IPV6, IPV6_RECVPKTINFO, 1)) return fail(system_error("IPV6_RECVPKTINFO"));
  sockaddr_in6 address = to_sockaddr(wanted);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return fail(system_error(("bind UDP " + options.address.to_text()).c_str()));
  }
  socklen_t size = sizeof address;
  if (getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    return fail(system_error("getsockname"));
  }
  const int receive_bytes = set_buffer(fd.get(), SO_RCVBUF, SO_RCVBUFFORCE, options.receive_buffer_bytes);
  const int send_bytes = set_buffer(fd.get(), SO_SNDBUF, SO_SNDBUFFORCE, options.send_buffer_bytes);
  UdpSocket opened{std::move(fd), to_address(address)};
  opened.receive_buffer_bytes_ = receive_bytes;
  opened.send_buffer_bytes_ = send_bytes;
  return opened;
}

const std::vector<UdpSocket::Datagram>& UdpSocket::receive() {
  received_.clear();
  for (std::size_t i = 0; i < kBatch; ++i) {
    in_->messages[i].msg_hdr = {.msg_name = &in_->addresses[i],
                                .msg_namelen = sizeof(sockaddr_in6),
                                .msg_iov = &in_->parts[i],
                                .msg_iovlen = 1,
                                .msg_control = in_->control[i].data(),
                                .msg_controllen = in_->control[i].size(),
                                .msg_flags = 0};
  }
  const int count = recvmmsg(fd_.get(), in_->messages.data(), kBatch, MSG_DONTWAIT, nullptr);
  for (std::size_t i = 0; count > 0 && i < static_cast<std::size_t>(count); ++i) {
    msghdr& header = in_->messages[i].msg_hdr;
    const std::size_t length = in_->messages[i].msg_len;
    if ((header.msg_flags & MSG_TRUNC) != 0) {
      ++counters_.truncated;
      continue;
    }
    ++counters_.received;
    counters_.received_bytes += length;
    IpAddress to;
    for (cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr; control = CMSG_NXTHDR(&header, control)) {
      if (control->cmsg_level != IPPROTO_IPV6 || control->cmsg_type != IPV6_PKTINFO) continue;
      in6_pktinfo info{};
      std::memcpy(&info, CMSG_DATA(control), sizeof info);
      to = to_ip(info.ipi6_addr);
    }
    received_.push_back(
        {.from = to_address(in_->addresses[i]), .to = to, .bytes = MutableBytes{in_->bytes[i]}.first(length)});
  }
  return received_;
}

MutableBytes UdpSocket::claim() {
  return out_->bytes[queued_];
}

void UdpSocket::commit(const SocketAddress& to, const IpAddress& from, std::size_t size) {
  const std::size_t i = queued_++;
  out_->addresses[i] = to_sockaddr(to);
  out_->parts[i].iov_len = size;
  msghdr& header = out_->messages[i].msg_hdr;
  header = {.msg_name = &out_->addresses[i],
            .msg_namelen = sizeof(sockaddr_in6),
            .msg_iov = &out_->parts[i],
            .msg_iovlen = 1,
            .msg_control = nullptr,
            .msg_controllen = 0,
            .msg_flags = 0};
  if (!from.is_unspecified()) {
    header.msg_control = out_->control[i].data();
    header.msg_controllen = out_->control[i].size();
    cmsghdr* const control = CMSG_FIRSTHDR(&header);
    control->cmsg_level = IPPROTO_IPV6;
    control->cmsg_type = IPV6_PKTINFO;
    control->cmsg_len = CMSG_LEN(sizeof(in6_pktinfo));
    in6_pktinfo info{};
    const auto bytes = from.v6_bytes();
    std::memcpy(info.ipi6_addr.s6_addr, bytes.data(), bytes.size());
    std::memcpy(CMSG_DATA(control), &info, sizeof info);
  }
  if (queued_ == kBatch) flush();
}

void UdpSocket::flush() {
  std::size_t done = 0;
  while (done < queued_) {
    ++counters_.send_calls;
    const int sent =
        sendmmsg(fd_.get(), out_->messages.data() + done, static_cast<unsigned>(queued_ - done), MSG_DONTWAIT);
    if (sent > 0) {
      for (std::size_t i = done; i < done + static_cast<std::size_t>(sent); ++i) {
        ++counters_.sent;
        counters_.sent_bytes += out_->parts[i].iov_len;
      }
      done += static_cast<std::size_t>(sent);
      continue;
    }
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS)) {
      counters_.send_full += queued_ - done;  // real-time media: what can't leave now is late
      break;
    }
    ++counters_.send_failed;  // this one can't be sent; the others may
    ++done;
  }
  queued_ = 0;
}

}  // namespace zvonok::net
