#include "proto/socketio/socket.h"

#include <algorithm>
#include <utility>

#include "proto/socketio/connection.h"
#include "proto/socketio/json_text.h"
#include "proto/socketio/server.h"

namespace zvonok::socketio {
namespace {

std::size_t size_of(Attachments attachments) {
  std::size_t bytes = 0;
  for (const std::string& attachment : attachments) bytes += attachment.size();
  return bytes;
}

std::vector<std::string> copy_of(Attachments attachments) {
  return {attachments.begin(), attachments.end()};
}

}  // namespace

Socket::Socket(Parts parts)
    : server_{parts.server},
      connection_{parts.connection},
      handler_{parts.handler},
      nsp_{parts.nsp},
      number_{parts.number},
      id_{std::move(parts.id)} {}

Socket::~Socket() = default;

const engineio::Handshake& Socket::handshake() const {
  return connection_.handshake();
}

// ---- joining and leaving -------------------------------------------------------------------------------------------

void Socket::accept() {
  if (state_ != State::Joining) {
    server_.counters().count(Drop::NotJoining);
    return;
  }
  state_ = State::Joined;
  ++server_.counters().accepted;
  connection_.on_joined();
  std::string& packet = server_.scratch();
  append_head(packet, {.type = PacketType::Connect, .nsp = nsp_});
  packet += R"({"sid":")";
  packet += id_;
  packet += "\"}";
  connection_.send(packet, {});
  if (held_) release_held();
}

void Socket::release_held() {
  const auto held = std::move(held_);
  for (const HeldPacket& packet : held->out) connection_.send(packet.text, packet.attachments);
  for (const HeldEvent& event : held->in) {
    if (state_ != State::Joined) return;
    handler_.on_event(*this,
                      {.name = event.name, .args = event.args, .attachments = event.attachments, .ack = event.ack});
  }
}

void Socket::refuse(std::string_view message, std::string_view data) {
  if (state_ != State::Joining) {
    server_.counters().count(Drop::NotJoining);
    return;
  }
  ++server_.counters().refused;
  std::string& packet = server_.scratch();
  append_head(packet, {.type = PacketType::ConnectError, .nsp = nsp_});
  packet += R"({"message":)";
  append_json_string(packet, message);
  if (!data.empty()) packet += R"(,"data":)";
  packet += data;
  packet += '}';
  connection_.send(packet, {});
  leave();
}

void Socket::disconnect() {
  if (state_ == State::Gone) return;
  std::string& packet = server_.scratch();
  append_head(packet, {.type = PacketType::Disconnect, .nsp = nsp_});
  connection_.send(packet, {});
  connection_.on_put_out(nsp_);
  end(DisconnectReason::ServerLeft);
}

void Socket::close_connection(TimePoint now) {
  if (state_ != State::Gone) connection_.close(DisconnectReason::ConnectionClosed, now);
}

void Socket::leave() {
  state_ = State::Gone;
  held_.reset();
  open_acks_.clear();
  --server_.counters().sockets;
  server_.forget(number_);
}

void Socket::end(DisconnectReason reason) {
  if (state_ == State::Gone) return;
  leave();
  server_.counters().count(reason);
  handler_.on_disconnect(*this, reason);
}

// ---- input ---------------------------------------------------------------------------------------------------------

bool Socket::handle_event(const Event& event) {
  if (state_ == State::Joined) {
    handler_.on_event(*this, event);
    return true;
  }
  if (!hold(event.name.size() + event.args.size() + size_of(event.attachments))) return false;
  held_->in.push_back({.name = std::string{event.name},
                       .args = std::string{event.args},
                       .attachments = copy_of(event.attachments),
                       .ack = event.ack});
  return true;
}

void Socket::handle_ack(const AckReply& reply) {
  const auto open = std::ranges::find(open_acks_, reply.id);
  if (open == open_acks_.end()) {
    server_.counters().count(Drop::UnknownAck);
    return;
  }
  open_acks_.erase(open);
  handler_.on_ack(*this, reply);
}

bool Socket::hold(std::size_t bytes) {
  constexpr std::size_t kOverheadBytes = 128;  // of one held thing besides its text
  if (!held_) held_ = std::make_unique<Held>();
  held_->bytes += bytes + kOverheadBytes;
  return held_->bytes <= server_.options().held_bytes_max;
}

// ---- output --------------------------------------------------------------------------------------------------------

bool Socket::emit(std::string_view name, std::string_view args, Attachments attachments) {
  std::string& packet = server_.scratch();
  append_event(packet, {.type = PacketType::Event, .nsp = nsp_, .attachments = attachments.size()}, name, args);
  if (!send(packet, attachments)) return false;
  ++server_.counters().events_out;
  return true;
}

std::optional<AckId> Socket::emit_with_ack(std::string_view name, std::string_view args, Attachments attachments) {
  if (open_acks_.size() >= server_.options().open_acks_max) {
    server_.counters().count(Drop::TooManyAcks);
    return std::nullopt;
  }
  const AckId ack = next_ack_++;
  std::string& packet = server_.scratch();
  append_event(packet, {.type = PacketType::Event, .nsp = nsp_, .id = ack, .attachments = attachments.size()}, name,
               args);
  if (!send(packet, attachments)) return std::nullopt;
  open_acks_.push_back(ack);
  ++server_.counters().events_out;
  return ack;
}

bool Socket::acknowledge(AckId ack, std::string_view args, Attachments attachments) {
  std::string& packet = server_.scratch();
  append_ack(packet, {.type = PacketType::Ack, .nsp = nsp_, .id = ack, .attachments = attachments.size()}, args);
  if (!send(packet, attachments)) return false;
  ++server_.counters().acks_out;
  return true;
}

bool Socket::emit_encoded(std::string_view event) {
  if (!send(event, {})) return false;
  ++server_.counters().events_out;
  return true;
}

bool Socket::send(std::string_view packet, Attachments attachments) {
  switch (state_) {
    case State::Joined: return connection_.send(packet, attachments);
    case State::Gone: server_.counters().count(Drop::SocketGone); return false;
    case State::Joining: break;
  }
  if (!hold(packet.size() + size_of(attachments))) {
    server_.counters().count(Drop::TooEarly);
    return false;
  }
  held_->out.push_back({.text = std::string{packet}, .attachments = copy_of(attachments)});
  return true;
}

std::string encode_event(std::string_view nsp, std::string_view name, std::string_view args) {
  std::string packet;
  append_event(packet, {.type = PacketType::Event, .nsp = nsp}, name, args);
  return packet;
}

}  // namespace zvonok::socketio
