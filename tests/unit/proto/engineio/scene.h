// Clients of a hub in virtual time: requests and WebSockets by number, what comes back of each, and a clock that stops
// wherever the hub asked to be woken.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "proto/engineio/hub.h"
#include "support/seeded_entropy.h"

namespace zvonok::test {

struct PostedBody {
  std::string body;
  std::string content_type = "text/plain;charset=UTF-8";
};

class EngineScene : private engineio::Wire {
 public:
  explicit EngineScene(engineio::Acceptor& acceptor, const engineio::Options& options = {})
      : hub{options, {.wire = *this, .acceptor = acceptor, .entropy = entropy}} {}

  // ---- what clients do
  static HttpRequest request(Method method, std::string query) {
    HttpRequest http;
    http.method = method;
    http.path = "/engine.io/";
    http.query = std::move(query);
    http.remote_address = "192.0.2.1";
    return http;
  }
  /// The connection on which the request was made.
  ConnectionId send(HttpRequest http) {
    const ConnectionId connection = next();
    const auto parsed = engineio::read_request(http);
    if (const auto error = hub.verify(parsed, http.remote_address)) {
      answer(connection, hub.refuse(*error));
    } else if (parsed.is_websocket) {
      hub.handle_ws_open(http, parsed, connection, now);
    } else {
      hub.handle_request(http, parsed, connection, now);
    }
    return connection;
  }
  static std::string query(std::string_view transport, std::string_view sid) {
    std::string text = "EIO=4&transport=";
    text += transport;
    if (!sid.empty()) text.append("&sid=").append(sid);
    return text;
  }
  ConnectionId get(std::string_view sid) { return send(request(Method::Get, query("polling", sid))); }
  ConnectionId post(std::string_view sid, PostedBody posted) {
    HttpRequest http = request(Method::Post, query("polling", sid));
    http.headers.push_back({"Content-Type", std::move(posted.content_type)});
    http.body = std::move(posted.body);
    return send(std::move(http));
  }
  ConnectionId websocket(std::string_view sid = {}) {
    HttpRequest http = request(Method::Get, query("websocket", sid));
    http.is_websocket = true;
    return send(std::move(http));
  }
  /// A new session on polling; its sid.
  std::string open() {
    const ConnectionId connection = get({});
    return sid_in(body_of(connection));
  }
  /// A session that went from polling to `websocket`; its sid.
  std::string open_upgraded(ConnectionId& socket) {
    std::string sid = open();
    socket = websocket(sid);
    say(socket, "2probe");
    say(socket, "5");
    sent[socket].clear();
    return sid;
  }
  void say(ConnectionId socket, std::string_view text) { hub.handle_ws_text(socket, text, now); }
  void say_binary(ConnectionId socket, std::string_view bytes) { hub.handle_ws_binary(socket, bytes, now); }
  void drop(ConnectionId connection) {
    hub.handle_ws_closed(connection, now);
    hub.handle_client_gone(connection, now);
  }

  // ---- time
  void advance(Duration duration) {
    const TimePoint end = now + duration;
    while (armed <= end) {
      now = std::max(now, armed);
      armed = TimePoint::max();
      hub.handle_timeout(now);
    }
    now = end;
  }
  /// The process stands still: nothing is done until `duration` has passed.
  void stand_still(Duration duration) {
    now += duration;
    advance({});
  }

  // ---- what came back
  [[nodiscard]] bool answered(ConnectionId connection) const { return answers.contains(connection); }
  [[nodiscard]] int status_of(ConnectionId connection) const {
    const auto found = answers.find(connection);
    return found == answers.end() ? 0 : found->second.status;
  }
  [[nodiscard]] std::string body_of(ConnectionId connection) const {
    const auto found = answers.find(connection);
    return found == answers.end() ? "(waits)" : found->second.body;
  }
  /// What a new poll is answered with at once; "(gone)" for the session that is not known any more.
  std::string poll(std::string_view sid) {
    const ConnectionId connection = get(sid);
    return status_of(connection) == 400 ? "(gone)" : body_of(connection);
  }
  [[nodiscard]] bool is_known(std::string_view sid) const {
    engineio::Request request;
    request.transport = engineio::Transport::WebSocket;
    request.is_websocket = true;
    request.sid = sid;
    return !hub.verify(request, {});
  }
  [[nodiscard]] bool is_closed(ConnectionId socket) const { return closed.contains(socket); }
  /// What a WebSocket was sent since the last call; binary messages begin with "b:".
  std::vector<std::string> take_sent(ConnectionId socket) { return std::exchange(sent[socket], {}); }

  static std::string sid_in(const std::string& packet) {
    constexpr std::string_view kKey = R"("sid":")";
    const std::size_t at = packet.find(kKey);
    if (at == std::string::npos) return {};
    const std::size_t begin = at + kKey.size();
    return packet.substr(begin, packet.find('"', begin) - begin);
  }

  SeededEntropy entropy{7};
  TimePoint now{hours{1}};
  TimePoint armed = TimePoint::max();
  std::map<ConnectionId, engineio::Answer> answers;
  std::map<ConnectionId, std::vector<std::string>> sent;
  std::set<ConnectionId> closed;
  bool websockets_are_full = false;
  engineio::Hub hub;

 private:
  ConnectionId next() { return ConnectionId{++last_connection_}; }

  void answer(ConnectionId connection, const engineio::Answer& answer) override {
    EXPECT_TRUE(answers.emplace(connection, answer).second) << "answered twice: " << connection;
  }
  bool ws_text(ConnectionId connection, std::string_view text) override { return put(connection, std::string{text}); }
  bool ws_binary(ConnectionId connection, std::string_view bytes) override {
    return put(connection, "b:" + std::string{bytes});
  }
  bool put(ConnectionId connection, std::string message) {
    EXPECT_FALSE(closed.contains(connection)) << message;
    if (websockets_are_full) return false;
    sent[connection].push_back(std::move(message));
    return true;
  }
  void ws_close(ConnectionId connection) override {
    EXPECT_TRUE(closed.insert(connection).second) << "closed twice: " << connection;
  }
  void arm(TimePoint at) override { armed = at; }

  std::uint64_t last_connection_ = 0;
};

/// Tells back what it hears, and writes down what happened.
class EngineEcho final : public engineio::Acceptor {
 public:
  struct Heard {
    std::vector<std::string> messages;
    std::vector<engineio::CloseReason> closed;
    engineio::Session* session = nullptr;
  };

  std::unique_ptr<engineio::Listener> accept(engineio::Session& session, TimePoint) override {
    Heard& heard = by_sid[session.sid()];
    heard.session = &session;
    return std::make_unique<Listener>(heard);
  }
  Heard& of(const std::string& sid) { return by_sid[sid]; }

  std::map<std::string, Heard> by_sid;

 private:
  class Listener final : public engineio::Listener {
   public:
    explicit Listener(Heard& heard) : heard_{heard} {}
    void on_message(engineio::Session& session, std::string_view text, TimePoint now) override {
      heard_.messages.emplace_back(text);
      if (text == "close!") session.close(now);
      session.send("4" + std::string{text});
    }
    void on_binary(engineio::Session& session, std::string_view bytes, TimePoint) override {
      heard_.messages.push_back("b:" + std::string{bytes});
      session.send_binary(bytes);
    }
    void on_close(engineio::Session&, engineio::CloseReason reason, TimePoint) override {
      heard_.closed.push_back(reason);
      heard_.session = nullptr;
    }

   private:
    Heard& heard_;
  };
};

}  // namespace zvonok::test
