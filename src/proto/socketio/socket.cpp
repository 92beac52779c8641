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

/// Whether the client did not mean to go, nor was sent away.
bool is_loss(DisconnectReason reason) {
  switch (reason) {
    case DisconnectReason::ClientClosed:  // of the connection alone: who leaves for good says so in the namespace
    case DisconnectReason::TransportClosed:
    case DisconnectReason::PingTimeout:
    case DisconnectReason::SlowConsumer:
    case DisconnectReason::ConnectionClosed:
    case DisconnectReason::Replaced: return true;
    case DisconnectReason::ClientLeft:
    case DisconnectReason::ServerLeft:
    case DisconnectReason::ProtocolError:
    case DisconnectReason::ConnectTimeout:
    case DisconnectReason::Shutdown: return false;
  }
  return false;
}

}  // namespace

Socket::Socket(Parts parts)
    : server_{parts.server},
      connection_{parts.connection},
      handler_{parts.handler},
      nsp_{parts.nsp},
      number_{parts.number},
      id_{std::move(parts.id)},
      claim_{std::move(parts.claim)} {}

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
  claim_.reset();
  let_in();
  if (held_) release_held();
}

void Socket::accept_recoverable(std::string_view owner, TimePoint now) {
  Recovery* const recovery = server_.recovery();
  if (recovery == nullptr || state_ != State::Joining) {
    accept();
    return;
  }
  const std::optional<EventNumber> seen = come_back(*recovery, owner, now);
  if (state_ != State::Joining) return;  // the handler of its old connection has closed this one
  if (!seen) {
    stay_ = server_.make_stay(*this);
    recovery->begin(*stay_, id_, owner);
  }
  let_in();
  if (seen) replay(*seen);
  if (held_) release_held();
}

std::optional<EventNumber> Socket::come_back(Recovery& recovery, std::string_view owner, TimePoint now) {
  const auto claim = std::move(claim_);
  if (!claim) return std::nullopt;
  const Recovery::Asker asker{.nsp = nsp_, .owner = owner};
  auto found = recovery.look_up(*claim, asker, now);
  if (Socket* const old = found ? server_.find(found->stay->socket) : nullptr) {
    old->connection_.close(DisconnectReason::Replaced, now);
    if (state_ != State::Joining) return std::nullopt;
    found = recovery.look_up(*claim, asker, now);
  }
  auto stay = found ? recovery.take(claim->pid) : nullptr;
  if (!stay) {
    server_.counters().recovery.count(found ? NotRecovered::UnknownSession : found.error());
    return std::nullopt;
  }
  stay_ = std::move(stay);
  stay_->socket = number_;
  id_ = stay_->memory->id;
  recovered_ = true;
  ++server_.counters().recovery.recovered;
  return found->seen;
}

void Socket::let_in() {
  state_ = State::Joined;
  ++server_.counters().accepted;
  connection_.on_joined();
  std::string& packet = server_.scratch();
  append_head(packet, {.type = PacketType::Connect, .nsp = nsp_});
  packet += R"({"sid":")";
  packet += id_;
  if (stay_) {
    packet += R"(","pid":")";
    packet += stay_->memory->pid;
  }
  packet += "\"}";
  connection_.send(packet, {});
}

void Socket::replay(EventNumber seen) {
  if (state_ != State::Joined) return;
  for (const SharedEvent& event : stay_->memory->log.behind(seen)) {
    if (state_ != State::Joined) return;  // too much for it; it may come back for the rest
    connection_.send(event->text, event->attachments);
    ++server_.counters().recovery.replayed;
  }
}

void Socket::release_held() {
  const auto held = std::move(held_);
  for (HeldPacket& packet : held->out) {
    if (state_ == State::Joined) send_joined(packet.text, packet.attachments, packet.how);
  }
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
  claim_.reset();
  open_acks_.clear();
  --server_.counters().sockets;
  server_.forget(number_);
}

void Socket::end(DisconnectReason reason, std::optional<TimePoint> lost_at) {
  if (state_ == State::Gone) return;
  leave();
  server_.counters().count(reason);
  handler_.on_disconnect(*this, reason);
  if (!stay_) return;
  if (lost_at && stay_->memory && is_loss(reason)) {
    server_.recovery()->keep(std::move(stay_), *lost_at);
  } else {
    server_.end_stay(*stay_);
    stay_.reset();
  }
}

// ---- rooms and data ------------------------------------------------------------------------------------------------

