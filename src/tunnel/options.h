// What a tunnel allows. Every number here is a limit on something that a client can grow.
#pragma once
#include <cstddef>
#include <cstdint>

#include "base/time.h"
#include "base/token_bucket.h"

namespace zvonok::tunnel {

struct Options {
  // ---- streams that have not shown a good key yet
  /// A stream that has not become anybody's is closed at a moment between these two, counted from its opening and
  /// drawn at its opening: whether it said nothing, nonsense, or showed a wrong key can't be told from outside.
  Duration handshake_least = seconds{4};
  Duration handshake_most = seconds{8};
  /// ... or as soon as it has sent more than this. More than the longest request.
  std::size_t handshake_bytes_max = 4096;
  /// Of one address (of an IPv6 /64), and of all. At the limit the oldest gives way, so that nobody can lock others
  /// out.
  std::size_t waiting_per_address_max = 16;
  std::size_t waiting_max = 1024;

  // ---- all streams
  std::size_t streams_max = 8192;
  std::size_t calls_max = 4096;
  Duration idle_timeout = seconds{60};

  // ---- of one user
  std::size_t streams_per_user_max = 8;
  std::size_t sessions_per_user_max = 16;  // Mux sessions on all of its streams
  /// What a user sends: datagrams beyond it are dropped, streams are read no faster. `burst` is at least one datagram.
  TokenBucketOptions up{.burst = 256.0 * 1024, .per_second = 500'000};
  /// What media a user gets; beyond it, it is dropped. What comes from the other side of the call, that side pays for.
  TokenBucketOptions down{.burst = 512.0 * 1024, .per_second = 1'500'000};
  /// All bytes that a user sends, those of dropped datagrams and empty frames too. Beyond it nothing is read.
  TokenBucketOptions raw{.burst = 1024.0 * 1024, .per_second = 2'000'000};
  /// A key that nobody has used for so long after add_call is forgotten. Zero: never.
  Duration unused_timeout = seconds{60};

  // ---- what waits to be sent
  /// Of datagrams of one stream; at the limit the oldest give way.
  std::size_t queued_datagram_bytes_max = 256 * 1024;
  /// Older ones are of no use to anybody.
  Duration datagram_age_max = milliseconds{300};
  /// Of bytes of TCP connections that wait for the other side, from when on the sender is not read any more ...
  std::size_t pause_bytes = 64 * 1024;
  /// ... and what ends it, should more come all the same. No message may be longer than the difference.
  std::size_t queued_bytes_max = 256 * 1024;
  /// Of datagrams for a user who has not spoken to the other side yet, and how long they are kept.
  std::size_t early_bytes_max = 32 * 1024;
  Duration early_age_max = seconds{2};
};

/// Longer datagrams for the media plane are dropped: it knows none.
inline constexpr std::size_t kMediaDatagramBytesMax = 2048;

}  // namespace zvonok::tunnel
