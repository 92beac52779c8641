#include "proto/socketio/server.h"

#include <utility>
#include <vector>

#include "base/check.h"
#include "proto/socketio/broadcast.h"
#include "proto/socketio/connection.h"

namespace zvonok::socketio {
namespace {

constexpr std::size_t kSocketIdBytes = 15;  // 20 characters

}  // namespace

Server::Server(Options options, Entropy& entropy) : options_{options}, entropy_{entropy} {
  if (options_.recovery.away_max <= Duration::zero()) return;
  recovery_.emplace(options_.recovery, Recovery::Parts{.entropy = entropy_, .counters = counters_, .rooms = rooms_});
}

Server::~Server() = default;

void Server::add_namespace(std::string name, Handler& handler) {
  ZVONOK_CHECK(name.starts_with('/') && !name.contains(',') && name.size() <= kNamespaceBytesMax);
  const bool fresh = namespaces_.emplace(std::move(name), &handler).second;
  ZVONOK_CHECK(fresh);
}

Socket* Server::find(SocketId number) const {
  const auto found = sockets_.find(number);
  return found == sockets_.end() ? nullptr : found->second;
}

std::unique_ptr<engineio::Listener> Server::accept(engineio::Session& session, TimePoint now) {
  return std::make_unique<Connection>(*this, session, now);
}

std::unique_ptr<Socket> Server::make_socket(const Packet& connect, Connection& connection) {
  const auto found = namespaces_.find(connect.nsp);
  if (found == namespaces_.end()) return nullptr;
  auto claim = recovery_ ? read_claim(connect.payload) : std::nullopt;
  return std::make_unique<Socket>(Socket::Parts{.server = *this,
                                                .connection = connection,
                                                .handler = *found->second,
                                                .nsp = found->first,
                                                .number = SocketId{++last_number_},
                                                .id = make_secret(entropy_, kSocketIdBytes),
                                                .claim = claim ? std::make_unique<Claim>(*std::move(claim)) : nullptr});
}

// ---- rooms and recovery --------------------------------------------------------------------------------------------

std::unique_ptr<Stay> Server::make_stay(const Socket& socket) {
  return std::make_unique<Stay>(
      Stay{.number = ++last_stay_, .nsp = socket.nsp(), .socket = socket.number(), .rooms = {}, .data = {}});
}

void Server::end_stay(Stay& stay) {
  rooms_.leave_all(stay);
  if (stay.memory) recovery_->end(stay);
}

TimePoint Server::next_timeout() const {
  return recovery_ ? recovery_->next_timeout() : TimePoint::max();
}

void Server::handle_timeout(TimePoint now) {
  if (recovery_) recovery_->handle_timeout(now);
}

std::size_t Server::emit(const Audience& audience, std::string_view name, std::string_view args,
                         Attachments attachments) {
  // Names of one's own: those given may be a socket's, which the handlers below may end.
  const std::string nsp{audience.nsp};
  const std::string name_of_room{audience.room};
  const Rooms::Name room{.nsp = nsp, .room = name_of_room};
  const std::vector<std::uint64_t> members = rooms_.members(room);
  if (members.empty()) return 0;
  std::string packet;
  append_event(packet, {.type = PacketType::Event, .nsp = nsp, .attachments = attachments.size()}, name, args);
  Broadcast broadcast{std::move(packet), attachments, audience.delivery, recovery()};
  std::size_t reached = 0;
  for (const std::uint64_t member : members) {
    // Sending may end a socket, and its handler may do anything: who is still there is asked for each.
    Stay* const stay = rooms_.find(room, member);
    if (stay == nullptr || (audience.except != SocketId{} && stay->socket == audience.except)) continue;
    if (broadcast.send(*stay, find(stay->socket))) ++reached;
  }
  return reached;
}

}  // namespace zvonok::socketio
