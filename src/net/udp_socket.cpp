#include "net/udp_socket.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <netinet/udp.h>

#include "net/sockaddr.h"

namespace zvonok::net {
namespace {

// Of the cache next to a core, what leaves room for those for whom packets are made.
constexpr std::size_t kMuchBytes = 64 * 1024;

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

/// What waits to be sent: datagrams, chained by where they go.
class UdpSocket::Out {
 public:
  Out(std::size_t slots, bool segments)
      : segments_{segments},
        bytes_{std::make_unique_for_overwrite<Buffer[]>(slots)},
        slots_(slots),
        parts_(slots),
        messages_(slots),
        addresses_(slots),
        control_(slots) {
    std::size_t places = 16;
    while (places < 2 * slots) places *= 2;
    table_.assign(places, kNone);
  }

  [[nodiscard]] MutableBytes next() { return bytes_[count_].bytes; }
  [[nodiscard]] std::size_t bytes() const { return bytes_queued_; }
  [[nodiscard]] bool is_full() const { return count_ == slots_.size(); }

  void add(const SocketAddress& to, const IpAddress& from, std::size_t size) {
    const auto index = static_cast<std::uint32_t>(count_++);
    bytes_queued_ += size;
    slots_[index] = {.to = to, .from = from, .size = size, .next = kNone, .last = index, .place = 0};
    std::size_t place = (std::hash<SocketAddress>{}(to) ^ from.low()) & (table_.size() - 1);
    for (;; place = (place + 1) & (table_.size() - 1)) {
      if (table_[place] == kNone) {
        table_[place] = index;
        slots_[index].place = place;
        heads_.push_back(index);
        return;
      }
      Slot& head = slots_[table_[place]];
      if (head.to != to || head.from != from) continue;
      slots_[head.last].next = index;
      head.last = index;
      return;
    }
  }

  void send(int fd, UdpCounters& counters) {
    for (const std::uint32_t head : heads_) {
      for (std::uint32_t at = head; at != kNone;) at = add_message(slots_[head], at);
      table_[slots_[head].place] = kNone;
    }
    send_messages(fd, counters);
    heads_.clear();
    count_ = bytes_queued_ = parts_used_ = messages_used_ = 0;
  }

 private:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;
  static constexpr std::size_t kSegmentsMax = 64;  // UDP_MAX_SEGMENTS
  static constexpr std::size_t kTrainBytesMax = 65'000;
  static constexpr std::size_t kControlBytes = CMSG_SPACE(sizeof(in6_pktinfo)) + CMSG_SPACE(sizeof(std::uint16_t));

  struct Slot {
    SocketAddress to;
    IpAddress from;
    std::size_t size = 0;
    std::uint32_t next = kNone;  // to the same destination
    std::uint32_t last = kNone;  // of a head: the end of its chain
    std::size_t place = 0;       // of a head: in the table
  };
  /// An odd number of cache lines: at a distance of 2 KiB the beginnings of all packets would share a few sets of the
  /// cache. Memory that no batch has come to yet is not touched.
  struct alignas(64) Buffer {
    std::array<std::uint8_t, kDatagramBytesMax> bytes;
    std::array<std::uint8_t, 64> apart;
  };
  struct alignas(cmsghdr) Control {
    std::array<std::uint8_t, kControlBytes> bytes;
  };

  /// The datagrams from `first` on that can go as one; returns the first that can't.
  std::uint32_t add_message(const Slot& head, std::uint32_t first) {
    const std::size_t m = messages_used_++;
    const std::size_t segment = slots_[first].size;
    const std::size_t begin = parts_used_;
    std::size_t bytes = 0;
    std::uint32_t at = first;
    while (at != kNone) {
      const std::size_t size = slots_[at].size;
      const std::size_t count = parts_used_ - begin;
      if (count > 0 && (!segments_ || size > segment || count == kSegmentsMax || bytes + size > kTrainBytesMax)) break;
      parts_[parts_used_++] = {.iov_base = bytes_[at].bytes.data(), .iov_len = size};
      bytes += size;
      at = slots_[at].next;
      if (size < segment) break;  // only the last may be shorter
    }
    addresses_[m] = to_sockaddr(head.to);
    messages_[m].msg_hdr = {.msg_name = &addresses_[m],
                            .msg_namelen = sizeof(sockaddr_in6),
                            .msg_iov = &parts_[begin],
                            .msg_iovlen = parts_used_ - begin,
                            .msg_control = nullptr,
                            .msg_controllen = 0,
                            .msg_flags = 0};
    write_control(m, head.from, parts_used_ - begin > 1 ? segment : 0);
    return at;
  }

  void write_control(std::size_t m, const IpAddress& from, std::size_t segment) {
    std::uint8_t* at = control_[m].bytes.data();
    const auto add = [&](int level, int type, const auto& value) {
      cmsghdr header{};
      header.cmsg_level = level;
      header.cmsg_type = type;
      header.cmsg_len = CMSG_LEN(sizeof value);
      std::memcpy(at, &header, sizeof header);
      std::memcpy(at + CMSG_LEN(0), &value, sizeof value);
      at += CMSG_SPACE(sizeof value);
    };
    if (!from.is_unspecified()) {
      in6_pktinfo info{};
      const auto bytes = from.v6_bytes();
      std::memcpy(info.ipi6_addr.s6_addr, bytes.data(), bytes.size());
      add(IPPROTO_IPV6, IPV6_PKTINFO, info);
    }
    if (segment > 0) add(SOL_UDP, UDP_SEGMENT, static_cast<std::uint16_t>(segment));
    const auto length = static_cast<std::size_t>(at - control_[m].bytes.data());
    if (length == 0) return;
    messages_[m].msg_hdr.msg_control = control_[m].bytes.data();
    messages_[m].msg_hdr.msg_controllen = length;
  }

