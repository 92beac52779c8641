#include "proto/socketio/server.h"

#include "base/check.h"
#include "proto/socketio/connection.h"

namespace zvonok::socketio {
namespace {

constexpr std::size_t kSocketIdBytes = 15;  // 20 characters

}  // namespace

Server::Server(Options options, Entropy& entropy) : options_{options}, entropy_{entropy} {}

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

std::unique_ptr<Socket> Server::make_socket(std::string_view nsp, Connection& connection) {
  const auto found = namespaces_.find(nsp);
  if (found == namespaces_.end()) return nullptr;
  return std::make_unique<Socket>(Socket::Parts{.server = *this,
                                                .connection = connection,
                                                .handler = *found->second,
                                                .nsp = found->first,
                                                .number = SocketId{++last_number_},
                                                .id = make_secret(entropy_, kSocketIdBytes)});
}

}  // namespace zvonok::socketio
