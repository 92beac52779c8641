// What Socket.IO counts. No packet is dropped and no connection ends without its reason here.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

#include "proto/socketio/packet.h"

namespace zvonok::socketio {

/// Why a socket left its namespace.
enum class DisconnectReason : std::uint8_t {
  ClientLeft,       // it sent a DISCONNECT
  ServerLeft,       // Socket::disconnect
  ClientClosed,     // the client ended the whole connection in order
  TransportClosed,  // it was lost
  PingTimeout,
  ProtocolError,     // the client broke the rules of either protocol
  ConnectTimeout,    // the namespace had not let it in when the time for that was over
  SlowConsumer,      // too much waited to be sent
  ConnectionClosed,  // Socket::close_connection
  Shutdown,
};
constexpr std::size_t kDisconnectReasonCount = static_cast<std::size_t>(DisconnectReason::Shutdown) + 1;

constexpr std::string_view to_text(DisconnectReason reason) {
  switch (reason) {
    case DisconnectReason::ClientLeft: return "client_left";
    case DisconnectReason::ServerLeft: return "server_left";
    case DisconnectReason::ClientClosed: return "client_closed";
    case DisconnectReason::TransportClosed: return "transport_closed";
    case DisconnectReason::PingTimeout: return "ping_timeout";
    case DisconnectReason::ProtocolError: return "protocol_error";
    case DisconnectReason::ConnectTimeout: return "connect_timeout";
    case DisconnectReason::SlowConsumer: return "slow_consumer";
    case DisconnectReason::ConnectionClosed: return "connection_closed";
    case DisconnectReason::Shutdown: return "shutdown";
  }
  return "unknown";
}

/// What was thrown away without harm to the connection.
enum class Drop : std::uint8_t {
  NamelessEvent,  // an event without payload
  UnknownAck,     // nobody waits for it
  AfterLeave,     // to a namespace that the server has put the client out of
  SocketGone,     // to send, by a socket that has left
  TooManyAcks,    // an event with acknowledgement while too many were open
  TooEarly,       // to send, too much of it before the namespace had let the client in
  NotJoining,     // accept or refuse of a socket that is past that
};
constexpr std::size_t kDropCount = static_cast<std::size_t>(Drop::NotJoining) + 1;

constexpr std::string_view to_text(Drop drop) {
  switch (drop) {
    case Drop::NamelessEvent: return "nameless_event";
    case Drop::UnknownAck: return "unknown_ack";
    case Drop::AfterLeave: return "after_leave";
    case Drop::SocketGone: return "socket_gone";
    case Drop::TooManyAcks: return "too_many_acks";
    case Drop::TooEarly: return "too_early";
    case Drop::NotJoining: return "not_joining";
  }
  return "unknown";
}

struct Counters {
  std::uint64_t sockets = 0;  // now, in all namespaces
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;
  std::uint64_t invalid_namespaces = 0;
  std::uint64_t connect_timeouts = 0;
  std::uint64_t events_in = 0;
  std::uint64_t events_out = 0;
  std::uint64_t acks_in = 0;
  std::uint64_t acks_out = 0;
  std::array<std::uint64_t, kDisconnectReasonCount> disconnected{};
  std::array<std::uint64_t, kPacketErrorCount> faults{};  // each ended a connection
  std::array<std::uint64_t, kDropCount> dropped{};

  void count(DisconnectReason reason) { ++disconnected[static_cast<std::size_t>(reason)]; }
  void count(PacketError error) { ++faults[static_cast<std::size_t>(error)]; }
  void count(Drop drop) { ++dropped[static_cast<std::size_t>(drop)]; }
  [[nodiscard]] std::uint64_t of(DisconnectReason reason) const {
    return disconnected[static_cast<std::size_t>(reason)];
  }
  [[nodiscard]] std::uint64_t of(PacketError error) const { return faults[static_cast<std::size_t>(error)]; }
  [[nodiscard]] std::uint64_t of(Drop drop) const { return dropped[static_cast<std::size_t>(drop)]; }
};

}  // namespace zvonok::socketio
