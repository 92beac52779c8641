// Media over TCP, for networks that let no UDP through: a listener for ICE's passive candidates (RFC 6544) and its
// connections, on which every packet stands behind its length (RFC 4571). Packets come one by one with the path they
// came by, and leave as datagrams do: written in place, together at the end of the turn, dropped when there is no room.
//
// Anybody may connect. So a connection has to begin with a STUN message, and somebody here has to want it (`confirm`),
// both soon; at a limit, the oldest one that nobody has wanted yet gives way.
//
// Threads: none of its own; everything on the loop's thread.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/address.h"
#include "base/bytes.h"
#include "base/result.h"
#include "net/fd.h"
#include "net/loop.h"
#include "proto/ice/path.h"

namespace zvonok::net {

/// Why a connection ended. One counter each; no connection ends without one.
enum class FramedTcpClose : std::uint8_t {
  PeerClosed,
  PeerReset,
  FrameTooLong,
  FrameEmpty,
  NotStun,            // the first packet
  FirstFrameTimeout,  // no whole packet in time
  ConfirmTimeout,     // nobody here wanted it in time
  Idle,               // nothing was sent on it for long: whoever wanted it has gone
  WriteStalled,       // output waited and the peer took nothing
  Evicted,            // gave its place to a newer one while nobody wanted it
  Refused,            // a limit on connections was reached
  Shutdown,
};
inline constexpr std::size_t kFramedTcpCloses = static_cast<std::size_t>(FramedTcpClose::Shutdown) + 1;
/// snake_case, for counters.
[[nodiscard]] std::string_view to_text(FramedTcpClose reason);

struct FramedTcpCounters {
  std::uint64_t accepted = 0;
  std::uint64_t accept_failures = 0;  // out of descriptors
  std::uint64_t connections = 0;      // now
  std::uint64_t received = 0;         // packets
  std::uint64_t received_bytes = 0;   // of packets
  std::uint64_t sent = 0;             // packets queued; they leave unless the connection breaks
  std::uint64_t sent_bytes = 0;
  std::uint64_t send_calls = 0;
  std::uint64_t send_full = 0;  // a connection's buffer was full: dropped
  std::uint64_t send_gone = 0;  // the connection had gone: dropped
  std::array<std::uint64_t, kFramedTcpCloses> closed{};

  [[nodiscard]] std::uint64_t of(FramedTcpClose reason) const { return closed[static_cast<std::size_t>(reason)]; }
};

/// Gets what comes in. Neither call may destroy the FramedTcp.
class FramedTcpHandler {
 public:
  virtual ~FramedTcpHandler() = default;
  /// One packet, which may be changed in place; good until the call returns.
  virtual void on_frame(const ice::Path& path, MutableBytes packet) = 0;
  /// Of every connection that a packet came by. Not at the destruction of the listener.
  virtual void on_closed(const ice::Path& path) = 0;
};

class FramedTcp final : private ReadyHandler {
 public:
  struct Options {
    std::string address = {};  // numeric; empty: every address of both families
    std::uint16_t port = 0;
    std::size_t connections_max = 4096;
    std::size_t connections_per_address_max = 1100;  // of an IPv6 /64 as well
    std::size_t unconfirmed_max = 1024;
    std::size_t frame_bytes_max = 2048;
    /// Of one connection, beyond what the system keeps. More is late anyway.
    std::size_t send_bytes_max = 256 * 1024;
    Duration first_frame_timeout = seconds{5};
    Duration confirm_timeout = seconds{10};
    Duration idle_timeout = seconds{45};  // browsers ask for consent every few seconds, and are answered
    Duration stall_timeout = seconds{10};
  };
  /// Listens. `loop` and `handler` outlive it. The error is one line that names the address.
  [[nodiscard]] static Result<std::unique_ptr<FramedTcp>, std::string> create(Loop& loop, FramedTcpHandler& handler,
                                                                              const Options& options);
  FramedTcp(const FramedTcp&) = delete;
  FramedTcp& operator=(const FramedTcp&) = delete;
  ~FramedTcp() override;

  [[nodiscard]] std::uint16_t port() const { return port_; }

  /// Where the next packet on that path may be written, at least kPacketRoom bytes, good until the next call of any
  /// method. Give it with `commit`, or leave it.
  [[nodiscard]] MutableBytes claim(const ice::Path& path);
  void commit(const ice::Path& path, std::size_t size);
  /// Somebody here wants that connection: it passed a check that only a participant can pass.
  void confirm(const ice::Path& path);
  /// Nobody wants it any more: it is closed soon, and makes room for others at once when that is needed.
  void release(const ice::Path& path);
  /// Once at the end of each turn: one write for each connection that has something to send.
  void flush();

  [[nodiscard]] const FramedTcpCounters& counters() const { return counters_; }

  static constexpr std::size_t kPacketRoom = 2048;

 private:
  class Connection;
  struct Address {
    std::size_t connections = 0;
    std::set<std::uint64_t> unconfirmed;  // by age
  };
  FramedTcp(Loop& loop, FramedTcpHandler& handler, const Options& options, Fd listener, std::uint16_t port);

  void on_ready(std::uint32_t events) override;  // the listener's
  [[nodiscard]] std::optional<Fd> accept_one();
  void admit(Fd fd);
  [[nodiscard]] bool make_room(const IpAddress& owner);
  [[nodiscard]] bool evict_oldest(const std::set<std::uint64_t>& unconfirmed);

  void on_connection(Connection& connection, std::uint32_t events);
  [[nodiscard]] std::optional<FramedTcpClose> read(Connection& connection);
  [[nodiscard]] std::optional<FramedTcpClose> take_frames(Connection& connection, Bytes chunk);
  void write(Connection& connection);
  void sweep();
  [[nodiscard]] std::optional<FramedTcpClose> overdue(const Connection& connection, TimePoint now) const;
  void close(Connection& connection, FramedTcpClose reason);
  void forget_unconfirmed(const Connection& connection);
  [[nodiscard]] Connection* find(const ice::Path& path);

  Loop& loop_;
  FramedTcpHandler& handler_;
  const Options options_;
  Fd listener_;
  Fd spare_;  // given up to refuse a connection when descriptors run out
  std::uint16_t port_;
  Loop::TimerKey sweep_timer_;
  std::uint64_t next_id_ = 1;
  std::unordered_map<std::uint64_t, std::unique_ptr<Connection>> connections_;
  std::unordered_map<IpAddress, Address> addresses_;
  std::set<std::uint64_t> unconfirmed_;  // by age
  std::vector<std::uint64_t> dirty_;
  std::vector<std::uint8_t> in_;       // what was read last
  std::vector<std::uint8_t> packet_;   // the one handed out
  std::vector<std::uint8_t> nowhere_;  // claimed by what can't be sent
  FramedTcpCounters counters_;
};

}  // namespace zvonok::net
