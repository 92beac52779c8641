// Times and limits of Engine.IO. The defaults are those of the protocol's own server, which clients are used to.
#pragma once
#include <cstddef>

#include "base/time.h"

namespace zvonok::engineio {

struct Options {
  Duration ping_interval = seconds{25};
  Duration ping_timeout = seconds{20};
  Duration upgrade_timeout = seconds{10};
  /// Between two empty answers to polls while an upgrade is under way: without it such a client polls in a busy loop.
  Duration noop_spacing = milliseconds{100};
  /// How long a session that the server closed waits for a poll that can be told so.
  Duration close_linger = seconds{30};
  /// Of one WebSocket message and of one POST body; the client is told of it.
  std::size_t payload_bytes_max = 1'000'000;
  /// What waits for the next poll. Beyond it the session is closed. A WebSocket has its own limit below.
  std::size_t queue_bytes_max = 4 * 1024 * 1024;
  /// Of packets in POSTs. Beyond it the answer to a POST comes later, which holds the next one back; nothing is lost.
  /// On a WebSocket the server's own limits hold.
  double posted_packets_burst = 1000;
  double posted_packets_per_second = 500;
  std::size_t sessions_max = 50'000;
  /// Polling sessions hold no connection that could be counted.
  std::size_t sessions_per_address_max = 1'100;
};

}  // namespace zvonok::engineio
