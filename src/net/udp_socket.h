// One UDP socket for media: datagrams come in batches with their addresses, and leave in batches. Datagrams of one
// batch that go to the same destination leave as one train of segments (UDP_SEGMENT) as far as their sizes are equal:
// the kernel then does most of its work once for all of them.
//
// Threads: none of its own; everything on the thread of the loop that watches `fd()`.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/address.h"
#include "base/bytes.h"
#include "base/result.h"
#include "net/fd.h"

namespace zvonok::net {

struct UdpCounters {
  std::uint64_t received = 0;
  std::uint64_t received_bytes = 0;
  std::uint64_t truncated = 0;  // larger than a buffer; dropped
  std::uint64_t sent = 0;
  std::uint64_t sent_bytes = 0;
  std::uint64_t send_calls = 0;
  std::uint64_t send_messages = 0;   // a train is one
  std::uint64_t send_full = 0;       // the socket's buffer was full: dropped
  std::uint64_t send_failed = 0;     // unreachable and the like: dropped
  std::uint64_t trains_refused = 0;  // sent one by one instead
};

class UdpSocket {
 public:
  static constexpr std::size_t kBatch = 64;
  static constexpr std::size_t kDatagramBytesMax = 2048;

  struct Buffers {
    int receive_bytes = 4 << 20;
    int send_bytes = 4 << 20;
  };
  struct Options {
    SocketAddress address;  // 0.0.0.0 means every address, of IPv4 and IPv6
    Buffers buffers = {};
    /// Datagrams, 2 KiB of memory each where it is used. What a turn forwards of sound, and of video one packet to
    /// each, should fit in, or trains end early.
    std::size_t send_batch = 2048;
    bool segments = true;  // where the kernel has them
  };
  [[nodiscard]] static Result<UdpSocket, std::string> open(const Options& options);
  UdpSocket(UdpSocket&&) noexcept;
  UdpSocket& operator=(UdpSocket&&) noexcept;
  ~UdpSocket();

  [[nodiscard]] int fd() const { return fd_.get(); }
  /// As bound; the port is the real one when 0 was asked for.
  [[nodiscard]] const SocketAddress& local() const { return local_; }
  /// Whether the system gave smaller buffers than were asked for, as net.core.rmem_max and wmem_max have it: a line for
  /// the operator.
  [[nodiscard]] std::optional<std::string> small_buffers() const;

  struct Datagram {
    SocketAddress from;
    IpAddress to;        // the local address it came to
    MutableBytes bytes;  // may be changed in place
  };
  /// Up to kBatch waiting datagrams, good until the next call. Fewer than kBatch: there are no more.
  [[nodiscard]] const std::vector<Datagram>& receive();

  /// Where the next datagram to send may be written. Give it with `commit`, or ask again for the same space.
  [[nodiscard]] MutableBytes claim();
  /// Queues the first `size` bytes of what was claimed; `from` is the local address to send from (unspecified: the
  /// system's choice). A full batch leaves at once. The order is kept for each destination, not between them.
  void commit(const SocketAddress& to, const IpAddress& from, std::size_t size);
  void flush();
  /// Sends what is queued when that is 64 KiB or more: then it is still in the processor's cache. Claim anew
  /// afterwards.
  void flush_much();

  [[nodiscard]] const UdpCounters& counters() const { return counters_; }

 private:
  /// Buffers and the headers that point into them: never moved.
  struct In {
    std::array<std::array<std::uint8_t, kDatagramBytesMax>, kBatch> bytes;
    std::array<sockaddr_in6, kBatch> addresses;
    std::array<iovec, kBatch> parts;
    std::array<mmsghdr, kBatch> messages;
    alignas(cmsghdr) std::array<std::array<std::uint8_t, CMSG_SPACE(sizeof(in6_pktinfo))>, kBatch> control;
  };
  class Out;
  UdpSocket(Fd fd, SocketAddress local, const Options& options);

  Fd fd_;
  SocketAddress local_;
  Buffers asked_;
  Buffers given_;
  std::unique_ptr<In> in_;
  std::unique_ptr<Out> out_;
  std::vector<Datagram> received_;
  UdpCounters counters_;
};

}  // namespace zvonok::net
