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
  Replaced,          // its client has come back on another connection
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
    case DisconnectReason::Replaced: return "replaced";
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
  NotInYet,       // a room or data for a socket that is not in, or that has left
  TooManyRooms,   // a room more than one socket may be in
  DataTooBig,     // what it should remember
};
constexpr std::size_t kDropCount = static_cast<std::size_t>(Drop::DataTooBig) + 1;

constexpr std::string_view to_text(Drop drop) {
  switch (drop) {
    case Drop::NamelessEvent: return "nameless_event";
    case Drop::UnknownAck: return "unknown_ack";
    case Drop::AfterLeave: return "after_leave";
    case Drop::SocketGone: return "socket_gone";
    case Drop::TooManyAcks: return "too_many_acks";
    case Drop::TooEarly: return "too_early";
    case Drop::NotJoining: return "not_joining";
    case Drop::NotInYet: return "not_in_yet";
    case Drop::TooManyRooms: return "too_many_rooms";
    case Drop::DataTooBig: return "data_too_big";
  }
  return "unknown";
}

/// Why a client that named its session of before was given a new one.
enum class NotRecovered : std::uint8_t {
  UnknownSession,  // none, of another namespace, or one that is over
  OtherOwner,
  UnknownOffset,  // none that this server has given
  MissedTooMuch,  // some of it was forgotten
};
constexpr std::size_t kNotRecoveredCount = static_cast<std::size_t>(NotRecovered::MissedTooMuch) + 1;

constexpr std::string_view to_text(NotRecovered why) {
  switch (why) {
    case NotRecovered::UnknownSession: return "unknown_session";
    case NotRecovered::OtherOwner: return "other_owner";
    case NotRecovered::UnknownOffset: return "unknown_offset";
    case NotRecovered::MissedTooMuch: return "missed_too_much";
  }
  return "unknown";
}

/// Why the session of a client that is away was given up.
enum class Forgotten : std::uint8_t {
  Expired,
  TooManyOfOwner,
  TooMany,
  MissedTooMuch,  // it came back, and could not be sent all that it had missed
};
constexpr std::size_t kForgottenCount = static_cast<std::size_t>(Forgotten::MissedTooMuch) + 1;

constexpr std::string_view to_text(Forgotten why) {
  switch (why) {
    case Forgotten::Expired: return "expired";
    case Forgotten::TooManyOfOwner: return "too_many_of_owner";
    case Forgotten::TooMany: return "too_many";
    case Forgotten::MissedTooMuch: return "missed_too_much";
  }
  return "unknown";
}

struct RecoveryCounters {
  std::uint64_t away = 0;              // now
  std::uint64_t bytes = 0;             // now, of events for those who are here and away
  std::uint64_t recovered = 0;         // sessions
  std::uint64_t replayed = 0;          // events
  std::uint64_t events_forgotten = 0;  // for the limits, before the client was known to have them
  std::array<std::uint64_t, kNotRecoveredCount> not_recovered{};
  std::array<std::uint64_t, kForgottenCount> forgotten{};

  void count(NotRecovered why) { ++not_recovered[static_cast<std::size_t>(why)]; }
  void count(Forgotten why) { ++forgotten[static_cast<std::size_t>(why)]; }
  [[nodiscard]] std::uint64_t of(NotRecovered why) const { return not_recovered[static_cast<std::size_t>(why)]; }
  [[nodiscard]] std::uint64_t of(Forgotten why) const { return forgotten[static_cast<std::size_t>(why)]; }
};

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
  RecoveryCounters recovery;

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