  static void count_sent(const msghdr& header, UdpCounters& counters) {
    ++counters.send_messages;
    for (std::size_t i = 0; i < header.msg_iovlen; ++i) {
      ++counters.sent;
      counters.sent_bytes += header.msg_iov[i].iov_len;
    }
  }

  void send_messages(int fd, UdpCounters& counters) {
    std::size_t done = 0;
    while (done < messages_used_) {
      ++counters.send_calls;
      const int sent = sendmmsg(fd, &messages_[done], static_cast<unsigned>(messages_used_ - done), MSG_DONTWAIT);
      if (sent > 0) {
        for (int i = 0; i < sent; ++i) count_sent(messages_[done++].msg_hdr, counters);
        continue;
      }
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0 && (errno == EAGAIN || errno == ENOBUFS)) {
        // Real-time media: what can't leave now is late.
        for (; done < messages_used_; ++done) counters.send_full += messages_[done].msg_hdr.msg_iovlen;
        return;
      }
      send_apart(fd, messages_[done++].msg_hdr, counters);  // the others may be sent
    }
  }

  /// A train that the kernel does not take, for example because a segment does not fit the path; or one datagram that
  /// can't be sent.
  static void send_apart(int fd, msghdr header, UdpCounters& counters) {
    const std::size_t count = header.msg_iovlen;
    if (count == 1) {
      ++counters.send_failed;
      return;
    }
    ++counters.trains_refused;
    header.msg_controllen -= CMSG_SPACE(sizeof(std::uint16_t));
    if (header.msg_controllen == 0) header.msg_control = nullptr;
    header.msg_iovlen = 1;
    for (std::size_t i = 0; i < count; ++i, ++header.msg_iov) {
      ++counters.send_calls;
      if (sendmsg(fd, &header, MSG_DONTWAIT) >= 0) {
        count_sent(header, counters);
      } else {
        ++counters.send_failed;
      }
    }
  }

  bool segments_;
  std::unique_ptr<Buffer[]> bytes_;
  std::vector<Slot> slots_;
  std::vector<iovec> parts_;
  std::vector<mmsghdr> messages_;
  std::vector<sockaddr_in6> addresses_;
  std::vector<Control> control_;
  std::vector<std::uint32_t> table_;  // heads by destination
  std::vector<std::uint32_t> heads_;  // in the order of their first datagram
  std::size_t count_ = 0;
  std::size_t bytes_queued_ = 0;
  std::size_t parts_used_ = 0;
  std::size_t messages_used_ = 0;
};

UdpSocket::UdpSocket(Fd fd, SocketAddress local, const Options& options)
    : fd_{std::move(fd)}, local_{local}, in_{std::make_unique<In>()} {
  const bool segments = options.segments && set(fd_.get(), SOL_UDP, UDP_SEGMENT, 0);
  out_ = std::make_unique<Out>(options.send_batch, segments);
  received_.reserve(kBatch);
  for (std::size_t i = 0; i < kBatch; ++i) {
    in_->parts[i] = {.iov_base = in_->bytes[i].data(), .iov_len = kDatagramBytesMax};
  }
}

UdpSocket::UdpSocket(UdpSocket&&) noexcept = default;
UdpSocket& UdpSocket::operator=(UdpSocket&&) noexcept = default;
UdpSocket::~UdpSocket() = default;

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
  const Buffers given{.receive_bytes = set_buffer(fd.get(), SO_RCVBUF, SO_RCVBUFFORCE, options.buffers.receive_bytes),
                      .send_bytes = set_buffer(fd.get(), SO_SNDBUF, SO_SNDBUFFORCE, options.buffers.send_bytes)};
  UdpSocket opened{std::move(fd), to_address(address), options};
  opened.asked_ = options.buffers;
  opened.given_ = given;
  return opened;
}

std::optional<std::string> UdpSocket::small_buffers() const {
  std::string text;
  const auto note = [&](const char* setting, int asked, int given) {
    if (given >= asked) return;
    text += (text.empty() ? "" : ", ") + std::string{setting} + " gives " + std::to_string(given) + " of " +
            std::to_string(asked) + " bytes";
  };
  note("net.core.rmem_max", asked_.receive_bytes, given_.receive_bytes);
  note("net.core.wmem_max", asked_.send_bytes, given_.send_bytes);
  if (text.empty()) return std::nullopt;
  return text;
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
  return out_->next();
}

void UdpSocket::commit(const SocketAddress& to, const IpAddress& from, std::size_t size) {
  out_->add(to, from, size);
  if (out_->is_full()) flush();
}

void UdpSocket::flush_much() {
  if (out_->bytes() >= kMuchBytes) flush();
}

void UdpSocket::flush() {
  out_->send(fd_.get(), counters_);
}

}  // namespace zvonok::net
