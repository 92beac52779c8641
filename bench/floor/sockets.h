// Who receives, and the ways to send one packet, or a train of them, to each of many receivers.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <thread>
#include <vector>

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>

#include "base/bytes.h"
#include "net/fd.h"

namespace zvonok::floor {

/// Datagrams, or messages, for one call.
constexpr std::size_t kBatch = 64;

/// Busy: the thread looks at the sockets again and again, and the sender hardly ever wakes it. Sleeping: it waits in
/// epoll_wait, as participants do, and the sender pays for waking it.
enum class Drain : std::uint8_t { Busy, Sleeping };

/// Sockets of as many receivers, emptied by a thread of their own.
class Receivers {
 public:
  Receivers(std::size_t count, int core, Drain drain);
  [[nodiscard]] const std::vector<sockaddr_in6>& addresses() const { return addresses_; }
  [[nodiscard]] std::uint64_t received() const { return received_.load(std::memory_order_relaxed); }
  /// Datagrams that had no place in a socket: whoever sent them paid less for them.
  [[nodiscard]] std::uint64_t dropped() const;

 private:
  void drain_busily(const std::stop_token& stop);
  void drain_sleeping(const std::stop_token& stop);
  std::size_t take(int fd);

  std::vector<net::Fd> fds_;
  std::vector<sockaddr_in6> addresses_;
  std::vector<std::uint8_t> bytes_;
  std::vector<iovec> parts_;
  std::vector<mmsghdr> messages_;
  std::atomic<std::uint64_t> received_{0};
  std::jthread drainer_;  // last: it uses all of the above
};

/// A UDP socket at a loopback port of its own, with the address that it has.
struct Bound {
  net::Fd fd;
  sockaddr_in6 address;
};
[[nodiscard]] Bound bind_loopback(int receive_bytes);

/// A way to send. Packets of one turn lie in memory of their own, those for one receiver side by side.
class Outlet {
 public:
  /// `train` packets of `bytes` for each of `to`. More than one: each receiver's leave as one message (UDP_SEGMENT).
  Outlet(const std::vector<sockaddr_in6>& to, std::size_t train, std::size_t bytes);
  Outlet(const Outlet&) = delete;
  Outlet& operator=(const Outlet&) = delete;
  virtual ~Outlet() = default;

  /// Every packet once. Gives how many the kernel took.
  virtual std::size_t send() = 0;

  [[nodiscard]] std::size_t packets() const { return messages_.size() * train_; }
  [[nodiscard]] std::size_t train() const { return train_; }
  [[nodiscard]] MutableBytes packet(std::size_t i) { return MutableBytes{packets_}.subspan(i * bytes_, bytes_); }

 protected:
  [[nodiscard]] std::vector<mmsghdr>& messages() { return messages_; }
  [[nodiscard]] MutableBytes all() { return packets_; }
  /// What one message carries.
  [[nodiscard]] MutableBytes message(std::size_t m) {
    return MutableBytes{packets_}.subspan(m * train_ * bytes_, train_ * bytes_);
  }
  [[nodiscard]] std::size_t packet_bytes() const { return bytes_; }

 private:
  struct alignas(cmsghdr) Control {
    std::array<std::uint8_t, CMSG_SPACE(sizeof(std::uint16_t))> bytes{};
  };
  std::vector<sockaddr_in6> addresses_;
  std::size_t train_;
  std::size_t bytes_;
  std::vector<std::uint8_t> packets_;
  std::vector<iovec> parts_;
  std::vector<mmsghdr> messages_;
  std::vector<Control> control_;
};

struct To {
  const std::vector<sockaddr_in6>& addresses;
  std::size_t train = 1;
  std::size_t bytes = 0;
};

/// sendmmsg, kBatch messages in a call; one unconnected socket, as a server has.
[[nodiscard]] std::unique_ptr<Outlet> make_sendmmsg(const To& to);
/// A socket connected to each receiver, and a call for each message.
[[nodiscard]] std::unique_ptr<Outlet> make_connected(const To& to);
/// sendmmsg with MSG_ZEROCOPY; a turn ends when the kernel has told that it is done with all of the memory.
[[nodiscard]] std::unique_ptr<Outlet> make_zerocopy(const To& to);

/// Sockets connected to each of `to`. What they send is cut into pieces of `segment` bytes, unless that is 0.
[[nodiscard]] std::vector<net::Fd> connect_each(const std::vector<sockaddr_in6>& to, std::size_t segment);

}  // namespace zvonok::floor
