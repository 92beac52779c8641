// What Engine.IO counts: every session that ends and every thing that is refused or dropped has its reason here.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

namespace zvonok::engineio {

enum class Transport : std::uint8_t { Polling, WebSocket };
constexpr std::size_t kTransportCount = 2;

constexpr std::string_view to_text(Transport transport) {
  switch (transport) {
    case Transport::Polling: return "polling";
    case Transport::WebSocket: return "websocket";
  }
  return "unknown";
}

/// Why a session ended.
enum class CloseReason : std::uint8_t {
  PeerClosed,       // the client sent a close packet
  TransportClosed,  // its WebSocket ended, or it dropped a poll or a POST
  PingTimeout,
  BadPacket,     // empty, of an unknown type, not UTF-8, or not base64
  BadHeartbeat,  // a ping from the client
  BadContent,    // a POST that says it is binary
  PollOverlap,   // two polls at once
  PostOverlap,   // two POSTs at once
  QueueFull,     // too much waited for a poll
  ServerClosed,  // what lives on the session closed it
  Shutdown,
};
constexpr std::size_t kCloseReasonCount = static_cast<std::size_t>(CloseReason::Shutdown) + 1;

constexpr std::string_view to_text(CloseReason reason) {
  switch (reason) {
    case CloseReason::PeerClosed: return "peer_closed";
    case CloseReason::TransportClosed: return "transport_closed";
    case CloseReason::PingTimeout: return "ping_timeout";
    case CloseReason::BadPacket: return "bad_packet";
    case CloseReason::BadHeartbeat: return "bad_heartbeat";
    case CloseReason::BadContent: return "bad_content";
    case CloseReason::PollOverlap: return "poll_overlap";
    case CloseReason::PostOverlap: return "post_overlap";
    case CloseReason::QueueFull: return "queue_full";
    case CloseReason::ServerClosed: return "server_closed";
    case CloseReason::Shutdown: return "shutdown";
  }
  return "unknown";
}

/// Why a request got an error. The first six are the protocol's, with their codes as values.
enum class RequestError : std::uint8_t {
  TransportUnknown,
  SessionUnknown,
  BadHandshakeMethod,
  BadRequest,
  Forbidden,
  UnsupportedVersion,
  TooManySessions,
};
constexpr std::size_t kRequestErrorCount = static_cast<std::size_t>(RequestError::TooManySessions) + 1;

constexpr std::string_view to_text(RequestError error) {
  switch (error) {
    case RequestError::TransportUnknown: return "Transport unknown";
    case RequestError::SessionUnknown: return "Session ID unknown";
    case RequestError::BadHandshakeMethod: return "Bad handshake method";
    case RequestError::BadRequest: return "Bad request";
    case RequestError::Forbidden: return "Forbidden";
    case RequestError::UnsupportedVersion: return "Unsupported protocol version";
    case RequestError::TooManySessions: return "Too many sessions";
  }
  return "unknown";
}

/// How an upgrade to WebSocket ended.
enum class UpgradeEnd : std::uint8_t {
  Done,
  Second,       // the session is on a WebSocket already, or another upgrade is under way
  WrongPacket,  // the new WebSocket did not keep to probe and upgrade
  Lost,         // the new WebSocket ended first
  TimedOut,
  SessionEnded,
};
constexpr std::size_t kUpgradeEndCount = static_cast<std::size_t>(UpgradeEnd::SessionEnded) + 1;

constexpr std::string_view to_text(UpgradeEnd end) {
  switch (end) {
    case UpgradeEnd::Done: return "done";
    case UpgradeEnd::Second: return "second";
    case UpgradeEnd::WrongPacket: return "wrong_packet";
    case UpgradeEnd::Lost: return "lost";
    case UpgradeEnd::TimedOut: return "timed_out";
    case UpgradeEnd::SessionEnded: return "session_ended";
  }
  return "unknown";
}

/// What was thrown away without harm to the session.
enum class Drop : std::uint8_t {
  AfterClose,       // to send, on a session that is closing or closed
  Unsendable,       // text with a U+001E can't go through polling
  UnsolicitedPong,  // or a late one
  IdlePacket,       // open, upgrade or noop, which mean nothing from a client outside an upgrade
  WhileClosing,     // came from the client of a session that is closing
};
constexpr std::size_t kDropCount = static_cast<std::size_t>(Drop::WhileClosing) + 1;

constexpr std::string_view to_text(Drop drop) {
  switch (drop) {
    case Drop::AfterClose: return "after_close";
    case Drop::Unsendable: return "unsendable";
    case Drop::UnsolicitedPong: return "unsolicited_pong";
    case Drop::IdlePacket: return "idle_packet";
    case Drop::WhileClosing: return "while_closing";
  }
  return "unknown";
}

struct Counters {
  std::uint64_t sessions = 0;                           // now
  std::array<std::uint64_t, kTransportCount> opened{};  // by first transport
  std::array<std::uint64_t, kCloseReasonCount> closed{};
  std::array<std::uint64_t, kRequestErrorCount> refused{};
  std::array<std::uint64_t, kUpgradeEndCount> upgrades{};
  std::array<std::uint64_t, kDropCount> dropped{};
  std::uint64_t messages_in = 0;
  std::uint64_t messages_out = 0;
  std::uint64_t polls = 0;
  std::uint64_t posts = 0;
  std::uint64_t posts_slowed = 0;  // answered later, because of their packet rate
  std::uint64_t noops = 0;
  std::uint64_t pings = 0;

  void count(Transport first) { ++opened[static_cast<std::size_t>(first)]; }
  void count(CloseReason reason) { ++closed[static_cast<std::size_t>(reason)]; }
  void count(RequestError error) { ++refused[static_cast<std::size_t>(error)]; }
  void count(UpgradeEnd end) { ++upgrades[static_cast<std::size_t>(end)]; }
  void count(Drop drop) { ++dropped[static_cast<std::size_t>(drop)]; }
  [[nodiscard]] std::uint64_t of(CloseReason reason) const { return closed[static_cast<std::size_t>(reason)]; }
  [[nodiscard]] std::uint64_t of(RequestError error) const { return refused[static_cast<std::size_t>(error)]; }
  [[nodiscard]] std::uint64_t of(UpgradeEnd end) const { return upgrades[static_cast<std::size_t>(end)]; }
  [[nodiscard]] std::uint64_t of(Drop drop) const { return dropped[static_cast<std::size_t>(drop)]; }
};

}  // namespace zvonok::engineio
