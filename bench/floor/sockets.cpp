#include "sockets.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <linux/errqueue.h>
#include <linux/sock_diag.h>
#include <poll.h>
#include <sys/epoll.h>

#include "measure.h"

namespace zvonok::floor {
namespace {

constexpr std::size_t kDatagramBytesMax = 2048;

net::Fd open_socket() {
  net::Fd fd{::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  if (!fd.valid()) give_up("socket");
  return fd;
}

class SendMmsg final : public Outlet {
 public:
  explicit SendMmsg(const To& to) : Outlet{to.addresses, to.train, to.bytes}, fd_{open_socket()} {}
  std::size_t send() override {
    std::size_t done = 0;
    while (done < messages().size()) {
      const auto count = static_cast<unsigned>(std::min(kBatch, messages().size() - done));
      const int sent = ::sendmmsg(fd_.get(), &messages()[done], count, 0);
      if (sent <= 0) give_up("sendmmsg");
      done += static_cast<std::size_t>(sent);
    }
    return packets();
  }

 private:
  net::Fd fd_;
};

class Connected final : public Outlet {
 public:
  explicit Connected(const To& to)
      : Outlet{to.addresses, to.train, to.bytes}, fds_{connect_each(to.addresses, to.train > 1 ? to.bytes : 0)} {}
  std::size_t send() override {
    for (std::size_t m = 0; m < fds_.size(); ++m) {
      const MutableBytes bytes = message(m);
      if (::send(fds_[m].get(), bytes.data(), bytes.size(), 0) < 0) give_up("send");
    }
    return packets();
  }

 private:
  std::vector<net::Fd> fds_;
};

class ZeroCopy final : public Outlet {
 public:
  explicit ZeroCopy(const To& to) : Outlet{to.addresses, to.train, to.bytes}, fd_{open_socket()} {
    const int on = 1;
    if (::setsockopt(fd_.get(), SOL_SOCKET, SO_ZEROCOPY, &on, sizeof on) != 0) give_up("SO_ZEROCOPY");
  }
  std::size_t send() override {
    std::size_t done = 0;
    while (done < messages().size()) {
      const auto count = static_cast<unsigned>(std::min(kBatch, messages().size() - done));
      const int sent = ::sendmmsg(fd_.get(), &messages()[done], count, MSG_ZEROCOPY);
      if (sent <= 0 && errno != ENOBUFS) give_up("sendmmsg, MSG_ZEROCOPY");
      if (sent <= 0) {  // the kernel has as many notices to give as it may: they come first
        wait_for_notices();
        continue;
      }
      done += static_cast<std::size_t>(sent);
      outstanding_ += static_cast<std::size_t>(sent);
    }
    while (outstanding_ > 0) wait_for_notices();
    return packets();
  }

 private:
  void wait_for_notices() {
    if (read_notices()) return;
    pollfd polled{.fd = fd_.get(), .events = 0, .revents = 0};
    if (::poll(&polled, 1, 1000) <= 0) give_up("no notice of MSG_ZEROCOPY");
  }
  /// A notice is for a range of messages: neighbours become one in the queue.
  bool read_notices() {
    std::array<std::uint8_t, 256> control{};
    bool any = false;
    for (;;) {
      msghdr header{};
      header.msg_control = control.data();
      header.msg_controllen = control.size();
      if (::recvmsg(fd_.get(), &header, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return any;
      for (cmsghdr* one = CMSG_FIRSTHDR(&header); one != nullptr; one = CMSG_NXTHDR(&header, one)) {
        if (one->cmsg_level != SOL_IPV6 || one->cmsg_type != IPV6_RECVERR) continue;
        sock_extended_err notice{};
        std::memcpy(&notice, CMSG_DATA(one), sizeof notice);
        if (notice.ee_origin != SO_EE_ORIGIN_ZEROCOPY) continue;
        outstanding_ -= std::min<std::size_t>(outstanding_, notice.ee_data - notice.ee_info + 1);
        any = true;
      }
    }
  }

  net::Fd fd_;
  std::size_t outstanding_ = 0;
};

}  // namespace

Bound bind_loopback(int receive_bytes) {
  Bound bound{.fd = net::Fd{::socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)}, .address = {}};
  if (!bound.fd.valid()) give_up("socket");
  bound.address.sin6_family = AF_INET6;
  ::inet_pton(AF_INET6, "::ffff:127.0.0.1", &bound.address.sin6_addr);
  auto* address = reinterpret_cast<sockaddr*>(&bound.address);
  socklen_t size = sizeof bound.address;
  if (::bind(bound.fd.get(), address, size) != 0) give_up("bind");
  const int fd = bound.fd.get();
  if (::setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &receive_bytes, sizeof receive_bytes) != 0)
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
  ::getsockname(fd, address, &size);
  return bound;
}

Receivers::Receivers(std::size_t count, int core, Drain drain)
    : bytes_(kBatch * kDatagramBytesMax), parts_(kBatch), messages_(kBatch) {
  for (std::size_t i = 0; i < count; ++i) {
    Bound bound = bind_loopback(1 << 20);
    addresses_.push_back(bound.address);
    fds_.push_back(std::move(bound.fd));
  }
  for (std::size_t i = 0; i < kBatch; ++i) {
    parts_[i] = {.iov_base = &bytes_[i * kDatagramBytesMax], .iov_len = kDatagramBytesMax};
    messages_[i].msg_hdr.msg_iov = &parts_[i];
    messages_[i].msg_hdr.msg_iovlen = 1;
  }
  drainer_ = std::jthread{[this, core, drain](const std::stop_token& stop) {
    pin(core);
    switch (drain) {
      case Drain::Busy: return drain_busily(stop);
      case Drain::Sleeping: return drain_sleeping(stop);
    }
  }};
}

std::uint64_t Receivers::dropped() const {
  std::uint64_t sum = 0;
  for (const net::Fd& fd : fds_) {
    std::array<std::uint32_t, SK_MEMINFO_VARS> figures{};
    socklen_t size = sizeof figures;
    if (::getsockopt(fd.get(), SOL_SOCKET, SO_MEMINFO, figures.data(), &size) == 0) sum += figures[SK_MEMINFO_DROPS];
  }
  return sum;
}

std::size_t Receivers::take(int fd) {
  const int got = ::recvmmsg(fd, messages_.data(), kBatch, MSG_DONTWAIT, nullptr);
  return got > 0 ? static_cast<std::size_t>(got) : 0;
}

void Receivers::drain_busily(const std::stop_token& stop) {
  std::vector<pollfd> polled;
  for (const net::Fd& fd : fds_) polled.push_back({.fd = fd.get(), .events = POLLIN, .revents = 0});
  while (!stop.stop_requested()) {
    if (::poll(polled.data(), polled.size(), 20) <= 0) continue;
    for (const pollfd& one : polled)
      if ((one.revents & POLLIN) != 0) received_ += take(one.fd);
  }
}

void Receivers::drain_sleeping(const std::stop_token& stop) {
  const net::Fd epoll{::epoll_create1(EPOLL_CLOEXEC)};
  for (const net::Fd& fd : fds_) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd.get();
    if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd.get(), &event) != 0) give_up("epoll");
  }
  std::array<epoll_event, kBatch> events{};
  while (!stop.stop_requested()) {
    const int ready = ::epoll_wait(epoll.get(), events.data(), static_cast<int>(events.size()), 50);
    for (int i = 0; i < ready; ++i) received_ += take(events[static_cast<std::size_t>(i)].data.fd);
  }
}

