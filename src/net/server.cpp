#include "net/server.h"

#include <array>
#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "net/http_session.h"
#include "net/listen.h"
#include "net/stream_session.h"
#include "net/ws_session.h"

namespace zvonok::net {
namespace {

constexpr Duration kSweepInterval = milliseconds{500};
constexpr std::size_t kScratchBytes = 64 * 1024;
constexpr int kAcceptsPerTurn = 64;
constexpr std::size_t kUrgentMax = 16;  // their sockets take some 100 us
constexpr int kTcpUserTimeoutMs = 30'000;

ConnectionId make_id(std::uint32_t index, std::uint32_t generation) {
  return ConnectionId{(std::uint64_t{generation} << 32) | index};
}
std::uint32_t index_of(ConnectionId id) {
  return static_cast<std::uint32_t>(id.value());
}
std::uint32_t generation_of(ConnectionId id) {
  return static_cast<std::uint32_t>(id.value() >> 32);
}

Fd open_spare() {
  return Fd{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
}

}  // namespace

Result<std::unique_ptr<Server>, std::string> Server::create(ServerOptions options, Dependencies dependencies) {
  auto listener = listen_tcp({.address = options.bind_address, .port = options.port});
  if (!listener) return fail(std::move(listener.error()));
  std::unique_ptr<Server> server{new Server{std::move(options), dependencies, std::move(listener->fd), listener->port}};
  if (!dependencies.loop.add(server->listener_.get(), EPOLLIN, *server)) {
    return fail(std::string{"cannot watch the listening socket"});
  }
  return server;
}

Server::Server(ServerOptions options, Dependencies dependencies, Fd listener, std::uint16_t port)
    : options_{std::move(options)},
      loop_{dependencies.loop},
      handler_{dependencies.handler},
      entropy_{dependencies.entropy},
      log_{dependencies.log},
      listener_{std::move(listener)},
      spare_fd_{open_spare()},
      port_{port},
      scratch_(kScratchBytes) {
  loop_.set_turn_end([this] { end_turn(); });
  sweep_timer_ = loop_.schedule(loop_.now().mono + kSweepInterval, [this] { sweep(); });
}

Server::~Server() {
  close_all();
  stop_listening();
  loop_.cancel(sweep_timer_);
  loop_.set_turn_end(nullptr);
}

Connection* Server::find(ConnectionId id) {
  const std::uint32_t index = index_of(id);
  if (index >= slots_.size() || slots_[index].generation != generation_of(id)) return nullptr;
  return slots_[index].connection.get();
}

WsSession* Server::find_ws(ConnectionId id) {
  Connection* connection = find(id);
  if (connection == nullptr || connection->closed() || connection->finishing()) return nullptr;
  return connection->session().as_websocket();
}

bool Server::ws_send(ConnectionId id, std::string_view text) {
  WsSession* session = find_ws(id);
  if (session == nullptr || !session->send(text)) {
    ++counters_.ws_send_dropped;
    return false;
  }
  return true;
}

bool Server::ws_send_binary(ConnectionId id, std::string_view bytes) {
  WsSession* session = find_ws(id);
  if (session == nullptr || !session->send_binary(bytes)) {
    ++counters_.ws_send_dropped;
    return false;
  }
  return true;
}

void Server::ws_close(ConnectionId id, websocket::CloseCode code, std::string_view reason) {
  if (WsSession* session = find_ws(id)) session->close(code, reason);
}

StreamSession* Server::find_stream(ConnectionId id) {
  Connection* connection = find(id);
  if (connection == nullptr || connection->closed() || connection->finishing()) return nullptr;
  return connection->session().as_stream();
}

bool Server::stream_send(ConnectionId id, std::string_view bytes) {
  StreamSession* session = find_stream(id);
  return session != nullptr && session->send(bytes);
}

void Server::stream_end(ConnectionId id) {
  if (StreamSession* session = find_stream(id)) session->end(CloseReason::Finished);
}

// ---- accepting -----------------------------------------------------------------------------------------------------

void Server::on_ready(std::uint32_t) {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    auto accepted = accept_one();
    if (!accepted) return;
    admit(std::move(*accepted));
  }
}

std::optional<Server::Accepted> Server::accept_one() {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  Fd fd{::accept4(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size, SOCK_NONBLOCK | SOCK_CLOEXEC)};
  if (fd.valid()) return Accepted{std::move(fd), address_text(address)};
  if (errno == EMFILE || errno == ENFILE) {
    // Out of descriptors: level-triggered epoll would spin on the waiting connection, so refuse it.
    ++counters_.accept_failures;
    spare_fd_.reset();
    const Fd refused{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    spare_fd_ = open_spare();
  }
  return std::nullopt;
}

void Server::admit(Accepted accepted) {
  if (!make_room(accepted.address)) {
    counters_.count(CloseReason::Refused);
    return;
  }
  const int enabled = 1;
  ::setsockopt(accepted.fd.get(), IPPROTO_TCP, TCP_NODELAY, &enabled, sizeof enabled);
  ::setsockopt(accepted.fd.get(), IPPROTO_TCP, TCP_USER_TIMEOUT, &kTcpUserTimeoutMs, sizeof kTcpUserTimeoutMs);
  SslHandle tls;
  if (tls_) {
    tls = tls_->new_session(accepted.fd.get());
    if (tls == nullptr) {
      ++counters_.tls_failures;
      return;
    }
  }
  const std::uint32_t index = take_slot();
  Slot& slot = slots_[index];
  const ConnectionId id = make_id(index, slot.generation);
  const int fd = accepted.fd.get();
  slot.connection =
      std::make_unique<Connection>(*this,
                                   Connection::Parts{.id = id,
                                                     .stream = Stream{std::move(accepted.fd), std::move(tls)},
                                                     .peer_address = accepted.address,
                                                     .accept_sequence = ++accept_sequence_},
                                   now().mono);
  Connection& connection = *slot.connection;
  connection.set_session(std::make_unique<HttpSession>(connection, now().mono));
  connection.interest_ = EPOLLIN;
  if (!loop_.add(fd, EPOLLIN, connection)) {
    slot.connection.reset();
    free_slots_.push_back(index);
    ++counters_.accept_failures;
    return;
  }
  Address& entry = addresses_[accepted.address];
  ++entry.connections;
  entry.unproven.emplace(connection.accept_sequence(), id);
  unproven_.emplace(connection.accept_sequence(), id);
  ++counters_.accepted;
  ++counters_.connections;
}

/// At a limit, the oldest connection that has not sent one whole request gives way: whoever floods the server with
/// half-open connections only pushes out his own kind.
bool Server::make_room(const std::string& address) {
  if (const auto entry = addresses_.find(address); entry != addresses_.end() &&
                                                   entry->second.connections >= options_.connections_per_address_max &&
                                                   !evict_oldest(entry->second.unproven)) {
    return false;
  }
  return counters_.connections < options_.connections_max || evict_oldest(unproven_);
}

bool Server::evict_oldest(std::map<std::uint64_t, ConnectionId>& unproven) {
  if (unproven.empty()) return false;
  Connection* connection = find(unproven.begin()->second);
  if (connection == nullptr) return false;
  connection->close(CloseReason::Evicted);
  return true;
}

void Server::on_proven(Connection& connection) {
  unproven_.erase(connection.accept_sequence());
  if (const auto entry = addresses_.find(connection.peer_address()); entry != addresses_.end()) {
    entry->second.unproven.erase(connection.accept_sequence());
  }
}

std::uint32_t Server::take_slot() {
  if (!free_slots_.empty()) {
    const std::uint32_t index = free_slots_.back();
    free_slots_.pop_back();
    return index;
  }
  slots_.emplace_back();
  return static_cast<std::uint32_t>(slots_.size() - 1);
}

void Server::release(Connection& connection) {
  on_proven(connection);
  const auto entry = addresses_.find(connection.peer_address());
  if (entry != addresses_.end() && --entry->second.connections == 0) addresses_.erase(entry);
  --counters_.connections;
  const std::uint32_t index = index_of(connection.id());
  Slot& slot = slots_[index];
  ++slot.generation;
  loop_.discard(std::move(slot.connection));
  free_slots_.push_back(index);
}

// ---- turns and deadlines -------------------------------------------------------------------------------------------

void Server::after_ready() {
  if (urgent_ >= kUrgentMax) flush_dirty();
}

void Server::flush_dirty() {
  urgent_ = 0;
  // Flushing may make sessions produce more (pipelined requests), which goes out in the same turn.
  for (int round = 0; round < 4 && !dirty_.empty(); ++round) {
    flushing_.swap(dirty_);
    for (const ConnectionId id : flushing_) {
      if (Connection* connection = find(id)) connection->flush();
    }
    flushing_.clear();
  }
}

void Server::end_turn() {
  flush_dirty();
  if (dirty_.empty() && read_again_.empty()) return;
  loop_.post([this, again = std::exchange(read_again_, {})] {
    for (const ConnectionId id : again) {
      if (Connection* connection = find(id)) connection->on_ready(EPOLLIN);
    }
  });
}

void Server::sweep() {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].connection) slots_[i].connection->on_sweep(now().mono);
  }
  sweep_timer_ = loop_.schedule(now().mono + kSweepInterval, [this] { sweep(); });
}

void Server::stop_listening() {
  if (!listener_.valid()) return;
  loop_.remove(listener_.get());
  listener_.reset();
}

void Server::drain(std::string_view reason) {
  draining_ = true;
  stop_listening();
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].connection) slots_[i].connection->session().on_drain(reason);
  }
}

void Server::close_all() {
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].connection) slots_[i].connection->close(CloseReason::Shutdown);
  }
}

}  // namespace zvonok::net
