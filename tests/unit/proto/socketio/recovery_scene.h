// Clients in virtual time that remember what the Socket.IO library remembers, and come back with it.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "proto/json_scan.h"
#include "proto/socketio/server.h"
#include "unit/proto/engineio/scene.h"

namespace zvonok::test {

/// A member of a JSON object that is a string; "" for none.
inline std::string member_of(std::string_view object, std::string_view key) {
  json::ObjectReader reader{object};
  while (const auto member = reader.next()) {
    if (json::raw_is(member->key, key)) return json::unescape(member->value.raw_string());
  }
  return {};
}

/// Lets everybody in who does not say that he is "nobody", and writes down what it hears.
class ReturnsHandler final : public socketio::Handler {
 public:
  std::vector<std::string> heard;
  std::vector<socketio::SocketId> sockets;
  const TimePoint* now = nullptr;
  std::function<void(socketio::Socket&)> before_accept = [](socketio::Socket&) {};
  std::function<void(socketio::Socket&)> on_leave = [](socketio::Socket&) {};

  void on_connect(socketio::Socket& socket, std::string_view auth) override {
    sockets.push_back(socket.number());
    const std::string user = member_of(auth, "user");
    if (user == "nobody") {
      socket.refuse("Unauthorized");
      return;
    }
    before_accept(socket);
    socket.accept_recoverable(user, *now);
  }
  void on_event(socketio::Socket&, const socketio::Event& event) override { heard.emplace_back(event.name); }
  void on_disconnect(socketio::Socket& socket, socketio::DisconnectReason reason) override {
    heard.emplace_back(to_text(reason));
    on_leave(socket);
  }
};

/// What the library keeps between two connections.
struct Visitor {
  std::string user = "anna";
  ConnectionId connection{};
  socketio::SocketId socket{};
  std::string id{};
  std::string pid{};
  std::optional<std::string> offset{};
  bool recovered = false;
};

struct ReturnsScene {
  explicit ReturnsScene(const socketio::RecoveryOptions& recovery, std::uint64_t seed = 3)
      : entropy{seed},
        server{{.packet_bytes_max = 100'000, .rooms_max = 3, .data_bytes_max = 20, .recovery = recovery}, entropy},
        scene{server} {
    call.now = &scene.now;
    server.add_namespace("/call", call);
    server.add_namespace("/other", call);
  }

  /// As `socket.connect()` of the library.
  void come(Visitor& visitor, std::string_view nsp = "/call") {
    visitor.connection = scene.websocket();
    scene.take_sent(visitor.connection);
    connect(visitor, nsp);
  }
  void connect(Visitor& visitor, std::string_view nsp = "/call") {
    std::string packet = "40" + std::string{nsp} + R"(,{"user":")" + visitor.user + '"';
    if (!visitor.pid.empty()) packet += R"(,"pid":")" + visitor.pid + '"';
    if (!visitor.pid.empty() && visitor.offset) packet += R"(,"offset":")" + *visitor.offset + '"';
    scene.say(visitor.connection, packet + '}');
    visitor.socket = call.sockets.back();
    auto& sent = scene.sent[visitor.connection];
    ASSERT_FALSE(sent.empty());
    const std::string head = "40" + std::string{nsp} + ",";
    ASSERT_TRUE(sent.front().starts_with(head)) << sent.front();
    const std::string answer = sent.front().substr(head.size());
    sent.erase(sent.begin());
    visitor.id = member_of(answer, "sid");
    const std::string pid = member_of(answer, "pid");
    visitor.recovered = !pid.empty() && pid == visitor.pid;
    visitor.pid = pid;
  }
  void lose(Visitor& visitor) { scene.drop(visitor.connection); }

  /// The events that came, without their offsets; attachments behind their event.
  std::vector<std::string> take(Visitor& visitor) {
    std::vector<std::string> events = scene.take_sent(visitor.connection);
    for (std::string& event : events) see(visitor, event);
    return events;
  }
  static void see(Visitor& visitor, std::string& event) {
    if (!event.ends_with("\"]") || visitor.pid.empty()) return;
    const std::size_t begin = event.rfind(",\"");
    if (begin == std::string::npos) return;
    visitor.offset = event.substr(begin + 2, event.size() - begin - 4);
    event.erase(begin);
    event += ']';
  }
  [[nodiscard]] socketio::Socket* socket_of(const Visitor& visitor) const { return server.find(visitor.socket); }
  [[nodiscard]] const socketio::RecoveryCounters& counters() { return server.counters().recovery; }
  std::size_t tell(std::string_view room, std::string_view args, socketio::Delivery how = socketio::Delivery::Kept) {
    return server.emit({.nsp = "/call", .room = room, .delivery = how}, "n", args);
  }

  SeededEntropy entropy;
  socketio::Server server;
  ReturnsHandler call;
  EngineScene scene;
};

}  // namespace zvonok::test
