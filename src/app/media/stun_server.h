// Our own STUN server: tells clients of pair calls the address that they are seen at. A UDP socket of its own, because
// the media port answers nobody without a password.
//
// An answer is 12 bytes (IPv4) or 24 (IPv6) longer than the shortest request, and is given to plain, well-formed
// binding requests alone; each address gets so many a second. Whoever forges somebody's address gains next to nothing.
//
// Threads: none of its own; everything on the loop's thread.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "base/address.h"
#include "base/result.h"
#include "base/token_bucket.h"
#include "identity/lru_map.h"
#include "net/loop.h"
#include "net/udp_socket.h"

namespace zvonok::app {

struct StunCounters {
  std::uint64_t received = 0;
  std::uint64_t answered = 0;
  std::uint64_t malformed = 0;  // not STUN, or a wrong FINGERPRINT
  std::uint64_t refused = 0;    // something else than a plain binding request
  std::uint64_t limited = 0;    // by address, or by all together
};

class StunServer final : private net::ReadyHandler {
 public:
  struct Options {
    SocketAddress address;  // 0.0.0.0 means every address, of IPv4 and IPv6
    /// Of one address; of an IPv6 /64 as well. An office behind one address asks a few times a call.
    TokenBucketOptions per_address{.burst = 100, .per_second = 10};
    TokenBucketOptions altogether{.burst = 5000, .per_second = 5000};
    std::size_t addresses_max = 8192;  // that are remembered
  };
  /// Binds and serves. `loop` outlives it. The error is one line that names the address.
  [[nodiscard]] static Result<std::unique_ptr<StunServer>, std::string> create(net::Loop& loop, const Options& options);
  StunServer(const StunServer&) = delete;
  StunServer& operator=(const StunServer&) = delete;
  ~StunServer() override;

  [[nodiscard]] std::uint16_t port() const { return socket_.local().port; }
  [[nodiscard]] const StunCounters& counters() const { return counters_; }

 private:
  StunServer(net::Loop& loop, const Options& options, net::UdpSocket socket);
  void on_ready(std::uint32_t events) override;
  void on_datagram(const net::UdpSocket::Datagram& datagram);
  [[nodiscard]] bool may_answer(const IpAddress& address);

  net::Loop& loop_;
  const Options options_;
  net::UdpSocket socket_;
  identity::LruMap<IpAddress, TokenBucket> addresses_;
  TokenBucket altogether_;
  StunCounters counters_;
};

}  // namespace zvonok::app
