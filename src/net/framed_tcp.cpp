#include "net/framed_tcp.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/byte_io.h"
#include "base/check.h"
#include "net/listen.h"
#include "net/sockaddr.h"
#include "proto/framing/framing.h"
#include "proto/stun/message.h"

namespace zvonok::net {
namespace {

constexpr Duration kSweepInterval = milliseconds{500};
constexpr std::size_t kReadBytes = 64 * 1024;
constexpr int kReadsPerTurn = 4;  // of one connection, before others have their turn
constexpr int kAcceptsPerTurn = 64;
constexpr int kUserTimeoutMs = 20'000;
// What the system holds unsent: little, so that what is late is dropped here rather than delivered late.
constexpr int kUnsentBytes = 32 * 1024;
constexpr std::size_t kSendBytesFirst = 8 * 1024;
constexpr std::size_t kSendBytesKept = 32 * 1024;  // of a buffer that has emptied
constexpr std::size_t kFrameRoom = framing::kHeaderBytes + FramedTcp::kPacketRoom;

Fd open_spare() {
  return Fd{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
}

void set(int fd, int name, int value) {
  ::setsockopt(fd, IPPROTO_TCP, name, &value, sizeof value);
}

/// The address of one end, whichever family the listener has.
template <class Ask>
std::optional<SocketAddress> address_of(int fd, Ask ask) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (ask(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return std::nullopt;
  if (storage.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &storage, sizeof v6);
    return to_address(v6);
  }
  sockaddr_in v4{};
  std::memcpy(&v4, &storage, sizeof v4);
  return SocketAddress{.ip = IpAddress::v4(ntohl(v4.sin_addr.s_addr)), .port = ntohs(v4.sin_port)};
}

/// Whose limit an address counts for: of IPv6, one line has a whole /64.
IpAddress owner_of(const IpAddress& ip) {
  return ip.is_v4() ? ip : IpAddress::v6(ip.high(), 0);
}

}  // namespace

std::string_view to_text(FramedTcpClose reason) {
  switch (reason) {
    case FramedTcpClose::PeerClosed: return "peer_closed";
    case FramedTcpClose::PeerReset: return "peer_reset";
    case FramedTcpClose::FrameTooLong: return "frame_too_long";
    case FramedTcpClose::FrameEmpty: return "frame_empty";
    case FramedTcpClose::NotStun: return "not_stun";
    case FramedTcpClose::FirstFrameTimeout: return "first_frame_timeout";
    case FramedTcpClose::ConfirmTimeout: return "confirm_timeout";
    case FramedTcpClose::Idle: return "idle";
    case FramedTcpClose::WriteStalled: return "write_stalled";
    case FramedTcpClose::Evicted: return "evicted";
    case FramedTcpClose::Refused: return "refused";
    case FramedTcpClose::Shutdown: return "shutdown";
  }
  return "unknown";
}

/// One connection. What is to be sent stands in `out` from `out_begin` to `out_end`, with its lengths.
class FramedTcp::Connection final : public ReadyHandler {
 public:
  Connection(FramedTcp& owner, Fd socket, const ice::Path& its_path, TimePoint now)
      : fd{std::move(socket)},
        path{its_path},
        deframer{{.frame_bytes_max = owner.options_.frame_bytes_max, .empty = framing::EmptyFrames::Refuse}},
        accepted{now},
        sent{now},
        owner_{owner} {}
  void on_ready(std::uint32_t events) override { owner_.on_connection(*this, events); }
  [[nodiscard]] std::size_t queued() const { return out_end - out_begin; }

  Fd fd;
  ice::Path path;
  framing::Deframer deframer;
  TimePoint accepted;
  TimePoint sent;  // when there was something to send last
  std::optional<TimePoint> stalled_since;
  std::vector<std::uint8_t> out;
  std::size_t out_begin = 0;
  std::size_t out_end = 0;
  bool spoke = false;  // a first packet came, and it was STUN
  bool confirmed = false;
  bool dirty = false;
  bool awaits_room = false;  // EPOLLOUT is asked for
  bool broken = false;       // can't be written to; its end is about to be read

