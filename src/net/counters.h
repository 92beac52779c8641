// What the edge counts. Written by the loop's thread only and read by it (metrics are rendered there), so plain
// numbers.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

namespace zvonok::net {

/// Why a connection ended. One counter each; no connection ends without one.
enum class CloseReason : std::uint8_t {
  PeerClosed,     // in order
  PeerReset,      // reset, or a broken TLS record
  Finished,       // we ended it in order: "Connection: close", or the WebSocket closing handshake
  HeaderTimeout,  // no whole request header in time (slowloris, half-open)
  BodyTimeout,
  HandlerTimeout,
  KeepAliveTimeout,
  WriteStalled,  // a slow reader: output waited too long
  SlowConsumer,  // a slow reader: output grew too long
  PongTimeout,
  CloseTimeout,   // the peer did not answer our close frame
  BadRequest,     // malformed HTTP
  ProtocolError,  // malformed WebSocket
  Evicted,        // gave its place to a newer connection while it had not sent one whole request
  Refused,        // a limit on connections was reached
  Application,    // the application closed it (4xxx codes)
  Shutdown,
};
constexpr std::size_t kCloseReasonCount = static_cast<std::size_t>(CloseReason::Shutdown) + 1;

constexpr std::string_view to_text(CloseReason reason) {
  switch (reason) {
    case CloseReason::PeerClosed: return "peer_closed";
    case CloseReason::PeerReset: return "peer_reset";
    case CloseReason::Finished: return "finished";
    case CloseReason::HeaderTimeout: return "header_timeout";
    case CloseReason::BodyTimeout: return "body_timeout";
    case CloseReason::HandlerTimeout: return "handler_timeout";
    case CloseReason::KeepAliveTimeout: return "keep_alive_timeout";
    case CloseReason::WriteStalled: return "write_stalled";
    case CloseReason::SlowConsumer: return "slow_consumer";
    case CloseReason::PongTimeout: return "pong_timeout";
    case CloseReason::CloseTimeout: return "close_timeout";
    case CloseReason::BadRequest: return "bad_request";
    case CloseReason::ProtocolError: return "protocol_error";
    case CloseReason::Evicted: return "evicted";
    case CloseReason::Refused: return "refused";
    case CloseReason::Application: return "application";
    case CloseReason::Shutdown: return "shutdown";
  }
  return "unknown";
}

struct NetCounters {
  std::array<std::uint64_t, kCloseReasonCount> closed{};
  std::uint64_t accepted = 0;
  std::uint64_t accept_failures = 0;
  std::uint64_t connections = 0;  // now
  std::uint64_t websockets = 0;   // now
  std::uint64_t http_requests = 0;
  std::array<std::uint64_t, 600> http_responses{};  // by status
  std::uint64_t ws_opened = 0;
  std::uint64_t ws_messages_in = 0;
  std::uint64_t ws_messages_out = 0;
  std::uint64_t ws_bytes_in = 0;
  std::uint64_t ws_bytes_out = 0;
  std::uint64_t ws_paused = 0;          // times a socket was read slower because of its message rate
  std::uint64_t ws_send_dropped = 0;    // messages to sockets that were gone or closing
  std::uint64_t request_too_large = 0;  // 413 and 431
  std::uint64_t tls_failures = 0;

  void count(CloseReason reason) { ++closed[static_cast<std::size_t>(reason)]; }
};

}  // namespace zvonok::net
