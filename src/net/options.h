// Limits and timeouts of the HTTP and WebSocket edge. Every one is a setting (app/config), a counter and a test.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/time.h"

namespace zvonok::net {

struct HttpOptions {
  std::size_t header_bytes_max = 16 * 1024;
  std::size_t header_fields_max = 100;
  std::size_t body_bytes_max = 1024 * 1024;
  Duration header_timeout = seconds{10};      // accept (or first byte of a request) to the end of its header
  Duration body_timeout = seconds{30};        // end of header to end of body
  Duration handler_timeout = seconds{30};     // request handed over to response
  Duration keep_alive_timeout = seconds{75};  // between requests
  Duration linger_timeout = seconds{2};       // reading on after a refusal, so that the client sees the answer
};

struct WsOptions {
  std::size_t message_bytes_max = 256 * 1024;
  std::size_t fragments_max = 64;
  std::size_t send_queue_bytes_max = 1024 * 1024;
  double messages_burst = 1000;
  double messages_per_second = 500;
  double bytes_burst = 4e6;
  double bytes_per_second = 2e6;
  Duration ping_interval = seconds{25};
  Duration pong_timeout = seconds{20};
  Duration close_timeout = seconds{3};  // our close frame to the peer's, or to the end
};

struct ServerOptions {
  std::string bind_address = "";  // empty: every address, IPv6 and IPv4
  std::uint16_t port = 8080;      // 0: any free one
  std::size_t connections_max = 50'000;
  std::size_t connections_per_address_max = 1'100;
  Duration write_stall_timeout = seconds{20};  // output waits and the peer takes nothing
  HttpOptions http;
  WsOptions ws;
};

}  // namespace zvonok::net
