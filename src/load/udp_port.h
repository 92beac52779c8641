// The UDP sockets of a load test: one connected socket for each participant, for a server tells participants by their
// addresses, and buffers that all of them share. Datagrams come in batches with the kernel's time of arrival, and leave
// in batches.
//
// No UDP_GRO: it would spare the server's core, which on loopback also delivers, the work that a network has.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/address.h"
#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "net/fd.h"

namespace zvonok::load {

/// Shared by all ports of one thread.
class UdpBatches {
 public:
  static constexpr std::size_t kBatch = 64;
  static constexpr std::size_t kDatagramBytesMax = 2048;

  UdpBatches();

  struct Datagram {
    TimePoint at{};
    MutableBytes bytes;
  };
  /// Up to kBatch waiting datagrams of `fd`, good until the next call. Fewer: there are no more.
  [[nodiscard]] const std::vector<Datagram>& receive(int fd);

  /// Where the next datagram may be written, kDatagramBytesMax bytes.
  [[nodiscard]] MutableBytes claim() { return out_bytes_[queued_]; }
  /// Queues what was claimed for `fd`; what waits for another one leaves first.
  void commit(int fd, std::size_t size);
  void flush();

  struct Counters {
    std::uint64_t received = 0;
    std::uint64_t receive_calls = 0;
    std::uint64_t sent = 0;
    std::uint64_t send_calls = 0;
    std::uint64_t not_sent = 0;  // the system did not take them
  };
  [[nodiscard]] const Counters& counters() const { return counters_; }

 private:
  /// The kernel stamps with the wall clock; ours is monotonic.
  void read_offset();

  std::array<std::array<std::uint8_t, kDatagramBytesMax>, kBatch> in_bytes_;
  std::array<iovec, kBatch> in_parts_{};
  std::array<mmsghdr, kBatch> in_messages_{};
  struct alignas(cmsghdr) Control {
    std::array<std::uint8_t, CMSG_SPACE(sizeof(timespec))> bytes;
  };
  std::array<Control, kBatch> control_{};
  std::vector<Datagram> received_;
  std::size_t used_ = kBatch;  // message headers that are to be made anew

  std::array<std::array<std::uint8_t, kDatagramBytesMax>, kBatch> out_bytes_;
  std::array<iovec, kBatch> out_parts_{};
  std::array<mmsghdr, kBatch> out_messages_{};
  std::size_t queued_ = 0;
  int queued_for_ = -1;

  Duration offset_{};  // of our clock from the wall's
  TimePoint offset_read_{};
  Counters counters_;
};

/// A socket connected to `server`. The error is one line.
[[nodiscard]] Result<net::Fd, std::string> open_udp(const SocketAddress& server);

}  // namespace zvonok::load