 private:
  FramedTcp& owner_;
};

Result<std::unique_ptr<FramedTcp>, std::string> FramedTcp::create(Loop& loop, FramedTcpHandler& handler,
                                                                  const Options& options) {
  auto listening = listen_tcp({.address = options.address, .port = options.port});
  if (!listening) return fail(std::move(listening.error()));
  std::unique_ptr<FramedTcp> made{new FramedTcp{loop, handler, options, std::move(listening->fd), listening->port}};
  if (!loop.add(made->listener_.get(), EPOLLIN, *made)) return fail(std::string{"the system is out of descriptors"});
  return made;
}

FramedTcp::FramedTcp(Loop& loop, FramedTcpHandler& handler, const Options& options, Fd listener, std::uint16_t port)
    : loop_{loop},
      handler_{handler},
      options_{options},
      listener_{std::move(listener)},
      spare_{open_spare()},
      port_{port},
      in_(kReadBytes),
      packet_(options.frame_bytes_max),
      nowhere_(kPacketRoom) {
  sweep_timer_ = loop_.schedule(loop_.now().mono + kSweepInterval, [this] { sweep(); });
}

FramedTcp::~FramedTcp() {
  loop_.cancel(sweep_timer_);
  loop_.remove(listener_.get());
  for (auto& [id, connection] : connections_) {
    loop_.remove(connection->fd.get());
    ++counters_.closed[static_cast<std::size_t>(FramedTcpClose::Shutdown)];
  }
}

// ---- accepting ------------------------------------------------------------------------------------------------------

void FramedTcp::on_ready(std::uint32_t) {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    auto fd = accept_one();
    if (!fd) return;
    admit(std::move(*fd));
  }
}

std::optional<Fd> FramedTcp::accept_one() {
  Fd fd{::accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
  if (fd.valid()) return fd;
  if (errno == EMFILE || errno == ENFILE) {
    // Level-triggered epoll would spin on the waiting connection, so refuse it.
    ++counters_.accept_failures;
    spare_.reset();
    const Fd refused{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    spare_ = open_spare();
  }
  return std::nullopt;
}

void FramedTcp::admit(Fd fd) {
  const auto local = address_of(fd.get(), ::getsockname);
  const auto remote = address_of(fd.get(), ::getpeername);
  if (!local || !remote) return;  // gone already
  ++counters_.accepted;
  const IpAddress owner = owner_of(remote->ip);
  if (!make_room(owner)) {
    ++counters_.closed[static_cast<std::size_t>(FramedTcpClose::Refused)];
    return;
  }
  set(fd.get(), TCP_NODELAY, 1);
  set(fd.get(), TCP_USER_TIMEOUT, kUserTimeoutMs);
  set(fd.get(), TCP_NOTSENT_LOWAT, kUnsentBytes);
  const std::uint64_t id = next_id_++;
  const ice::Path path{.protocol = ice::Protocol::Tcp, .local = *local, .remote = *remote, .connection = id};
  auto made = std::make_unique<Connection>(*this, std::move(fd), path, loop_.now().mono);
  if (!loop_.add(made->fd.get(), EPOLLIN, *made)) {
    ++counters_.accept_failures;
    return;
  }
  connections_.emplace(id, std::move(made));
  Address& address = addresses_[owner];
  ++address.connections;
  address.unconfirmed.insert(id);
  unconfirmed_.insert(id);
  ++counters_.connections;
}

/// Who floods the port with connections that nobody wants pushes out his own kind, and never a participant.
bool FramedTcp::make_room(const IpAddress& owner) {
  const auto address = addresses_.find(owner);
  if (address != addresses_.end() && address->second.connections >= options_.connections_per_address_max &&
      !evict_oldest(address->second.unconfirmed)) {
    return false;
  }
  if (unconfirmed_.size() >= options_.unconfirmed_max && !evict_oldest(unconfirmed_)) return false;
  return connections_.size() < options_.connections_max || evict_oldest(unconfirmed_);
}

bool FramedTcp::evict_oldest(const std::set<std::uint64_t>& unconfirmed) {
  if (unconfirmed.empty()) return false;
  const auto found = connections_.find(*unconfirmed.begin());
  ZVONOK_CHECK(found != connections_.end());
  close(*found->second, FramedTcpClose::Evicted);
  return true;
}

// ---- receiving ------------------------------------------------------------------------------------------------------

void FramedTcp::on_connection(Connection& connection, std::uint32_t events) {
  if (!connections_.contains(connection.path.connection)) return;  // closed in this turn, and not destroyed yet
  if ((events & EPOLLOUT) != 0) write(connection);
  if ((events & ~static_cast<std::uint32_t>(EPOLLOUT)) == 0) return;
  if (const auto end = read(connection)) close(connection, *end);
}

std::optional<FramedTcpClose> FramedTcp::read(Connection& connection) {
  for (int i = 0; i < kReadsPerTurn; ++i) {
    const ssize_t got = ::recv(connection.fd.get(), in_.data(), in_.size(), MSG_DONTWAIT);
    if (got == 0) return FramedTcpClose::PeerClosed;
    if (got < 0) {
      if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return std::nullopt;
      return FramedTcpClose::PeerReset;
    }
    const auto size = static_cast<std::size_t>(got);
    if (const auto end = take_frames(connection, Bytes{in_}.first(size))) return end;
    if (size < in_.size()) return std::nullopt;
  }
  return std::nullopt;
}

std::optional<FramedTcpClose> FramedTcp::take_frames(Connection& connection, Bytes chunk) {
  for (;;) {
    const auto frame = connection.deframer.next(chunk);
    if (!frame) {
      switch (frame.error()) {
        case framing::Error::FrameTooLong: return FramedTcpClose::FrameTooLong;
        case framing::Error::FrameEmpty: return FramedTcpClose::FrameEmpty;
      }
    }
    if (!*frame) return std::nullopt;
    const Bytes bytes = **frame;
    if (!connection.spoke && !stun::looks_like_stun(bytes)) return FramedTcpClose::NotStun;
    connection.spoke = true;
    ++counters_.received;
    counters_.received_bytes += bytes.size();
    copy_bytes(bytes, packet_);
    handler_.on_frame(connection.path, MutableBytes{packet_}.first(bytes.size()));
  }
}

// ---- sending --------------------------------------------------------------------------------------------------------

FramedTcp::Connection* FramedTcp::find(const ice::Path& path) {
  const auto found = connections_.find(path.connection);
  return found == connections_.end() ? nullptr : found->second.get();
}

MutableBytes FramedTcp::claim(const ice::Path& path) {
  Connection* const connection = find(path);
  if (connection == nullptr || connection->broken) return nowhere_;
  Connection& c = *connection;
  if (c.out.size() < c.out_end + kFrameRoom) {
    if (c.out_begin > 0) {
      std::memmove(c.out.data(), c.out.data() + c.out_begin, c.queued());
      c.out_end -= std::exchange(c.out_begin, 0);
    }
    const std::size_t needed = c.out_end + kFrameRoom;
    if (needed > options_.send_bytes_max) return nowhere_;
    if (c.out.size() < needed) {
      c.out.resize(std::min(options_.send_bytes_max, std::max({needed, c.out.size() * 2, kSendBytesFirst})));
    }
  }
  return MutableBytes{c.out}.subspan(c.out_end + framing::kHeaderBytes, kPacketRoom);
}

void FramedTcp::commit(const ice::Path& path, std::size_t size) {
  ZVONOK_CHECK(size <= kPacketRoom);
  Connection* const connection = find(path);
  if (connection == nullptr || connection->broken) {
    ++counters_.send_gone;
    return;
  }
  Connection& c = *connection;
  c.sent = loop_.now().mono;
  if (c.out.size() < c.out_end + kFrameRoom) {
    ++counters_.send_full;  // it was written to nowhere
    return;
  }
  copy_bytes(framing::frame_header(size), MutableBytes{c.out}.subspan(c.out_end));
  c.out_end += framing::kHeaderBytes + size;
  ++counters_.sent;
  counters_.sent_bytes += size;
  if (c.dirty || c.awaits_room) return;
  c.dirty = true;
  dirty_.push_back(path.connection);
}

void FramedTcp::confirm(const ice::Path& path) {
  Connection* const connection = find(path);
  if (connection == nullptr || connection->confirmed) return;
  connection->confirmed = true;
  forget_unconfirmed(*connection);
}

void FramedTcp::release(const ice::Path& path) {
  Connection* const connection = find(path);
  if (connection == nullptr || !connection->confirmed) return;
  connection->confirmed = false;
  unconfirmed_.insert(path.connection);
  const auto address = addresses_.find(owner_of(path.remote.ip));
  if (address != addresses_.end()) address->second.unconfirmed.insert(path.connection);
}

void FramedTcp::flush() {
  for (const std::uint64_t id : dirty_) {
    const auto found = connections_.find(id);
    if (found == connections_.end()) continue;
    found->second->dirty = false;
    write(*found->second);
  }
  dirty_.clear();
}

void FramedTcp::write(Connection& c) {
  if (c.broken || c.queued() == 0) return;
  ++counters_.send_calls;
  const ssize_t taken = ::send(c.fd.get(), c.out.data() + c.out_begin, c.queued(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (taken < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
    // Not closed in the middle of a turn that may still name it: its end is read in the next.
    c.broken = true;
    ::shutdown(c.fd.get(), SHUT_RDWR);
    return;
  }
  if (taken > 0) {
    c.out_begin += static_cast<std::size_t>(taken);
    c.stalled_since.reset();
  }
  const bool done = c.queued() == 0;
  if (done) {
    c.out_begin = c.out_end = 0;
    if (c.out.size() > kSendBytesKept) c.out = {};
  } else if (!c.stalled_since) {
    c.stalled_since = loop_.now().mono;
  }
  if (c.awaits_room == !done) return;
  c.awaits_room = !done;
  loop_.modify(c.fd.get(), done ? EPOLLIN : EPOLLIN | EPOLLOUT, c);
}

// ---- ending ---------------------------------------------------------------------------------------------------------

void FramedTcp::sweep() {
  const TimePoint now = loop_.now().mono;
  std::vector<std::pair<std::uint64_t, FramedTcpClose>> ends;
  for (const auto& [id, connection] : connections_) {
    if (const auto reason = overdue(*connection, now)) ends.emplace_back(id, *reason);
  }
  for (const auto& [id, reason] : ends) close(*connections_.at(id), reason);
  sweep_timer_ = loop_.schedule(now + kSweepInterval, [this] { sweep(); });
}

std::optional<FramedTcpClose> FramedTcp::overdue(const Connection& c, TimePoint now) const {
  if (!c.spoke && now >= c.accepted + options_.first_frame_timeout) return FramedTcpClose::FirstFrameTimeout;
  if (!c.confirmed && now >= c.accepted + options_.confirm_timeout) return FramedTcpClose::ConfirmTimeout;
  if (c.stalled_since && now >= *c.stalled_since + options_.stall_timeout) return FramedTcpClose::WriteStalled;
  if (now >= c.sent + options_.idle_timeout) return FramedTcpClose::Idle;
  return std::nullopt;
}

void FramedTcp::close(Connection& connection, FramedTcpClose reason) {
  ++counters_.closed[static_cast<std::size_t>(reason)];
  --counters_.connections;
  loop_.remove(connection.fd.get());
  forget_unconfirmed(connection);
  const auto address = addresses_.find(owner_of(connection.path.remote.ip));
  if (address != addresses_.end() && --address->second.connections == 0) addresses_.erase(address);
  auto node = connections_.extract(connection.path.connection);
  connection.fd.reset();
  if (connection.spoke) handler_.on_closed(connection.path);
  loop_.discard(std::move(node.mapped()));
}

void FramedTcp::forget_unconfirmed(const Connection& connection) {
  unconfirmed_.erase(connection.path.connection);
  const auto address = addresses_.find(owner_of(connection.path.remote.ip));
  if (address != addresses_.end()) address->second.unconfirmed.erase(connection.path.connection);
}

}  // namespace zvonok::net