Outlet::Outlet(const std::vector<sockaddr_in6>& to, std::size_t train, std::size_t bytes)
    : addresses_{to},
      train_{train},
      bytes_{bytes},
      packets_(to.size() * train * bytes),
      parts_(to.size()),
      messages_(to.size()),
      control_(to.size()) {
  for (std::size_t m = 0; m < messages_.size(); ++m) {
    const MutableBytes carried = message(m);
    parts_[m] = {.iov_base = carried.data(), .iov_len = carried.size()};
    msghdr& header = messages_[m].msg_hdr;
    header.msg_name = &addresses_[m];
    header.msg_namelen = sizeof(sockaddr_in6);
    header.msg_iov = &parts_[m];
    header.msg_iovlen = 1;
    if (train == 1) continue;
    cmsghdr segment{};
    segment.cmsg_level = SOL_UDP;
    segment.cmsg_type = UDP_SEGMENT;
    segment.cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
    const auto size = static_cast<std::uint16_t>(bytes);
    std::memcpy(control_[m].bytes.data(), &segment, sizeof segment);
    std::memcpy(control_[m].bytes.data() + CMSG_LEN(0), &size, sizeof size);
    header.msg_control = control_[m].bytes.data();
    header.msg_controllen = control_[m].bytes.size();
  }
}

std::unique_ptr<Outlet> make_sendmmsg(const To& to) {
  return std::make_unique<SendMmsg>(to);
}

std::unique_ptr<Outlet> make_connected(const To& to) {
  return std::make_unique<Connected>(to);
}

std::unique_ptr<Outlet> make_zerocopy(const To& to) {
  return std::make_unique<ZeroCopy>(to);
}

std::vector<net::Fd> connect_each(const std::vector<sockaddr_in6>& to, std::size_t segment) {
  std::vector<net::Fd> fds;
  for (const sockaddr_in6& address : to) {
    net::Fd fd = open_socket();
    const int bytes = static_cast<int>(segment);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) give_up("connect");
    if (segment > 0 && ::setsockopt(fd.get(), SOL_UDP, UDP_SEGMENT, &bytes, sizeof bytes) != 0) give_up("UDP_SEGMENT");
    fds.push_back(std::move(fd));
  }
  return fds;
}

}  // namespace zvonok::floor
