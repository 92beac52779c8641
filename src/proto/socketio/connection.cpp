#include "proto/socketio/connection.h"

#include <algorithm>
#include <utility>

#include "proto/socketio/json_text.h"
#include "proto/socketio/server.h"

namespace zvonok::socketio {
namespace {

DisconnectReason reason_of(engineio::CloseReason reason) {
  switch (reason) {
    case engineio::CloseReason::PeerClosed: return DisconnectReason::ClientClosed;
    case engineio::CloseReason::TransportClosed: return DisconnectReason::TransportClosed;
    case engineio::CloseReason::PingTimeout: return DisconnectReason::PingTimeout;
    case engineio::CloseReason::BadPacket:
    case engineio::CloseReason::BadHeartbeat:
    case engineio::CloseReason::BadContent:
    case engineio::CloseReason::PollOverlap:
    case engineio::CloseReason::PostOverlap: return DisconnectReason::ProtocolError;
    case engineio::CloseReason::QueueFull: return DisconnectReason::SlowConsumer;
    case engineio::CloseReason::ServerClosed: return DisconnectReason::ConnectionClosed;
    case engineio::CloseReason::Shutdown: return DisconnectReason::Shutdown;
  }
  return DisconnectReason::TransportClosed;
}

/// Of a name's token; `storage` is used when it has to be unescaped.
std::string_view name_of(std::string_view token, std::string& storage) {
  if (!token.starts_with('"')) return token;  // a number
  if (!token.contains('\\')) return token.substr(1, token.size() - 2);
  storage = unescape(token);
  return storage;
}

}  // namespace

Connection::Connection(Server& server, engineio::Session& session, TimePoint now)
    : server_{server}, session_{session}, connect_deadline_{now + server.options().connect_timeout} {}

Connection::~Connection() = default;

// ---- input ---------------------------------------------------------------------------------------------------------

void Connection::on_message(engineio::Session&, std::string_view text, TimePoint now) {
  if (half_built_) {
    fault(PacketError::TextTooEarly, now);
    return;
  }
  const auto packet = parse_packet(text);
  if (packet) {
    handle_packet(*packet, now);
  } else {
    fault(packet.error(), now);
  }
  forget_gone();
}

void Connection::handle_packet(const Packet& packet, TimePoint now) {
  if (packet.type == PacketType::Connect) {
    handle_connect(packet, now);
    return;
  }
  Socket* const socket = find(packet.nsp);
  if (socket == nullptr && was_put_out(packet.nsp) && packet.attachments == 0) {
    server_.counters().count(Drop::AfterLeave);
    return;
  }
  if (socket == nullptr && !was_put_out(packet.nsp)) {
    fault(PacketError::WrongState, now);
    return;
  }
  switch (packet.type) {
    case PacketType::Connect:
    case PacketType::ConnectError: fault(PacketError::WrongState, now); return;  // the server's to say
    case PacketType::Disconnect: socket->end(DisconnectReason::ClientLeft); return;
    case PacketType::Event: handle_event(packet, {}, now); return;
    case PacketType::Ack: handle_ack(packet, {}); return;
    case PacketType::BinaryEvent:
    case PacketType::BinaryAck: begin_binary(packet, now); return;
  }
}

void Connection::handle_connect(const Packet& packet, TimePoint now) {
  if (find(packet.nsp) != nullptr) {
    fault(PacketError::WrongState, now);
    return;
  }
  auto made = server_.make_socket(packet, *this);
  if (!made) {
    ++server_.counters().invalid_namespaces;
    std::string& answer = server_.scratch();
    append_head(answer, {.type = PacketType::ConnectError, .nsp = packet.nsp});
    answer += R"({"message":"Invalid namespace"})";
    send(answer, {});
    return;
  }
  std::erase(put_out_, made->nsp());
  Socket& socket = *made;
  sockets_.push_back(std::move(made));
  ++server_.counters().sockets;
  server_.remember(socket);
  socket.handler_.on_connect(socket, packet.payload);
}

void Connection::handle_event(const Packet& packet, Attachments attachments, TimePoint now) {
  if (packet.name.empty()) {
    server_.counters().count(Drop::NamelessEvent);
    return;
  }
  Socket* const socket = find(packet.nsp);
  if (socket == nullptr) {
    server_.counters().count(Drop::AfterLeave);
    return;
  }
  ++server_.counters().events_in;
  std::string storage;
  const Event event{
      .name = name_of(packet.name, storage), .args = packet.args, .attachments = attachments, .ack = packet.id};
  if (!socket->handle_event(event)) fault(PacketError::HeldTooMuch, now);
}

void Connection::handle_ack(const Packet& packet, Attachments attachments) {
  Socket* const socket = find(packet.nsp);
  if (socket == nullptr || !packet.id) {
    server_.counters().count(socket == nullptr ? Drop::AfterLeave : Drop::UnknownAck);
    return;
  }
  ++server_.counters().acks_in;
  socket->handle_ack({.id = *packet.id, .args = packet.args, .attachments = attachments});
}

// ---- binary packets ------------------------------------------------------------------------------------------------

void Connection::begin_binary(const Packet& packet, TimePoint now) {
  auto found = find_placeholders(packet.args, packet.attachments);
  if (!found) {
    fault(PacketError::BadPlaceholder, now);
    return;
  }
  half_built_ = std::make_unique<HalfBuilt>(HalfBuilt{.type = packet.type,
                                                      .nsp = std::string{packet.nsp},
                                                      .id = packet.id,
                                                      .name = std::string{packet.name},
                                                      .args = std::move(found->items),
                                                      .order = std::move(found->order),
                                                      .expected = packet.attachments,
                                                      .received = {},
                                                      .bytes = packet.args.size()});
}

void Connection::on_binary(engineio::Session&, std::string_view bytes, TimePoint now) {
  if (!half_built_) {
    fault(PacketError::BinaryTooEarly, now);
    return;
  }
  half_built_->bytes += bytes.size();
  if (half_built_->bytes > server_.options().packet_bytes_max) {
    fault(PacketError::AttachmentsTooBig, now);
    return;
  }
  half_built_->received.emplace_back(bytes);
  if (half_built_->received.size() == half_built_->expected) finish_binary(now);
  forget_gone();
}

void Connection::finish_binary(TimePoint now) {
  const auto whole = std::move(half_built_);
  std::vector<std::string> attachments;
  for (const std::size_t number : whole->order) attachments.push_back(std::move(whole->received[number]));
  const Packet packet{.type = whole->type,
                      .nsp = whole->nsp,
                      .id = whole->id,
                      .attachments = attachments.size(),
                      .payload = {},
                      .name = whole->name,
                      .args = whole->args};
  if (packet.type == PacketType::BinaryEvent) {
    handle_event(packet, attachments, now);
  } else {
    handle_ack(packet, attachments);
  }
}

// ---- ending --------------------------------------------------------------------------------------------------------

void Connection::handle_timeout(engineio::Session&, TimePoint now) {
  if (now < connect_deadline_) return;
  connect_deadline_ = TimePoint::max();
  ++server_.counters().connect_timeouts;
  close(DisconnectReason::ConnectTimeout, now);
}

void Connection::fault(PacketError error, TimePoint now) {
  server_.counters().count(error);
  half_built_.reset();
  close(DisconnectReason::ProtocolError, now);
}

void Connection::close(DisconnectReason reason, TimePoint now) {
  closing_as_ = reason;
  session_.close(now);
}

void Connection::on_pong(engineio::Session&) {
  for (const auto& socket : sockets_) socket->handle_pong();
}

void Connection::on_close(engineio::Session&, engineio::CloseReason reason, TimePoint now) {
  connect_deadline_ = TimePoint::max();
  half_built_.reset();
  const DisconnectReason told = closing_as_.value_or(reason_of(reason));
  // By index: a handler may do anything but make new ones.
  for (std::size_t i = 0; i < sockets_.size(); ++i) sockets_[i]->end(told, now);
}

// ---- sockets -------------------------------------------------------------------------------------------------------

bool Connection::send(std::string_view packet, Attachments attachments) {
  if (!session_.send(packet)) return false;
  for (const std::string& attachment : attachments) {
    if (!session_.send_binary(attachment)) return false;
  }
  return true;
}

Socket* Connection::find(std::string_view nsp) const {
  for (const auto& socket : sockets_) {
    if (socket->nsp() == nsp && socket->state_ != Socket::State::Gone) return socket.get();
  }
  return nullptr;
}

bool Connection::was_put_out(std::string_view nsp) const {
  return std::ranges::find(put_out_, nsp) != put_out_.end();
}

void Connection::forget_gone() {
  std::erase_if(sockets_, [](const auto& socket) { return socket->state_ == Socket::State::Gone; });
}

}  // namespace zvonok::socketio