bool Socket::join(std::string_view room) {
  if (state_ != State::Joined) {
    server_.counters().count(Drop::NotInYet);
    return false;
  }
  if (!stay_) stay_ = server_.make_stay(*this);
  if (stay_->rooms.size() >= server_.options().rooms_max &&
      std::ranges::find(stay_->rooms, room) == stay_->rooms.end()) {
    server_.counters().count(Drop::TooManyRooms);
    return false;
  }
  return server_.rooms().join(*stay_, room);
}

bool Socket::leave_room(std::string_view room) {
  return stay_ && server_.rooms().leave(*stay_, room);
}

const std::vector<std::string>& Socket::rooms() const {
  static const std::vector<std::string> kNone;
  return stay_ ? stay_->rooms : kNone;
}

bool Socket::set_data(std::string data) {
  if (state_ != State::Joined || data.size() > server_.options().data_bytes_max) {
    server_.counters().count(state_ != State::Joined ? Drop::NotInYet : Drop::DataTooBig);
    return false;
  }
  if (!stay_) stay_ = server_.make_stay(*this);
  stay_->data = std::move(data);
  return true;
}

const std::string& Socket::data() const {
  static const std::string kNone;
  return stay_ ? stay_->data : kNone;
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

void Socket::handle_pong() {
  if (stay_ && stay_->memory) server_.recovery()->on_pong(*stay_->memory);
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
  if (!send(packet, attachments, Out::Event)) return false;
  ++server_.counters().events_out;
  return true;
}

bool Socket::emit_volatile(std::string_view name, std::string_view args, Attachments attachments) {
  std::string& packet = server_.scratch();
  append_event(packet, {.type = PacketType::Event, .nsp = nsp_, .attachments = attachments.size()}, name, args);
  if (!send(packet, attachments, Out::VolatileEvent)) return false;
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
  // Not sealed: the libraries take no offset from an event that waits for an answer, and nobody would wait for it
  // later.
  if (!send(packet, attachments, Out::AsItIs)) return std::nullopt;
  open_acks_.push_back(ack);
  ++server_.counters().events_out;
  return ack;
}

bool Socket::acknowledge(AckId ack, std::string_view args, Attachments attachments) {
  std::string& packet = server_.scratch();
  append_ack(packet, {.type = PacketType::Ack, .nsp = nsp_, .id = ack, .attachments = attachments.size()}, args);
  if (!send(packet, attachments, Out::AsItIs)) return false;
  ++server_.counters().acks_out;
  return true;
}

bool Socket::emit_encoded(std::string_view event) {
  if (state_ == State::Joined && !(stay_ && stay_->memory)) return send_encoded(event, {});
  std::string& packet = server_.scratch();
  packet = event;
  if (!send(packet, {}, Out::Event)) return false;
  ++server_.counters().events_out;
  return true;
}

bool Socket::send_encoded(std::string_view event, Attachments attachments) {
  if (!connection_.send(event, attachments)) return false;
  ++server_.counters().events_out;
  return true;
}

bool Socket::send_joined(std::string& packet, Attachments attachments, Out how) {
  if (how == Out::AsItIs || !stay_ || !stay_->memory) return connection_.send(packet, attachments);
  // Remembered first: what can't be sent is there when the client comes back. A volatile one needs its offset, too: the
  // libraries take any text that ends an event for one.
  Recovery& recovery = *server_.recovery();
  const EventNumber number = recovery.seal(packet);
  if (how == Out::Event) {
    recovery.remember(*stay_, std::make_shared<SealedEvent>(
                                  SealedEvent{.number = number, .text = packet, .attachments = copy_of(attachments)}));
  } else {
    stay_->memory->log.note(number);
  }
  return connection_.send(packet, attachments);
}

bool Socket::send(std::string& packet, Attachments attachments, Out how) {
  switch (state_) {
    case State::Joined: return send_joined(packet, attachments, how);
    case State::Gone: server_.counters().count(Drop::SocketGone); return false;
    case State::Joining: break;
  }
  if (!hold(packet.size() + size_of(attachments))) {
    server_.counters().count(Drop::TooEarly);
    return false;
  }
  held_->out.push_back({.text = packet, .attachments = copy_of(attachments), .how = how});
  return true;
}

std::string encode_event(std::string_view nsp, std::string_view name, std::string_view args) {
  std::string packet;
  append_event(packet, {.type = PacketType::Event, .nsp = nsp}, name, args);
  return packet;
}

}  // namespace zvonok::socketio
