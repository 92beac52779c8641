#include "receive.h"

#include <array>
#include <cstring>

#include "sockets.h"

namespace zvonok::floor {
namespace {

constexpr std::size_t kTrainBytesMax = 65535;
constexpr std::size_t kDatagramBytesMax = 2048;
constexpr int kReceiveBytes = 4 << 20;

class Receiver {
 public:
  Receiver(const Receiving& receiving, std::size_t bytes)
      : receiving_{receiving},
        part_bytes_{receiving.gro == Gro::On ? kTrainBytesMax : kDatagramBytesMax},
        buffers_(receiving.batch * part_bytes_),
        parts_(receiving.batch),
        messages_(receiving.batch),
        from_(receiving.batch),
        control_(receiving.batch) {
    const int on = 1;
    std::vector<sockaddr_in6> addresses;
    for (std::size_t i = 0; i < receiving.sockets; ++i) {
      Bound bound = bind_loopback(kReceiveBytes);
      if (receiving.gro == Gro::On && ::setsockopt(bound.fd.get(), SOL_UDP, UDP_GRO, &on, sizeof on) != 0)
        give_up("UDP_GRO");
      addresses.push_back(bound.address);
      fds_.push_back(std::move(bound.fd));
    }
    for (std::size_t i = 0; i < receiving.batch; ++i) {
      parts_[i] = {.iov_base = &buffers_[i * part_bytes_], .iov_len = part_bytes_};
      messages_[i].msg_hdr.msg_iov = &parts_[i];
      messages_[i].msg_hdr.msg_iovlen = 1;
      messages_[i].msg_hdr.msg_name = &from_[i];
      messages_[i].msg_hdr.msg_control = receiving.gro == Gro::On ? control_[i].bytes.data() : nullptr;
    }
    sender_ = make_sendmmsg({.addresses = addresses, .train = receiving.train, .bytes = bytes});
  }

  void fill() {
    for (std::size_t sent = 0; sent < receiving_.waiting; sent += receiving_.train) sender_->send();
  }
  /// Empties all sockets as a server does: a call that gives less than it could was the last. Gives how many packets.
  std::size_t empty() {
    std::size_t packets = 0;
    for (const net::Fd& fd : fds_) {
      for (std::size_t got = receiving_.batch; got == receiving_.batch;) {
        got = take(fd.get());
        for (std::size_t i = 0; i < got; ++i) packets += packets_of(messages_[i]);
      }
    }
    return packets;
  }

 private:
  struct alignas(cmsghdr) Control {
    std::array<std::uint8_t, CMSG_SPACE(sizeof(int))> bytes{};
  };
  std::size_t take(int fd) {
    for (mmsghdr& message : messages_) {
      message.msg_hdr.msg_namelen = sizeof(sockaddr_in6);
      message.msg_hdr.msg_controllen = receiving_.gro == Gro::On ? sizeof(Control) : 0;
    }
    const int got = ::recvmmsg(fd, messages_.data(), static_cast<unsigned>(messages_.size()), MSG_DONTWAIT, nullptr);
    return got > 0 ? static_cast<std::size_t>(got) : 0;
  }
  static std::size_t packets_of(mmsghdr& message) {
    const cmsghdr* one = CMSG_FIRSTHDR(&message.msg_hdr);
    if (one == nullptr || one->cmsg_level != SOL_UDP || one->cmsg_type != UDP_GRO) return 1;
    int segment = 0;
    std::memcpy(&segment, CMSG_DATA(one), sizeof segment);
    if (segment <= 0) return 1;
    const auto size = static_cast<std::size_t>(segment);
    return (message.msg_len + size - 1) / size;
  }

  Receiving receiving_;
  std::size_t part_bytes_;
  std::vector<std::uint8_t> buffers_;
  std::vector<iovec> parts_;
  std::vector<mmsghdr> messages_;
  std::vector<sockaddr_in6> from_;
  std::vector<Control> control_;
  std::vector<net::Fd> fds_;
  std::unique_ptr<Outlet> sender_;
};

}  // namespace

std::function<Sample()> receiving_round(const Options& options, const Receiving& receiving, std::size_t bytes) {
  // A std::function has to be copyable: the copies, and nobody else, own the receiver.
  auto receiver = std::make_shared<Receiver>(receiving, bytes);
  return [receiver, &options] {
    const double end = wall_seconds() + options.milliseconds / 1000.0;
    double busy = 0;
    std::size_t packets = 0;
    do {
      receiver->fill();
      const double begin = thread_seconds();
      packets += receiver->empty();
      busy += thread_seconds() - begin;
    } while (wall_seconds() < end);
    return Sample{.us = busy * 1e6 / static_cast<double>(packets > 0 ? packets : 1)};
  };
}

}  // namespace zvonok::floor
